"""A diagnosis whose queries are asked together is, byte for byte, the one in which each is asked alone."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from itertools import groupby, islice

import pytest

from sentinel.clock import VirtualClock
from sentinel.detect.evaluate import WindowEvaluator
from sentinel.detect.ruleset import default_rule_paths, load_rules
from sentinel.diagnose import diagnose, explain
from sentinel.model.rule import Cause
from sentinel.query.engine import Engine
from sentinel.rehearse.cases import START, RuleCase, find_cases, store_of
from sentinel.store.telemetry import TelemetryStore

RULES = load_rules(default_rule_paths())
MOST = 2


def symptom_of(rule_case: RuleCase) -> str:
    assert isinstance(rule_case.rule, Cause)
    return rule_case.case.symptom or rule_case.rule.explains[0]


def chosen() -> Iterator[RuleCase]:
    """Some cases of causes that fire, a few for each symptom."""
    of_causes = [
        one
        for one in find_cases(default_rule_paths(), RULES)
        if isinstance(one.rule, Cause) and one.case.fires
    ]
    for _, of_symptom in groupby(sorted(of_causes, key=symptom_of), symptom_of):
        yield from islice(of_symptom, MOST)


@pytest.fixture(scope="module")
def compiled() -> Iterator[Engine]:
    with TelemetryStore.in_memory() as empty, closing(Engine(empty)) as engine:
        yield engine


@pytest.mark.parametrize("rule_case", list(chosen()), ids=lambda one: f"{symptom_of(one)}: {one.case.name}")
def test_the_explanation_is_the_same(rule_case: RuleCase, compiled: Engine) -> None:
    now, symptom = START + rule_case.case.when, RULES.symptom(symptom_of(rule_case))
    assert symptom is not None
    with (
        store_of(
            [row for row in rule_case.case.rows if row.at <= rule_case.case.when], VirtualClock(now)
        ) as store,
        closing(compiled.over(store)) as engine,
    ):
        finding = WindowEvaluator(engine, store).evaluate(symptom, now).findings[0]
        alone, together = (
            diagnose(finding, symptom, RULES, engine, now, together=how) for how in (False, True)
        )

    assert together == alone
    assert explain(together) == explain(alone)
