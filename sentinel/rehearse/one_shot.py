"""What is wrong at one instant, why, and what would be planned: the chain once, without state."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from sentinel.clock import VirtualClock
from sentinel.detect.evaluate import WindowEvaluator, measured_query
from sentinel.diagnose.causes import diagnose
from sentinel.diagnose.evidence import failure
from sentinel.errors import AdapterError, QueryError
from sentinel.model.diagnosis import ClauseRole, Diagnosis, Outcome
from sentinel.model.finding import Finding
from sentinel.model.incident import Incident, IncidentState
from sentinel.model.plan import Plan
from sentinel.model.rule import RuleSet, Symptom
from sentinel.model.target import Target, TargetKind
from sentinel.query.engine import Engine, Parameter
from sentinel.rehearse.recorded_adapter import RecordedAdapter
from sentinel.remediate.planner import HandOver, plan_for
from sentinel.remediate.policy import Policy
from sentinel.store.as_of import AsOf
from sentinel.store.telemetry import TelemetryStore

_BETWEEN_LOOKS: Final = timedelta(minutes=1)
_LOOKS_BACK: Final = 60


@dataclass(frozen=True, slots=True)
class Examined:
    """One finding with its diagnosis and what would be done."""

    finding: Finding
    symptom: Symptom
    diagnosis: Diagnosis
    planned: Plan | HandOver | None
    """None when the cause is unknown, so that nothing can be planned."""
    missing: tuple[str, ...]
    """What would have to be known to be surer, a sentence each."""


@dataclass(frozen=True, slots=True)
class Examination:
    """Everything that is wrong at an instant."""

    at: datetime
    newest: datetime | None
    """The event time of the newest row the symptoms read."""
    found: tuple[Examined, ...]
    problems: tuple[str, ...]
    """The symptoms that could not be asked, and why."""


def everything(_target: Target) -> bool:
    """Any target is of interest."""
    return True


def about(text: str) -> Callable[[Target], bool]:
    """The targets a person means by `chat/blue`, `chat` (each of its deployments), `train-17` or `job:train-17`."""

    def meant(target: Target) -> bool:
        return text in (target.label, str(target)) or target.label.startswith(f"{text}/")

    return meant


def newest_of(store: TelemetryStore) -> datetime | None:
    """The event time of the newest row of a store."""
    return store.statistics().newest


def targets_seen(store: TelemetryStore, engine: Engine, rules: RuleSet, at: datetime) -> frozenset[Target]:
    """Every target some symptom looks at, healthy or not; a symptom that cannot be asked sees none."""
    seen: set[Target] = set()
    with closing(AsOf(store, at)) as view, closing(engine.over(view)) as then:
        for rule in rules.symptoms:
            parameters: dict[str, Parameter] = {"window": rule.window, "since": at - rule.window}
            try:
                rows = then.query(measured_query(rule), now=at, parameters=parameters).records()
            except QueryError:
                continue
            seen |= {Target.of_row(rule.target, row) for row in rows}
    return frozenset(seen)


def last_hurt(
    store: TelemetryStore,
    engine: Engine,
    rules: RuleSet,
    at: datetime,
    *,
    wanted: Callable[[Target], bool] = everything,
    symptom: str = "",
) -> datetime | None:
    """The newest of the instants in the hour before `at`, a minute apart, at which a symptom holds; not `at` itself.

    What is recorded of an incident often ends after it. A symptom that cannot be asked holds nowhere.
    """
    asked = [rule for rule in rules.symptoms if symptom in ("", rule.id)]
    with closing(AsOf(store, at)) as view, closing(engine.over(view)) as then:
        evaluator = WindowEvaluator(then, view)
        for back in range(1, _LOOKS_BACK + 1):
            moment = at - back * _BETWEEN_LOOKS
            view.move(moment)
            for rule in list(asked):
                try:
                    findings = evaluator.evaluate(rule, moment).findings
                except QueryError:
                    asked.remove(rule)
                    continue
                if any(wanted(finding.target) for finding in findings):
                    return moment
    return None


def examine_all(
    store: TelemetryStore,
    engine: Engine,
    rules: RuleSet,
    policy: Policy,
    at: datetime,
    *,
    wanted: Callable[[Target], bool] = everything,
    symptom: str = "",
) -> Examination:
    """Evaluate the symptoms at `at`, diagnose each finding, and plan; nothing is stored and nothing changed.

    Rows later than `at` are not seen. `engine` lends what it compiled.
    """
    with closing(AsOf(store, at)) as view, closing(engine.over(view)) as then:
        evaluator = WindowEvaluator(then, view)
        adapter = RecordedAdapter(then, VirtualClock(at))
        found: list[Examined] = []
        problems: list[str] = []
        newest: list[datetime] = []
        for rule in rules.symptoms:
            if symptom not in ("", rule.id):
                continue
            try:
                evaluation = evaluator.evaluate(rule, at)
            except QueryError as error:
                problems.append(f"{rule.id}: {error.message}")
                continue
            newest += [evaluation.newest] if evaluation.newest else []
            found += [
                _examined(finding, rule, rules, then, adapter, policy, at)
                for finding in evaluation.findings
                if wanted(finding.target)
            ]
    found.sort(key=lambda one: (one.finding.target, one.symptom.id))
    return Examination(at, max(newest, default=None), tuple(found), tuple(problems))


def _examined(
    finding: Finding,
    symptom: Symptom,
    rules: RuleSet,
    engine: Engine,
    adapter: RecordedAdapter,
    policy: Policy,
    at: datetime,
) -> Examined:
    diagnosis = diagnose(finding, symptom, rules, engine, at)
    planned = _planned(finding, diagnosis, rules, adapter, policy, at)
    return Examined(finding, symptom, diagnosis, planned, missing_from(diagnosis))


def _planned(
    finding: Finding,
    diagnosis: Diagnosis,
    rules: RuleSet,
    adapter: RecordedAdapter,
    policy: Policy,
    at: datetime,
) -> Plan | HandOver | None:
    top = diagnosis.top
    cause = rules.cause(top.cause) if top else None
    if top is None or cause is None:
        return None
    if finding.target.kind is not TargetKind.DEPLOYMENT:
        return HandOver(cause.advice)
    try:
        deployment = adapter.describe(finding.target)
    except AdapterError as error:
        return HandOver(f"{cause.advice} ({error})")
    incident = Incident(
        "diagnose", finding.symptom, finding.target, IncidentState.DIAGNOSED, at, at, at, finding, at
    )
    return plan_for(incident, top, cause, deployment, policy, at)


def missing_from(diagnosis: Diagnosis) -> tuple[str, ...]:
    """What would have to be known to be surer of a diagnosis.

    Of the best cause it is the support that was not found; without one, it is the single clause other causes lack.
    Clauses that could not be checked are always named.
    """
    said: list[str] = []
    if diagnosis.top is not None:
        said += [
            f"not seen: {one.says}"
            for one in diagnosis.top.evidence
            if one.role is ClauseRole.SUPPORTS and not one.held and not failure(one)
        ]
    for verdict in diagnosis.others if diagnosis.top is None else ():
        lacking = [e for e in verdict.evidence if e.role is ClauseRole.REQUIRES and not e.held]
        if verdict.outcome is Outcome.NOT_SHOWN and len(lacking) == 1 and not failure(lacking[0]):
            said.append(f"{verdict.cause} lacks only: {lacking[0].says}")
    for verdict in (*diagnosis.ranked, *diagnosis.others):
        said += [
            f"{verdict.cause} could not check: {e.says} ({failure(e)})"
            for e in verdict.evidence
            if failure(e)
        ]
    return tuple(said)
