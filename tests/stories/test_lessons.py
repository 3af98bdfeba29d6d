"""Where other tools failed in public: each test's name says the lesson that was drawn.

`docs/lessons.md` maps all of them to the tests that hold them, here and elsewhere.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from sentinel.model.incident import Incident, IncidentState as At
from sentinel.model.plan import ActionKind, ActionState, Effect, RunMode
from sentinel.model.rule import RuleSet
from sentinel.model.settings import Knob
from sentinel.remediate.verify import Trial
from sentinel.store.actions import Actions
from sentinel.store.incidents import Incidents
from sentinel.store.state import State
from tests.builders import CHAT_BLUE, NOON, a_plan
from tests.stories.states import a_connection, in_memory
from tests.stories.world import EVERY, FULL, POLICY, SECOND, SYMPTOM, TARGETS, World, in_mode

BLUE, GREEN = TARGETS
MINUTE = 60 * SECOND
FIVE = tuple(replace(SYMPTOM, id=f"refused-{n}") for n in range(5))
FIVE_FOR_ONE = RuleSet(FIVE, (replace(FULL, explains=tuple(one.id for one in FIVE)),), "digest")

GUARDS = "SELECT json_extract(body, '$.guard') FROM audit WHERE kind = 'refusal'"


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    born = World(tmp_path, in_memory(a_connection()))
    yield born
    born.close()


def newest(world: World) -> Incident:
    return world.incidents()[0]


def made(world: World) -> list[tuple[str, str]]:
    """Kind and outcome of each action, the oldest first."""
    actions = reversed(Actions(world.people).listed())
    return [(one.kind.value, one.state.value) for one in actions]


def path(world: World, incident: Incident) -> list[At]:
    return [one.after for one in Incidents(world.people).transitions(incident.id)]


def test_a_change_that_no_data_speaks_for_is_taken_back_and_never_a_success(world: World) -> None:
    world.sicken(BLUE, Knob.MAX_REPLICAS)
    world.live(2 * EVERY)

    world.deaf = True
    world.live(10 * MINUTE)

    assert made(world) == [("apply", "applied"), ("undo", "applied")]
    assert At.CONFIRMED not in path(world, newest(world))


@pytest.mark.parametrize("effect", [one for one in Effect if one is not Effect.WORKED])
def test_every_end_but_worked_counts_for_the_breaker(effect: Effect) -> None:
    state = State.open(None)
    action = a_plan().action(ActionKind.APPLY, "r1", NOON)
    actions = Actions(state)
    actions.claim(action)
    actions.finish(replace(action, state=ActionState.APPLIED, finished=NOON))

    actions.conclude("plan-1", effect, NOON)
    history = actions.history(CHAT_BLUE, frozenset(), NOON, per=MINUTE)
    state.close()

    assert (history.failed_target.in_a_row, history.failed_overall.in_a_row) == (1, 1)


def test_a_change_is_judged_no_sooner_than_its_rule_and_its_knob_allow() -> None:
    slow = replace(SYMPTOM, hold=3 * MINUTE)
    hasty = a_plan(verify_after=MINUTE, verify_within=2 * MINUTE)
    applied = replace(hasty.action(ActionKind.APPLY, "r1", NOON), finished=NOON)

    trial = Trial.of(hasty, slow, lag=90 * SECOND, applied=applied)

    assert trial.since == NOON + 90 * SECOND
    assert trial.earliest == NOON + 90 * SECOND + slow.hold
    assert trial.deadline >= trial.earliest


def test_a_sibling_that_falls_ill_is_not_blamed_on_the_change(world: World) -> None:
    world.sicken(BLUE, Knob.MAX_REPLICAS)
    world.live(2 * EVERY)

    world.sicken(GREEN, None)
    world.live(3 * MINUTE)

    mended = next(one for one in world.incidents() if one.target == BLUE)
    assert mended.verification is not None
    assert mended.verification.effect is Effect.WORKED


def test_five_symptoms_of_one_cause_are_one_change_and_all_of_them_end_with_it(tmp_path: Path) -> None:
    world = World(tmp_path, in_memory(a_connection()), rules=FIVE_FOR_ONE)
    world.sicken(BLUE, Knob.MAX_REPLICAS)

    world.live(10 * MINUTE)

    assert made(world) == [("apply", "applied")]
    assert [one.state for one in world.incidents()] == [At.RESOLVED] * 5
    world.close()


def test_a_change_made_for_one_symptom_is_no_edit_of_somebody_else_to_the_others(tmp_path: Path) -> None:
    world = World(tmp_path, in_memory(a_connection()), rules=FIVE_FOR_ONE)
    world.sicken(BLUE, Knob.MIN_REPLICAS)

    world.live(20 * MINUTE)

    refusals = {guard for (guard,) in world.people.database.execute(GUARDS)}
    assert refusals & {"on trial", "overtaken", "edited", "second controller"} == {"on trial", "overtaken"}
    assert [one.state for one in world.incidents()] == [At.RESOLVED] * 5
    world.close()


def test_a_late_recovery_after_the_last_rung_is_told_as_one_and_blames_no_change(world: World) -> None:
    world.policy = replace(POLICY, per_target_per_hour=9, per_hour=9, breaker_on_target=9)
    world.restart()
    world.sicken(BLUE, None)
    world.live(30 * MINUTE)
    handed_over = newest(world)

    world.heal(BLUE)
    world.live(5 * MINUTE)

    assert (handed_over.state, handed_over.why) == (At.ESCALATED, "ask for quota")
    assert newest(world).why.startswith("recovered by itself")


def test_the_same_trouble_at_another_time_is_another_incident(world: World) -> None:
    world.sicken(BLUE, Knob.MAX_REPLICAS)
    world.live(10 * MINUTE)
    first = newest(world)

    world.sicken(BLUE, Knob.MAX_REPLICAS)
    world.live(2 * EVERY)

    assert first.state is At.RESOLVED
    assert newest(world).id != first.id
    assert newest(world).opened > first.opened


def test_nothing_is_made_smaller_or_larger_when_the_metrics_vanish(world: World) -> None:
    before = world.served[BLUE].settings

    world.deaf = True
    world.sicken(BLUE, Knob.MAX_REPLICAS)
    world.live(30 * MINUTE)

    assert made(world) == []
    assert world.served[BLUE].settings == before


def test_who_approves_past_every_screen_changes_nothing_in_readonly(tmp_path: Path) -> None:
    world = World(tmp_path, in_memory(a_connection()), policy=in_mode(POLICY, RunMode.READONLY))
    world.sicken(BLUE, Knob.MAX_REPLICAS)
    world.live(2 * EVERY)

    world.decide("approve", newest(world).id)
    world.live(5 * MINUTE)

    assert made(world) == []
    assert "readonly" in newest(world).why
    world.close()


def test_a_clock_that_steps_back_releases_no_cooldown_and_confirms_nothing(world: World) -> None:
    world.sicken(BLUE, None)
    world.live(2 * EVERY)
    assert made(world) == [("apply", "applied")]

    world.jump(timedelta(hours=-2))
    world.live(2 * EVERY)

    assert sorted(made(world)) == [("apply", "applied"), ("undo", "applied")]
    assert newest(world).verification is None
