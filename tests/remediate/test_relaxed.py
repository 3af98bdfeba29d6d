"""Which settings may be put back, when to leave them alone, and whether it went well."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from sentinel.model.finding import Measurement
from sentinel.model.incident import Approval, IncidentState
from sentinel.model.plan import Action, ActionKind, ActionState, Effect, Plan, RunMode, Verification
from sentinel.model.settings import Change, Deployment, Knob, Settings
from sentinel.model.target import Target
from sentinel.remediate.memory import Experience, remembered
from sentinel.remediate.relax import smallest_enough
from sentinel.remediate.relaxed import Raised, raised, resting, stayed_away, why_ended
from sentinel.remediate.verify import Trial
from sentinel.simulate.history import State
from sentinel.simulate.replay import Demand
from sentinel.store.actions import Made
from sentinel.store.wire import from_text, to_text
from tests.builders import NOON, a_deployment, a_finding, a_model, a_plan, an_incident

SECOND = timedelta(seconds=1)
DAY = timedelta(days=1)
REST = 7 * DAY
GROWN = Change(Knob.MAX_REPLICAS, 4, 10)


def made(number: int, *changes: Change, outcome: str = Effect.WORKED, **values: object) -> Made:
    """The n-th change of chat/blue, an hour after the one before."""
    plan = a_plan(
        id=f"plan-{number}", changes=changes, relaxes="plan-0" if values.pop("relaxes", False) else ""
    )
    action = plan.action(ActionKind.APPLY, f"r{number}", NOON + number * timedelta(hours=1))
    done = {"state": ActionState.APPLIED, "revision": f"r{number + 1}", "finished": action.claimed, **values}
    return Made(replace(action, **done), outcome)  # type: ignore[arg-type]


def taken_back(one: Made) -> list[Made]:
    """A change that had no effect, and its undoing."""
    action = one.action
    undone = replace(
        action,
        id=f"{action.plan}-undo",
        kind=ActionKind.UNDO,
        changes=tuple(change.inverse for change in action.changes),
        revision=f"{action.revision}b",
    )
    return [replace(one, outcome=Effect.NO_EFFECT.value), Made(undone, "")]


def left_by(*made: Made) -> Deployment:
    """The deployment as the last of the changes left it."""
    settings = Settings(max_replicas=4)
    for one in made:
        for change in one.action.changes:
            settings = settings.with_value(change.knob, change.after)
    return a_deployment(settings=settings, revision=made[-1].action.revision)


def test_the_value_before_the_first_of_several_raises_is_the_earlier_one() -> None:
    both = [made(1, GROWN), made(2, Change(Knob.MAX_REPLICAS, 10, 20))]

    found = raised(both, left_by(*both))

    assert isinstance(found, Raised)
    assert found.back == (Change(Knob.MAX_REPLICAS, 20, 4),)
    assert found.by.plan == "plan-2"


def test_what_somebody_else_set_in_between_is_the_earlier_value() -> None:
    both = [made(1, GROWN), made(2, Change(Knob.MAX_REPLICAS, 8, 20))]

    found = raised(both, left_by(*both))

    assert isinstance(found, Raised)
    assert found.back == (Change(Knob.MAX_REPLICAS, 20, 8),)


def test_a_lowered_target_utilisation_costs_replicas_and_is_raised_again() -> None:
    one = made(1, Change(Knob.TARGET_UTILIZATION, 70, 40))

    found = raised([one], left_by(one))

    assert isinstance(found, Raised)
    assert found.back == (Change(Knob.TARGET_UTILIZATION, 40, 70),)


def test_a_change_that_was_undone_leaves_the_one_before_it_to_be_put_back() -> None:
    first, *second = made(1, GROWN), *taken_back(made(2, Change(Knob.MAX_REPLICAS, 10, 20)))

    found = raised([first, *second], left_by(first, *second))

    assert isinstance(found, Raised)
    assert found.back == (Change(Knob.MAX_REPLICAS, 10, 4),)


@pytest.mark.parametrize(
    ("made_on_it", "changes", "why"),
    [
        ([], {}, "nothing that Sentinel changed is in force"),
        (taken_back(made(1, GROWN)), {}, "nothing that Sentinel changed is in force"),
        ([made(1, GROWN, outcome="")], {}, "its last change was not confirmed"),
        ([made(1, GROWN, outcome=Effect.HELPED)], {}, "its last change was not confirmed"),
        ([made(1, GROWN)], {"revision": "r9"}, "it was changed since"),
        ([made(1, GROWN, state=ActionState.CLAIMED)], {}, "a change of it is in flight"),
        ([made(1, Change(Knob.REQUEST_TIMEOUT_MS, 1000, 9000))], {}, "every setting is as it was"),
        ([made(1, Change(Knob.MAX_REPLICAS, 10, 4))], {}, "every setting is as it was"),
    ],
    ids=[
        "none",
        "undone",
        "on trial",
        "helped only",
        "edited",
        "in flight",
        "a setting that costs no replicas",
        "lowered",
    ],
)
def test_nothing_else_is_put_back(made_on_it: list[Made], changes: dict[str, str], why: str) -> None:
    deployment = left_by(*made_on_it) if made_on_it else a_deployment()

    assert raised(made_on_it, replace(deployment, **changes)) == why  # type: ignore[arg-type]


def test_after_one_that_was_undone_the_target_rests() -> None:
    past = [made(1, GROWN), *taken_back(made(2, GROWN.inverse, relaxes=True))]
    at = NOON + timedelta(hours=2)

    assert resting(past, (), at + DAY, REST) == "it was undone 1d ago, and is tried again after 7d"
    assert resting(past, (), at + REST, REST) == ""


def test_after_a_setting_had_to_be_raised_again_the_target_rests() -> None:
    past = [made(1, GROWN), made(2, GROWN.inverse, relaxes=True), made(3, GROWN)]

    why = resting(past, (), NOON + timedelta(hours=3) + DAY, REST)

    assert why == "it was raised again 1d ago, and is tried again after 7d"


def test_after_one_that_was_kept_the_target_does_not_rest() -> None:
    past = [made(1, GROWN), made(2, Change(Knob.MAX_REPLICAS, 10, 7), relaxes=True)]

    assert resting(past, (), NOON + timedelta(hours=3), REST) == ""


def test_after_a_plan_that_nobody_decided_on_the_target_rests() -> None:
    asked = an_incident(plan=a_plan(relaxes="plan-1"), state=IncidentState.RESOLVED, closed=NOON)

    assert resting([made(1, GROWN)], [asked], NOON + DAY, REST).startswith("it was not done 1d ago")


LOWERED: Plan = a_plan(relaxes="plan-1", changes=(GROWN.inverse,), verify_within=timedelta(hours=1))
WAITING = an_incident(
    plan=LOWERED,
    state=IncidentState.WAITING,
    mode=RunMode.AUTONOMOUS,
    last_seen=NOON - DAY,
    finding=a_finding(measure=0.0, sample=600),
    why="cooling down",
)


@pytest.mark.parametrize(
    ("changes", "mode", "after", "why"),
    [
        ({}, RunMode.AUTONOMOUS, SECOND, ""),
        ({"last_seen": NOON}, RunMode.AUTONOMOUS, SECOND, "the symptom is back"),
        ({}, RunMode.REVIEW, SECOND, "the run mode is review now"),
        ({}, RunMode.AUTONOMOUS, DAY, "not begun in time: cooling down"),
        ({"mode": RunMode.REVIEW}, RunMode.REVIEW, DAY, "nobody decided in time"),
        (
            {"mode": RunMode.REVIEW, "approval": Approval.APPROVED},
            RunMode.REVIEW,
            DAY,
            "not begun in time: cooling down",
        ),
        ({"plan": a_plan()}, RunMode.READONLY, DAY, ""),
    ],
    ids=["goes on", "needed", "mode", "late", "unanswered", "approved and late", "a remedy"],
)
def test_a_plan_is_given_up_before_it_is_begun(
    changes: dict[str, object], mode: RunMode, after: timedelta, why: str
) -> None:
    assert why_ended(replace(WAITING, **changes), mode, NOON + after) == why  # type: ignore[arg-type]


ON_TRIAL = Trial(NOON, NOON, NOON + timedelta(hours=1), NOON + timedelta(hours=2))
END = ON_TRIAL.deadline


def served(
    refused: float = 0.0, sample: int = 600, until: datetime = END
) -> Callable[..., Measurement | None]:
    """What is measured: a share of a sample in any span that begins before `until`."""

    def measure(target: Target, since: datetime, now: datetime) -> Measurement | None:
        if since >= until or not sample:
            return None
        return Measurement(target, since, now, refused, sample, refused >= 0.01)

    return measure


@pytest.mark.parametrize(
    ("measure", "at", "beside", "last_seen", "effect"),
    [
        (served(), END, "", NOON - DAY, Effect.WORKED),
        (served(), END - SECOND, "", NOON - DAY, Effect.INCONCLUSIVE),
        (served(0.3), NOON + SECOND, "", NOON - DAY, Effect.WORSE),
        (served(), NOON + SECOND, "", NOON + SECOND, Effect.WORSE),
        (served(), NOON + SECOND, "inc-9", NOON - DAY, Effect.WORSE),
        (served(sample=0), END, "", NOON - DAY, Effect.INCONCLUSIVE),
        (served(sample=5), END, "", NOON - DAY, Effect.INCONCLUSIVE),
        (served(until=END - timedelta(minutes=10)), END, "", NOON - DAY, Effect.INCONCLUSIVE),
    ],
    ids=["stayed away", "too early", "measured", "found", "beside", "silent", "too few", "silent in the end"],
)
def test_the_symptom_must_stay_away_and_be_seen_to(
    measure: Callable[..., Measurement | None], at: datetime, beside: str, last_seen: datetime, effect: Effect
) -> None:
    incident = replace(WAITING, state=IncidentState.SETTLING, last_seen=last_seen)

    assert stayed_away(incident, LOWERED, ON_TRIAL, at, measure, beside).effect is effect


def even(load: int, seconds: int = 600) -> Demand:
    """So many requests at once, all the time, each of a second."""
    return Demand([at + n / load for at in range(seconds) for n in range(load)], [1.0] * (seconds * load))


@pytest.mark.parametrize(
    ("load", "after"), [(1, 4), (4, 7), (8, 13)], ids=["the earlier value", "a value between", "nearer"]
)
def test_it_is_put_back_to_the_smallest_value_that_is_enough(load: int, after: int) -> None:
    deployment = a_deployment(settings=Settings(max_replicas=20, target_utilization=90))

    steps = (State(0.0, 20, 20, deployment.settings),)
    model = a_model(even(load), deployment.settings, steps=steps)

    found = smallest_enough(model, deployment, (Change(Knob.MAX_REPLICAS, 20, 4),))

    assert not isinstance(found, str)
    assert found.changes == (Change(Knob.MAX_REPLICAS, 20, after),)
    assert found.outlook.candidates[0].change == "max_replicas 20 → 4, at 150 %"
    assert found.outlook.candidates[-1].outcome == found.outlook.after
    assert found.formula.workings.startswith(f"{load * 600} requests of ")


def test_of_several_settings_each_is_put_back_as_far_as_it_can() -> None:
    deployment = a_deployment(settings=Settings(min_replicas=12, max_replicas=30))
    back = (Change(Knob.MAX_REPLICAS, 30, 4), Change(Knob.MIN_REPLICAS, 12, 1))

    found = smallest_enough(a_model(even(4), deployment.settings), deployment, back)

    assert not isinstance(found, str)
    values = {change.knob: change.after for change in found.changes}
    assert 1 < values[Knob.MIN_REPLICAS] <= values[Knob.MAX_REPLICAS] < 30
    assert found.outlook.after is not None
    assert found.outlook.now is not None
    assert found.outlook.after.replica_hours < found.outlook.now.replica_hours


def test_what_is_needed_stays() -> None:
    deployment = a_deployment(settings=Settings(max_replicas=6))

    found = smallest_enough(
        a_model(even(6), deployment.settings), deployment, (Change(Knob.MAX_REPLICAS, 6, 4),)
    )

    assert found == "it is needed: with 150 % of the demand max_replicas 6 → 4 is not enough"


def test_a_model_that_is_not_calibrated_puts_nothing_back() -> None:
    deployment = a_deployment(settings=Settings(max_replicas=20))
    model = a_model(even(1), deployment.settings, calibrated=False)

    found = smallest_enough(model, deployment, (Change(Knob.MAX_REPLICAS, 20, 4),))

    assert found == "not calibrated: refused 50 % simulated, 50 % observed"


def test_an_action_that_was_stored_before_anything_was_put_back_reads_as_a_remedy() -> None:
    text = to_text(made(1, GROWN).action).replace(',"relaxes":false', "")

    assert "relaxes" not in text
    assert from_text(text, Action) == made(1, GROWN).action


def test_what_came_of_putting_a_setting_back_says_nothing_of_the_remedy() -> None:
    verified = Verification(Effect.WORKED, NOON, 0.4, 600, 0.0, 600, -0.5, -0.3, "")
    raising = an_incident(plan=a_plan(), verification=verified)
    lowering = an_incident(
        plan=LOWERED, verification=replace(verified, effect=Effect.WORSE), updated=NOON + DAY
    )

    known = remembered([lowering, raising], LOWERED.cause, NOON + DAY)

    assert known == {0: Experience(worked=True, at=NOON)}
