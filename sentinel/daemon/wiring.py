"""The daemon put together, by plain constructor calls, from its settings."""

from __future__ import annotations

import random
import threading
from collections.abc import Mapping, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from datetime import timedelta
from difflib import get_close_matches
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from sentinel.clock import Clock, SystemClock
from sentinel.collect.files import FileSource
from sentinel.collect.ingest import Ingester
from sentinel.collect.source import Source
from sentinel.config import Config
from sentinel.config.rules_in_force import rule_paths, rules_in_force
from sentinel.daemon.access import keys_of
from sentinel.daemon.adapters import adapters_of, channels_of
from sentinel.daemon.freshness import Freshness
from sentinel.daemon.narrator import Narrator
from sentinel.daemon.observation import Observation
from sentinel.daemon.relaxing import LooksBack
from sentinel.daemon.rule_book import RuleBook
from sentinel.daemon.schedule import Job, Schedule
from sentinel.daemon.shared_state import SharedState
from sentinel.deploy.adapters import Adapters
from sentinel.detect.evaluate import WindowEvaluator
from sentinel.detect.rule_stamps import rule_stamps
from sentinel.errors import ConfigError, IngestBusy
from sentinel.instrument.measured_adapter import MeasuredAdapter
from sentinel.instrument.metrics import Metrics
from sentinel.instrument.observers import Everyone, MetricsObserver
from sentinel.instrument.stored import IngestMetrics, Reading, StateMetrics, TelemetryMetrics
from sentinel.model.observer import Observer
from sentinel.model.outlook import Price
from sentinel.model.rule import RuleSet
from sentinel.model.settings import Knob
from sentinel.model.tables import CURRENT_STATE, DEPLOYMENT_STATE, tables
from sentinel.model.target import Target
from sentinel.notify.channel import Channel
from sentinel.notify.delivery import Delivery
from sentinel.pipeline import Pipeline
from sentinel.query.engine import Engine
from sentinel.remediate.policy import DEFAULT_BOUNDS, Bounds, Policy, Relaxing
from sentinel.remediate.relax import Relaxer
from sentinel.remediate.stop import StopSwitch
from sentinel.store.ledger import Ledger
from sentinel.store.outbox import Outbox
from sentinel.store.state import State
from sentinel.store.telemetry import TelemetryStore
from sentinel.web.app import create_app
from sentinel.web.asking import Asking
from sentinel.web.body import MEBIBYTE

if TYPE_CHECKING:
    from starlette.applications import Starlette

STATE_FILE = "state.db"
TELEMETRY_FOLDER = "telemetry"
_LOOKS = 24
"""So often in a look back is looked for settings to put back: every hour of a day."""


@dataclass(frozen=True, slots=True)
class Daemon:
    """The parts of a daemon that its life needs; `closing` takes the rest down in order."""

    app: Starlette
    schedule: Schedule
    rules: RuleBook
    closing: ExitStack


def policy_of(config: Config) -> Policy:
    """The run modes and limits of the settings, at their pace.

    Raises:
        ConfigError: A bound given contradicts the usual one on the other side.
    """
    limits, prices, relax = config.limits, config.prices, config.relax
    bounds = dict(DEFAULT_BOUNDS)
    for name, bound in limits.bounds.items():
        usual = bounds[Knob(name)]
        low = usual.low if bound.min is None else bound.min
        high = usual.high if bound.max is None else bound.max
        if low > high:
            raise ConfigError(f"limits.bounds.{name}: min {low} is above max {high}")
        bounds[Knob(name)] = Bounds(low, high)
    return Policy(
        mode=config.mode,
        symptom_modes=config.modes.symptoms,
        target_modes={str(Target.parse(text)): mode for text, mode in config.modes.targets.items()},
        bounds=bounds,
        cooldown=limits.cooldown,
        per_target_per_hour=limits.per_target_per_hour,
        per_hour=limits.per_hour,
        plan_expires=limits.plan_expires,
        approval_expires=limits.approval_expires,
        fresh_within=limits.fresh_within,
        max_factor=limits.max_factor,
        breaker_on_target=limits.breaker_on_target,
        breaker_overall=limits.breaker_overall,
        breaker_rest=limits.breaker_rest,
        turns=limits.turns,
        foreign_edits=limits.foreign_edits,
        lately=limits.lately,
        blast_share=limits.blast_share,
        blast_window=limits.blast_window,
        storm_share=limits.storm_share,
        clock_tolerance=limits.clock_tolerance,
        clock_rest=limits.clock_rest,
        tell_after=limits.tell_after,
        price=Price(prices.replica_hour, prices.currency) if prices.replica_hour else None,
        target_prices={
            str(Target.parse(text)): Price(amount, prices.currency) for text, amount in prices.targets.items()
        },
        freezes=limits.freezes,
        relax=Relaxing(relax.look_back, relax.gap, relax.watch, relax.rest) if relax.enabled else None,
    ).paced(config.pace)


def _check_modes(config: Config, rules: RuleSet) -> None:
    """A run mode for a symptom nobody looks for would be believed to hold, and the default would."""
    known = [symptom.id for symptom in rules.symptoms]
    for name in config.modes.symptoms:
        if name not in known:
            near = get_close_matches(name, known, 1)
            hint = f"did you mean {near[0]!r}?" if near else f"known here: {', '.join(known)}"
            raise ConfigError(f"modes.symptoms: there is no symptom {name!r}; {hint}")


def build(home: Path, config: Config, clock: Clock | None = None) -> Daemon:
    """Open everything a daemon on `home` needs; nothing runs yet.

    Raises:
        SentinelError: A setting, a rule, a key or a database cannot be used; what was opened is closed again.
    """
    with ExitStack() as closing:
        daemon = _build(home, config, clock or SystemClock(), closing)
        closing.pop_all()
        return daemon


def _build(home: Path, config: Config, clock: Clock, opened: ExitStack) -> Daemon:
    closing = opened.enter_context(ExitStack())
    keys = keys_of(config, home)
    channels = channels_of(config, home)
    metrics = Metrics()
    shared = SharedState(home / STATE_FILE)
    closing.callback(shared.close)
    store = closing.enter_context(TelemetryStore.open(home / TELEMETRY_FOLDER))
    engine = Engine(store)
    closing.callback(engine.close)
    asking = Asking(engine, clock)
    closing.callback(asking.close)
    rules = RuleBook(
        lambda changed: rules_in_force(home, config, engine, changed),
        lambda: rule_stamps(rule_paths(home, config)),
        metrics.rules_reread,
    )
    _check_modes(config, rules.current())
    ingester = Ingester(store, clock)
    closing.callback(ingester.close)
    adapters = Adapters([MeasuredAdapter(one, metrics) for one in adapters_of(config, home, clock, closing)])
    freshness = Freshness(store.newest, _watched(config), config.health, clock.now())
    stop = StopSwitch(home)
    metrics.add(StateMetrics(shared))
    metrics.add(IngestMetrics(ingester.counts))
    metrics.add(TelemetryMetrics(store.statistics, lambda: freshness.ages(clock.now())))
    metrics.add(_stopped(stop))
    policy, observer = policy_of(config), _observer(config, metrics, closing)
    evaluator = WindowEvaluator(engine, store)
    pipeline = Pipeline(
        state=_own_state(home, closing),
        rules=rules.current,
        evaluator=evaluator,
        engine=engine,
        adapters=adapters,
        policy=policy,
        stop=stop,
        channels=tuple(channels),
        observe=observer,
    )
    ending = threading.Event()
    delivery = _delivery(home, channels, ending, closing)
    jobs = _jobs(config, clock, pipeline, delivery, metrics, freshness, store)
    jobs.append(Job("rules", timedelta(seconds=max(0.5, 2 * config.pace)), rules.look))
    jobs.append(Job("log", timedelta(minutes=5), lambda: _shorten_log(shared), waits=True))
    if config.adapters:
        observe = Observation(adapters, ingester, clock).observe
        jobs.append(Job("settings", timedelta(seconds=max(1.0, 5 * config.pace)), observe))
    jobs += _sources(home, config, ingester, store)
    if policy.relax is not None:
        own = _own_state(home, closing)
        relaxer = Relaxer(
            state=own,
            rules=rules.current,
            engine=engine,
            adapters=adapters,
            policy=policy,
            measure=evaluator.measure,
            ledger=Ledger(own, tuple(channels), observer, lambda symptom: rules.current().symptom(symptom)),
        )
        every = max(policy.relax.look_back / _LOOKS, timedelta(seconds=1))
        jobs.append(Job("relax", every, LooksBack(relaxer, clock).look, waits=True))
    schedule = Schedule(tuple(jobs), metrics, ending)
    app = create_app(
        ingester=ingester,
        asking=asking,
        state=shared,
        keys=keys,
        clock=clock,
        metrics=metrics,
        unhealthy=lambda: [*schedule.problems(), *_writer(ingester), *freshness.silent(clock.now())],
        unready=lambda: [*schedule.problems(), *_writer(ingester)],
        max_body=config.http.max_body_mib * MEBIBYTE,
        workspaces=config.http.workspaces,
    )
    return Daemon(app, schedule, rules, closing)


def _sources(home: Path, config: Config, ingester: Ingester, store: TelemetryStore) -> list[Job]:
    """A job for each source; one that cannot be read is reported and tried again, and the others go on."""
    sources = [FileSource(home / s.path, ingester, store, table=s.table) for s in config.sources]
    every = timedelta(seconds=max(0.5, 2 * config.pace))
    return [Job(source.name, every, partial(_poll, source)) for source in sources]


def _poll(source: Source) -> None:
    with suppress(IngestBusy):  # what was not taken is taken the next time
        source.poll()


def _delivery(
    home: Path, channels: Mapping[str, Channel], ending: threading.Event, closing: ExitStack
) -> Delivery:
    outbox = Outbox(_own_state(home, closing))
    delivery = Delivery(outbox, channels, jitter=random.random, stopping=ending.is_set)
    closing.callback(delivery.close)
    return delivery


def _stopped(stop: StopSwitch) -> Reading:
    return Reading("sentinel_stopped", "1 while every change is stopped.", lambda: stop.reason() is not None)


def _shorten_log(shared: SharedState) -> None:
    with shared() as state:
        state.shorten_log()


def _own_state(home: Path, closing: ExitStack) -> State:
    state = State.open(home / STATE_FILE)
    closing.callback(state.close)
    return state


def _watched(config: Config) -> Sequence[str]:
    skipped = {*CURRENT_STATE, *(() if config.adapters else (DEPLOYMENT_STATE.name,))}
    return [name for name in tables() if name not in skipped]


def _writer(ingester: Ingester) -> list[str]:
    return [] if ingester.is_alive else ["the writer of telemetry does not run"]


def _observer(config: Config, metrics: Metrics, closing: ExitStack) -> Observer:
    counted, narrator = MetricsObserver(metrics), Narrator()
    if config.tracing.exporter == "none":
        return Everyone(counted, narrator)
    from sentinel.instrument.tracing import tracing

    traced = tracing(config.tracing.exporter, config.tracing.endpoint)
    closing.callback(traced.close)
    return Everyone(counted, narrator, traced)


def _jobs(
    config: Config,
    clock: Clock,
    pipeline: Pipeline,
    delivery: Delivery,
    metrics: Metrics,
    freshness: Freshness,
    store: TelemetryStore,
) -> list[Job]:
    def deliver() -> None:
        done = delivery.deliver(clock.now())
        for outcome in ("delivered", "failed", "dead"):
            metrics.notices.labels(outcome).inc(getattr(done, outcome))

    second = timedelta(seconds=max(0.1, config.pace))
    return [
        Job("tick", second, lambda: pipeline.tick(clock.now())),
        Job("outbox", second if config.channels else timedelta(minutes=1), deliver),
        Job("freshness", timedelta(seconds=30), lambda: freshness.silent(clock.now())),
        Job(
            "retention",
            timedelta(days=1),
            lambda: store.expire(
                (clock.now() - config.retention.keep).date(),
                untouched_since=clock.now() - config.retention.keep,
            ),
        ),
    ]
