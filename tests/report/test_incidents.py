from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

from sentinel.model.incident import IncidentState
from sentinel.model.target import deployment
from sentinel.report.incidents import MEANING, incident_detail, incident_list, state_counts, timeline
from sentinel.store.incidents import Incidents
from sentinel.store.state import State
from tests.report.incident_samples import a_resolved_incident, a_waiting_incident, an_incident

GREEN = deployment("chat", "green")


@pytest.fixture
def state() -> Iterator[State]:
    state = State.open(None)
    yield state
    state.close()


def test_the_list_leaves_closed_incidents_out_unless_asked(state: State) -> None:
    a_resolved_incident(state, "i1")
    a_waiting_incident(state, "i2", GREEN)

    assert [row.id for row in incident_list(state)] == ["i2"]
    assert [row.id for row in incident_list(state, closed=True)] == ["i1", "i2"]


def test_a_row_names_cause_and_changes(state: State) -> None:
    a_waiting_incident(state)

    (row,) = incident_list(state)

    assert row.cause == "Every replica is busy and the deployment is at its maximum"
    assert row.changes == "max_replicas 4 → 14"


def test_the_detail_holds_what_happened(state: State) -> None:
    a_resolved_incident(state)

    detail = incident_detail(state, "i1")

    assert detail is not None
    assert [step.after for step in detail.transitions][-1] is IncidentState.RESOLVED
    assert [action.revision for action in detail.actions] == ["8"]
    assert detail.plan is detail.incident.plan


def test_an_unknown_incident_has_no_detail(state: State) -> None:
    assert incident_detail(state, "nothing") is None


def test_the_time_line_counts_from_the_opening(state: State) -> None:
    a_resolved_incident(state)
    detail = incident_detail(state, "i1")
    assert detail is not None

    steps = timeline(detail)

    assert [(step.seconds, step.state.value) for step in steps] == [
        (0, "open"),
        (31, "diagnosed"),
        (32, "waiting"),
        (40, "settling"),
        (125, "resolved"),
    ]


def test_a_step_without_a_reason_says_what_its_state_means(state: State) -> None:
    Incidents(state).create(replace(an_incident(), why=""))
    detail = incident_detail(state, "i1")
    assert detail is not None

    assert timeline(detail)[0].sentence == "The symptom holds."


def test_states_are_counted_in_the_order_of_the_flow(state: State) -> None:
    a_resolved_incident(state, "i1")
    a_waiting_incident(state, "i2", GREEN)

    assert list(state_counts(state).items()) == [(IncidentState.WAITING, 1), (IncidentState.RESOLVED, 1)]


def test_every_state_means_something() -> None:
    assert set(MEANING) == set(IncidentState)
