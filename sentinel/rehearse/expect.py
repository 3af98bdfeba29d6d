"""What a case expected and what came, in words."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, Final

from sentinel.detect.case_file import NO_CAUSE, ExpectedFinding, ExpectedVerdict
from sentinel.detect.yaml_places import nearest
from sentinel.diagnose.explain import verdict_lines
from sentinel.model.diagnosis import CauseVerdict, Diagnosis, Evidence
from sentinel.model.finding import Finding
from sentinel.model.rule import Cause

TOLERANCE: Final = 0.01
"""How far a number may be from the expected one, as a share of it."""


def differences_of_findings(
    expected: tuple[ExpectedFinding, ...] | ExpectedVerdict, found: Sequence[Finding]
) -> tuple[str, ...]:
    """How the findings of a symptom differ from what its case expects."""
    if isinstance(expected, ExpectedVerdict):
        return ("a symptom's case expects a list of targets",)
    by_label = {finding.target.label: finding for finding in found}
    wanted = {finding.target: finding for finding in expected}
    failures = [f"{label} should be found and is not" for label in wanted if label not in by_label]
    failures += [
        f"{label} should not be found; its row is {dict(finding.row)}"
        for label, finding in by_label.items()
        if label not in wanted
    ]
    for label in sorted(wanted.keys() & by_label.keys()):
        want, got = wanted[label], by_label[label]
        if want.measure is not None and not _near(want.measure, got.measure):
            failures.append(f"{label}: the measure should be {want.measure:g} and is {got.measure:g}")
        if want.sample is not None and want.sample != got.sample:
            failures.append(f"{label}: the sample should be {want.sample} and is {got.sample}")
    return tuple(failures)


def differences_of_verdict(
    expected: tuple[ExpectedFinding, ...] | ExpectedVerdict, cause: Cause, diagnosis: Diagnosis
) -> tuple[str, ...]:
    """How a diagnosis differs from what the case of a cause expects."""
    if not isinstance(expected, ExpectedVerdict):
        return ("a cause's case expects an outcome",)
    verdict = next(v for v in (*diagnosis.ranked, *diagnosis.others) if v.cause == cause.id)
    failures = list(_of_cause(expected, verdict))
    clauses = {clause.says for clause in (*cause.requires, *cause.excludes, *cause.supports)}
    failures += [
        f"{says!r} is no clause of {cause.id}; {nearest(says, clauses)}"
        for says in expected.evidence
        if says not in clauses
    ]
    top = diagnosis.top.cause if diagnosis.top else NO_CAUSE
    if expected.top and expected.top != top:
        failures.append(f"the top cause should be {expected.top} and is {top}")
        if diagnosis.top is not None and diagnosis.top is not verdict:
            failures.append("\n".join(verdict_lines(diagnosis.top)))
    if failures:
        failures.append("\n".join(verdict_lines(verdict)))
    return tuple(failures)


def _of_cause(expected: ExpectedVerdict, verdict: CauseVerdict) -> Sequence[str]:
    failures = []
    if verdict.outcome is not expected.outcome:
        failures.append(
            f"the outcome should be {expected.outcome} and is {verdict.outcome}: {verdict.reason}"
        )
    if expected.confidence is not None and not _near(expected.confidence, verdict.confidence):
        failures.append(f"the confidence should be {expected.confidence:g} and is {verdict.confidence:g}")
    if expected.reason.lower() not in verdict.reason.lower():
        failures.append(f"the reason should contain {expected.reason!r} and is {verdict.reason!r}")
    failures += _differing("the fact ", expected.facts, verdict.facts)
    for says, wanted in expected.evidence.items():
        failures += _of_clause(says, wanted, verdict.evidence)
    return failures


def _of_clause(says: str, wanted: int | Mapping[str, Any], found: Sequence[Evidence]) -> Sequence[str]:
    """How a clause differs; one that was not asked shows no row."""
    rows = [row for evidence in found if evidence.says == says and evidence.held for row in evidence.rows]
    if not isinstance(wanted, int):
        return _differing(f"{says!r}: ", wanted, rows[0] if rows else {})
    if wanted == len(rows):
        return []
    return [f"{says!r} should show {wanted} rows and shows {len(rows)}"]


def _differing(of: str, expected: Mapping[str, Any], found: Mapping[str, Any]) -> Sequence[str]:
    return [
        f"{of}{name} should be {value!r} and is {found.get(name)!r}"
        for name, value in expected.items()
        if not _near(value, found.get(name))
    ]


def _near(expected: Any, found: Any) -> bool:
    numbers = all(isinstance(v, int | float) and not isinstance(v, bool) for v in (expected, found))
    return math.isclose(expected, found, rel_tol=TOLERANCE, abs_tol=1e-9) if numbers else expected == found
