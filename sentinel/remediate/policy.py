"""How far Sentinel may go: run modes and limits."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from types import MappingProxyType
from typing import Final

from sentinel.model.plan import RunMode
from sentinel.model.settings import Knob
from sentinel.model.target import Target


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
    }
)


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

    def mode_for(self, symptom: str, target: Target) -> RunMode:
        """The run mode for an incident."""
        return self.target_modes.get(str(target)) or self.symptom_modes.get(symptom) or self.mode

    def paced(self, pace: float) -> Policy:
        """These limits with every duration multiplied, as the rules' durations are; an approval's is not."""
        return replace(
            self,
            cooldown=self.cooldown * pace,
            limit_window=self.limit_window * pace,
            plan_expires=self.plan_expires * pace,
            fresh_within=self.fresh_within * pace,
        )
