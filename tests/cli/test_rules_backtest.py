from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.command_line import sentinel
from tests.cli.recorded_load import saturated
from tests.detect.rule_texts import CAUSE, SYMPTOM, small_pack
from tests.parts.two_busy_replicas import records


@pytest.fixture
def pack(tmp_path: Path) -> Path:
    return small_pack(tmp_path / "pack", symptom=SYMPTOM, cause=CAUSE)


def test_a_backtest_of_files_lists_what_would_have_been_done(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, pack: Path
) -> None:
    records = saturated(tmp_path / "records")
    command = ("rules", "backtest", str(pack), "--records", str(records), "--format", "json")

    first, second = (sentinel(capsys, tmp_path / "home", *command) for _ in range(2))

    told = json.loads(first.out)
    assert (first.code, first.out) == (0, second.out)
    assert [done["summary"] for done in told["done"]] == ["max_replicas 4 → 40"]
    assert [one["symptom"] for one in told["incidents"]] == ["refused"]
    assert "M rows a minute" in first.err


def test_a_backtest_of_a_home_keeps_to_the_span_and_the_mode(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, pack: Path
) -> None:
    home = tmp_path / "home"
    sentinel(capsys, home, "ingest", str(saturated(tmp_path / "records")))
    command = ("rules", "backtest", str(pack), "--from", "2026-03-04T12:00:00Z", "--to")

    early = sentinel(capsys, home, *command, "2026-03-04T12:00:20Z")
    late = sentinel(capsys, home, *command, "2026-03-04T12:02:50Z", "--mode", "readonly")

    assert "Incidents: 0" in early.out
    assert "Would have been done: 0" in late.out
    assert "readonly: max_replicas 4 → 40 is advised" in late.out
    assert not (home / "state.db").exists()


def test_a_history_that_ends_before_it_begins_is_refused(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, pack: Path
) -> None:
    records = saturated(tmp_path / "records", seconds=10)

    ended = sentinel(
        capsys, tmp_path, "rules", "backtest", str(pack), "--records", str(records), "--from", "2027-01-01"
    )

    assert ended.code == 2
    assert "before it begins" in ended.err


def test_what_each_policy_would_have_done_joins_the_backtest_unless_it_is_left_out(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, pack: Path
) -> None:
    path = tmp_path / "busy.jsonl"
    path.write_text("\n".join(map(json.dumps, records())))
    command = ("rules", "backtest", str(pack), "--records", str(path))

    first, second = (sentinel(capsys, tmp_path / "home", *command, "--format", "json") for _ in range(2))
    text = sentinel(capsys, tmp_path / "home", *command)
    without = sentinel(capsys, tmp_path / "home", *command, "--no-policies")

    (blue,) = json.loads(first.out)["policies"]
    assert first.out == second.out
    assert blue["calibrated"]
    assert "Policies, simulated on what came: 1 deployment with requests" in text.out
    assert "Policies" not in without.out
