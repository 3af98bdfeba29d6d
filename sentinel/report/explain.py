"""An incident explained, so that a person can check every step of it.

The text is the same in every face and the same bytes for the same incident and rules.
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from typing import Final

from sentinel.model.diagnosis import CauseVerdict, ClauseRole, Diagnosis, Evidence, Outcome
from sentinel.model.incident import Incident
from sentinel.model.plan import ActionKind, ActionState, Formula
from sentinel.model.rule import RuleSet
from sentinel.report.incidents import IncidentDetail, timeline
from sentinel.report.measures import effect_lines, measure_text
from sentinel.report.outlook import outlook_lines
from sentinel.report.text import after, moment, number, row_text, share, target_name

WIDTH: Final = 100
"""The longest line, unless a word or a row is longer."""
_ROWS: Final = 3
"""Rows shown of each piece of evidence."""
_DONE: Final = {
    (ActionKind.APPLY, ActionState.CLAIMED): "being applied",
    (ActionKind.APPLY, ActionState.APPLIED): "applied",
    (ActionKind.APPLY, ActionState.VOID): "not applied",
    (ActionKind.APPLY, ActionState.FAILED): "failed",
    (ActionKind.UNDO, ActionState.CLAIMED): "being taken back",
    (ActionKind.UNDO, ActionState.APPLIED): "taken back",
    (ActionKind.UNDO, ActionState.VOID): "not taken back",
    (ActionKind.UNDO, ActionState.FAILED): "taking back failed",
}


def explain(detail: IncidentDetail, rules: RuleSet | None = None, *, width: int = WIDTH) -> str:
    """Why Sentinel said and did what it did, from the verdict to the measured effect.

    `rules` adds the places of the rules in their files; without them the ids stand alone.
    """
    return "\n".join(explain_lines(detail, rules, width=width)) + "\n"


def explain_lines(detail: IncidentDetail, rules: RuleSet | None = None, *, width: int = WIDTH) -> list[str]:
    """The lines of `explain`: section titles in capitals at the margin, the rest indented by two."""
    sections = (
        ("", _heading(detail, rules)),
        ("VERDICT", _verdict(detail.incident, rules)),
        ("EVIDENCE", _evidence(detail.diagnosis)),
        ("RULED OUT", _others(detail.diagnosis, Outcome.RULED_OUT, rules)),
        ("NOT SHOWN", _others(detail.diagnosis, Outcome.NOT_SHOWN, rules)),
        ("FORMULA", _formula(detail)),
        ("SIMULATION", _simulation(detail, width)),
        ("ACTION", _action(detail)),
        ("EFFECT", _effect(detail, rules)),
        ("TIME LINE", timeline_lines(detail, width=width)),
    )
    lines: list[str] = []
    for title, body in sections:
        wrapped = [line for raw in body for line in _wrap(raw, width)]
        if wrapped:
            lines += [*([""] if lines else []), *([title] if title else []), *wrapped]
    return lines


def _heading(detail: IncidentDetail, rules: RuleSet | None) -> Iterator[str]:
    incident = detail.incident
    symptom = rules.symptom(incident.symptom) if rules else None
    title = symptom.title if symptom else incident.symptom
    yield f"{target_name(incident.target)}: {title} · {incident.state}"
    yield f"incident {incident.id}, opened {moment(incident.opened)}" + (
        f", closed {moment(incident.closed)}" if incident.closed else ""
    )
    told = detail.transitions[-1].why if detail.transitions else ""
    if incident.closed is None and incident.why != told:
        yield f"now: {incident.why}"


def _verdict(incident: Incident, rules: RuleSet | None) -> Iterator[str]:
    top = incident.diagnosis.top if incident.diagnosis else None
    if incident.relaxes and incident.diagnosis is None:
        yield "  Nothing is wrong: recent traffic no longer needs what Sentinel raised."
    elif incident.diagnosis is None:
        yield "  Not diagnosed yet."
    elif top is None:
        yield "  The cause is unknown: no cause file explains the symptom."
    else:
        yield f"  {top.title} (confidence {share(top.confidence)})"
        if top.reason:
            yield f"  {top.reason}"
        yield f"  rule: {_place(top.cause, rules)}"
        for other in incident.diagnosis.ranked[1:]:
            yield f"  also possible: {other.title} (confidence {share(other.confidence)})"
    symptom = rules.symptom(incident.symptom) if rules else None
    where = f"{symptom.place} ({symptom.id})" if symptom else incident.symptom
    measured = measure_text(incident.finding.measure, symptom, incident.finding)
    yield f"  symptom: {where}, {measured} of {number(incident.finding.sample)} observed"
    yield f"           {row_text(incident.finding.row)}"
    if incident.diagnosis and rules and incident.diagnosis.rules != rules.digest:
        yield "  The verdict was made with other rules or at another pace; places are those of the rules read now."


def _evidence(diagnosis: Diagnosis | None) -> Iterator[str]:
    top = diagnosis.top if diagnosis else None
    for one in sorted(top.evidence if top else (), key=lambda one: not one.held):
        yield from _clause(one, "  ")


def _clause(one: Evidence, indent: str) -> Iterator[str]:
    mark = "+" if one.held else "−"
    answer = {
        (ClauseRole.REQUIRES, True): "",
        (ClauseRole.REQUIRES, False): "  [required, does not hold]",
        (ClauseRole.EXCLUDES, True): "  [excludes it]",
        (ClauseRole.EXCLUDES, False): "  [would exclude it; does not hold]",
        (ClauseRole.SUPPORTS, True): "  [supports it]",
        (ClauseRole.SUPPORTS, False): "  [would support it; does not hold]",
    }[one.role, one.held]
    place = f"  ({one.place})" if one.place else ""
    yield f"{indent}{mark} {one.says}{answer}{place}"
    for row in one.rows[:_ROWS]:
        yield f"{indent}    {row_text(row)}"
    if len(one.rows) > _ROWS:
        yield f"{indent}    and {len(one.rows) - _ROWS} more"


def _others(diagnosis: Diagnosis | None, outcome: Outcome, rules: RuleSet | None) -> Iterator[str]:
    for cause in diagnosis.others if diagnosis else ():
        if cause.outcome is outcome:
            yield f"  {cause.title}  ({_place(cause.cause, rules, bare=True)})"
            deciding = _deciding(cause)
            if deciding is None:
                yield f"    {cause.reason}"
            else:
                yield from _clause(deciding, "    ")


def _deciding(cause: CauseVerdict) -> Evidence | None:
    """The clause that ruled a cause out: the excluding one that held, or the required one that did not."""
    decides = {
        Outcome.RULED_OUT: (ClauseRole.EXCLUDES, True),
        Outcome.NOT_SHOWN: (ClauseRole.REQUIRES, False),
    }
    wanted = decides.get(cause.outcome)
    return next((one for one in cause.evidence if (one.role, one.held) == wanted), None)


def _formula(detail: IncidentDetail) -> Iterator[str]:
    if detail.plan is not None:
        yield from (f"  {line}" for line in formula_lines(detail.plan.formula))


def _simulation(detail: IncidentDetail, width: int) -> Iterator[str]:
    if detail.plan is not None and detail.plan.outlook is not None:
        yield from (f"  {line}".rstrip() for line in outlook_lines(detail.plan.outlook, width - 2))


def formula_lines(formula: Formula) -> Iterator[str]:
    """A computed size: expression, inputs, workings and where the formula comes from."""
    yield f"{formula.expression} = {number(formula.value)}"
    if formula.inputs:
        yield "with " + ", ".join(f"{name} = {number(value)}" for name, value in formula.inputs.items())
    if formula.workings:
        yield formula.workings
    if formula.source:
        yield f"source: {formula.source}"


def _action(detail: IncidentDetail) -> Iterator[str]:
    plan = detail.plan
    if plan is not None and not any(action.plan == plan.id for action in detail.actions):
        changes = ", ".join(map(str, plan.changes))
        yield f"  {changes}: planned, nothing was changed (expires {moment(plan.expires)})"
    for action in detail.actions:
        changes = ", ".join(map(str, action.changes))
        at = after(((action.finished or action.claimed) - detail.incident.opened).total_seconds())
        revision = f", revision {action.expect} → {action.revision}" if action.revision else ""
        note = f": {action.detail}" if action.detail else ""
        yield f"  {changes}  {_DONE[action.kind, action.state]} {at}{revision}{note}"


def _effect(detail: IncidentDetail, rules: RuleSet | None) -> Iterator[str]:
    if detail.verification is not None:
        symptom = rules.symptom(detail.incident.symptom) if rules else None
        yield from (f"  {line}" for line in effect_lines(detail.verification, symptom))


def timeline_lines(detail: IncidentDetail, *, width: int = WIDTH) -> Iterator[str]:
    """Each step with the time since the opening, its state and its sentence, wrapped under the sentence."""
    for entry in timeline(detail):
        head = f"  {after(entry.seconds):>8}  {entry.state:<9}  "
        yield from textwrap.wrap(
            head + entry.sentence, width, subsequent_indent=" " * len(head), break_on_hyphens=False
        )


def _place(cause_id: str, rules: RuleSet | None, *, bare: bool = False) -> str:
    cause = rules.cause(cause_id) if rules else None
    if cause is None:
        return cause_id
    return str(cause.place) if bare else f"{cause.place} ({cause_id})"


def _wrap(line: str, width: int) -> list[str]:
    """The line in pieces of at most `width`, the later ones hanging under the first one's text."""
    if len(line) <= width:
        return [line]
    indent = len(line) - len(line.lstrip(" +−"))
    return textwrap.wrap(
        line, width, subsequent_indent=" " * indent, break_on_hyphens=False, break_long_words=False
    ) or [line]
