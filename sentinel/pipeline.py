"""The flow: detect → diagnose → plan → judge → apply → verify → (confirm | undo) → tell.

This is the one file that knows the order. What carries state is the incident; `Pipeline.advance` takes each due
incident one stored step, so waiting is a date in a row and a crash repeats at most one step:

    open → diagnosed → planned → (waiting) → applying → settling → confirmed → resolved
                                                            ↘ undoing → undone → open again
    any of them → escalated (a person is asked) → resolved when the symptom is gone

Every transition is stored together with the notices that tell of it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from hashlib import blake2b
from typing import Final

from sentinel.clock import format_span, monotonic, to_ticks
from sentinel.deploy.adapters import Adapters
from sentinel.detect.evaluate import Evaluator
from sentinel.detect.recovery import recovery, staleness
from sentinel.diagnose.causes import diagnose
from sentinel.errors import AdapterError, QueryError, TargetNotFound
from sentinel.model.finding import Finding
from sentinel.model.incident import Approval, Incident, IncidentState as At
from sentinel.model.observer import Nobody, Observer
from sentinel.model.plan import Action, ActionKind, ActionState, Effect, Plan, RunMode
from sentinel.model.rule import Cause, RuleSet, Symptom
from sentinel.model.target import TargetKind
from sentinel.query.engine import Engine
from sentinel.remediate.executor import carry_out
from sentinel.remediate.guardrails import judge, why_not_start
from sentinel.remediate.planner import HandOver, plan_for, remedy_key
from sentinel.remediate.policy import Policy
from sentinel.remediate.stop import StopSwitch
from sentinel.remediate.verify import verify
from sentinel.store.actions import Actions
from sentinel.store.incidents import Incidents, Stored
from sentinel.store.ledger import Ledger
from sentinel.store.rule_state import LastEvaluation, RuleState
from sentinel.store.state import State

_ROUNDS: Final = 8
"""Steps an incident may take in one tick."""
_BEFORE_A_CHANGE: Final = frozenset({At.OPEN, At.DIAGNOSED, At.PLANNED, At.WAITING, At.ESCALATED})


@dataclass(frozen=True, slots=True)
class Tick:
    """What one tick did."""

    evaluated: int
    steps: int


class Pipeline:
    """Evaluates symptoms and advances incidents; used by one thread, and safe to repeat after a crash."""

    def __init__(
        self,
        *,
        state: State,
        rules: Callable[[], RuleSet],
        evaluator: Evaluator,
        engine: Engine,
        adapters: Adapters,
        policy: Policy,
        stop: StopSwitch,
        channels: tuple[str, ...] = (),
        observe: Observer | None = None,
    ) -> None:
        self._state = state
        self._rules = rules
        self._evaluator = evaluator
        self._engine = engine
        self._adapters = adapters
        self._policy = policy
        self._stop = stop
        self._observe: Observer = observe or Nobody()
        self._incidents = Incidents(state)
        self._actions = Actions(state)
        self._rule_state = RuleState(state)
        self._ledger = Ledger(state, channels, self._observe, lambda symptom: rules().symptom(symptom))

    def tick(self, now: datetime) -> Tick:
        """Evaluate the symptoms that are due, then advance the incidents that are."""
        return Tick(self.detect(now), self.advance(now))

    # ── detect ──

    def detect(self, now: datetime) -> int:
        """Evaluate every symptom whose interval has passed, and open incidents; return how many were evaluated."""
        last = self._rule_state.evaluations()
        due = [s for s in self._rules().symptoms if s.id not in last or now >= last[s.id].at + s.every]
        for symptom in due:
            self._evaluate(symptom, now)
        return len(due)

    def _evaluate(self, symptom: Symptom, now: datetime) -> None:
        started, problem = monotonic(), ""
        findings: tuple[Finding, ...] = ()
        newest: datetime | None = None
        try:
            evaluation = self._evaluator.evaluate(symptom, now)
            findings, newest = evaluation.findings, evaluation.newest
        except QueryError as error:
            problem = str(error)
        with self._state.transaction():
            for finding in findings:
                self._seen(symptom, finding, now)
            if not problem:
                self._rule_state.forget_unseen(symptom.id, now)
            self._rule_state.evaluated(LastEvaluation(symptom.id, now, newest, len(findings), problem))
        self._observe.evaluated(symptom.id, monotonic() - started, len(findings), problem)

    def _seen(self, symptom: Symptom, finding: Finding, now: datetime) -> None:
        since = self._rule_state.seen(symptom.id, finding.target, now)
        stored = self._incidents.open_for(symptom.id, finding.target)
        if stored is not None:
            kept = finding if stored.incident.state in _BEFORE_A_CHANGE else stored.incident.finding
            self._incidents.touch(stored, last_seen=now, finding=kept)
        elif now - since >= symptom.hold:
            why = f"{symptom.title} ({finding.measure:.3g} over {finding.sample})"
            incident_id = f"inc-{_digest(symptom.id, str(finding.target), to_ticks(now))}"
            opened = Incident(
                incident_id, symptom.id, finding.target, At.OPEN, now, now, now, finding, now, why
            )
            self._ledger.open(opened)

    # ── advance ──

    def advance(self, now: datetime) -> int:
        """Take each due incident one step, and again while steps follow at once; return how many were taken."""
        steps = 0
        for _ in range(_ROUNDS):
            due = self._incidents.due(now)
            for stored in due:
                started = monotonic()
                self._step(stored, now)
                self._observe.stepped(stored.incident, monotonic() - started)
            steps += len(due)
            if not due:
                break
        return steps

    def _step(self, stored: Stored, now: datetime) -> None:
        incident = stored.incident
        symptom = self._rules().symptom(incident.symptom)
        if symptom is None:
            why = f"the rule {incident.symptom} is gone, so nothing more can be said of it"
            self._ledger.move(stored, now, At.RESOLVED, why, closed=now)
            return
        try:
            self._take(stored, symptom, now)
        except (AdapterError, QueryError) as error:
            self._ledger.wait(stored, now + symptom.every, f"{incident.state}: {error}")

    def _take(self, stored: Stored, symptom: Symptom, now: datetime) -> None:
        steps: dict[At, Callable[[Stored, Symptom, datetime], object]] = {
            At.OPEN: self._diagnose,
            At.DIAGNOSED: self._plan,
            At.PLANNED: self._judge,
            At.WAITING: self._judge,
            At.APPLYING: self._apply,
            At.SETTLING: self._verify,
            At.CONFIRMED: self._confirm,
            At.UNDOING: self._undo,
            At.UNDONE: self._reopen,
            At.ESCALATED: self._watch,
        }
        steps[stored.incident.state](stored, symptom, now)

    # ── diagnose, plan, judge ──

    def _diagnose(self, stored: Stored, symptom: Symptom, now: datetime) -> None:
        if self._recovered(stored, symptom, now):
            return
        diagnosis = diagnose(stored.incident.finding, symptom, self._rules(), self._engine, now)
        stale = self._stale(symptom, now)
        if stale:
            self._ledger.wait(stored, now + symptom.every, f"nothing is decided: {stale}")
        elif diagnosis.top is None:
            why = "no known cause explains it; the evidence is in the explanation"
            self._ledger.move(stored, now, At.ESCALATED, why, diagnosis=diagnosis, plan=None)
        else:
            why = f"{diagnosis.top.title}: {diagnosis.top.reason}"
            self._ledger.move(stored, now, At.DIAGNOSED, why, diagnosis=diagnosis, plan=None)

    def _plan(self, stored: Stored, _symptom: Symptom, now: datetime) -> None:
        incident = stored.incident
        top = incident.diagnosis.top if incident.diagnosis else None
        cause = self._rules().cause(top.cause) if top else None
        if top is None or cause is None:
            self._ledger.move(stored, now, At.OPEN, "the rule of its cause is gone; diagnosing again")
            return
        try:
            planned = self._planned(incident, cause, now)
        except TargetNotFound as error:
            planned = HandOver(f"{cause.advice} ({error})")
        if isinstance(planned, HandOver):
            self._ledger.move(stored, now, At.ESCALATED, planned.why, plan=None)
            return
        mode = self._policy.mode_for(incident.symptom, incident.target)
        why = f"{planned.summary}: {planned.formula.workings}"
        self._ledger.move(stored, now, At.PLANNED, why, plan=planned, mode=mode, approval=Approval.NONE)

    def _planned(self, incident: Incident, cause: Cause, now: datetime) -> Plan | HandOver:
        top = incident.diagnosis.top if incident.diagnosis else None
        if top is None or incident.target.kind is not TargetKind.DEPLOYMENT:
            return HandOver(cause.advice)
        deployment = self._adapters.of(incident.target).describe(incident.target)
        return plan_for(incident, top, cause, deployment, self._policy, now)

    def _judge(self, stored: Stored, symptom: Symptom, now: datetime) -> None:
        incident, plan = stored.incident, _plan_of(stored.incident)
        approved = incident.approval is Approval.APPROVED
        if not approved and self._recovered(stored, symptom, now):
            return
        soon, mode = now + symptom.every, self._policy.mode_for(incident.symptom, incident.target)
        if mode is not incident.mode:
            why = f"the run mode is {mode} now; planning again"
            self._ledger.move(stored, now, At.DIAGNOSED, why, plan=None)
        elif mode is RunMode.READONLY:
            why = f"readonly: {plan.summary} is advised, nothing is changed"
            if not self._rediagnosed(stored, symptom, now):
                self._ledger.hold(stored, now, soon, why)
        elif mode is RunMode.REVIEW and not approved:
            if now >= plan.expires:
                self._ledger.move(stored, now, At.OPEN, "nobody decided in time; diagnosing again", plan=None)
            else:
                left = format_span(plan.expires - plan.created)
                self._ledger.hold(stored, now, soon, f"waiting for approval of {plan.summary} (for {left})")
        else:
            self._claim(stored, plan, symptom, now)

    def _claim(self, stored: Stored, plan: Plan, symptom: Symptom, now: datetime) -> None:
        """Weigh the plan and claim the action in one transaction, so that no limit can be passed twice."""
        deployment = self._adapters.of(plan.target).describe(plan.target)
        knobs = frozenset(change.knob.value for change in plan.changes)
        with self._state.transaction():
            history = self._actions.history(plan.target, knobs, now, per=self._policy.limit_window)
            judgement = judge(
                plan,
                deployment,
                history,
                self._policy,
                now,
                stopped=self._stop.reason(),
                newest=self._newest(symptom),
            )
            if judgement.allowed:
                action = plan.action(ActionKind.APPLY, plan.revision, now)
                if self._ledger.move(stored, now, At.APPLYING, f"applying {plan.summary}"):
                    self._actions.claim(action)
            elif judgement.retry_at is not None:
                self._ledger.hold(stored, now, judgement.retry_at, judgement.reason)
            else:
                why = f"plan void: {judgement.reason}"
                self._ledger.move(stored, now, At.OPEN, why, due=now + symptom.every, plan=None)

    # ── apply, verify, confirm, undo ──

    def _apply(self, stored: Stored, symptom: Symptom, now: datetime) -> None:
        plan = _plan_of(stored.incident)
        claimed = self._action(stored.incident, ActionKind.APPLY)
        if claimed is None:
            self._ledger.move(stored, now, At.OPEN, "nothing was claimed; diagnosing again", plan=None)
            return
        withheld = why_not_start(claimed, self._policy, now, stopped=self._stop.reason())
        done = carry_out(claimed, self._adapters, now, withheld=withheld)
        with self._state.transaction():
            if done.state is ActionState.APPLIED:
                due, why = now + plan.verify_after, f"{plan.summary} is in force; judged from then on"
                moved = self._ledger.move(stored, now, At.SETTLING, why, due=due, verification=None)
            elif done.state is ActionState.VOID:
                due, why = now + symptom.every, f"plan void: {done.detail}"
                moved = self._ledger.move(stored, now, At.OPEN, why, due=due, plan=None)
            else:
                moved = self._ledger.move(stored, now, At.ESCALATED, f"{plan.summary} failed: {done.detail}")
            if moved:
                self._actions.finish(done)
        if moved:
            self._observe.acted(done)

    def _verify(self, stored: Stored, symptom: Symptom, now: datetime) -> None:
        plan = _plan_of(stored.incident)
        applied = self._action(stored.incident, ActionKind.APPLY)
        in_force = applied.finished if applied and applied.finished else stored.incident.updated
        since, deadline = in_force + plan.verify_after, in_force + plan.verify_within
        seen = self._evaluator.measure(symptom, stored.incident.target, since, now)
        verdict = verify(stored.incident.finding, seen, now)
        long_enough = now - since >= symptom.window / 2
        if verdict.effect is Effect.WORKED and long_enough:
            self._ledger.move(stored, now, At.CONFIRMED, f"worked: {verdict.reason}", verification=verdict)
        elif verdict.effect is Effect.WORSE and long_enough:
            self._ledger.move(stored, now, At.UNDOING, f"worse: {verdict.reason}", verification=verdict)
        elif now < deadline:
            self._ledger.wait(stored, min(now + symptom.every, deadline), stored.incident.why)
        elif verdict.effect in {Effect.HELPED, Effect.WORKED}:
            tried = stored.incident.tried
            why = f"{verdict.effect}: {verdict.reason}; kept, and diagnosing again"
            self._ledger.move(stored, now, At.OPEN, why, verification=verdict, tried=tried)
        else:
            why = f"{verdict.effect}: {verdict.reason}; taking it back"
            self._ledger.move(stored, now, At.UNDOING, why, verification=verdict)

    def _confirm(self, stored: Stored, symptom: Symptom, now: datetime) -> None:
        incident = stored.incident
        verified = incident.verification
        patience = symptom.window + symptom.keep_firing * 2
        if recovery(incident, symptom, self._evaluator, now) is not None:
            why = f"resolved: {verified.reason}" if verified else "resolved"
            self._ledger.move(stored, now, At.RESOLVED, why, closed=now)
        elif now - incident.last_seen < symptom.keep_firing and now - incident.updated >= patience:
            self._ledger.move(stored, now, At.OPEN, "it came back; diagnosing again", plan=None)
        else:
            self._ledger.wait(stored, now + symptom.every, incident.why)

    def _undo(self, stored: Stored, symptom: Symptom, now: datetime) -> None:
        incident, plan = stored.incident, _plan_of(stored.incident)
        applied = self._action(incident, ActionKind.APPLY)
        if applied is None or applied.state is not ActionState.APPLIED:
            self._ledger.move(stored, now, At.ESCALATED, "nothing is in force, so nothing was undone")
            return
        stopped = self._stop.reason()
        if stopped is not None:
            self._ledger.wait(stored, now + symptom.every, f"not undone yet, stopped by a person: {stopped}")
            return
        action = self._action(incident, ActionKind.UNDO)
        if action is None:
            action = plan.action(ActionKind.UNDO, applied.revision, now)
            with self._state.transaction():
                self._actions.claim(action)
        done = carry_out(action, self._adapters, now)
        with self._state.transaction():
            if done.state is ActionState.APPLIED:
                why = f"undone: {', '.join(map(str, done.changes))}"
                moved = self._ledger.move(stored, now, At.UNDONE, why, due=now + symptom.every)
            else:
                moved = self._ledger.move(stored, now, At.ESCALATED, f"not undone: {done.detail}")
            if moved:
                self._actions.finish(done)
        if moved:
            self._observe.acted(done)

    def _reopen(self, stored: Stored, _symptom: Symptom, now: datetime) -> None:
        plan = _plan_of(stored.incident)
        tried = (*stored.incident.tried, remedy_key(plan.cause, plan.remedy))
        self._ledger.move(stored, now, At.OPEN, "diagnosing again", tried=tried, plan=None)

    # ── what several steps share ──

    def _watch(self, stored: Stored, symptom: Symptom, now: datetime) -> None:
        denied = stored.incident.approval is Approval.DENIED
        if self._recovered(stored, symptom, now):
            return
        if denied or not self._rediagnosed(stored, symptom, now):
            self._ledger.wait(stored, now + symptom.every, stored.incident.why)

    def _rediagnosed(self, stored: Stored, symptom: Symptom, now: datetime) -> bool:
        """Look again, and go on with another cause if the evidence now says so."""
        incident = stored.incident
        if now - incident.updated < symptom.window / 2 or self._stale(symptom, now):
            return False
        diagnosis = diagnose(incident.finding, symptom, self._rules(), self._engine, now)
        known = incident.diagnosis.top.cause if incident.diagnosis and incident.diagnosis.top else None
        if diagnosis.top is None or diagnosis.top.cause == known:
            return False
        why = f"{diagnosis.top.title}: {diagnosis.top.reason}"
        return self._ledger.move(stored, now, At.DIAGNOSED, why, diagnosis=diagnosis, plan=None)

    def _recovered(self, stored: Stored, symptom: Symptom, now: datetime) -> bool:
        why = recovery(stored.incident, symptom, self._evaluator, now)
        return why is not None and self._ledger.move(stored, now, At.RESOLVED, why, closed=now)

    def _stale(self, symptom: Symptom, now: datetime) -> str:
        return staleness(symptom, self._newest(symptom), now, fresh_within=self._policy.fresh_within)

    def _newest(self, symptom: Symptom) -> datetime | None:
        last = self._rule_state.evaluations().get(symptom.id)
        return last.newest if last else None

    def _action(self, incident: Incident, kind: ActionKind) -> Action | None:
        plan = _plan_of(incident)
        actions = self._actions.of_incident(incident.id)
        return next((a for a in actions if a.plan == plan.id and a.kind is kind), None)


def _plan_of(incident: Incident) -> Plan:
    if incident.plan is None:
        raise AssertionError(f"{incident.id} is {incident.state} without a plan")
    return incident.plan


def _digest(*parts: object) -> str:
    return blake2b(" ".join(map(str, parts)).encode(), digest_size=4).hexdigest()
