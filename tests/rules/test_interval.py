"""An event that completes a pattern is diagnosed within one interval of its rule."""

from __future__ import annotations

from contextlib import closing
from datetime import datetime, timedelta

import pytest

from sentinel.detect.evaluate import WindowEvaluator
from sentinel.detect.ruleset import default_rule_paths, load_rules
from sentinel.model.incident import IncidentState
from sentinel.model.rule import Symptom
from sentinel.query.engine import Engine
from sentinel.rehearse.backtest import backtest
from sentinel.rehearse.cases import START, Bench, RuleCase, Stage, find_cases
from sentinel.remediate.policy import Policy
from sentinel.store.as_of import AsOf

RULES = load_rules(default_rule_paths())
FIRING = {
    found.rule.id: found
    for found in reversed(find_cases(default_rule_paths(), RULES))
    if isinstance(found.rule, Symptom) and found.case.fires
}
"""The first case of each symptom in which it holds."""

VERDICT = (IncidentState.DIAGNOSED, IncidentState.ESCALATED)
"""Diagnosed, or handed to people since no known cause explains it."""


def completed(symptom: Symptom, found: RuleCase, stage: Stage) -> datetime:
    """When the symptom first holds for somebody: at an event, or a window later if it waits for one."""
    events = {row.at for row in found.case.rows}
    waits = {at + symptom.window + timedelta(seconds=1) for at in events}
    instants = sorted(at for at in events | waits if at <= found.case.when)
    with closing(AsOf(stage.store, START)) as view, closing(stage.engine.over(view)) as then:
        for at in instants:
            view.move(START + at)
            if WindowEvaluator(then, view).evaluate(symptom, START + at).findings:
                return START + at
    raise AssertionError("the symptom never holds")


@pytest.mark.parametrize("name", [symptom.id for symptom in RULES.symptoms])
def test_what_completes_a_pattern_is_diagnosed_within_one_interval(name: str) -> None:
    symptom, found = RULES.symptom(name), FIRING[name]
    assert symptom is not None
    with Bench(RULES) as bench, bench.stage(found.case) as stage, closing(Engine(stage.store)) as engine:
        at = completed(symptom, found, stage)
        lasting = -(-symptom.hold // symptom.every) * symptom.every  # as long as it must hold first
        latest = at + symptom.every + lasting
        happened = backtest(stage.store, engine, RULES, Policy(), START, latest).happened

    told = [
        step.at
        for one in happened
        if one.incident.symptom == name
        for step in one.steps
        if step.state in VERDICT
    ]
    assert told
    assert at <= told[0] <= latest
