from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

import pytest

from sentinel.clock import VirtualClock
from sentinel.errors import DecisionError
from sentinel.model.incident import Approval, IncidentState
from sentinel.model.plan import ActionKind, ActionState, RunMode
from sentinel.remediate.decisions import Decisions
from sentinel.store.actions import Actions
from sentinel.store.incidents import Incidents
from sentinel.store.state import State
from tests.builders import NOON, a_plan, an_incident

WAITING = an_incident(state=IncidentState.WAITING, plan=a_plan(), mode=RunMode.REVIEW)


@pytest.fixture
def state() -> Iterator[State]:
    opened = State.open(None)
    yield opened
    opened.close()


@pytest.fixture
def clock() -> VirtualClock:
    return VirtualClock(NOON)


@pytest.fixture
def decisions(state: State, clock: VirtualClock) -> Decisions:
    return Decisions(state, clock)


def test_an_approval_is_stored_with_who_gave_it(state: State, decisions: Decisions) -> None:
    Incidents(state).create(WAITING)

    decided = decisions.approve("inc-1", by="ada", reason="known peak")

    assert decided.approval is Approval.APPROVED
    assert Incidents(state).transitions("inc-1")[-1].why == "approved by ada: known peak"


def test_a_denial_hands_the_incident_to_people(state: State, decisions: Decisions) -> None:
    Incidents(state).create(WAITING)

    assert decisions.deny("inc-1", by="ada").state is IncidentState.ESCALATED


def test_an_incident_is_decided_on_once(state: State, decisions: Decisions) -> None:
    Incidents(state).create(WAITING)
    decisions.approve("inc-1", by="ada")

    with pytest.raises(DecisionError, match="was approved already"):
        decisions.deny("inc-1", by="bob")


def test_an_expired_plan_cannot_be_approved(state: State, decisions: Decisions, clock: VirtualClock) -> None:
    Incidents(state).create(WAITING)
    clock.advance(timedelta(minutes=5))

    with pytest.raises(DecisionError, match="expired"):
        decisions.approve("inc-1", by="ada")


def test_an_incident_that_waits_for_nobody_cannot_be_approved(state: State, decisions: Decisions) -> None:
    Incidents(state).create(an_incident())

    with pytest.raises(DecisionError, match="inc-1 is open; it waits for no approval"):
        decisions.approve("inc-1", by="ada")


def test_an_unknown_incident_is_named(decisions: Decisions) -> None:
    with pytest.raises(DecisionError, match="there is no incident inc-9"):
        decisions.approve("inc-9", by="ada")


def test_nothing_in_force_cannot_be_undone(state: State, decisions: Decisions) -> None:
    Incidents(state).create(WAITING)

    with pytest.raises(DecisionError, match="nothing of inc-1 is in force"):
        decisions.undo("inc-1", by="ada")


def test_an_applied_plan_can_be_undone_even_when_its_incident_is_resolved(
    state: State, decisions: Decisions
) -> None:
    resolved = an_incident(state=IncidentState.RESOLVED, plan=a_plan(), closed=NOON)
    Incidents(state).create(resolved)
    action = a_plan().action(ActionKind.APPLY, "r1", NOON)
    Actions(state).claim(action)
    Actions(state).finish(replace(action, state=ActionState.APPLIED, finished=NOON, revision="r2"))

    assert decisions.undo("inc-1", by="ada").state is IncidentState.UNDOING
