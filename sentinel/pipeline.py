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
from datetime import datetime, timedelta
from hashlib import blake2b
from typing import Final

from sentinel.clock import format_span, monotonic, to_ticks
from sentinel.deploy.adapters import Adapters
from sentinel.detect.evaluate import Evaluator
from sentinel.detect.recovery import recovery, staleness
from sentinel.diagnose.causes import diagnose
from sentinel.errors import AdapterError, QueryError
from sentinel.model.diagnosis import CauseVerdict
from sentinel.model.finding import Finding
from sentinel.model.incident import Approval, Incident, IncidentState as At
from sentinel.model.observer import Nobody, Observer
from sentinel.model.plan import Action, ActionKind, ActionState, Effect, Plan, RunMode
from sentinel.model.rule import RuleSet, Symptom
from sentinel.query.engine import Engine
from sentinel.remediate.claims import Claims
from sentinel.remediate.executor import carry_out
from sentinel.remediate.guardrails import why_not_start
from sentinel.remediate.planner import HandOver, Planner, remedy_key
from sentinel.remediate.policy import Policy
from sentinel.remediate.relaxed import settling, why_ended
from sentinel.remediate.stop import StopSwitch
from sentinel.remediate.trials import Trials
from sentinel.remediate.verify import Course, Trial, course
from sentinel.store.actions import Actions
from sentinel.store.clock_watch import ClockWatch
from sentinel.store.incidents import Incidents, Stored
from sentinel.store.ledger import Ledger
from sentinel.store.rule_state import LastEvaluation, RuleState
from sentinel.store.state import State

_ROUNDS: Final = 8  # steps an incident may take in one tick
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
        self._clock = ClockWatch(state)
        self._planner = Planner(adapters, engine, policy, self._incidents)
        self._claims = Claims(state, policy, stop, self._clock)
        self._trials = Trials(state, adapters, policy.lag, evaluator.measure)
        self._ledger = Ledger(state, channels, self._observe, lambda symptom: rules().symptom(symptom))

    def tick(self, now: datetime) -> Tick:
        """Evaluate the symptoms that are due, then advance the incidents that are."""
        self._watch_clock(now)
        return Tick(self.detect(now), self.advance(now))

    def _watch_clock(self, now: datetime) -> None:
        """When the clock stepped back, dates mean nothing: all is due, and what cannot be judged is taken back."""
        policy = self._policy
        with self._state.transaction():
            back = self._clock.look(now, tolerance=policy.clock_tolerance, rest=policy.clock_rest)
            for stored in self._incidents.unclosed() if back else ():
                if stored.incident.state is At.SETTLING:
                    why = f"the clock stepped back by {format_span(back)}"
                    self._conclude(stored, now, At.UNDOING, why, f"{why}; taking back what cannot be judged")
                else:
                    self._incidents.touch(stored, due=now, last_seen=min(stored.incident.last_seen, now))

    # ── detect ──

    def detect(self, now: datetime) -> int:
        """Evaluate every symptom whose interval has passed, and open incidents; return how many were evaluated."""
        last = self._rule_state.evaluations()
        due = [s for s in self._rules().symptoms if s.id not in last or last[s.id].is_past(s.every, now)]
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
            seed = f"{symptom.id} {finding.target} {to_ticks(now)}".encode()
            name = f"inc-{blake2b(seed, digest_size=4).hexdigest()}"
            self._ledger.open(
                Incident(name, symptom.id, finding.target, At.OPEN, now, now, now, finding, now, why)
            )

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
            self._orphaned(stored, now)
            return
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
        try:
            steps[incident.state](stored, symptom, now)
        except (AdapterError, QueryError) as error:
            asked = timedelta(seconds=(isinstance(error, AdapterError) and error.retry_after) or 0)
            why, due = f"{incident.state}: {error}", now + max(symptom.every, asked)
            self._ledger.retry(stored, now, due, why, tell_after=self._policy.tell_after)

    def _orphaned(self, stored: Stored, now: datetime) -> None:
        """Close an incident whose rule is gone; a change that nobody can judge any more is taken back first."""
        why = f"the rule {stored.incident.symptom} is gone"
        match stored.incident.state:
            case At.APPLYING:
                self._apply(stored, None, now)
            case At.SETTLING:
                self._conclude(stored, now, At.UNDOING, why, f"{why}; taking back what cannot be judged")
            case At.UNDOING:
                self._undo(stored, None, now)
            case _:
                self._ledger.move(stored, now, At.RESOLVED, why, closed=now)

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

    def _plan(self, stored: Stored, symptom: Symptom, now: datetime) -> None:
        incident = stored.incident
        top = incident.diagnosis.top if incident.diagnosis else None
        cause = self._rules().cause(top.cause) if top else None
        if top is None or cause is None:
            self._ledger.move(stored, now, At.OPEN, "the rule of its cause is gone; diagnosing again")
            return
        planned = self._planner.propose(incident, top, cause, symptom.window, now)
        if isinstance(planned, HandOver):
            self._ledger.move(stored, now, At.ESCALATED, planned.why, plan=None)
            return
        mode = self._policy.mode_for(incident.symptom, incident.target)
        why = f"{planned.summary}: {planned.formula.workings}"
        self._ledger.move(stored, now, At.PLANNED, why, plan=planned, mode=mode, approval=Approval.NONE)

    def _judge(self, stored: Stored, symptom: Symptom, now: datetime) -> None:
        incident, plan = stored.incident, _plan_of(stored.incident)
        approved = incident.approval is Approval.APPROVED
        soon, mode = now + symptom.every, self._policy.mode_for(incident.symptom, incident.target)
        if ended := why_ended(incident, mode, now):
            self._ledger.move(stored, now, At.OPEN, ended, plan=None)
        elif not (approved or incident.relaxes) and self._recovered(stored, symptom, now):
            return
        elif mode is not incident.mode:
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
        fleet, last = len(self._adapters.targets()), self._rule_state.evaluations().get(symptom.id)
        with self._state.transaction():
            judgement = self._claims.weigh(plan, stored.incident, deployment, now, last=last, fleet=fleet)
            if judgement.allowed:
                if self._ledger.move(stored, now, At.APPLYING, f"applying {plan.summary}"):
                    self._actions.claim(plan.action(ActionKind.APPLY, plan.revision, now))
            elif judgement.retry_at is not None:
                self._ledger.hold(stored, now, judgement.retry_at, judgement.reason, guard=judgement.guard)
            else:
                why = f"plan void: {judgement.reason}"
                if self._ledger.move(stored, now, At.OPEN, why, due=now + symptom.every, plan=None):
                    self._ledger.refused(stored, now, judgement.guard, judgement.reason)

    # ── apply, verify, confirm, undo ──

    def _apply(self, stored: Stored, symptom: Symptom | None, now: datetime) -> None:
        plan, soon = _plan_of(stored.incident), now + self._policy.retry
        claimed = self._actions.of_plan(plan.id, ActionKind.APPLY)
        if claimed is None:
            self._ledger.move(stored, now, At.OPEN, "nothing was claimed; diagnosing again", plan=None)
            return
        stopped = self._stop.reason() if symptom else "its rule is gone"
        newest, one = self._rule_state.newest(stored.incident.symptom), stored.incident
        withheld = why_not_start(claimed, self._policy, now, stopped=stopped, incident=one, newest=newest)
        done = carry_out(claimed, self._adapters, now, withheld=withheld)
        if done.state is ActionState.APPLIED:
            why = f"{plan.summary} is in force; judged from then on"
            due = Trial.of(plan, symptom, self._policy.lag, done).opens if symptom else now
            self._ended(stored, done, now, At.SETTLING, why, due=due, verification=None)
        elif done.state is ActionState.VOID:
            self._ended(stored, done, now, At.OPEN, f"plan void: {done.detail}", due=soon, plan=None)
        else:
            self._ended(stored, done, now, At.ESCALATED, f"{plan.summary} failed: {done.detail}")

    def _ended(self, stored: Stored, done: Action, now: datetime, to: At, why: str, **more: object) -> None:
        with self._state.transaction():
            moved = self._ledger.move(stored, now, to, why, **more)
            if moved:
                self._actions.finish(done)
        if moved:
            self._observe.acted(done)

    def _verify(self, stored: Stored, symptom: Symptom, now: datetime) -> None:
        incident, plan = stored.incident, _plan_of(stored.incident)
        trial, verdict = self._trials.verdict(incident, plan, symptom, now)
        follows, outcome, why = course(verdict, trial, now)
        if follows is Course.WAIT:
            self._ledger.wait(stored, max(now, min(now + symptom.every, trial.deadline)), incident.why)
        else:
            to = {Course.KEEP: At.CONFIRMED, Course.REOPEN: At.OPEN, Course.UNDO: At.UNDOING}[follows]
            self._conclude(stored, now, to, outcome, why, verification=verdict)

    def _conclude(
        self, stored: Stored, now: datetime, to: At, outcome: str, why: str, **changes: object
    ) -> None:
        with self._state.transaction():
            if self._ledger.move(stored, now, to, why, **changes):
                self._actions.conclude(_plan_of(stored.incident).id, outcome, now)

    def _confirm(self, stored: Stored, symptom: Symptom, now: datetime) -> None:
        incident = stored.incident
        verified, patience = incident.verification, symptom.window + symptom.keep_firing * 2
        if recovery(incident, symptom, self._evaluator, now) is not None:
            why = f"resolved: {verified.reason}" if verified else "resolved"
            self._ledger.move(stored, now, At.RESOLVED, why, closed=now)
        elif now - incident.last_seen < symptom.keep_firing and now - incident.updated >= patience:
            self._ledger.move(stored, now, At.OPEN, "it came back; diagnosing again", plan=None)
        else:
            self._ledger.wait(stored, now + symptom.every, incident.why)

    def _undo(self, stored: Stored, symptom: Symptom | None, now: datetime) -> None:
        plan, soon, stopped = _plan_of(stored.incident), now + self._policy.retry, self._stop.reason()
        applied = self._actions.of_plan(plan.id, ActionKind.APPLY)
        if applied is None or applied.state is not ActionState.APPLIED:
            self._ledger.move(stored, now, At.ESCALATED, "nothing is in force, so nothing was undone")
        elif stopped is not None:
            self._ledger.wait(stored, soon, f"not undone yet, stopped by a person: {stopped}")
        else:
            action = self._actions.claimed_undo(plan, applied.revision, now)
            done = carry_out(action, self._adapters, now)
            if done.state is ActionState.APPLIED:
                why, due = f"undone: {', '.join(map(str, done.changes))}", soon + settling(plan, symptom)
                self._ended(stored, done, now, At.UNDONE, why, due=due)
            else:
                self._ended(stored, done, now, At.ESCALATED, f"not undone: {done.detail}")

    def _reopen(self, stored: Stored, _symptom: Symptom, now: datetime) -> None:
        plan = _plan_of(stored.incident)
        verified, key = stored.incident.verification, remedy_key(plan.cause, plan.remedy)
        blamed = not plan.relaxes and (verified is None or verified.effect is not Effect.NOT_NEEDED)
        tried = *stored.incident.tried, *[key] * blamed
        self._ledger.move(stored, now, At.OPEN, "diagnosing again", tried=tried, plan=None)

    # ── what several steps share ──

    def _watch(self, stored: Stored, symptom: Symptom, now: datetime) -> None:
        denied = stored.incident.approval is Approval.DENIED
        gone = self._recovered(stored, symptom, now)
        if not gone and (denied or not self._rediagnosed(stored, symptom, now)):
            self._ledger.wait(stored, now + symptom.every, stored.incident.why)

    def _rediagnosed(self, stored: Stored, symptom: Symptom, now: datetime) -> bool:
        """Look again, and go on if the evidence now shows another cause, or a remedy where there was none."""
        incident = stored.incident
        if now - incident.updated < symptom.window / 2 or self._stale(symptom, now):
            return False
        diagnosis = diagnose(incident.finding, symptom, self._rules(), self._engine, now)
        known = incident.diagnosis.top.cause if incident.diagnosis and incident.diagnosis.top else None
        if diagnosis.top is None:
            return False
        if diagnosis.top.cause == known and not self._curable_now(incident, diagnosis.top, symptom, now):
            return False
        why = f"{diagnosis.top.title}: {diagnosis.top.reason}"
        return self._ledger.move(stored, now, At.DIAGNOSED, why, diagnosis=diagnosis, plan=None)

    def _curable_now(self, incident: Incident, top: CauseVerdict, symptom: Symptom, now: datetime) -> bool:
        """Whether what was handed over for want of a remedy has one by now: it got worse, or a limit was lifted."""
        cause = self._rules().cause(top.cause)
        if cause is None or incident.plan is not None or incident.state is not At.ESCALATED:
            return False
        return not isinstance(self._planner.propose(incident, top, cause, symptom.window, now), HandOver)

    def _recovered(self, stored: Stored, symptom: Symptom, now: datetime) -> bool:
        why = recovery(stored.incident, symptom, self._evaluator, now)
        return why is not None and self._ledger.move(stored, now, At.RESOLVED, why, closed=now)

    def _stale(self, symptom: Symptom, now: datetime) -> str:
        newest = self._rule_state.newest(symptom.id)
        return staleness(symptom, newest, now, fresh_within=self._policy.fresh_within)


def _plan_of(incident: Incident) -> Plan:
    if incident.plan is None:
        raise AssertionError(f"{incident.id} is {incident.state} without a plan")
    return incident.plan
