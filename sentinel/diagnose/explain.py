"""A diagnosis as plain lines of text: the verdict, its rows, and what was ruled out by which."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any, Final

from sentinel.model.diagnosis import CauseVerdict, ClauseRole, Diagnosis, Evidence, Outcome

_MARKS: Final = {True: "✓", False: "✗"}
_ROLES: Final = {
    (ClauseRole.REQUIRES, True): "required, holds",
    (ClauseRole.REQUIRES, False): "required, does not hold",
    (ClauseRole.EXCLUDES, True): "excluding, holds",
    (ClauseRole.EXCLUDES, False): "excluding, does not hold",
    (ClauseRole.SUPPORTS, True): "supporting, holds",
    (ClauseRole.SUPPORTS, False): "supporting, does not hold",
}


def explain(diagnosis: Diagnosis) -> str:
    """The whole diagnosis: verdict, rule and line, evidence rows, and the other causes with the row that decided.

    The same diagnosis gives the same text; nothing but the diagnosis is looked at.
    """
    lines = [*_verdict(diagnosis), ""]
    for verdict in diagnosis.ranked:
        lines += [*verdict_lines(verdict), ""]
    for outcome, title in ((Outcome.RULED_OUT, "Ruled out"), (Outcome.NOT_SHOWN, "Not shown")):
        lines += _others(title, [verdict for verdict in diagnosis.others if verdict.outcome is outcome])
    return "\n".join(lines).rstrip() + "\n"


def verdict_lines(verdict: CauseVerdict) -> list[str]:
    """One cause with every clause that was looked at, the rows under it, and its facts."""
    lines = [
        f"{verdict.title}  [{verdict.cause}, {verdict.place}]",
        f"   {verdict.reason}",
    ]
    if verdict.outcome is Outcome.EXPLAINS:
        lines.append(f"   confidence {verdict.confidence:.0%}")
    lines += [line for evidence in verdict.evidence for line in _evidence(evidence, "   ")]
    return lines + _facts(verdict)


def _verdict(diagnosis: Diagnosis) -> list[str]:
    top = diagnosis.top
    said = (
        f"{top.title}: {top.reason}"
        if top
        else f"unknown: none of {len(diagnosis.others)} known causes is shown"
    )
    seen = (
        f"newest row {diagnosis.newest:%H:%M:%S}"
        if diagnosis.newest
        else "no rows in the window: nothing can be concluded"
    )
    span = f"{diagnosis.window_start:%Y-%m-%d %H:%M:%S} to {diagnosis.at:%H:%M:%S} UTC"
    return [
        f"Symptom  {diagnosis.symptom}",
        f"Verdict  {said}",
        f"Window   {span}, {seen}",
        f"Rules    {diagnosis.rules}",
    ]


def _facts(verdict: CauseVerdict) -> list[str]:
    return [f"   facts: {_row(verdict.facts)}"] if verdict.facts else []


def _others(title: str, verdicts: Iterable[CauseVerdict]) -> list[str]:
    lines: list[str] = []
    for verdict in verdicts:
        lines += [f"- {verdict.title}  [{verdict.cause}, {verdict.place}]"]
        deciding = deciding_evidence(verdict)
        lines += [f"   {verdict.reason}"] if deciding is None else _evidence(deciding, "   ")
    return [f"{title}:", *lines, ""] if lines else []


def deciding_evidence(verdict: CauseVerdict) -> Evidence | None:
    """The clause that kept a cause from explaining.

    It is the first excluding one that holds, else the first required
    one that does not.
    """
    holding = (e for e in verdict.evidence if e.role is ClauseRole.EXCLUDES and e.held)
    missing = (e for e in verdict.evidence if e.role is ClauseRole.REQUIRES and not e.held)
    return next(holding, None) or next(missing, None)


def _evidence(evidence: Evidence, indent: str) -> list[str]:
    role = _ROLES[evidence.role, evidence.held]
    head = f"{indent}{_MARKS[evidence.held]} {evidence.says}  ({role}; {evidence.place})"
    return [head, *(f"{indent}    {_row(row)}" for row in evidence.rows)]


def _row(row: Mapping[str, Any]) -> str:
    return "  ".join(f"{name}={_value(value)}" for name, value in row.items())


def _value(value: Any) -> str:
    match value:
        case None:
            return "null"
        case bool():
            return str(value).lower()
        case float():
            return f"{value:.6g}"
        case str():
            return " ".join(value.split())
        case list() | dict():
            return json.dumps(value, ensure_ascii=False)
        case _:
            return str(value)
