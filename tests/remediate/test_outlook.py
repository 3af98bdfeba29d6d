"""What a simulation says to the planner."""

from __future__ import annotations

import random
import time
from dataclasses import replace
from datetime import timedelta

from sentinel.model.outlook import Price
from sentinel.model.plan import Plan
from sentinel.model.rule import Remedy, RemedyKind, VerifyWindow
from sentinel.model.settings import Change, Knob, Settings
from sentinel.remediate.planner import HandOver, plan_for
from sentinel.remediate.policy import Bounds, Policy
from sentinel.simulate.calibrate import Model, NoModel
from sentinel.simulate.replay import Demand
from sentinel.store.wire import from_text, to_text
from tests.builders import (
    CHAT_BLUE,
    NOON,
    PLACE,
    a_cause,
    a_deployment,
    a_model,
    a_plan,
    a_verdict,
    an_incident,
)

VERIFY = VerifyWindow(timedelta(seconds=60), timedelta(minutes=10))
LOWER = Remedy(
    RemedyKind.LOWER,
    PLACE,
    knob=Knob.TARGET_UTILIZATION,
    to="lower_by(target_utilization, 20, 30)",
    verify=VERIFY,
)
RAISE_MINIMUM = Remedy(
    RemedyKind.RAISE,
    PLACE,
    knob=Knob.MIN_REPLICAS,
    to="min_replicas_for(rps, seconds, target_utilization, max_concurrency)",
    verify=VERIFY,
)
SETTINGS = Settings(max_replicas=30)


def bursts(size: int = 12, every: int = 120, span: int = 1800) -> Demand:
    """Quiet, and every two minutes a second in which many come."""
    chance = random.Random(1)
    arrivals = [begin + chance.random() for begin in range(10, span, every) for _ in range(size)]
    arrivals += [chance.uniform(0, span) for _ in range(span // 10)]
    return Demand(sorted(arrivals), [1.0] * len(arrivals))


def planned(model: Model | NoModel | None, **changes: object) -> Plan | HandOver:
    weighed = {
        "incident": an_incident(),
        "verdict": a_verdict(facts={"rps": 12.0, "seconds": 1.0}),
        "cause": a_cause(remedies=(LOWER, RAISE_MINIMUM)),
        "deployment": a_deployment(settings=SETTINGS),
        "policy": Policy(),
        "now": NOON,
        **changes,
    }
    return plan_for(**weighed, model=model)  # type: ignore[arg-type]


def plan(model: Model | NoModel | None, **changes: object) -> Plan:
    made = planned(model, **changes)
    assert isinstance(made, Plan)
    return made


def test_without_a_simulation_the_first_rung_is_taken_as_ever() -> None:
    made = plan(None)

    assert made.remedy == 0
    assert made.outlook is None


def test_a_rung_that_suffices_goes_before_one_that_does_not() -> None:
    made = plan(a_model(bursts(), SETTINGS))

    assert made.remedy == 1
    assert made.changes == (Change(Knob.MIN_REPLICAS, 1, 18),)
    assert made.outlook is not None
    assert made.outlook.calibrated
    assert [one.sufficient for one in made.outlook.candidates] == [False, True]


def test_the_plan_says_what_would_have_become_of_the_requests() -> None:
    outlook = plan(a_model(bursts(), SETTINGS)).outlook

    assert outlook is not None
    assert outlook.now is not None
    assert outlook.after is not None
    assert outlook.now.refused_share > 0.3
    assert outlook.after.refused_share < 0.01
    assert outlook.after.replica_hours > outlook.now.replica_hours


def test_the_plan_knows_what_it_costs_by_the_price_of_its_target() -> None:
    own, other = Price(3.06, "EUR"), Price(1.0, "EUR")

    outlook = plan(
        a_model(bursts(), SETTINGS), policy=Policy(price=other, target_prices={str(CHAT_BLUE): own})
    ).outlook

    assert outlook is not None
    assert outlook.price == own
    assert outlook.extra_replicas is not None
    assert (
        0 < outlook.extra_replicas < 17
    )  # a minimum of 18 instead of 1, less what the autoscaler adds anyway


def test_of_two_that_suffice_the_cheaper_is_taken() -> None:
    sparing = replace(RAISE_MINIMUM, to="min_replicas_for(rps, seconds, 100, max_concurrency)")

    made = plan(a_model(bursts(), SETTINGS), cause=a_cause(remedies=(RAISE_MINIMUM, sparing)))

    assert made.remedy == 1
    assert made.changes[0].after == 12


def test_where_no_rung_suffices_the_settings_are_sized_together() -> None:
    made = plan(
        a_model(bursts(size=40), SETTINGS),
        verdict=a_verdict(facts={"rps": 4.0, "seconds": 1.0}),
        policy=Policy(bounds={Knob.MIN_REPLICAS: Bounds(1, 60), Knob.MAX_REPLICAS: Bounds(1, 200)}),
    )

    assert {change.knob for change in made.changes} >= {Knob.MIN_REPLICAS, Knob.MAX_REPLICAS}
    assert made.outlook is not None
    assert made.outlook.after is not None
    assert made.outlook.after.refused_share < 0.01
    assert made.formula.workings.startswith("replayed with ")


def test_a_model_that_is_not_calibrated_does_not_vote() -> None:
    made = plan(a_model(bursts(), SETTINGS, calibrated=False))

    assert made.remedy == 0
    assert made.outlook is not None
    assert not made.outlook.calibrated
    assert made.outlook.note.startswith("not calibrated: refused 50 %")


def test_without_a_model_the_plan_says_why() -> None:
    made = plan(NoModel("7 requests are too few, it takes 50"))

    assert made.outlook is not None
    assert made.outlook.note == "not calibrated: 7 requests are too few, it takes 50"


def test_a_tried_rung_is_not_weighed_again() -> None:
    made = plan(a_model(bursts(), SETTINGS), incident=an_incident(tried=("capacity/saturated-at-maximum#0",)))

    assert made.outlook is not None
    assert [one.change for one in made.outlook.candidates] == ["min_replicas 1 → 18"]


def test_half_an_hour_is_weighed_in_half_a_second_and_always_the_same() -> None:
    model = a_model(bursts(size=40), SETTINGS)
    begun = time.process_time()
    first = plan(model)

    assert time.process_time() - begun < 0.5
    assert plan(model) == first


def test_a_plan_with_its_outlook_is_stored_and_one_without_stays_readable() -> None:
    made = plan(a_model(bursts(), SETTINGS))
    before = to_text(a_plan())

    assert from_text(to_text(made), Plan) == made
    assert from_text(before.replace(',"outlook":null', ""), Plan) == a_plan()
