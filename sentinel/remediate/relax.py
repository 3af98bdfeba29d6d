"""Plans that put raised settings back, when the recent traffic replayed shows that it no longer needs them.

Only what Sentinel raised itself, what was confirmed and what nobody changed since is looked at, and only of
deployments without an open incident. The plan goes the way of every other: an incident of the symptom the setting was
raised for carries it through the guardrails, the executor and the verification.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from hashlib import blake2b
from typing import Final

from sentinel.clock import format_span, to_ticks
from sentinel.deploy.adapters import Adapters
from sentinel.errors import AdapterError, FormulaError, QueryError
from sentinel.model.finding import Finding
from sentinel.model.incident import Incident, IncidentState
from sentinel.model.outlook import Candidate, Outcome, Outlook
from sentinel.model.plan import Formula, Plan, RunMode
from sentinel.model.rule import RuleSet
from sentinel.model.settings import Change, Deployment, Knob
from sentinel.model.target import COLUMNS, Target
from sentinel.query.engine import Engine
from sentinel.remediate.capacity import dispersion, headroom_for
from sentinel.remediate.guardrails import out_of_bounds, within_step
from sentinel.remediate.planner import courses, simulated_settings
from sentinel.remediate.policy import Policy, Relaxing
from sentinel.remediate.relaxed import Raised, raised, resting
from sentinel.remediate.sizing import SUFFICIENT_SHARE, grow
from sentinel.remediate.trials import MeasureOf
from sentinel.simulate.calibrate import Model, NoModel
from sentinel.simulate.recent_peak import peak_model
from sentinel.store.actions import Actions
from sentinel.store.incidents import Incidents
from sentinel.store.ledger import Ledger
from sentinel.store.state import State

_ORDER: Final = (Knob.MIN_REPLICAS, Knob.REPLICAS, Knob.TARGET_UTILIZATION, Knob.MAX_REPLICAS)
"""What costs most is put back first."""

ModelOf = Callable[[Engine, Target, datetime, Relaxing], Model | NoModel]


@dataclass(frozen=True, slots=True)
class Enough:
    """The smallest settings the replayed traffic needs, as changes of those in force, and how they were found."""

    changes: tuple[Change, ...]
    formula: Formula
    outlook: Outlook


def smallest_enough(model: Model, deployment: Deployment, back: tuple[Change, ...]) -> Enough | str:
    """Put each setting back as far as the traffic allows, grown by the head-room; else why none can be.

    A setting is enough if at most a thousandth of the grown demand is refused, and no more than that times out in
    addition to what does now. All the earlier values are tried first; else for one setting after the other the value
    next to the earlier one that is enough is found by bisection.
    """
    if not model.calibrated:
        return f"not calibrated: {model.note}"
    demand = model.demand
    span = max(1.0, demand.arrivals[-1] - demand.arrivals[0])
    headroom = headroom_for(max(dispersion(demand.arrivals), 1e-9), span)
    search = _Search(replace(model, demand=grow(demand, headroom.value / 100)), deployment)
    found = search.smallest(sorted(back, key=lambda change: _ORDER.index(change.knob)))
    if not found:
        wanted = ", ".join(map(str, back))
        return f"it is needed: with {headroom.value} % of the demand {wanted} is not enough"
    outcome = search.outcome(found)
    workings = (
        f"{len(demand)} requests of {format_span(timedelta(seconds=span))} replayed with {headroom.value} % of the"
        f" demand: {', '.join(map(str, found))} refuses {outcome.refused_share:.2%}; head-room {headroom.workings}"
    )
    formula = Formula(
        expression="smallest_enough(demand, settings)",
        inputs={"requests": len(demand), "headroom": headroom.value},
        workings=workings,
        source=headroom.source,
        value=found[0].after,
    )
    grown = [replace(one, change=f"{one.change}, at {headroom.value} %") for one in search.tried]
    after = model.with_settings(simulated_settings(deployment.settings, found))
    outlook = Outlook(
        calibrated=True,
        note=model.note,
        now=model.with_settings(deployment.settings),
        after=after,
        candidates=(*grown, Candidate(", ".join(map(str, found)), after, sufficient=True)),
        seconds=span,
        courses=courses(model, deployment.settings, found),
    )
    return Enough(found, formula, outlook)


class _Search:
    """Replays a demand with settings that are put back."""

    def __init__(self, grown: Model, deployment: Deployment) -> None:
        self._grown = grown
        self._deployment = deployment
        self._timed_out = self.outcome(()).timed_out_share + SUFFICIENT_SHARE
        self.tried: list[Candidate] = []

    def outcome(self, changes: tuple[Change, ...]) -> Outcome:
        """What would become of the grown demand."""
        return self._grown.with_settings(simulated_settings(self._deployment.settings, changes))

    def smallest(self, back: list[Change]) -> tuple[Change, ...]:
        """The changes that are enough, each as far back as can be; none if nothing can be put back."""
        if self._is_enough(tuple(back)):
            return tuple(back)
        found: tuple[Change, ...] = ()
        for change in back:
            needed, tried = change.before, change.after
            if len(back) > 1 and self._is_enough((*found, change)):
                needed = change.after
            while abs(needed - tried) > 1:
                middle = (needed + tried) // 2
                if self._is_enough((*found, replace(change, after=middle))):
                    needed = middle
                else:
                    tried = middle
            if needed != change.before:
                found = (*found, replace(change, after=needed))
        return found

    def _is_enough(self, changes: tuple[Change, ...]) -> bool:
        settings = simulated_settings(self._deployment.settings, changes)
        if settings.min_replicas > settings.max_replicas:
            return False
        outcome = self.outcome(changes)
        enough = outcome.refused_share <= SUFFICIENT_SHARE and outcome.timed_out_share <= self._timed_out
        self.tried.append(Candidate(", ".join(map(str, changes)), outcome, enough))
        return enough


class Relaxer:
    """Looks for settings to put back, and opens an incident with the plan for each deployment that has some.

    Used by one thread, which need not be the pipeline's; it has a connection of its own to the state.
    """

    def __init__(
        self,
        *,
        state: State,
        rules: Callable[[], RuleSet],
        engine: Engine,
        adapters: Adapters,
        policy: Policy,
        measure: MeasureOf,
        ledger: Ledger,
        model_of: ModelOf = peak_model,
    ) -> None:
        self._state = state
        self._rules = rules
        self._engine = engine
        self._adapters = adapters
        self._policy = policy
        self._measure = measure
        self._ledger = ledger
        self._model_of = model_of
        self._incidents = Incidents(state)
        self._actions = Actions(state)

    def look(self, now: datetime) -> dict[Target, str]:
        """Plan what can be put back, and return what came of each deployment that was ever changed."""
        relax = self._policy.relax
        if relax is None:
            return {}
        return {target: self._looked_at(target, relax, now) for target in self._actions.changed_targets()}

    def _looked_at(self, target: Target, relax: Relaxing, now: datetime) -> str:
        try:
            deployment = self._adapters.of(target).describe(target)
            proposed = self._proposed(target, deployment, relax, now)
        except (AdapterError, QueryError, FormulaError) as error:
            return str(error)
        if isinstance(proposed, str):
            return proposed
        with self._state.transaction():
            why = self._objection(target, deployment, relax, now)
            if isinstance(why, str):
                return why
            self._ledger.open(proposed)
        return f"planned: {proposed.why}"

    def _objection(
        self, target: Target, deployment: Deployment, relax: Relaxing, now: datetime
    ) -> Raised | str:
        """What is stored against it, else what may be put back."""
        beside = self._incidents.beside(target)
        if beside:
            return f"{beside} is open"
        made = self._actions.made_on(target)
        why = resting(made, self._incidents.of_target(target, limit=200), now, relax.rest)
        return why or raised(made, deployment)

    def _proposed(
        self, target: Target, deployment: Deployment, relax: Relaxing, now: datetime
    ) -> Incident | str:
        known = self._objection(target, deployment, relax, now)
        if isinstance(known, str):
            return known
        stored = self._incidents.get(known.by.incident)
        symptom = self._rules().symptom(stored.incident.symptom) if stored else None
        if stored is None or symptom is None:
            return "the rule it was raised for is gone"
        mode = self._policy.mode_for(symptom.id, target)
        if mode is RunMode.READONLY:
            return "readonly: nothing is changed"
        seen = self._measure(symptom, target, now - symptom.window, now)
        if seen is None or seen.sample == 0 or seen.holds:
            return "the symptom holds" if seen is not None and seen.holds else "there is no recent telemetry"
        model = self._model_of(self._engine, target, now, relax)
        if isinstance(model, NoModel):
            return f"not calibrated: {model.why}"
        enough = smallest_enough(model, deployment, known.back)
        if isinstance(enough, str):
            return enough
        named = dict(zip(COLUMNS[target.kind], target.names, strict=True))
        finding = Finding(symptom.id, target, now, named, seen.measure, seen.sample)
        return self._incident(stored.incident, known, enough, deployment, finding, mode, relax)

    def _incident(
        self,
        before: Incident,
        known: Raised,
        enough: Enough,
        deployment: Deployment,
        finding: Finding,
        mode: RunMode,
        relax: Relaxing,
    ) -> Incident | str:
        now, target, policy = finding.at, finding.target, self._policy
        digest = blake2b(f"{known.by.plan} {to_ticks(now)}".encode(), digest_size=5).hexdigest()
        remedy = before.plan if before.plan is not None and before.plan.id == known.by.plan else None
        plan = Plan(
            id=f"plan-{digest}",
            incident=f"inc-{digest[:8]}",
            target=target,
            cause=remedy.cause if remedy else "",
            remedy=remedy.remedy if remedy else 0,
            changes=enough.changes,
            formula=enough.formula,
            revision=deployment.revision,
            created=now,
            expires=now + (policy.plan_expires if mode is RunMode.AUTONOMOUS else policy.approval_expires),
            verify_after=timedelta(0),
            verify_within=relax.watch,
            outlook=replace(enough.outlook, price=policy.price_for(target)),
            relaxes=known.by.plan,
        )
        plan = within_step(plan, policy)
        refused = out_of_bounds(plan.changes, deployment, policy)
        if refused:
            return refused
        return Incident(
            id=plan.incident,
            symptom=before.symptom,
            target=target,
            state=IncidentState.PLANNED,
            opened=now,
            updated=now,
            due=now,
            finding=finding,
            last_seen=min(before.last_seen, now - timedelta(microseconds=1)),
            why=f"recent traffic no longer needs what was raised: {plan.summary} ({plan.formula.workings})",
            plan=plan,
            mode=mode,
        )
