from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.command_line import Ended, sentinel
from tests.cli.recorded_load import saturated
from tests.detect.rule_texts import CAUSE, SYMPTOM, small_pack


def compared(
    capsys: pytest.CaptureFixture[str], folder: Path, *form: str, symptom: str = SYMPTOM, cause: str = CAUSE
) -> Ended:
    before = small_pack(folder / "a", symptom=SYMPTOM, cause=CAUSE)
    after = small_pack(folder / "b", symptom=symptom, cause=cause)
    records = saturated(folder / "records", seconds=100)
    return sentinel(
        capsys, folder, "rules", "diff", str(before), str(after), "--records", str(records), *form
    )


def test_the_same_rules_do_not_differ(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    ended = compared(capsys, tmp_path)

    assert (ended.code, ended.out) == (0, "no incident differs\n")


def test_another_size_is_told(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    ended = compared(capsys, tmp_path, "--format", "json", cause=CAUSE.replace("rps = 20.0", "rps = 0.6"))

    (one,) = json.loads(ended.out)["differences"]
    assert ended.code == 1
    assert (one["a"]["done"], one["b"]["done"]) == (["max_replicas 4 → 40"], ["max_replicas 4 → 9"])


def test_an_incident_only_one_has_is_told(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    ended = compared(capsys, tmp_path, symptom=SYMPTOM.replace("Refused >= 5", "Refused >= 5000"))

    assert ended.code == 1
    assert "B: no incident" in ended.out
    assert "A: capacity/few; max_replicas 4 → 40" in ended.out
