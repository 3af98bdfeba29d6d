"""What Sentinel would have done: history through rules, diagnosis, guardrails and plans, on a virtual clock."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from contextlib import ExitStack, closing
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

from sentinel.clock import VirtualClock
from sentinel.deploy.adapters import Adapters
from sentinel.detect.evaluate import WindowEvaluator
from sentinel.detect.sliced import SlicedEvaluator
from sentinel.model.finding import Evaluation, Measurement
from sentinel.model.incident import Incident, IncidentState as At, Transition
from sentinel.model.observer import Nobody
from sentinel.model.plan import Effect, Plan
from sentinel.model.rule import RuleSet, Symptom
from sentinel.model.sentence import without_numbers
from sentinel.model.target import Target
from sentinel.pipeline import Pipeline
from sentinel.query.engine import Engine
from sentinel.rehearse.occasions import Occasions, Rows
from sentinel.rehearse.recorded_adapter import RecordedAdapter
from sentinel.remediate.policy import Policy
from sentinel.remediate.stop import StopSwitch
from sentinel.store.actions import Actions
from sentinel.store.as_of import AsOf, Looked
from sentinel.store.incidents import Incidents
from sentinel.store.ledger import Ledger
from sentinel.store.state import State
from sentinel.store.telemetry import TelemetryStore

_BEFORE: Final = timedelta(days=8)
"""How far before the beginning rows are known to be there or not; queries that look further are always asked."""


@dataclass(frozen=True, slots=True)
class Step:
    """One stored transition of an incident."""

    at: datetime
    state: At
    why: str


@dataclass(frozen=True, slots=True)
class Happened:
    """One incident there would have been."""

    incident: Incident
    """As it was in the end."""
    steps: tuple[Step, ...]


@dataclass(frozen=True, slots=True)
class Done:
    """A change that would have been made."""

    at: datetime
    incident: Incident
    plan: Plan


@dataclass(frozen=True, slots=True)
class Blocked:
    """A plan that would have been held back, at first at `at`."""

    at: datetime
    incident: Incident
    plan: Plan
    why: str


@dataclass(frozen=True, slots=True)
class Backtest:
    """What would have happened over a span of history."""

    begin: datetime
    end: datetime
    rules: str
    """The digest of the rule set."""
    rows: int
    """Rows of the span in the tables the symptoms read."""
    evaluations: int
    """How often a symptom was asked; not while no row lay where it looks."""
    happened: tuple[Happened, ...]
    done: tuple[Done, ...]
    blocked: tuple[Blocked, ...]
    problems: Mapping[str, str]
    """The symptoms whose query failed, and how at first."""


class _Notes(Nobody):
    """Writes down what the pipeline tells."""

    def __init__(self) -> None:
        self.steps: dict[str, list[Step]] = {}
        self.last: dict[str, Incident] = {}
        self.problems: dict[str, str] = {}

    def evaluated(self, symptom: str, seconds: float, findings: int, problem: str) -> None:
        """Keep the first problem of a symptom."""
        _ = seconds, findings
        if problem:
            self.problems.setdefault(symptom, problem)

    def moved(self, transition: Transition, incident: Incident) -> None:
        """Keep the step, unless it tells of a change that was not made."""
        self.last[incident.id] = incident
        if transition.after is At.SETTLING:
            return
        self.steps.setdefault(incident.id, []).append(Step(transition.at, transition.after, transition.why))


class _Asking:
    """The window evaluator, which also learns when a symptom is worth asking next."""

    def __init__(self, inner: WindowEvaluator, view: AsOf, occasions: Occasions) -> None:
        self._inner, self._view, self._occasions = inner, view, occasions
        self.count = 0

    def evaluate(self, symptom: Symptom, now: datetime) -> Evaluation:
        """See `WindowEvaluator`."""
        looked: list[Looked] = []
        self.count += 1
        self._view.watch = looked.append
        holds = True
        try:
            evaluation = self._inner.evaluate(symptom, now)
            holds = bool(evaluation.findings)
        finally:
            self._view.watch = None
            self._occasions.asked(symptom, now, looked, holds=holds)
        return evaluation

    def measure(self, symptom: Symptom, target: Target, since: datetime, now: datetime) -> Measurement | None:
        """See `WindowEvaluator`."""
        return self._inner.measure(symptom, target, since, now)


class _Replay:
    """The pipeline over the past."""

    def __init__(
        self,
        opened: ExitStack,
        store: TelemetryStore,
        engine: Engine,
        rules: RuleSet,
        policy: Policy,
        span: _Span,
    ) -> None:
        self.clock = VirtualClock(span.begin)
        self.view = opened.enter_context(closing(AsOf(store, span.begin)))
        then = opened.enter_context(closing(engine.over(self.view)))
        state = State.open(None)
        opened.callback(state.database.close)
        self.notes = _Notes()
        self.adapter = RecordedAdapter(then, self.clock)
        rows = Rows(self.view, span.begin - _BEFORE, span.end)
        self.occasions = Occasions(rules.symptoms, rows, span.begin)
        self.asking = _Asking(SlicedEvaluator(then, self.view), self.view, self.occasions)
        self._all = self._in_force = rules
        self._incidents = Incidents(state)
        self._actions = Actions(state)
        self._ledger = Ledger(state, (), self.notes, rules.symptom)
        self._pipeline = Pipeline(
            state=state,
            rules=lambda: self._in_force,
            evaluator=self.asking,
            engine=then,
            adapters=Adapters([self.adapter]),
            policy=policy,
            stop=StopSwitch(
                Path(opened.enter_context(tempfile.TemporaryDirectory(prefix="sentinel-backtest-")))
            ),
            observe=self.notes,
        )
        self._step = min(symptom.every for symptom in rules.symptoms)
        self.done: list[Done] = []
        self.blocked: dict[tuple[str, str, str], Blocked] = {}

    def run(self, end: datetime) -> None:
        """Live until `end`, from one instant at which something may happen to the next."""
        now: datetime | None = self.clock.now()
        while now is not None and now <= end:
            self.clock.advance(now - self.clock.now())
            self.view.move(now)
            due = self.occasions.due(now)
            if due:
                self._in_force = RuleSet(due, self._all.causes, self._all.digest)
                self._pipeline.detect(now)
                self._in_force = self._all
            is_busy = self._advance(now)
            now = min(
                (at for at in (self.occasions.next, now + self._step if is_busy else None) if at),
                default=None,
            )

    def _advance(self, now: datetime) -> bool:
        """Take the incidents on; whether any is not closed."""
        self._pipeline.advance(now)
        unclosed = self._incidents.unclosed()
        for stored in unclosed:
            incident, plan = stored.incident, stored.incident.plan
            if plan is None:
                continue
            if incident.state is At.SETTLING:
                self.done.append(Done(now, incident, plan))
                why = f"{plan.summary} would have been made; what it would have changed, history cannot tell"
                self._ledger.move(stored, now, At.ESCALATED, why)
                # Nobody will judge it, and it must not seem to be on trial to the changes after it.
                self._actions.conclude(plan.id, Effect.WORKED, now)
                self.adapter.forget(incident.target)
            elif incident.state is At.WAITING:
                told = (incident.id, plan.id, without_numbers(incident.why))
                self.blocked.setdefault(told, Blocked(now, incident, plan, incident.why))
        return bool(unclosed)

    def happened(self) -> tuple[Happened, ...]:
        """The incidents, in the order they began."""
        found = [Happened(last, tuple(self.notes.steps[name])) for name, last in self.notes.last.items()]
        found.sort(key=lambda one: (one.incident.opened, one.incident.target, one.incident.symptom))
        return tuple(found)


@dataclass(frozen=True, slots=True)
class _Span:
    begin: datetime
    end: datetime


def backtest(
    store: TelemetryStore, engine: Engine, rules: RuleSet, policy: Policy, begin: datetime, end: datetime
) -> Backtest:
    """Replay what a store holds from `begin` to `end`; the same rows, rules and policy give the same result.

    Nothing in the store is changed. Settings are what `SentinelDeploymentState_CL` told at the time, and a change
    that would have been made is written down while history goes on as it did; the incident is then watched like one
    handed to people. `engine` lends what it compiled.
    """
    with ExitStack() as opened:
        replay = _Replay(opened, store, engine, rules, policy, _Span(begin, end))
        replay.run(end)
        return Backtest(
            begin=begin,
            end=end,
            rules=rules.digest,
            rows=_rows(replay.view, engine, rules, begin, end),
            evaluations=replay.asking.count,
            happened=replay.happened(),
            done=tuple(replay.done),
            blocked=tuple(replay.blocked.values()),
            problems=dict(sorted(replay.notes.problems.items())),
        )


def _rows(view: AsOf, engine: Engine, rules: RuleSet, begin: datetime, end: datetime) -> int:
    from sentinel.detect.bind import parameter_types
    from sentinel.store.as_of import SOURCES

    types = parameter_types(None)
    read = {table for symptom in rules.symptoms for table in engine.tables_of(symptom.query, types)}
    return sum(view.count(table, begin, end) for table in {SOURCES.get(table, table) for table in read})
