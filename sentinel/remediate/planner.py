"""From a diagnosis to a plan: the next rung of the cause's ladder, sized by its formula."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from hashlib import blake2b
from typing import Any, Final

from sentinel.clock import to_ticks
from sentinel.deploy.adapters import Adapters
from sentinel.errors import FormulaError, TargetNotFound
from sentinel.model.diagnosis import CauseVerdict
from sentinel.model.incident import Incident
from sentinel.model.outlook import Candidate, Course, Outcome, Outlook
from sentinel.model.plan import Formula, Plan, RunMode
from sentinel.model.rule import Cause, Remedy, RemedyKind
from sentinel.model.settings import Change, Deployment, Knob, Settings
from sentinel.model.target import TargetKind
from sentinel.query.engine import Engine
from sentinel.remediate.formula import compute
from sentinel.remediate.guardrails import within_step
from sentinel.remediate.memory import Experience, Memory, remembered
from sentinel.remediate.policy import Bounds, Policy
from sentinel.remediate.sizing import cheapest
from sentinel.simulate.calibrate import Model, NoModel, recent_model
from sentinel.store.incidents import Incidents

REMAINING_SHARE: Final = 0.01
REMAINING_PART: Final = 0.1
"""A change suffices if, by simulation, at most a hundredth of the requests or a tenth of the failures remains."""
HELPING_PART: Final = 0.5
"""Where every rung alone would leave more of the failures than this, several settings are changed at once."""
PAST_WINDOWS: Final = 15
"""Of the symptom, on which a change is simulated before it is planned."""
_REPLICA_KNOBS: Final = frozenset({Knob.MAX_REPLICAS, Knob.MIN_REPLICAS, Knob.TARGET_UTILIZATION})


@dataclass(frozen=True, slots=True)
class HandOver:
    """No change can be planned; a person is asked, and told why."""

    why: str


@dataclass(frozen=True, slots=True)
class _Option:
    """A rung that would change something, sized."""

    rung: int
    changes: tuple[Change, ...]
    formula: Formula


def plan_for(
    incident: Incident,
    verdict: CauseVerdict,
    cause: Cause,
    deployment: Deployment,
    policy: Policy,
    now: datetime,
    model: Model | NoModel | None = None,
    memory: Memory | None = None,
) -> Plan | HandOver:
    """The plan of a rung that was not tried and that would change something.

    It is the first one, but for what `memory` knows: one that worked before goes first, one that did not help last. A
    calibrated `model` of the deployment goes before both: it takes the cheapest that suffices. A size beyond the
    bounds is cut to them, and the formula says so. A rung whose setting the deployment does not have is for others of
    its kind, and is not spoken of where there is something else to say.
    """
    options: list[_Option] = []
    passed: list[str] = []
    absent: list[str] = []
    advice, known = "", memory or {}
    for rung, remedy in enumerate(cause.remedies):
        if remedy_key(cause.id, rung) in incident.tried:
            continue
        if remedy.kind is RemedyKind.ESCALATE:
            advice = remedy.advice
            break
        sized = _sized(remedy, verdict, deployment, policy)
        if isinstance(sized, str):
            (passed if remedy.knob in deployment.known else absent).append(sized)
        else:
            options.append(_recalled(_Option(rung, (sized[0],), sized[1]), known.get(rung)))
    if options:
        options.sort(key=lambda one: known[one.rung].rank if one.rung in known else 0)
        option, outlook = _chosen(options, deployment, policy, model)
        return _plan(incident, cause, option, deployment, policy, now, outlook)
    if advice:
        return HandOver("; ".join(dict.fromkeys([advice, *passed])))
    if not cause.remedies:
        return HandOver(f"{cause.title}: nothing that Sentinel may change would cure it")
    passed = passed or absent or ["every remedy was tried"]
    return HandOver(f"{cause.title}: " + "; ".join(dict.fromkeys(passed)))


def _recalled(option: _Option, experience: Experience | None) -> _Option:
    """The option with what is known of it said beside its working."""
    if experience is None:
        return option
    came = "worked" if experience.worked else "did not help"
    workings = f"{option.formula.workings}; it {came} for this cause on {experience.at:%Y-%m-%d}"
    return replace(option, formula=replace(option.formula, workings=workings))


class Planner:
    """Plans against the deployment as it is now, simulated on what lately came to it."""

    def __init__(self, adapters: Adapters, engine: Engine, policy: Policy, incidents: Incidents) -> None:
        self._adapters = adapters
        self._incidents = incidents
        self._engine = engine
        self._policy = policy

    def propose(
        self, incident: Incident, verdict: CauseVerdict, cause: Cause, window: timedelta, now: datetime
    ) -> Plan | HandOver:
        """The plan for a verdict; `window` is what the symptom looks back.

        Raises:
            AdapterError: The deployment cannot be read just now.
        """
        target = incident.target
        if target.kind is not TargetKind.DEPLOYMENT:
            return HandOver(cause.advice)
        try:
            deployment = self._adapters.of(target).describe(target)
        except TargetNotFound as error:
            return HandOver(f"{cause.advice} ({error})")
        model = recent_model(self._engine, target, now, window * PAST_WINDOWS)
        memory = remembered(self._incidents.of_target(target), cause.id, now)
        planned = plan_for(incident, verdict, cause, deployment, self._policy, now, model, memory)
        return planned if isinstance(planned, HandOver) else within_step(planned, self._policy)


def _chosen(
    options: list[_Option], deployment: Deployment, policy: Policy, model: Model | NoModel | None
) -> tuple[_Option, Outlook | None]:
    """The cheapest option that suffices by simulation; without a calibrated one, the first."""
    if model is None:
        return options[0], None
    if isinstance(model, NoModel):
        return options[0], Outlook(calibrated=False, note=f"not calibrated: {model.why}")
    if not model.calibrated:
        return options[0], Outlook(calibrated=False, note=f"not calibrated: {model.note}")
    before = model.with_settings(deployment.settings)
    enough = max(REMAINING_SHARE, REMAINING_PART * before.failed_share)
    weighed = [(option, _after(option, deployment, model)) for option in options]
    if all(outcome.failed_share > HELPING_PART * before.failed_share for _, outcome in weighed):
        together = _together(options, deployment, policy, model)
        if together is not None:
            weighed.append((together, _after(together, deployment, model)))
    sufficient = [one for one in weighed if one[1].failed_share <= enough]
    option, after = (
        min(sufficient, key=lambda one: one[1].replica_hours)
        if sufficient
        else min(weighed, key=lambda one: one[1].failed_share)
    )
    candidates = tuple(
        Candidate(", ".join(map(str, each.changes)), outcome, outcome.failed_share <= enough)
        for each, outcome in weighed
    )
    return option, Outlook(
        calibrated=True,
        note=model.note,
        now=before,
        after=after,
        candidates=candidates,
        seconds=model.demand.arrivals[-1] if len(model.demand) else 0.0,
        courses=courses(model, deployment.settings, option.changes),
        price=policy.price_for(deployment.target),
    )


def courses(model: Model, settings: Settings, changes: Iterable[Change]) -> tuple[Course, ...]:
    """The replayed span as it is, and with some changes."""
    changed = simulated_settings(settings, changes)
    return model.course("as it is", settings), model.course(", ".join(map(str, changes)), changed)


def _after(option: _Option, deployment: Deployment, model: Model) -> Outcome:
    return model.with_settings(simulated_settings(deployment.settings, option.changes))


def simulated_settings(settings: Settings, changes: Iterable[Change]) -> Settings:
    """The settings after some changes as a model takes them: replicas that nothing scales are both its bounds."""
    for change in changes:
        settings = settings.with_value(change.knob, change.after)
        if change.knob is Knob.REPLICAS:
            settings = replace(settings, min_replicas=change.after, max_replicas=change.after)
    return settings


def _together(options: list[_Option], deployment: Deployment, policy: Policy, model: Model) -> _Option | None:
    """The replica settings sized together, where the ladder changes only such and no rung alone helps much."""
    first = options[0]
    if not all(change.knob in _REPLICA_KNOBS for option in options for change in option.changes):
        return None
    if any(deployment.why_not(knob) for knob in _REPLICA_KNOBS):
        return None
    limits = dict(policy.bounds)
    for knob in _REPLICA_KNOBS:
        ceiling, bounds = deployment.ceiling(knob), limits.get(knob)
        if ceiling is not None and bounds is not None:
            limits[knob] = Bounds(bounds.low, min(bounds.high, ceiling))
    sized = cheapest(model.demand, deployment.settings, model.timing, limits)
    changes = sized.changes(deployment.settings)
    if len(changes) < 2:  # noqa: PLR2004 - one knob alone is what the rungs are for
        return None
    formula = Formula(
        expression="cheapest(demand, settings, timing)",
        inputs={"requests": len(model.demand), "headroom": sized.headroom.value},
        workings=sized.workings,
        source=sized.headroom.source,
        value=changes[0].after,
    )
    return _Option(first.rung, changes, formula)


def remedy_key(cause: str, rung: int) -> str:
    """How a remedy is remembered as tried."""
    return f"{cause}#{rung}"


def _sized(
    remedy: Remedy, verdict: CauseVerdict, deployment: Deployment, policy: Policy
) -> tuple[Change, Formula] | str:
    knob = remedy.knob
    if knob is None:
        return "the remedy names no setting"
    withheld = deployment.why_not(knob)
    if withheld is not None:
        return withheld
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
    current = {name.value: settings.value(name) for name in deployment.known}
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
    option: _Option,
    deployment: Deployment,
    policy: Policy,
    now: datetime,
    outlook: Outlook | None,
) -> Plan:
    verify = cause.remedies[option.rung].verify
    if verify is None:
        raise FormulaError(f"{cause.id}: remedy {option.rung} says nothing of its verification")
    mode = policy.mode_for(incident.symptom, incident.target)
    lasts = policy.plan_expires if mode is RunMode.AUTONOMOUS else policy.approval_expires
    seed = f"{incident.id} {cause.id} {option.rung} {to_ticks(now)}"
    return Plan(
        id=f"plan-{blake2b(seed.encode(), digest_size=5).hexdigest()}",
        incident=incident.id,
        target=incident.target,
        cause=cause.id,
        remedy=option.rung,
        changes=option.changes,
        formula=option.formula,
        revision=deployment.revision,
        created=now,
        expires=now + lasts,
        verify_after=verify.after,
        verify_within=verify.within,
        outlook=outlook,
    )
