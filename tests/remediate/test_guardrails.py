"""Every guard: what it just lets pass, and what it refuses with which reason."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, Final

import pytest

from sentinel.model.plan import ActionKind, Plan, RunMode
from sentinel.model.settings import Change, Deployment, Knob, Settings
from sentinel.remediate.freeze import Freeze
from sentinel.remediate.guardrails import Judgement, Surroundings, judge, why_not_start, within_step
from sentinel.remediate.policy import Policy
from sentinel.store.actions import ActionHistory, Failures
from tests.builders import NOON, a_deployment, a_plan, an_incident

QUIET = ActionHistory(in_flight=(), last_on_knob=None, on_target=0, overall=0)
SECOND = timedelta(seconds=1)
MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)
NIGHT = Freeze(name="night", start="22:00", end="06:00")
UP = Change(Knob.MAX_REPLICAS, 4, 9)
DOWN = Change(Knob.MAX_REPLICAS, 9, 4)
ADVENT = Freeze(name="advent", zone="Europe/Berlin", first="2026-03-04", last="2026-03-04")


def judged(
    *,
    plan: Plan | None = None,
    deployment: Deployment | None = None,
    policy: Policy | None = None,
    history: dict[str, Any] | None = None,
    **around: Any,
) -> Judgement:
    """What the guardrails say at noon of a good plan, but for what is given."""
    return judge(
        plan or a_plan(),
        deployment or a_deployment(),
        replace(QUIET, **(history or {})),
        policy or Policy(),
        NOON,
        Surroundings(**{"newest": NOON, **around}),
    )


def changing(*changes: Change, **more: Any) -> dict[str, Any]:
    return {"plan": a_plan(changes=changes), **more}


LETS_PASS: Final[Mapping[str, dict[str, Any]]] = {
    "stop": {"stopped": None},
    "a plan in its last second": {"plan": a_plan(expires=NOON + SECOND)},
    "a clock that is trusted again": {"untrusted_until": None},
    "a plan of a clock as wrong as it may be": {"plan": a_plan(created=NOON + 30 * SECOND)},
    "telemetry as far ahead as it may be": {"newest": NOON + 30 * SECOND},
    "telemetry as old as it may be": {"newest": NOON - 2 * MINUTE},
    "a symptom that holds": {"quiet": False},
    "a freeze at another time": {"policy": Policy(freezes=(NIGHT,))},
    "the deployment as planned for": {"deployment": a_deployment(revision="r1")},
    "the highest value within the bounds": changing(Change(Knob.MAX_REPLICAS, 4, 40)),
    "the ceiling itself": changing(Change(Knob.REQUEST_TIMEOUT_MS, 60_000, 300_000)),
    "a minimum that is the maximum": changing(Change(Knob.MIN_REPLICAS, 1, 4)),
    "a maximum and then a minimum up to it": changing(UP, Change(Knob.MIN_REPLICAS, 1, 9)),
    "no other change in flight": {"history": {"in_flight": ()}},
    "a knob that has cooled down": {"history": {"last_on_knob": NOON - 5 * MINUTE}},
    "the last change the target may have": {"history": {"on_target": 3}},
    "the last change of the hour": {"history": {"overall": 19}},
    "two failures of the target": {"history": {"failed_target": Failures(2, NOON)}},
    "three failures an hour ago": {"history": {"failed_target": Failures(3, NOON - HOUR)}},
    "four failures of all": {"history": {"failed_overall": Failures(4, NOON)}},
    "the fourth turn": {"history": {"changes": (UP, DOWN, UP, DOWN)}},
    "one edit of somebody else": {"history": {"edits": 1}},
    "half of the fleet ill": {"fleet": 8, "sick": 4},
    "two ill ones of two": {"fleet": 2, "sick": 2},
    "the last deployment of half the fleet": {"fleet": 8, "history": {"others": 3}},
    "one of a fleet of one": {"fleet": 1},
    "a fleet nobody knows": {"fleet": 0, "sick": 9, "history": {"others": 9}},
}
REFUSES: Final[Mapping[str, tuple[dict[str, Any], str]]] = {
    "stop": ({"stopped": "freeze"}, "stopped by a person: freeze"),
    "expired": ({"plan": a_plan(expires=NOON)}, "the plan expired 0s ago"),
    "clock": (
        {"untrusted_until": NOON + 5 * MINUTE},
        "the clock stepped back; nothing is changed for another 5m",
    ),
    "clock, of the plan": (
        {"plan": a_plan(created=NOON + MINUTE)},
        "the plan is from 1m in the future",
    ),
    "clock, of the telemetry": (
        {"newest": NOON + MINUTE},
        "the telemetry is 1m in the future; some clock is wrong",
    ),
    "stale": (
        {"newest": NOON - 3 * MINUTE},
        "the telemetry is 3m old; nothing is changed on stale data",
    ),
    "stale, missing": ({"newest": None}, "the telemetry is missing; nothing is changed on stale data"),
    "quiet": ({"quiet": True}, "the symptom does not hold just now"),
    "freeze": (
        {"policy": Policy(freezes=(ADVENT,))},
        "advent until 2026-03-04 23:00 UTC; a change could not be verified before it",
    ),
    "edited": (
        {"deployment": a_deployment(revision="r2")},
        "the deployment was changed since the plan was made",
    ),
    "overtaken": (
        {"deployment": a_deployment(revision="r2"), "history": {"left_at": "r2"}},
        "another change was made here since the plan was made",
    ),
    "updating": (
        {"deployment": a_deployment(updating=True)},
        "an update of the deployment is in flight",
    ),
    "bounds": (
        changing(Change(Knob.MAX_REPLICAS, 4, 41)),
        "max_replicas 4 → 41 is outside the bounds 1 to 40",
    ),
    "bounds, low": (
        changing(Change(Knob.TARGET_UTILIZATION, 70, 19)),
        "target_utilization 70 → 19 is outside the bounds 20 to 90",
    ),
    "bounds, none": (
        changing(UP, policy=Policy(bounds={})),
        "max_replicas has no bounds, so it is not changed",
    ),
    "bounds, ceiling": (
        changing(
            Change(Knob.REQUEST_TIMEOUT_MS, 60_000, 200_000),
            deployment=a_deployment(ceilings=((Knob.REQUEST_TIMEOUT_MS, 180_000),)),
        ),
        "request_timeout_ms 60000 → 200000 is above the 180000 the platform takes",
    ),
    "bounds, minimum": (
        changing(Change(Knob.MIN_REPLICAS, 1, 5)),
        "min_replicas 5 would be above max_replicas 4",
    ),
    "bounds, maximum": (
        changing(
            Change(Knob.MAX_REPLICAS, 4, 2),
            deployment=a_deployment(settings=Settings(min_replicas=3, max_replicas=4)),
        ),
        "min_replicas 3 would be above max_replicas 2",
    ),
    "in flight": (
        {"history": {"in_flight": ("plan-0-apply",)}},
        "another change of it is in flight (plan-0-apply)",
    ),
    "on trial": (
        {"history": {"on_trial": "plan-0-apply"}},
        "another change of it is on trial (plan-0-apply)",
    ),
    "cooldown": (
        {"history": {"last_on_knob": NOON - MINUTE}},
        "cooling down for another 4m",
    ),
    "limit": ({"history": {"on_target": 4}}, "4 changes of it in 1h; the limit is 4"),
    "limit, of all": ({"history": {"overall": 20}}, "20 changes in all in 1h; the limit is 20"),
    "breaker": (
        {"history": {"failed_target": Failures(3, NOON)}},
        "its last 3 changes were no success; left alone for another 1h",
    ),
    "breaker, of all": (
        {"history": {"failed_overall": Failures(5, NOON - 30 * MINUTE)}},
        "the last 5 changes were no success; left alone for another 30m",
    ),
    "flapping": (
        {"history": {"changes": (UP, DOWN, UP, DOWN, UP, DOWN)}},
        "max_replicas would turn for the 6th time in 6h; the limit is 4",
    ),
    "second controller": (
        {"history": {"edits": 2}},
        "somebody else changed it 2 times in 6h; it is left to them",
    ),
    "second controller, by its values": (
        {"history": {"edits": 1, "changes": (UP,)}},
        "somebody else changed it 2 times in 6h; it is left to them",
    ),
    "storm": (
        {"fleet": 8, "sick": 5},
        "5 of 8 deployments are ill: that is the platform, and nothing is changed",
    ),
    "blast radius": (
        {"fleet": 8, "history": {"others": 4}},
        "4 of 8 deployments were changed in 10m; the limit is 4",
    ),
}
FOR_GOOD = {"expired", "clock, of the plan", "edited", "overtaken"} | {
    one for one in REFUSES if one.startswith("bounds")
}
"""What is refused for good: its plan is void. Anything else is asked again."""


@pytest.mark.parametrize("given", LETS_PASS.values(), ids=LETS_PASS)
def test_a_guard_lets_pass(given: dict[str, Any]) -> None:
    assert judged(**given) == Judgement(allowed=True, reason="within all limits")


@pytest.mark.parametrize("guard", REFUSES)
def test_a_guard_refuses_and_says_why(guard: str) -> None:
    given, reason = REFUSES[guard]

    judgement = judged(**given)

    assert (judgement.allowed, judgement.guard, judgement.reason) == (False, guard.partition(",")[0], reason)
    assert (judgement.retry_at is None) == (guard in FOR_GOOD)


@pytest.mark.parametrize(
    ("asked", "cut"),
    [
        (Change(Knob.MAX_REPLICAS, 4, 40), 40),
        (Change(Knob.MAX_REPLICAS, 3, 40), 30),
        (Change(Knob.MAX_REPLICAS, 40, 3), 4),
    ],
    ids=["ten times as much", "more than that", "less than a tenth"],
)
def test_one_change_makes_at_most_ten_times_as_much_or_as_little(asked: Change, cut: int) -> None:
    plan = within_step(a_plan(changes=(asked,)), Policy())

    assert plan.changes[0].after == cut
    assert ("cut to" in plan.formula.workings) == (cut != asked.after)


@pytest.mark.parametrize(
    ("stopped", "minutes", "why"),
    [(None, 1, ""), ("freeze", 1, "stopped by a person: freeze"), (None, 6, "not started in time")],
)
def test_a_claimed_change_may_begin_unless_stopped_or_late(
    stopped: str | None, minutes: int, why: str
) -> None:
    assert begun(minutes, stopped=stopped) == why


@pytest.mark.parametrize(
    ("newest", "why"),
    [
        (None, "the telemetry is missing; nothing is changed on stale data"),
        (NOON - timedelta(minutes=2), "the telemetry is 3m old; nothing is changed on stale data"),
        (NOON + timedelta(minutes=2), "the telemetry is 1m in the future; some clock is wrong"),
    ],
)
def test_a_claimed_change_does_not_begin_on_telemetry_that_ended_meanwhile(
    newest: datetime | None, why: str
) -> None:
    assert begun(1, newest=newest) == why


def test_a_claimed_change_does_not_begin_under_another_run_mode() -> None:
    assert begun(1, mode=RunMode.AUTONOMOUS) == "the run mode is readonly now"


def begun(minutes: int, **changes: Any) -> str:
    """Why a change that was claimed at noon may not begin some minutes later."""
    now = NOON + timedelta(minutes=minutes)
    incident = an_incident(mode=changes.pop("mode", RunMode.READONLY))
    around = {"stopped": None, "newest": now, **changes}
    claimed = a_plan().action(ActionKind.APPLY, "r1", NOON)
    return why_not_start(claimed, Policy(), now, incident=incident, **around)
