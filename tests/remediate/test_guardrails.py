from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from sentinel.model.plan import ActionKind
from sentinel.model.settings import Change, Knob, Settings
from sentinel.remediate.guardrails import Judgement, Surroundings, judge, why_not_start
from sentinel.remediate.policy import Policy
from sentinel.store.actions import ActionHistory
from tests.builders import NOON, a_deployment, a_plan

QUIET = ActionHistory(in_flight=(), last_on_knob=None, on_target=0, overall=0)


def judged(**changes: object) -> Judgement:
    around = {name: changes.pop(name) for name in Surroundings.__slots__ if name in changes}
    weighed = {
        "plan": a_plan(),
        "deployment": a_deployment(),
        "history": QUIET,
        "policy": Policy(),
        "now": NOON,
        "around": Surroundings(**{"newest": NOON, **around}),  # type: ignore[arg-type]
        **changes,
    }
    return judge(**weighed)  # type: ignore[arg-type]


def test_a_plan_within_all_limits_is_allowed() -> None:
    assert judged() == Judgement(allowed=True, reason="within all limits")


def test_the_global_stop_goes_before_everything() -> None:
    judgement = judged(stopped="freeze")

    assert not judgement.allowed
    assert judgement.reason == "stopped by a person: freeze"


def test_an_expired_plan_is_never_allowed() -> None:
    judgement = judged(now=NOON + timedelta(minutes=6), newest=NOON + timedelta(minutes=6))

    assert (judgement.allowed, judgement.retry_at) == (False, None)


@pytest.mark.parametrize("newest", [None, NOON - timedelta(minutes=3)])
def test_nothing_is_changed_on_missing_or_stale_telemetry(newest: object) -> None:
    judgement = judged(newest=newest)

    assert not judgement.allowed
    assert "nothing is changed on stale data" in judgement.reason


def test_a_deployment_changed_since_makes_the_plan_void() -> None:
    judgement = judged(deployment=a_deployment(revision="r2"))

    assert (judgement.allowed, judgement.retry_at) == (False, None)


def test_an_update_in_flight_is_waited_for() -> None:
    judgement = judged(deployment=a_deployment(updating=True))

    assert not judgement.allowed
    assert judgement.retry_at is not None


def test_the_maximum_is_bounded() -> None:
    judgement = judged(plan=a_plan(changes=(Change(Knob.MAX_REPLICAS, 4, 41),)))

    assert judgement.reason == "max_replicas 4 → 41 is outside the bounds 1 to 40"


def test_the_platforms_ceiling_is_kept_even_inside_the_bounds() -> None:
    change = Change(Knob.REQUEST_TIMEOUT_MS, 60_000, 200_000)
    managed = a_deployment(ceilings=((Knob.REQUEST_TIMEOUT_MS, 180_000),))

    judgement = judged(plan=a_plan(changes=(change,)), deployment=managed)

    assert judgement.reason.endswith("is above the 180000 the platform takes")


def test_the_minimum_never_passes_the_maximum() -> None:
    change = Change(Knob.MIN_REPLICAS, 1, 5)

    judgement = judged(
        plan=a_plan(changes=(change,)), deployment=a_deployment(settings=Settings(max_replicas=4))
    )

    assert judgement.reason == "min_replicas 5 would be above max_replicas 4"


def test_one_change_at_a_time() -> None:
    judgement = judged(history=replace(QUIET, in_flight=("plan-0-apply",)))

    assert judgement.reason == "another change of it is in flight (plan-0-apply)"


def test_a_knob_cools_down() -> None:
    judgement = judged(history=replace(QUIET, last_on_knob=NOON - timedelta(minutes=1)))

    assert judgement.reason == "cooling down for another 4m"
    assert judgement.retry_at == NOON + timedelta(minutes=4)


@pytest.mark.parametrize("spent", [{"on_target": 4}, {"overall": 20}])
def test_a_spent_limit_is_waited_for(spent: dict[str, int]) -> None:
    judgement = judged(history=replace(QUIET, **spent))  # type: ignore[arg-type]

    assert not judgement.allowed
    assert "the limit is" in judgement.reason


@pytest.mark.parametrize(
    ("stopped", "minutes", "why"),
    [(None, 1, ""), ("freeze", 1, "stopped by a person: freeze"), (None, 6, "not started in time")],
)
def test_a_claimed_change_may_begin_unless_stopped_or_late(
    stopped: str | None, minutes: int, why: str
) -> None:
    claimed = a_plan().action(ActionKind.APPLY, "r1", NOON)

    assert why_not_start(claimed, Policy(), NOON + timedelta(minutes=minutes), stopped=stopped) == why
