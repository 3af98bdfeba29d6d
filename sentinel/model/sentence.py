"""Sentences with numbers in them: a text whose `{name}` and `{name:.1f}` are filled from a row."""

from __future__ import annotations

import re
from collections.abc import Mapping
from string import Formatter
from typing import Any, Final

_SPEC: Final = re.compile(r"[<>^]?\d{0,2},?(\.\d{1,2})?[dfgs%]?")
_NAME: Final = re.compile(r"[A-Za-z_]\w*")
_NUMBER: Final = re.compile(r"[\d.]+\w*")
UNKNOWN: Final = "unknown"
"""What stands for a number that no row gave."""


def fields_of(template: str) -> tuple[str, ...]:
    """The names a sentence needs, in order.

    Raises:
        ValueError: It is not a text with plain `{name}` or `{name:spec}` in it; attributes, indexes, conversions and
            nested fields are refused.
    """
    names = []
    for _, name, spec, conversion in Formatter().parse(template):
        if name is None:
            continue
        if not _NAME.fullmatch(name):
            raise ValueError(f"{{{name}}} is not a plain name")
        if conversion:
            raise ValueError(f"{{{name}!{conversion}}}: conversions are not taken")
        if spec and not _SPEC.fullmatch(spec):
            raise ValueError(f"{{{name}:{spec}}}: the format is not one such as .1f, d, .0% or s")
        names.append(name)
    return tuple(names)


def fill(template: str, values: Mapping[str, Any]) -> str:
    """The sentence with its names filled in; a name without a value reads `unknown`.

    Raises:
        ValueError: As `fields_of`.
    """
    fields_of(template)
    parts = []
    for literal, name, spec, _ in Formatter().parse(template):
        parts.append(literal)
        if name is not None:
            parts.append(_shown(values.get(name), spec or ""))
    return " ".join("".join(parts).split())


def _shown(value: Any, spec: str) -> str:
    if value is None or value == "":
        return UNKNOWN
    if isinstance(value, float) and not spec:
        return f"{value:.6g}"
    try:
        return format(value, spec)
    except (ValueError, TypeError):
        return str(value)


def without_numbers(text: str) -> str:
    """A sentence in which every number is `#`, so that two that differ in their numbers only are the same."""
    return _NUMBER.sub("#", text)
