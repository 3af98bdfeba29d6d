"""From a diagnosis to a plan: the next rung of the cause's ladder, sized by its formula."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from hashlib import blake2b
from typing import Any

from sentinel.clock import to_ticks
from sentinel.errors import FormulaError
from sentinel.model.diagnosis import CauseVerdict
from sentinel.model.incident import Incident
from sentinel.model.plan import Formula, Plan, RunMode
from sentinel.model.rule import Cause, Remedy, RemedyKind
from sentinel.model.settings import Change, Deployment, Knob, Settings
from sentinel.remediate.formula import compute
from sentinel.remediate.policy import Policy


@dataclass(frozen=True, slots=True)
class HandOver:
    """No change can be planned; a person is asked, and told why."""

    why: str


def plan_for(
    incident: Incident,
    verdict: CauseVerdict,
    cause: Cause,
    deployment: Deployment,
    policy: Policy,
    now: datetime,
) -> Plan | HandOver:
    """The plan of the first rung that was not tried and that would change something.

    A size beyond the bounds is cut to them, and the formula says so.
    """
    passed: list[str] = []
    for rung, remedy in enumerate(cause.remedies):
        if remedy_key(cause.id, rung) in incident.tried:
            continue
        if remedy.kind is RemedyKind.ESCALATE:
            return HandOver("; ".join([remedy.advice, *passed]))
        sized = _sized(remedy, verdict, deployment, policy)
        if isinstance(sized, str):
            passed.append(sized)
            continue
        change, formula = sized
        return _plan(incident, cause, rung, change, formula, deployment, policy, now)
    if not cause.remedies:
        return HandOver(f"{cause.title}: nothing that Sentinel may change would cure it")
    passed = passed or ["every remedy was tried"]
    return HandOver(f"{cause.title}: " + "; ".join(passed))


def remedy_key(cause: str, rung: int) -> str:
    """How a remedy is remembered as tried."""
    return f"{cause}#{rung}"


def _sized(
    remedy: Remedy, verdict: CauseVerdict, deployment: Deployment, policy: Policy
) -> tuple[Change, Formula] | str:
    knob = remedy.knob
    if knob is None:
        return "the remedy names no setting"
    before = deployment.settings.value(knob)
    try:
        formula = compute(remedy.to, _numbers(verdict, deployment, knob, policy))
    except FormulaError as error:
        return str(error)
    after, formula = _bounded(formula, knob, deployment, policy)
    raising = remedy.kind is RemedyKind.RAISE
    if (raising and after <= before) or (not raising and after >= before):
        return f"{knob} is {before} already; {formula.workings}"
    return Change(knob, before, after), formula


def _numbers(verdict: CauseVerdict, deployment: Deployment, knob: Knob, policy: Policy) -> dict[str, Any]:
    """What a formula may name: the cause's facts, then the deployment as it is now, which goes before them."""
    settings: Settings = deployment.settings
    current = {name.value: settings.value(name) for name in Knob}
    ceiling = deployment.ceiling(knob)
    bounds = policy.bounds.get(knob)
    largest = [limit for limit in (ceiling, bounds.high if bounds else None) if limit is not None]
    known = {**verdict.facts, **current, "replicas": deployment.replicas}
    return {**known, "ceiling": min(largest)} if largest else known


def _bounded(formula: Formula, knob: Knob, deployment: Deployment, policy: Policy) -> tuple[int, Formula]:
    bounds = policy.bounds.get(knob)
    low = bounds.low if bounds else formula.value
    highs = [
        limit for limit in (deployment.ceiling(knob), bounds.high if bounds else None) if limit is not None
    ]
    if knob is Knob.MIN_REPLICAS:
        highs.append(deployment.settings.max_replicas)
    after = max(low, min([formula.value, *highs]))
    if after == formula.value:
        return after, formula
    workings = f"{formula.workings}, cut to {after} by the limits"
    return after, Formula(formula.expression, formula.inputs, workings, formula.source, after)


def _plan(
    incident: Incident,
    cause: Cause,
    rung: int,
    change: Change,
    formula: Formula,
    deployment: Deployment,
    policy: Policy,
    now: datetime,
) -> Plan:
    verify = cause.remedies[rung].verify
    if verify is None:
        raise FormulaError(f"{cause.id}: remedy {rung} says nothing of its verification")
    mode = policy.mode_for(incident.symptom, incident.target)
    lasts = policy.plan_expires if mode is RunMode.AUTONOMOUS else policy.approval_expires
    seed = f"{incident.id} {cause.id} {rung} {to_ticks(now)}"
    return Plan(
        id=f"plan-{blake2b(seed.encode(), digest_size=5).hexdigest()}",
        incident=incident.id,
        target=incident.target,
        cause=cause.id,
        remedy=rung,
        changes=(change,),
        formula=formula,
        revision=deployment.revision,
        created=now,
        expires=now + lasts,
        verify_after=verify.after,
        verify_within=verify.within,
    )
