"""What a backtest found, as plain values for JSON and as lines of text for people."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from sentinel.model.incident import Incident, IncidentState
from sentinel.model.plain import plain
from sentinel.model.plan import Plan
from sentinel.rehearse.backtest import Backtest, Happened
from sentinel.rehearse.written import plan_values


def backtest_values(found: Backtest) -> dict[str, Any]:
    """A backtest as JSON has it."""
    return {
        "from": plain(found.begin),
        "to": plain(found.end),
        "rules": found.rules,
        "rows": found.rows,
        "evaluations": found.evaluations,
        "done": [_planned(one.at, one.incident, one.plan) for one in found.done],
        "blocked": [{**_planned(one.at, one.incident, one.plan), "why": one.why} for one in found.blocked],
        "incidents": [incident_values(one) for one in found.happened],
        "problems": dict(found.problems),
    }


def incident_values(one: Happened) -> dict[str, Any]:
    """An incident as JSON has it."""
    incident = one.incident
    return {
        "id": incident.id,
        "target": str(incident.target),
        "symptom": incident.symptom,
        "opened": plain(incident.opened),
        "closed": plain(incident.closed),
        "state": incident.state.value,
        "causes": causes_of(incident),
        "steps": [{"at": plain(step.at), "state": step.state.value, "why": step.why} for step in one.steps],
    }


def causes_of(incident: Incident) -> list[dict[str, Any]]:
    """The causes of the last diagnosis, the best first."""
    ranked = incident.diagnosis.ranked if incident.diagnosis else ()
    return [{"id": one.cause, "confidence": one.confidence, "reason": one.reason} for one in ranked]


def _planned(at: datetime, incident: Incident, plan: Plan) -> dict[str, Any]:
    return {
        "at": plain(at),
        "target": str(incident.target),
        "symptom": incident.symptom,
        "incident": incident.id,
        **plan_values(plan),
    }


def backtest_lines(found: Backtest) -> Iterator[str]:
    """A backtest as people read it."""
    span = f"{found.begin:%Y-%m-%d %H:%M:%S} to {found.end:%Y-%m-%d %H:%M:%S} UTC"
    yield f"{span}, {found.rows:,} rows, rules {found.rules}"
    yield ""
    yield f"Would have been done: {len(found.done)}"
    for done in found.done:
        yield f"  {_moment(done.at)}  {done.incident.target}  {done.plan.summary}  [{done.plan.cause}]"
        yield f"      {done.plan.formula.workings}"
    yield ""
    yield f"Would have been held back: {len(found.blocked)}"
    for one in found.blocked:
        yield f"  {_moment(one.at)}  {one.incident.target}  {one.plan.summary}  [{one.plan.cause}]"
        yield f"      {one.why}"
    yield ""
    yield f"Incidents: {len(found.happened)}"
    for happened in found.happened:
        yield from _incident_lines(happened)
    for symptom, problem in found.problems.items():
        yield f"{symptom} could not be asked: {problem}"


def _incident_lines(happened: Happened) -> Iterator[str]:
    incident = happened.incident
    until = _moment(incident.closed) if incident.closed else f"not closed, {incident.state}"
    yield f"  {_moment(incident.opened)}  {incident.target}  {incident.symptom}  ({until})"
    for step in happened.steps:
        if step.state is not IncidentState.OPEN:
            yield f"      {_moment(step.at)}  {step.state.value:<10} {' '.join(step.why.split())}"


def _moment(at: datetime) -> str:
    return f"{at:%m-%d %H:%M:%S}"
