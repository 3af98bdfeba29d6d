from __future__ import annotations

import dataclasses
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args, get_type_hints

import pytest

from sentinel.config import Config
from sentinel.config.decode import decode
from sentinel.model.settings import Knob
from sentinel.remediate.policy import DEFAULT_BOUNDS

PAGE = (Path(__file__).parents[2] / "docs" / "configuration.md").read_text("utf-8")


def dataclasses_in(kind: Any) -> Iterator[Any]:
    if dataclasses.is_dataclass(kind):
        yield kind
    for inner in get_args(kind):
        yield from dataclasses_in(inner)


def keys_of(kind: Any, prefix: str = "") -> Iterator[str]:
    for name, hint in get_type_hints(kind).items():
        inner = list(dataclasses_in(hint))
        if not inner or hasattr(hint, "__args__"):
            yield prefix + name
        for one in inner:
            yield from keys_of(one, f"{prefix}{name}.")


KEYS = sorted(set(keys_of(Config)))
DOCUMENTED = {
    *re.findall(r"^\| `([a-z_.]+)` \| [^|]*\| [^|]*\|$", PAGE, re.MULTILINE),
    *re.findall(r"^## `\[\[([a-z]+)\]\]`", PAGE, re.MULTILINE),
}


def test_every_setting_is_documented() -> None:
    assert [key for key in KEYS if key not in DOCUMENTED] == []


def test_nothing_is_documented_that_is_no_setting() -> None:
    knobs = {knob.value for knob in Knob}
    assert [key for key in sorted(DOCUMENTED) if key not in KEYS and key not in knobs] == []


def test_the_example_can_be_used() -> None:
    (example,) = re.findall(r"```toml\n(.*?)```", PAGE, re.DOTALL)

    _, problems = decode(Config, tomllib.loads(example))

    assert problems == []


@pytest.mark.parametrize("knob", list(Knob))
def test_the_bounds_of_every_knob_are_documented(knob: Knob) -> None:
    bounds = DEFAULT_BOUNDS[knob]

    assert re.search(rf"^\| `{knob}`[^|]*\| {bounds.low} \| {bounds.high} \|$", PAGE, re.MULTILINE)
