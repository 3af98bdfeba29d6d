"""What a rehearsal found, as plain values for JSON and as lines of text for people."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from sentinel.clock import format_span
from sentinel.diagnose.explain import explain
from sentinel.model.diagnosis import CauseVerdict, ClauseRole, Diagnosis, Outcome
from sentinel.model.plain import plain, plain_row
from sentinel.model.plan import Plan
from sentinel.model.rule import RuleSet
from sentinel.rehearse.one_shot import Examination, Examined
from sentinel.remediate.planner import HandOver


def examination_values(examination: Examination, rules: RuleSet) -> dict[str, Any]:
    """An examination by `rules` as JSON has it."""
    newest = examination.newest
    return {
        "at": plain(examination.at),
        "newest": plain(newest),
        "age_seconds": None if newest is None else (examination.at - newest).total_seconds(),
        "findings": [_finding_values(one, rules) for one in examination.found],
        "problems": list(examination.problems),
    }


def _finding_values(one: Examined, rules: RuleSet) -> dict[str, Any]:
    finding, diagnosis = one.finding, one.diagnosis
    return {
        "target": str(finding.target),
        "symptom": finding.symptom,
        "title": one.symptom.title,
        "severity": one.symptom.severity.value,
        "measure": plain(finding.measure),
        "sample": finding.sample,
        "row": plain_row(finding.row),
        "causes": [_cause_values(verdict, rules) for verdict in diagnosis.ranked],
        "others": [_cause_values(verdict, rules) for verdict in diagnosis.others],
        "missing": list(one.missing),
        "window": {"from": plain(diagnosis.window_start), "to": plain(diagnosis.at)},
        "newest": plain(diagnosis.newest),
        "plan": plan_values(one.planned) if isinstance(one.planned, Plan) else None,
        "advice": one.planned.why if isinstance(one.planned, HandOver) else "",
        "rules": diagnosis.rules,
    }


def _cause_values(verdict: CauseVerdict, rules: RuleSet) -> dict[str, Any]:
    cause = rules.cause(verdict.cause)
    return {
        "id": verdict.cause,
        "confidence": verdict.confidence,
        "outcome": verdict.outcome.value,
        "title": verdict.title,
        "covers": list(cause.covers) if cause else [],
        "reason": verdict.reason,
        "place": verdict.place,
        "facts": plain_row(verdict.facts),
        "evidence": [
            {
                "role": evidence.role.value,
                "says": evidence.says,
                "held": evidence.held,
                "place": evidence.place,
                "rows": [plain_row(row) for row in evidence.rows],
            }
            for evidence in verdict.evidence
        ],
    }


def plan_values(plan: Plan) -> dict[str, Any]:
    """A plan as JSON has it."""
    return {
        "summary": plan.summary,
        "cause": plan.cause,
        "remedy": plan.remedy,
        "changes": [
            {"knob": change.knob.value, "before": change.before, "after": change.after}
            for change in plan.changes
        ],
        "formula": plan.formula.expression,
        "inputs": plain_row(plan.formula.inputs),
        "workings": plan.formula.workings,
        "verify_after_seconds": plan.verify_after.total_seconds(),
        "verify_within_seconds": plan.verify_within.total_seconds(),
    }


def examination_lines(examination: Examination) -> Iterator[str]:
    """An examination as people read it."""
    at, newest = examination.at, examination.newest
    age = "there is no telemetry" if newest is None else f"the newest row is {format_span(at - newest)} old"
    yield f"At {at:%Y-%m-%d %H:%M:%S} UTC; {age}"
    for one in examination.found:
        yield ""
        yield f"━━ {one.finding.target}: {one.symptom.title}"
        yield f"Measure  {one.finding.measure:.3g} over {one.finding.sample}"
        yield from _diagnosis_lines(one.diagnosis)
        yield from _missing_lines(one)
        yield from _plan_lines(one)
    if not examination.found:
        yield "No symptom holds."


def _diagnosis_lines(diagnosis: Diagnosis) -> Iterator[str]:
    """The explanation; when a cause is found, without those others that nothing speaks for."""
    told = diagnosis
    if diagnosis.top is not None:
        near = tuple(v for v in diagnosis.others if v.outcome is Outcome.RULED_OUT or _is_near(v))
        told = replace(diagnosis, others=near)
    yield from explain(told).rstrip("\n").split("\n")
    left_out = len(diagnosis.others) - len(told.others)
    if left_out:
        yield ""
        yield f"Nothing speaks for the other {left_out} known causes; --format json tells what was asked of each."


def _is_near(verdict: CauseVerdict) -> bool:
    return any(e.held for e in verdict.evidence if e.role is ClauseRole.REQUIRES)


def _missing_lines(one: Examined) -> Iterator[str]:
    if one.missing:
        yield ""
        yield "To be surer:"
        yield from (f"- {sentence}" for sentence in one.missing)


def _plan_lines(one: Examined) -> Iterator[str]:
    yield ""
    match one.planned:
        case Plan() as plan:
            yield f"Plan     {plan.summary}"
            yield f"         {plan.formula.workings}"
        case HandOver(why):
            yield f"Plan     none: {why}"
        case None:
            yield "Plan     none: the cause is unknown"
