from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.cli.command_line import Ended, sentinel
from tests.cli.recorded_load import saturated

REFUSED = ("--symptom", "requests-refused")


def diagnosed(
    capsys: pytest.CaptureFixture[str], home: Path, *arguments: str
) -> tuple[Ended, dict[str, Any]]:
    ended = sentinel(capsys, home, "diagnose", *arguments, *REFUSED, "--format", "json")
    return ended, json.loads(ended.out)


def test_files_are_diagnosed_with_cause_evidence_and_plan(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    records = saturated(tmp_path / "records")

    ended, told = diagnosed(capsys, tmp_path / "home", "--from", str(records))

    (finding,) = told["findings"]
    top = finding["causes"][0]
    assert ended.code == 1
    assert (finding["target"], finding["symptom"]) == ("deployment:chat/blue", "requests-refused")
    assert (top["id"], top["confidence"]) == ("capacity/saturated-at-maximum", 1.0)
    assert top["covers"] == ["http.k8s.503.at-max", "http.managed.429.pending"]
    assert any(evidence["held"] and evidence["rows"] for evidence in top["evidence"])
    assert any(other["outcome"] == "ruled out" for other in finding["others"])
    assert finding["plan"]["changes"] == [{"knob": "max_replicas", "before": 4, "after": 12}]
    assert (told["at"], told["age_seconds"]) == ("2026-03-04T12:02:59.700Z", 0.0)
    assert not (tmp_path / "home").exists()


def test_a_repetition_gives_the_same_bytes(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    records = saturated(tmp_path / "records")

    first, _ = diagnosed(capsys, tmp_path, "--from", str(records))
    second, _ = diagnosed(capsys, tmp_path, "--from", str(records))

    assert first.out == second.out


def test_text_tells_the_verdict_what_was_ruled_out_and_the_plan(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    records = saturated(tmp_path / "records")

    told = sentinel(capsys, tmp_path, "diagnose", "chat/blue", "--from", str(records / "records.jsonl")).out

    assert "Verdict  Every replica is busy and the deployment is at its maximum" in told
    assert "Ruled out:" in told
    assert "Plan     max_replicas 4 → 12" in told
    assert "Nothing speaks for the other" in told


def test_without_recorded_settings_no_change_is_planned(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    records = saturated(tmp_path / "records", settings=False)

    _, told = diagnosed(capsys, tmp_path, "--from", str(records))

    assert [finding["plan"] for finding in told["findings"]] == [None]


def test_nothing_wrong_ends_with_code_0(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    records = saturated(tmp_path / "records", healthy=True)

    ended, told = diagnosed(capsys, tmp_path, "--from", str(records))

    assert (ended.code, told["findings"]) == (0, [])


def test_of_files_that_go_on_after_the_incident_the_last_minute_that_hurt_is_told(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    records = saturated(tmp_path / "records")
    later = {
        "Type": "AmlComputeJobEvent",
        "TimeGenerated": "2026-03-04T12:20:00Z",
        "JobName": "train-1",
        "EventType": "JobStarted",
        "ExecutionState": "Running",
    }
    (records / "later.jsonl").write_text(json.dumps(later) + "\n")

    ended, told = diagnosed(capsys, tmp_path, "--from", str(records))
    at_the_end, nothing = diagnosed(capsys, tmp_path, "--from", str(records), "--at", "2026-03-04T12:20:00Z")

    assert (ended.code, told["at"]) == (1, "2026-03-04T12:04:00.000Z")
    assert [one["causes"][0]["id"] for one in told["findings"]] == ["capacity/saturated-at-maximum"]
    assert (at_the_end.code, nothing["findings"]) == (0, [])


def test_an_earlier_instant_does_not_see_what_came_later(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    records = saturated(tmp_path / "records", ill=range(60, 181))

    before, told = diagnosed(capsys, tmp_path, "--from", str(records), "--at", "2026-03-04T12:00:59Z")

    assert (before.code, told["newest"]) == (0, "2026-03-04T12:00:59.000Z")


@pytest.mark.parametrize(
    ("target", "code"), [("chat", 1), ("deployment:chat/blue", 1), ("chat/green", 0), ("cha", 0)]
)
def test_the_telemetry_of_a_home_is_looked_at_for_one_target(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, target: str, code: int
) -> None:
    records, home = saturated(tmp_path / "records"), tmp_path / "home"
    sentinel(capsys, home, "ingest", str(records))

    ended, _ = diagnosed(capsys, home, target)

    assert ended.code == code


@pytest.mark.parametrize(("target", "warned"), [("chat/blu", True), ("chat/blue", False), ("chat", False)])
def test_a_name_that_nothing_is_known_of_is_not_taken_for_a_healthy_target(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, target: str, *, warned: bool
) -> None:
    records = saturated(tmp_path / "records", healthy=True)

    ended = sentinel(capsys, tmp_path, "diagnose", target, "--from", str(records))

    assert ("names 'chat/blu'" in ended.err and "did you mean 'chat/blue'" in ended.err) is warned


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--symptom", "requests-refusd"], "there is no symptom 'requests-refusd'"),
        (["--from", "."], "holds none that ends in"),
    ],
)
def test_what_cannot_be_meant_is_refused(
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    arguments: list[str],
    says: str,
) -> None:
    monkeypatch.chdir(tmp_path)

    ended = sentinel(capsys, tmp_path, "diagnose", *arguments)

    assert ended.code == 2
    assert says in ended.err


def test_a_home_nobody_used_is_not_taken_for_a_quiet_system(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    ended = sentinel(capsys, tmp_path / "nowhere", "diagnose")

    assert (ended.code, ended.out) == (3, "")
