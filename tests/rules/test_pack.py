"""The rules that come with Sentinel: their cases, and what holds for all of them."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from sentinel.detect import check_rules, default_rule_paths, load_rules
from sentinel.detect.ruleset import find_rule_files
from sentinel.model.rule import Cause, RemedyKind
from sentinel.model.settings import Knob
from sentinel.query.engine import Engine
from sentinel.rehearse import CaseReport, run_all_cases
from sentinel.remediate.formula import names_in
from sentinel.store.telemetry import TelemetryStore

PACK = default_rule_paths()
RULES = load_rules(PACK)
IDS = [file.id for file in find_rule_files(PACK)[0]]
MORE_REPLICAS = {Knob.MAX_REPLICAS, Knob.MIN_REPLICAS, Knob.TARGET_UTILIZATION, Knob.REPLICAS}


def causes_changing(knobs: set[Knob]) -> list[Cause]:
    return [cause for cause in RULES.causes if any(remedy.knob in knobs for remedy in cause.remedies)]


@pytest.fixture(scope="module")
def report() -> CaseReport:
    return run_all_cases(PACK, with_rules=[])


@pytest.fixture(scope="module")
def engine() -> Iterator[Engine]:
    with TelemetryStore.in_memory() as store:
        engine = Engine(store)
        yield engine
        engine.close()


def test_every_rule_is_right_and_has_a_case_that_fires_and_one_that_stays_quiet(engine: Engine) -> None:
    assert check_rules(PACK, engine, names_in) == ()


@pytest.mark.parametrize("rule", IDS)
def test_the_cases_of_a_rule_come_as_expected(report: CaseReport, rule: str) -> None:
    results = [result for result in report.results if result.rule == rule]

    assert results
    assert "\n".join(str(result) for result in results if not result.passed) == ""


def test_a_longer_timeout_is_never_given_for_refusals() -> None:
    assert [
        c.id for c in causes_changing({Knob.REQUEST_TIMEOUT_MS}) if "requests-refused" in c.explains
    ] == []


def test_more_replicas_are_given_for_want_of_capacity_only() -> None:
    assert {cause.id.split("/")[0] for cause in causes_changing(MORE_REPLICAS)} == {"capacity"}


def test_whatever_gives_more_replicas_is_excluded_by_a_crash() -> None:
    crash = "a container crashed or was restarted, so replicas are lost to something else than load"

    assert all(
        crash in {clause.says for clause in cause.excludes} for cause in causes_changing(MORE_REPLICAS)
    )


def test_the_maximum_is_raised_only_where_the_deployment_is_at_it() -> None:
    raising = causes_changing({Knob.MAX_REPLICAS})

    assert raising
    assert all(any("Replicas >= MaxReplicas" in c.query for c in cause.requires) for cause in raising)


def test_jobs_and_containers_are_handed_to_a_person() -> None:
    areas = {"container", "script", "job", "cluster", "scheduling"}
    kinds = {r.kind for cause in RULES.causes if cause.id.split("/")[0] in areas for r in cause.remedies}

    assert kinds == {RemedyKind.ESCALATE}


@pytest.mark.parametrize("cause", RULES.causes, ids=lambda cause: cause.id)
def test_the_order_of_evidence_is_said_by_the_query(cause: Cause) -> None:
    clauses = (*cause.requires, *cause.excludes, *cause.supports)
    ordered = ("summarize", "sort by", "top ", "Failure", "Cluster")

    assert [c.says for c in clauses if not any(word in c.query for word in ordered)] == []


def test_every_symptom_has_causes() -> None:
    assert [symptom.id for symptom in RULES.symptoms if not RULES.explaining(symptom.id)] == []
