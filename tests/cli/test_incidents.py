from __future__ import annotations

import csv
import json
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from sentinel.model.incident import Approval, IncidentState
from sentinel.model.target import deployment
from sentinel.store.incidents import Incidents
from sentinel.store.state import State
from tests.cli.command_line import Ended, sentinel
from tests.report.incident_samples import a_resolved_incident, a_waiting_incident


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A home with an incident that is over and one that waits for a person."""
    with closing(State.open(tmp_path / "state.db")) as state:
        a_resolved_incident(state, "inc-over")
        a_waiting_incident(state, "inc-waits", deployment("chat", "green"))
    return tmp_path


@pytest.fixture
def lasting(home: Path) -> Path:
    """The same home, where the waiting plan does not expire."""
    with closing(State.open(home / "state.db")) as state:
        found = Incidents(state).get("inc-waits")
        assert found is not None
        assert found.incident.plan is not None
        plan = replace(found.incident.plan, expires=datetime(2999, 1, 1, tzinfo=UTC))
        Incidents(state).touch(found, plan=plan)
    return home


def stored(home: Path, incident: str) -> tuple[IncidentState, Approval]:
    with closing(State.open(home / "state.db")) as state:
        found = Incidents(state).get(incident)
    assert found is not None
    return found.incident.state, found.incident.approval


class TestIncidents:
    def test_lists_those_that_are_not_closed(self, capsys: pytest.CaptureFixture[str], home: Path) -> None:
        ended = sentinel(capsys, home, "incidents", "--format", "json")

        listed = json.loads(ended.out)
        assert [one["Id"] for one in listed] == ["inc-waits"]
        assert listed[0]["State"] == "waiting"
        assert listed[0]["Opened"] == "2026-01-05T10:00:00Z"

    def test_lists_the_closed_ones_by_request(self, capsys: pytest.CaptureFixture[str], home: Path) -> None:
        ended = sentinel(capsys, home, "incidents", "--all", "--format", "csv")

        ids = {row["Id"] for row in csv.DictReader(ended.out.splitlines())}
        assert ids == {"inc-over", "inc-waits"}

    def test_shows_local_times_by_request(self, capsys: pytest.CaptureFixture[str], home: Path) -> None:
        ended = sentinel(capsys, home, "incidents", "--tz", "Europe/Berlin")

        assert "2026-01-05 11:00:00+0100" in ended.out

    def test_refuses_a_home_that_is_not_there(
        self, capsys: pytest.CaptureFixture[str], tmp_path: Path
    ) -> None:
        ended = sentinel(capsys, tmp_path / "typo", "incidents")

        assert ended.code == 3
        assert ended.out == ""
        assert "there is nothing at" in ended.err
        assert not (tmp_path / "typo").exists()


class TestExplain:
    def test_tells_an_incident_by_the_beginning_of_its_id(
        self, capsys: pytest.CaptureFixture[str], home: Path
    ) -> None:
        ended = sentinel(capsys, home, "explain", "inc-o")

        assert ended.code == 0
        assert "VERDICT\n  Every replica is busy" in ended.out
        assert "ceil(18.2 × 0.52 / 0.7 / 1) = 14" in ended.out

    def test_answers_one_for_an_id_nobody_has(self, capsys: pytest.CaptureFixture[str], home: Path) -> None:
        ended = sentinel(capsys, home, "explain", "nobody")

        assert ended.code == 1
        assert ended.out == ""
        assert "no incident" in ended.err

    def test_is_json_by_request(self, capsys: pytest.CaptureFixture[str], home: Path) -> None:
        ended = sentinel(capsys, home, "explain", "inc-over", "--format", "json")

        assert json.loads(ended.out)["incident"]["id"] == "inc-over"


class TestPlans:
    def test_lists_every_plan_with_its_standing(self, capsys: pytest.CaptureFixture[str], home: Path) -> None:
        ended = sentinel(capsys, home, "plans", "--format", "jsonl")

        standings = {
            (row := json.loads(line))["Incident"]: row["Standing"] for line in ended.out.splitlines()
        }
        assert standings == {"inc-over": "applied", "inc-waits": "expired"}

    def test_lists_none_that_waits_once_all_expired(
        self, capsys: pytest.CaptureFixture[str], home: Path
    ) -> None:
        ended = sentinel(capsys, home, "plans", "--waiting", "--format", "json")

        assert json.loads(ended.out) == []


class TestDecisions:
    @pytest.mark.parametrize(
        ("arguments", "standing"),
        [
            (("approve", "inc-w"), (IncidentState.WAITING, Approval.APPROVED)),
            (("deny", "inc-w", "--reason", "no"), (IncidentState.ESCALATED, Approval.DENIED)),
        ],
        ids=["approve", "deny"],
    )
    def test_a_waiting_plan_is_decided(
        self,
        capsys: pytest.CaptureFixture[str],
        lasting: Path,
        arguments: tuple[str, ...],
        standing: tuple[IncidentState, Approval],
    ) -> None:
        ended = sentinel(capsys, lasting, *arguments)

        assert ended.code == 0
        assert stored(lasting, "inc-waits") == standing

    def test_a_change_in_force_is_undone(self, capsys: pytest.CaptureFixture[str], home: Path) -> None:
        ended = sentinel(capsys, home, "undo", "inc-over", "--by", "mia", "--reason", "wrong time")

        assert ended == Ended(0, "inc-over undoing: undo asked for by mia: wrong time\n", "")
        assert stored(home, "inc-over")[0] is IncidentState.UNDOING

    @pytest.mark.parametrize("arguments", [("approve", "inc-over"), ("deny", "inc-over", "--reason", "no")])
    def test_a_decision_that_does_not_fit_changes_nothing(
        self, capsys: pytest.CaptureFixture[str], home: Path, arguments: tuple[str, ...]
    ) -> None:
        ended = sentinel(capsys, home, *arguments)

        assert ended.code == 1
        assert ended.err == "sentinel: inc-over is resolved; it waits for no approval\n"
        assert stored(home, "inc-over") == (IncidentState.RESOLVED, Approval.NONE)

    def test_a_denial_needs_a_reason(self, capsys: pytest.CaptureFixture[str], home: Path) -> None:
        ended = sentinel(capsys, home, "deny", "inc-waits")

        assert ended.code == 2
        assert "--reason" in ended.err


class TestStop:
    def test_holds_until_it_is_lifted(self, capsys: pytest.CaptureFixture[str], home: Path) -> None:
        stopped = sentinel(capsys, home, "stop", "--reason", "freeze")

        assert stopped.code == 0
        assert (home / "stop").read_text() == "freeze\n"

        resumed = sentinel(capsys, home, "stop", "--resume")

        assert resumed.code == 0
        assert not (home / "stop").exists()

    def test_keeps_the_first_reason_when_asked_for_again(
        self, capsys: pytest.CaptureFixture[str], home: Path
    ) -> None:
        sentinel(capsys, home, "stop", "--reason", "freeze")

        again = sentinel(capsys, home, "stop")

        assert again.code == 0
        assert again.err.startswith("It was stopped already (freeze).")
        assert (home / "stop").read_text() == "freeze\n"

    def test_takes_another_reason_when_one_is_given(
        self, capsys: pytest.CaptureFixture[str], home: Path
    ) -> None:
        sentinel(capsys, home, "stop", "--reason", "freeze")

        again = sentinel(capsys, home, "stop", "--reason", "audit")

        assert again.err.startswith("It was stopped already (freeze); the reason is now: audit.")
        assert (home / "stop").read_text() == "audit\n"

    def test_of_a_mistyped_home_is_refused(self, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
        ended = sentinel(capsys, tmp_path / "typo", "stop")

        assert ended.code == 3
        assert not (tmp_path / "typo").exists()

    def test_is_mentioned_to_who_decides_meanwhile(
        self, capsys: pytest.CaptureFixture[str], home: Path
    ) -> None:
        sentinel(capsys, home, "stop", "--reason", "freeze")

        ended = sentinel(capsys, home, "undo", "inc-over")

        assert "nothing is changed while everything is stopped (freeze)" in ended.err
