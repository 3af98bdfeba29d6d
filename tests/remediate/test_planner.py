from __future__ import annotations

from datetime import timedelta

from sentinel.detect.ruleset import default_rule_paths, load_rules
from sentinel.model.plan import Plan, RunMode
from sentinel.model.rule import Remedy, RemedyKind, VerifyWindow
from sentinel.model.settings import AZUREML_KNOBS, Change, Knob, Settings
from sentinel.remediate.planner import HandOver, plan_for
from sentinel.remediate.policy import Policy
from tests.builders import NOON, PLACE, a_cause, a_deployment, a_verdict, an_incident


def planned(**changes: object) -> Plan | HandOver:
    weighed = {
        "incident": an_incident(),
        "verdict": a_verdict(),
        "cause": a_cause(),
        "deployment": a_deployment(),
        "policy": Policy(),
        "now": NOON,
        **changes,
    }
    return plan_for(**weighed)  # type: ignore[arg-type]


def test_the_first_rung_is_sized_by_its_formula() -> None:
    plan = planned()

    assert isinstance(plan, Plan)
    assert plan.changes == (Change(Knob.MAX_REPLICAS, 4, 9),)
    assert plan.formula.workings == "ceil(30 req/s × 0.2 s ÷ 0.7 ÷ 1) = ceil(8.57) = 9"
    assert plan.inverse == (Change(Knob.MAX_REPLICAS, 9, 4),)
    assert plan.revision == "r1"


def test_a_tried_rung_is_passed_over() -> None:
    plan = planned(incident=an_incident(tried=("capacity/saturated-at-maximum#0",)))

    assert plan == HandOver("ask for quota")


def test_a_size_beyond_the_bounds_is_cut_and_says_so() -> None:
    plan = planned(verdict=a_verdict(facts={"rps": 300.0, "seconds": 0.2}))

    assert isinstance(plan, Plan)
    assert plan.changes[0].after == 40
    assert plan.formula.workings.endswith("= 86, cut to 40 by the limits")


def test_a_rung_that_would_change_nothing_is_passed_over_with_its_numbers() -> None:
    plan = planned(deployment=a_deployment(settings=Settings(max_replicas=12)))

    assert isinstance(plan, HandOver)
    assert plan.why.startswith("ask for quota; max_replicas is 12 already")


def test_a_missing_number_hands_over_instead_of_guessing() -> None:
    plan = planned(verdict=a_verdict(facts={"rps": 30.0, "seconds": None}))

    assert isinstance(plan, HandOver)
    assert "seconds is None" in plan.why


def test_a_raised_minimum_stays_at_the_maximum() -> None:
    raise_minimum = Remedy(
        RemedyKind.RAISE,
        PLACE,
        knob=Knob.MIN_REPLICAS,
        to="min_replicas_for(rps, seconds, target_utilization, max_concurrency)",
        verify=VerifyWindow(timedelta(seconds=60), timedelta(minutes=10)),
    )

    plan = planned(cause=a_cause(remedies=(raise_minimum,)))

    assert isinstance(plan, Plan)
    assert plan.changes == (Change(Knob.MIN_REPLICAS, 1, 4),)


def test_the_deployments_own_settings_go_before_facts_of_the_same_name() -> None:
    plan = planned(verdict=a_verdict(facts={"rps": 30.0, "seconds": 0.2, "target_utilization": 10}))

    assert isinstance(plan, Plan)
    assert plan.formula.inputs["target_utilization"] == 70


def test_a_plan_for_review_lives_as_long_as_an_approval() -> None:
    plan = planned(policy=Policy(mode=RunMode.REVIEW))

    assert isinstance(plan, Plan)
    assert plan.expires == NOON + timedelta(minutes=30)


def test_a_setting_the_deployment_does_not_have_is_passed_over() -> None:
    without = a_deployment(known=AZUREML_KNOBS - {Knob.MAX_REPLICAS})

    plan = planned(deployment=without)

    assert plan == HandOver("ask for quota")


def test_where_only_settings_are_left_that_it_does_not_have_they_are_named() -> None:
    without = a_deployment(known=AZUREML_KNOBS - {Knob.MAX_REPLICAS})
    cause = a_cause(remedies=a_cause().remedies[:1])

    plan = planned(deployment=without, cause=cause)

    assert isinstance(plan, HandOver)
    assert plan.why.endswith("max_replicas is no setting of chat/blue")


def test_a_deployment_without_autoscaler_gets_more_replicas_by_the_shipped_rule() -> None:
    cause = load_rules(default_rule_paths()).cause("capacity/saturated-at-maximum")
    fixed = "it has no HorizontalPodAutoscaler"
    deployment = a_deployment(
        settings=Settings(replicas=4, min_replicas=4, max_replicas=4),
        known=AZUREML_KNOBS - {Knob.TARGET_UTILIZATION} | {Knob.REPLICAS},
        withheld=((Knob.MIN_REPLICAS, fixed), (Knob.MAX_REPLICAS, fixed)),
    )

    plan = planned(
        deployment=deployment, cause=cause, verdict=a_verdict(facts={"peak_rps": 30.0, "seconds": 0.2})
    )

    assert isinstance(plan, Plan)
    assert plan.changes == (Change(Knob.REPLICAS, 4, 9),)


def test_a_setting_that_must_not_be_changed_is_passed_over_with_the_reason() -> None:
    kept = a_deployment(withheld=((Knob.MAX_REPLICAS, "it is kept by Flux"),))

    plan = planned(deployment=kept)

    assert plan == HandOver("ask for quota; it is kept by Flux")


def test_a_formula_takes_no_default_for_a_setting_that_is_not_known() -> None:
    unknown = a_deployment(known=frozenset({Knob.MAX_REPLICAS}))

    plan = planned(deployment=unknown)

    assert isinstance(plan, HandOver)
    assert "max_concurrency is None, so there is nothing to compute with" in plan.why
