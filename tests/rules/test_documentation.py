from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from sentinel.detect import check_rules
from sentinel.query.engine import Engine
from sentinel.rehearse import run_all_cases
from sentinel.remediate.formula import names_in
from sentinel.store.telemetry import TelemetryStore

GUIDE = Path(__file__).parents[2] / "docs" / "rules.md"
BLOCK = re.compile(r"^```(?:yaml|kql)\n(?:#|//) (\S+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


@pytest.fixture
def pack(tmp_path: Path) -> Path:
    for name, text in BLOCK.findall(GUIDE.read_text("utf-8")):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text, "utf-8")
    return tmp_path


@pytest.fixture
def engine() -> Iterator[Engine]:
    with TelemetryStore.in_memory() as store:
        engine = Engine(store)
        yield engine
        engine.close()


def test_the_rules_of_the_guide_are_right(pack: Path, engine: Engine) -> None:
    assert len(list(pack.rglob("*.yaml"))) == 4
    assert "\n".join(map(str, check_rules([pack], engine, names_in))) == ""


def test_the_cases_of_the_guide_pass(pack: Path) -> None:
    report = run_all_cases([pack], with_rules=[])

    assert len(report.results) == 4
    assert "\n".join(map(str, report.failed)) == ""
