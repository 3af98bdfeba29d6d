"""A small world in which everything that can go wrong goes wrong, and the promises that hold nevertheless.

The pipeline, its state, the planner and the guardrails are the real ones; telemetry and control plane are scripted,
so that a life of minutes takes milliseconds. The world knows the true time, which the daemon may not.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final, cast

from sentinel.deploy.adapters import Adapters
from sentinel.deploy.limits import CEILINGS, changed, refusal
from sentinel.errors import AdapterError, Conflict, DecisionError, TargetNotFound
from sentinel.model.finding import Evaluation, Finding, Measurement
from sentinel.model.incident import Approval, Incident, IncidentState as At
from sentinel.model.observer import Nobody
from sentinel.model.plan import Action, ActionKind, ActionState, Effect, RunMode
from sentinel.model.rule import Cause, Remedy, RemedyKind, RuleSet, Severity, Symptom, VerifyWindow
from sentinel.model.settings import Change, Deployment, Knob, Settings
from sentinel.model.target import Target, TargetKind, deployment
from sentinel.pipeline import Pipeline
from sentinel.query.engine import Engine
from sentinel.remediate.decisions import Decisions
from sentinel.remediate.policy import Policy, Relaxing
from sentinel.remediate.relax import Relaxer
from sentinel.remediate.stop import StopSwitch
from sentinel.simulate.calibrate import Model, NoModel
from sentinel.simulate.replay import Demand
from sentinel.store.actions import Actions
from sentinel.store.audit import Audit
from sentinel.store.incidents import Incidents
from sentinel.store.ledger import Ledger
from sentinel.store.state import State
from tests.builders import NOON, PLACE, a_cause, a_model

SECOND: Final = timedelta(seconds=1)
EVERY: Final = 30 * SECOND
WITHIN: Final = 180 * SECOND
GRACE: Final = 120 * SECOND
"""How much longer than its window a change may stay in force unconfirmed: its lag and one look at the symptom."""
SYMPTOM: Final = Symptom(
    id="refused",
    title="Requests are refused",
    severity=Severity.ERROR,
    target=TargetKind.DEPLOYMENT,
    every=EVERY,
    window=60 * SECOND,
    hold=10 * SECOND,
    keep_firing=60 * SECOND,
    query="rows",
    threshold="",
    measure="",
    sample="",
    place=PLACE,
)


def _rung(kind: RemedyKind, knob: Knob, to: str) -> Remedy:
    return Remedy(kind, PLACE, knob=knob, to=to, verify=VerifyWindow(30 * SECOND, WITHIN))


FULL: Final[Cause] = a_cause(
    id="full",
    explains=(SYMPTOM.id,),
    facts="facts",
    because="it is full",
    remedies=(
        _rung(RemedyKind.RAISE, Knob.MAX_REPLICAS, "replicas_for(max_replicas * 2, 1, 100, 1)"),
        _rung(RemedyKind.RAISE, Knob.MIN_REPLICAS, "replicas_for(min_replicas + 3, 1, 100, 1)"),
        _rung(RemedyKind.LOWER, Knob.TARGET_UTILIZATION, "lower_by(target_utilization, 20, 30)"),
        Remedy(RemedyKind.ESCALATE, PLACE, advice="ask for quota"),
    ),
)
TARGETS: Final = (deployment("chat", "d0"), deployment("chat", "d1"))
RULES: Final = RuleSet((SYMPTOM,), (FULL,), "digest")
POLICY: Final = Policy(
    mode=RunMode.AUTONOMOUS,
    cooldown=120 * SECOND,
    per_target_per_hour=3,
    per_hour=5,
    limit_window=900 * SECOND,
    plan_expires=60 * SECOND,
    approval_expires=300 * SECOND,
    fresh_within=60 * SECOND,
    breaker_on_target=3,
    breaker_overall=6,
    breaker_rest=300 * SECOND,
    lately=900 * SECOND,
    blast_window=60 * SECOND,
    clock_tolerance=30 * SECOND,
    clock_rest=60 * SECOND,
    lag=20 * SECOND,
    relax=Relaxing(look_back=600 * SECOND, gap=60 * SECOND, watch=WITHIN, rest=1200 * SECOND),
)
LITTLE: Final = Demand([float(second) for second in range(60)], [0.1] * 60)
"""Traffic that one replica serves."""


class Killed(BaseException):
    """The daemon died here; nothing catches it."""


class Broken(AssertionError):
    """A promise was broken."""


@dataclass
class Served:
    """A deployment as the control plane keeps it, which lives on while the daemon does not."""

    settings: Settings
    cure: Knob | None = None
    """The setting whose change ends its illness."""
    ill: bool = False
    worse: bool = False
    """Whether any change makes it worse."""
    revision: int = 1
    healthy_from: Settings | None = None
    done: dict[str, tuple[Change, ...]] = field(default_factory=dict)
    edited: datetime | None = None
    """When somebody else last changed it."""
    refused: datetime | None = None
    """When the control plane last refused something for good, so that a person must act."""

    @property
    def share(self) -> float:
        """The share of requests refused now."""
        if not self.ill:
            return 0.0
        if self.worse and self.settings != self.healthy_from:
            return 0.9
        if self.cure is None or self.healthy_from is None:
            return 0.4
        moved = self.settings.value(self.cure) != self.healthy_from.value(self.cure)
        return 0.0 if moved else 0.4


@dataclass
class InForce:
    """A change of ours and what the world saw of it."""

    action: str
    incident: str
    target: Target
    at: datetime


class World:
    """Deployments, their control plane, their telemetry, a daemon, and people."""

    def __init__(
        self,
        folder: Path,
        opened: Callable[[], State],
        *,
        policy: Policy = POLICY,
        rules: RuleSet = RULES,
        endpoints: int = 2,
    ) -> None:
        self.rules = rules
        self.stop = StopSwitch(folder)
        self.stop.resume()
        self.true = NOON
        self.skew = timedelta(0)
        self.jumped = False
        self.behind = timedelta(0)
        """For how long the daemon's clock was behind, in all: what was done then counts as done when that began."""
        self.policy = policy
        self.served = {
            deployment("chat", f"d{n}"): Served(Settings(max_replicas=4)) for n in range(endpoints)
        }
        self.newest = NOON
        self.deaf = False
        self.model: Model | NoModel = a_model(LITTLE, Settings())
        """What the recent traffic looks like to whoever replays it."""
        self.fault = ""
        self.meanwhile: Callable[[], object] | None = None
        """What somebody does in the middle of the daemon's next step."""
        self.claimed: dict[str, datetime] = {}
        """The true time of each claim."""
        self.in_force: dict[str, InForce] = {}
        self.able_since: datetime | None = self.true
        self.ticks_able = 0
        self.seen: Counter[str] = Counter()
        self._actions_seen = 0
        self._opened = opened
        self.people = opened()
        self.state = opened()
        self.pipeline = self._pipeline()

    # ── the daemon ──

    def now(self) -> datetime:
        """What the daemon's clock shows."""
        return self.true + self.skew

    def _pipeline(self) -> Pipeline:
        return Pipeline(
            state=self.state,
            rules=lambda: self.rules,
            evaluator=self,
            engine=cast("Engine", self),
            adapters=Adapters([self]),
            policy=self.policy,
            stop=self.stop,
            channels=("pager",),
        )

    def restart(self) -> None:
        """Begin again on what was stored."""
        self.state.close()
        self.state = self._opened()
        self.pipeline = self._pipeline()
        self.seen["restarts"] += 1

    def relax(self) -> dict[Target, str]:
        """Look once for raised settings to put back; what came of each target. The daemon may die in it."""
        relaxer = Relaxer(
            state=self.state,
            rules=lambda: self.rules,
            engine=cast("Engine", self),
            adapters=Adapters([self]),
            policy=self.policy,
            measure=self.measure,
            ledger=Ledger(self.state, ("pager",), Nobody(), self.rules.symptom),
            model_of=lambda *_: self.model,
        )
        looked: dict[Target, str] = {}
        try:
            looked = relaxer.look(self.now())
        except Killed:
            self.seen["kills"] += 1
            self.restart()
        self.seen["relaxations planned"] += sum(told.startswith("planned") for told in looked.values())
        self._look()
        return looked

    def close(self) -> None:
        """End the world."""
        self.state.close()
        self.people.close()

    def live(self, span: timedelta) -> None:
        """Let time pass in steps, with the daemon looking after each."""
        end = self.true + span
        while self.true < end:
            self.pass_by(min(EVERY, end - self.true))
            self.tick()

    def pass_by(self, span: timedelta) -> None:
        """Let time pass that the daemon does not see."""
        self.true += span
        self.behind += span if self.skew < timedelta(0) else timedelta(0)
        if not self.deaf:
            self.newest = max(self.newest, self.true)

    def tick(self) -> None:
        """One look of the daemon; it may die in it, and then begins again."""
        try:
            self.pipeline.tick(self.now())
        except Killed:
            self.seen["kills"] += 1
            self.fault = ""
            self.restart()
        self._look()

    # ── telemetry ──

    def evaluate(self, symptom: Symptom, now: datetime) -> Evaluation:
        """Who is ill by the rows of the window."""
        findings = [
            Finding(symptom.id, target, now, {}, one.share, 600)
            for target, one in self.served.items()
            if one.share > 0.05 and self.newest > now - symptom.window
        ]
        return Evaluation(symptom.id, now, tuple(findings), self.newest)

    def measure(
        self, _symptom: Symptom, target: Target, since: datetime, now: datetime
    ) -> Measurement | None:
        """The share refused since then; nothing without rows."""
        self._interrupt()
        sample = int(10 * max(0.0, (min(now, self.newest) - since).total_seconds()))
        if sample == 0:
            return None
        share = self.served[target].share
        return Measurement(target, since, now, share, sample, share > 0.05)

    def tables_of(self, _text: str, **_: object) -> tuple[str, ...]:
        """No table: what is newest is scripted."""
        return ()

    def sitting(self, _queries: object, **_: object) -> AbstractContextManager[World]:
        """What several queries are asked of."""
        return nullcontext(self)

    def query(self, _text: str, **_: object) -> World:
        """The facts of a cause."""
        return self

    @property
    def rows(self) -> list[Any]:
        """Nothing to calibrate a simulation on."""
        return []

    def records(self) -> list[dict[str, Any]]:
        """One row of facts."""
        return [{"rps": 30.0}]

    # ── the control plane ──

    @property
    def name(self) -> str:
        """A short name."""
        return "world"

    @property
    def knobs(self) -> frozenset[Knob]:
        """All of them."""
        return frozenset(Knob)

    def targets(self) -> Sequence[Target]:
        """The deployments there are."""
        return tuple(self.served)

    def describe(self, target: Target) -> Deployment:
        """The deployment as it is; raises what the fault says."""
        self._interrupt()
        if self.fault == "silent":
            raise AdapterError("connection refused")
        if self.fault == "gone":
            self.served[target].refused = self.true
            raise TargetNotFound(f"no {target}")
        one = self.served[target]
        return Deployment(
            target,
            one.settings,
            one.settings.min_replicas,
            one.settings.min_replicas,
            f"r{one.revision}",
            self.fault == "updating",
            tuple(CEILINGS.items()),
        )

    def apply(self, target: Target, changes: Sequence[Change], *, expect: str, key: str) -> Deployment:
        """Make the changes, and break where the fault says."""
        one = self.served[target]
        if self.fault == "killed before":
            raise Killed
        if self.fault == "before":
            raise AdapterError("connection refused")
        if self.fault == "refusing":
            one.refused = self.true
            raise AdapterError("forbidden", permanent=True)
        if key not in one.done:
            if f"r{one.revision}" != expect:
                raise Conflict("it was changed")
            if self.fault in {"updating", "updating at once"}:
                raise Conflict("an update is in flight")
            settings = changed(one.settings, changes)
            if refusal(settings) is not None:
                raise Broken(f"asked for {settings}")
            self._allowed(target, key)
            one.done[key] = tuple(changes)
            one.settings = settings
            one.revision += 1
            self._note(target, key)
        if self.fault == "killed after":
            raise Killed
        if self.fault == "after":
            raise AdapterError("connection lost")
        return self.describe(target)

    def jump(self, skew: timedelta) -> None:
        """From now on the daemon's clock is wrong by so much."""
        self.skew, self.jumped = skew, True
        self.seen["jumps"] += 1

    def edit(self, target: Target, knob: Knob, value: int) -> None:
        """Change a setting as somebody else does."""
        one = self.served[target]
        settings = one.settings.with_value(knob, value)
        if refusal(settings) is None:
            one.settings, one.edited = settings, self.true
            one.revision += 1
            self.seen["edits"] += 1

    def sicken(self, target: Target, cure: Knob | None, *, worse: bool = False) -> None:
        """Make a deployment ill until a change of one setting cures it, if any does."""
        one = self.served[target]
        one.ill, one.cure, one.worse, one.healthy_from = True, cure, worse, one.settings

    def heal(self, target: Target) -> None:
        """Let an illness end by itself."""
        self.served[target].ill = False

    def _interrupt(self) -> None:
        if self.meanwhile is not None and not self.state.database.conn.in_transaction:
            act, self.meanwhile = self.meanwhile, None
            act()

    # ── people ──

    def incidents(self) -> list[Incident]:
        """All incidents, the newest first, as another connection sees them."""
        return Incidents(self.people).listed()

    def decide(self, what: str, incident: str) -> None:
        """Approve, deny or undo, as a person does from another process."""
        try:
            getattr(Decisions(self.people, self), what)(incident, by="ada")
            self.seen[what] += 1
        except DecisionError:
            self.seen["refused decisions"] += 1

    # ── promises ──

    def _action(self, key: str) -> Action:
        found = [one for one in Actions(self.people).listed(limit=1000) if one.id == key]
        if not found:
            raise Broken(f"{key} was made without a claim")
        return found[0]

    def _allowed(self, target: Target, key: str) -> None:
        """What must hold the moment a change is made."""
        action = self._action(key)
        stored = Incidents(self.people).get(action.incident)
        incident = stored.incident if stored else None
        if self.stop.reason() is not None:
            raise Broken(f"{key} was made while stopped")
        if incident is None or (action.kind is ActionKind.UNDO and incident.state is not At.UNDOING):
            raise Broken(f"{key} was made in {incident and incident.state}")
        if action.kind is ActionKind.UNDO:
            return
        if action.relaxes and Incidents(self.people).beside(target, incident.id):
            raise Broken(f"{key} was made beside another incident")
        mode = self.policy.mode_for(incident.symptom, target)
        approved = mode is RunMode.REVIEW and incident.approval is Approval.APPROVED
        if incident.state is not At.APPLYING or not (approved or mode is RunMode.AUTONOMOUS):
            raise Broken(f"{key} was made in {incident.state} under {mode} ({incident.approval!r})")
        claimed = self.claimed.setdefault(key, self.true)
        ahead = self.newest - self.now()
        if ahead > self.policy.clock_tolerance or -ahead > self.policy.fresh_within + EVERY:
            raise Broken(f"{key} was made on telemetry {ahead} ahead of the clock")
        if self.now() - action.claimed > self.policy.plan_expires:
            raise Broken(f"{key} was begun {self.now() - action.claimed} after its claim")
        self._in_small_numbers(action, claimed)
        slack = self.policy.fresh_within + 2 * EVERY + self.behind if self.jumped else timedelta(0)
        self._within_limits(action, claimed, slack)

    def _within_limits(self, action: Action, claimed: datetime, slack: timedelta) -> None:
        others = [
            one
            for one in Actions(self.people).listed(limit=1000)
            if one.id != action.id and one.state is not ActionState.VOID and one.id in self.claimed
        ]
        recent = [one for one in others if claimed - self.claimed[one.id] < self.policy.limit_window - slack]
        mine = [one for one in recent if one.target == action.target]
        if len(mine) >= self.policy.per_target_per_hour or len(recent) >= self.policy.per_hour:
            raise Broken(f"{action.id}: {len(mine)} of its target and {len(recent)} in all before it")
        knobs = {change.knob for change in action.changes}
        for one in others:
            same = one.target == action.target and knobs & {change.knob for change in one.changes}
            apart = claimed - self.claimed[one.id]
            if same and apart < self.policy.cooldown - slack:
                raise Broken(f"{action.id} came {apart} after {one.id}")

    def _in_small_numbers(self, action: Action, claimed: datetime) -> None:
        """Half of the fleet at once, at most, unless the clock cannot tell what at once is."""
        window = self.policy.blast_window
        recent = {change.target for change in self.in_force.values() if claimed - change.at < window}
        if not self.jumped and len(recent - {action.target}) + 1 > max(1, len(self.served) // 2):
            raise Broken(f"{action.id} came while {recent} had just been changed")

    def check_audit(self) -> None:
        """The audit holds, and tells every transition and every claim."""
        checked = Audit(self.people).check()
        if checked.broken is not None:
            raise Broken(f"audit row {checked.broken}: {checked.why}")
        for table, kind in (("transitions", "transition"), ("actions", "claim")):
            stored, told = (
                self.people.database.execute(sql).fetchone()[0]
                for sql in (
                    f"SELECT count(*) FROM {table}",
                    f"SELECT count(*) FROM audit WHERE kind = '{kind}'",
                )
            )
            if stored != told:
                raise Broken(f"{told} of {stored} {table} are in the audit")

    def _note(self, target: Target, key: str) -> None:
        action = self._action(key)
        self.claimed.setdefault(key, self.true)
        self.seen[action.kind.value] += 1
        self.seen["relaxed"] += action.relaxes and action.kind is ActionKind.APPLY
        if action.kind is ActionKind.APPLY:
            self.in_force[key] = InForce(key, action.incident, target, self.true)
        else:
            self.in_force.pop(f"{action.plan}-{ActionKind.APPLY}", None)

    def able(self) -> bool:
        """Whether the daemon can do what it must."""
        return self.fault == "" and self.stop.reason() is None

    def be_patient(self) -> None:
        """What is overdue may take its time from now on: the daemon could do nothing until now."""
        self.able_since, self.ticks_able = None, 0

    def _look(self) -> None:
        """What must hold after every step."""
        actions = self.people.database.execute("SELECT count(*) FROM actions").fetchone()[0]
        if actions != self._actions_seen:
            self._actions_seen = actions
            for action in Actions(self.people).listed(limit=1000):
                self.claimed.setdefault(action.id, self.true)
        if not self.able():
            self.be_patient()
            return
        self.able_since = self.able_since or self.true
        self.ticks_able += 1
        patience = self.able_since + 5 * EVERY
        for change in list(self.in_force.values()):
            if self._is_settled(change):
                del self.in_force[change.action]
            elif self.true - change.at > WITHIN + GRACE and self.true > patience and self.ticks_able > 5:
                raise Broken(f"{change} is in force and unconfirmed at {self.true}: {self._story(change)}")

    def _is_settled(self, change: InForce) -> bool:
        one = self.served[change.target]
        if any(at is not None and at >= change.at for at in (one.refused, one.edited)):
            return True
        stored = Incidents(self.people).get(change.incident)
        if stored is None:
            raise Broken(f"{change} has no incident")
        incident, verified = stored.incident, stored.incident.verification
        good = verified is not None and verified.effect in {Effect.WORKED, Effect.HELPED}
        settled = good and incident.state not in {At.APPLYING, At.SETTLING, At.UNDOING}
        self.seen["confirmed"] += settled
        return settled

    def _story(self, change: InForce) -> str:
        steps = Incidents(self.people).transitions(change.incident)
        return "; ".join(f"{one.at:%H:%M:%S} {one.after} ({one.why})" for one in steps)


def in_mode(policy: Policy, mode: RunMode, targets: Mapping[str, RunMode] | None = None) -> Policy:
    """The policy with other run modes."""
    return replace(policy, mode=mode, target_modes=targets or {})
