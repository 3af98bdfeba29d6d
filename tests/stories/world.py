"""A small world in which everything that can go wrong goes wrong, and the promises that hold nevertheless.

The pipeline, its state, the planner and the guardrails are the real ones; telemetry and control plane are scripted,
so that a life of minutes takes milliseconds. The world knows the true time, which the daemon may not.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final, cast

from sentinel.deploy.adapters import Adapters
from sentinel.deploy.limits import CEILINGS, changed, refusal
from sentinel.errors import AdapterError, Conflict, DecisionError, TargetNotFound
from sentinel.model.finding import Evaluation, Finding, Measurement
from sentinel.model.incident import Incident
from sentinel.model.observer import Nobody
from sentinel.model.plan import RunMode
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
from sentinel.store.incidents import Incidents
from sentinel.store.ledger import Ledger
from sentinel.store.state import State
from tests.builders import NOON, PLACE, a_cause, a_model
from tests.stories.promises import EVERY, SECOND, WITHIN, Broken, InForce, Promises, Served

__all__ = [
    "EVERY",
    "FULL",
    "LITTLE",
    "POLICY",
    "RULES",
    "SECOND",
    "SYMPTOM",
    "TARGETS",
    "Killed",
    "World",
    "in_mode",
]

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


class World(Promises):
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


def in_mode(policy: Policy, mode: RunMode, targets: Mapping[str, RunMode] | None = None) -> Policy:
    """The policy with other run modes."""
    return replace(policy, mode=mode, target_modes=targets or {})
