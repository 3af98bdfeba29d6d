"""How far Sentinel may go: run modes and limits."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from types import MappingProxyType
from typing import Final

from sentinel.model.outlook import Price
from sentinel.model.plan import RunMode
from sentinel.model.settings import Knob
from sentinel.model.target import Target
from sentinel.remediate.freeze import Freeze


@dataclass(frozen=True, slots=True)
class Bounds:
    """The values a knob may be set to, both ends included."""

    low: int
    high: int


DEFAULT_BOUNDS: Final[Mapping[Knob, Bounds]] = MappingProxyType(
    {
        Knob.TARGET_UTILIZATION: Bounds(20, 90),
        Knob.MIN_REPLICAS: Bounds(1, 20),
        Knob.MAX_REPLICAS: Bounds(1, 40),
        Knob.REQUEST_TIMEOUT_MS: Bounds(100, 300_000),
        Knob.MAX_CONCURRENCY: Bounds(1, 64),
        Knob.QUEUE_WAIT_MS: Bounds(0, 60_000),
        Knob.REPLICAS: Bounds(1, 40),
        Knob.CPU_MILLICORES: Bounds(50, 32_000),
        Knob.MEMORY_MIB: Bounds(64, 65_536),
        Knob.RESTARTS: Bounds(0, 1_000_000),
    }
)


@dataclass(frozen=True, slots=True)
class Relaxing:
    """When a setting that was raised is put back because recent traffic no longer needs it."""

    look_back: timedelta = timedelta(hours=24)
    """The traffic that must not need it, a day so that the daily peak is in it."""
    gap: timedelta = timedelta(hours=1)
    """A longer time without a request in it is missing data, on which nothing is put back."""
    watch: timedelta = timedelta(hours=1)
    """How long the symptom must stay away afterwards; until then it is undone when the symptom comes back."""
    rest: timedelta = timedelta(days=7)
    """How long a target is left alone after that did not go well, or after the setting was raised again."""

    def paced(self, pace: float) -> Relaxing:
        """The same with every duration multiplied."""
        return Relaxing(self.look_back * pace, self.gap * pace, self.watch * pace, self.rest * pace)


@dataclass(frozen=True, slots=True)
class Policy:
    """Run modes and limits; the mode of a target goes before that of a symptom, and both before the default."""

    mode: RunMode = RunMode.READONLY
    symptom_modes: Mapping[str, RunMode] = field(default_factory=dict)
    target_modes: Mapping[str, RunMode] = field(default_factory=dict)
    """By the target's text, such as `deployment:chat/blue`."""
    bounds: Mapping[Knob, Bounds] = field(default_factory=lambda: DEFAULT_BOUNDS)
    cooldown: timedelta = timedelta(minutes=5)
    """How long a knob of a target is left alone after it was changed."""
    per_target_per_hour: int = 4
    per_hour: int = 20
    limit_window: timedelta = timedelta(hours=1)
    """What the two limits above count over."""
    plan_expires: timedelta = timedelta(minutes=5)
    """A plan older than this is not applied without a person's word: its evidence is stale."""
    approval_expires: timedelta = timedelta(minutes=30)
    fresh_within: timedelta = timedelta(minutes=2)
    """Telemetry older than this is stale, and nothing is decided on it."""

    max_factor: float = 10.0
    """How many times larger or smaller one change may make a setting."""
    breaker_on_target: int = 3
    """Changes of a target in a row that were no success, after which it is left alone."""
    breaker_overall: int = 5
    """Changes of all targets in a row that were no success, after which everything is left alone."""
    breaker_rest: timedelta = timedelta(hours=1)
    """How long after the last of these failures; then one more change is tried."""
    turns: int = 4
    """How often a setting of a target may change its direction within `lately`."""
    foreign_edits: int = 2
    """Edits of somebody else within `lately` after which a target is left to them."""
    lately: timedelta = timedelta(hours=6)
    blast_share: float = 0.5
    """The share of all deployments, at least one, that may be changed within `blast_window`."""
    blast_window: timedelta = timedelta(minutes=10)
    storm_share: float = 0.5
    """The share of all deployments, three at least, that is ill when the platform is: then nothing is changed."""
    clock_tolerance: timedelta = timedelta(seconds=30)
    """How far telemetry may be in the future, and the clock may step back."""
    clock_rest: timedelta = timedelta(minutes=10)
    """How long nothing is changed after the clock stepped back."""
    tell_after: timedelta = timedelta(minutes=5)
    """How long a change that was begun, or is to be taken back, may get no answer before people are told."""
    freezes: tuple[Freeze, ...] = ()
    retry: timedelta = timedelta(seconds=10)
    """When to ask again for what could not be done."""
    lag: timedelta = timedelta(seconds=30)
    """How long a change takes at least until its effect can be seen."""

    relax: Relaxing | None = None
    """None leaves every raised setting as it is."""
    price: Price | None = None
    """What a replica-hour costs, of every target that has no price of its own."""
    target_prices: Mapping[str, Price] = field(default_factory=dict)
    """By the target's text, as the run modes."""

    def price_for(self, target: Target) -> Price | None:
        """What a replica-hour of a target costs; none if nobody said."""
        return self.target_prices.get(str(target), self.price)

    def mode_for(self, symptom: str, target: Target) -> RunMode:
        """The run mode for an incident."""
        return self.target_modes.get(str(target)) or self.symptom_modes.get(symptom) or self.mode

    def paced(self, pace: float) -> Policy:
        """These limits with every duration multiplied, as the rules' durations are.

        An approval's is not, nor is the tolerance for clocks, which do not run faster.
        """
        return replace(
            self,
            cooldown=self.cooldown * pace,
            limit_window=self.limit_window * pace,
            plan_expires=self.plan_expires * pace,
            fresh_within=self.fresh_within * pace,
            breaker_rest=self.breaker_rest * pace,
            lately=self.lately * pace,
            blast_window=self.blast_window * pace,
            clock_rest=self.clock_rest * pace,
            tell_after=self.tell_after * pace,
            lag=self.lag * pace,
            retry=self.retry * pace,
            relax=self.relax.paced(pace) if self.relax else None,
        )
