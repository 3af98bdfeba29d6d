from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

import pytest

from sentinel.model.incident import Incident, IncidentState
from sentinel.model.plan import Effect, Plan, Verification
from sentinel.model.settings import Change, Knob
from sentinel.remediate.memory import Experience, Memory, remembered
from sentinel.remediate.planner import plan_for
from sentinel.remediate.policy import Policy
from sentinel.store.actions import Actions
from tests.builders import NOON, a_cause, a_deployment, a_plan, a_verdict, an_incident
from tests.remediate.test_outlook import LOWER, RAISE_MINIMUM
from tests.stories.states import a_connection, in_memory
from tests.stories.world import SECOND, TARGETS, World

CAUSE = a_cause(remedies=(LOWER, RAISE_MINIMUM))
DAY = timedelta(days=1)


def ended(effect: Effect, at: datetime = NOON - DAY, remedy: int = 1) -> Incident:
    """A resolved incident of the cause whose plan was judged so."""
    verified = Verification(effect, at, 0.4, 1000, 0.0, 1000, -0.45, -0.35, "")
    plan = a_plan(cause=CAUSE.id, remedy=remedy)
    return an_incident(state=IncidentState.RESOLVED, plan=plan, verification=verified, updated=at)


def planned(memory: Memory) -> Plan:
    verdict = a_verdict(facts={"rps": 12.0, "seconds": 0.2})
    made = plan_for(an_incident(), verdict, CAUSE, a_deployment(), Policy(), NOON, memory=memory)
    assert isinstance(made, Plan)
    return made


@pytest.mark.parametrize(
    ("effect", "known"),
    [
        (Effect.WORKED, {1: Experience(worked=True, at=NOON - DAY)}),
        (Effect.HELPED, {1: Experience(worked=False, at=NOON - DAY)}),
        (Effect.INCONCLUSIVE, {1: Experience(worked=False, at=NOON - DAY)}),
        (Effect.NOT_NEEDED, {}),
    ],
)
def test_only_what_worked_is_remembered_as_such(effect: Effect, known: Memory) -> None:
    assert remembered([ended(effect)], CAUSE.id, NOON) == known


def test_a_remedy_that_was_taken_back_is_remembered_too() -> None:
    tried = an_incident(tried=(f"{CAUSE.id}#0", "another/cause#1"), updated=NOON - DAY)

    assert remembered([tried], CAUSE.id, NOON) == {0: Experience(worked=False, at=NOON - DAY)}


def test_the_last_time_counts() -> None:
    past = [ended(Effect.NO_EFFECT), ended(Effect.WORKED, NOON - 3 * DAY)]

    assert remembered(past, CAUSE.id, NOON) == {1: Experience(worked=False, at=NOON - DAY)}


def test_what_is_long_ago_and_what_was_another_cause_is_not_remembered() -> None:
    assert remembered([ended(Effect.WORKED, NOON - 31 * DAY)], CAUSE.id, NOON) == {}
    assert remembered([ended(Effect.WORKED)], "another/cause", NOON) == {}


@pytest.mark.parametrize(
    ("memory", "rung", "said"),
    [
        ({}, 0, ""),
        ({1: Experience(worked=True, at=NOON - DAY)}, 1, "; it worked for this cause on 2026-03-03"),
        ({0: Experience(worked=False, at=NOON - DAY)}, 1, ""),
        (
            {n: Experience(worked=False, at=NOON - DAY) for n in (0, 1)},
            0,
            "; it did not help for this cause on 2026-03-03",
        ),
    ],
    ids=["nothing is known", "the second worked", "the first did not help", "neither helped"],
)
def test_what_worked_goes_first_and_what_did_not_help_last(memory: Memory, rung: int, said: str) -> None:
    plan = planned(memory)

    assert plan.remedy == rung
    assert plan.formula.workings.endswith(said)
    assert ("for this cause" in plan.formula.workings) == bool(said)


def test_the_second_time_the_cure_of_the_first_is_made_at_once(tmp_path: Path) -> None:
    world = World(tmp_path, in_memory(a_connection()))
    world.sicken(TARGETS[0], Knob.TARGET_UTILIZATION)
    world.live(3600 * SECOND)
    before = len(Actions(world.people).listed())

    world.sicken(TARGETS[0], Knob.TARGET_UTILIZATION)
    world.live(3600 * SECOND)

    made = Actions(world.people).listed()
    world.close()
    assert before == 5
    assert [one.changes for one in made[:-before]] == [(Change(Knob.TARGET_UTILIZATION, 50, 30),)]
