from __future__ import annotations

from collections.abc import Iterator

import pytest

from sentinel.model.incident import Approval, IncidentState
from sentinel.model.target import deployment
from sentinel.report.plans import Standing, past_changes, pending, plan_list
from sentinel.store.state import State
from tests.report.incident_samples import a_resolved_incident, a_waiting_incident, advance, after

GREEN = deployment("chat", "green")


@pytest.fixture
def state() -> Iterator[State]:
    state = State.open(None)
    yield state
    state.close()


def test_a_plan_that_waits_says_what_changes_and_why(state: State) -> None:
    a_waiting_incident(state)

    (row,) = pending(state, after(60))

    assert row.standing is Standing.WAITING
    assert row.changes == "max_replicas 4 → 14"
    assert row.formula == "ceil(18.2 × 0.52 / 0.7 / 1) = 14"
    assert row.reason.startswith("chat/blue received 18.2 requests/s")


def test_a_plan_past_its_expiry_waits_for_nobody(state: State) -> None:
    a_waiting_incident(state)

    assert pending(state, after(2000)) == ()
    assert [row.standing for row in plan_list(state, after(2000))] == [Standing.EXPIRED]


def test_waiting_plans_stand_before_past_ones(state: State) -> None:
    a_resolved_incident(state, "i1")
    a_waiting_incident(state, "i2", GREEN)

    assert [(row.incident, row.standing) for row in plan_list(state, after(200))] == [
        ("i2", Standing.WAITING),
        ("i1", Standing.APPLIED),
    ]


def test_a_denied_plan_is_called_denied(state: State) -> None:
    waiting = a_waiting_incident(state)
    advance(state, waiting, after(50), "Denied.", state=IncidentState.ESCALATED, approval=Approval.DENIED)

    assert [row.standing for row in plan_list(state, after(60))] == [Standing.DENIED]


def test_what_was_done_is_listed_with_its_change(state: State) -> None:
    a_resolved_incident(state)

    (change,) = past_changes(state)

    assert [str(one) for one in change.changes] == ["max_replicas 4 → 14"]
    assert change.at == after(40)
