"""The cheapest settings that would have served what came, found by replaying it.

The demand is first grown by a head-room (`headroom_for`), because what comes next is not what came last. For each
target utilisation the smallest sufficient minimum is found by bisection; of those the one with the fewest
replica-hours is taken.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from random import Random
from typing import Final

from sentinel.errors import FormulaError
from sentinel.model.outlook import Outcome
from sentinel.model.settings import Change, Knob, Settings
from sentinel.remediate.capacity import (
    Computed,
    burst_growth,
    concurrent_load,
    dispersion,
    headroom_for,
    max_replicas_for,
    target_utilization_for,
)
from sentinel.remediate.policy import Bounds
from sentinel.simulate.autoscale import Scaler
from sentinel.simulate.replay import Demand, Replay, Timing

SUFFICIENT_SHARE: Final = 0.001
"""Settings suffice if at most this share of the grown demand would be refused."""
_WORTH_IT: Final = 0.97
"""Another target utilisation must save at least the rest to be worth a change."""
_UTILIZATIONS: Final = (50, 70, 90)
_SPREAD_SECONDS: Final = 0.5
_SEED: Final = 5


@dataclass(frozen=True, slots=True)
class Sized:
    """Settings, what they would have done with the grown demand, and how they were found."""

    settings: Settings
    outcome: Outcome
    sufficient: bool
    headroom: Computed
    maximum: Computed

    def changes(self, before: Settings) -> tuple[Change, ...]:
        """The knobs that differ from `before`; the maximum comes before the minimum."""
        knobs = (Knob.MAX_REPLICAS, Knob.MIN_REPLICAS, Knob.TARGET_UTILIZATION)
        pairs = ((knob, before.value(knob), self.settings.value(knob)) for knob in knobs)
        return tuple(Change(knob, old, new) for knob, old, new in pairs if old != new)

    @property
    def workings(self) -> str:
        """The sizes in one line with numbers."""
        chosen = self.settings
        return (
            f"replayed with {self.headroom.value} % of the demand: {chosen.min_replicas} to {chosen.max_replicas}"
            f" replicas at {chosen.target_utilization} % refuse {self.outcome.refused_share:.2%} for"
            f" {self.outcome.replica_hours:.2f} replica-hours; maximum {self.maximum.workings}"
        )


def cheapest(
    demand: Demand,
    settings: Settings,
    timing: Timing,
    bounds: Mapping[Knob, Bounds],
    *,
    scaler: Callable[[], Scaler] | None = None,
) -> Sized:
    """The cheapest sufficient settings, minimum and maximum never below those in force.

    Where nothing within the bounds suffices, those that refuse least.

    Raises:
        FormulaError: Nothing arrived.
    """
    if not len(demand):
        raise FormulaError("nothing arrived, so there is nothing to size for")
    span = max(1.0, demand.arrivals[-1] - demand.arrivals[0])
    headroom = headroom_for(max(dispersion(demand.arrivals), 1e-9), span)
    grown = grow(demand, headroom.value / 100)
    load = concurrent_load(demand.arrivals, demand.services)
    at_once = max(concurrent_load(grown.arrivals, grown.services))
    wanted = {*_UTILIZATIONS, settings.target_utilization}
    wanted.add(target_utilization_for(burst_growth(load, math.ceil(timing.start))).value)
    best: Sized | None = None
    for utilization in _utilizations(wanted, settings, bounds):
        aimed = replace(settings, target_utilization=utilization)
        maximum = max_replicas_for(max(load), utilization, settings.max_concurrency)
        search = _Search(grown, timing, scaler, headroom, maximum, bounds)
        found = search.smallest(aimed, at_once)
        if best is None or _better(found, best):
            best = found
    if best is None:
        raise FormulaError("no target utilisation is within the bounds")
    return best


def grow(demand: Demand, factor: float) -> Demand:
    """The demand with so many times the requests: each comes again shortly after itself, as in a larger burst."""
    chance = Random(_SEED)  # noqa: S311 - the same demand is to grow the same
    grown: list[tuple[float, float]] = []
    for at, took in zip(demand.arrivals, demand.services, strict=True):
        copies = int(factor) + (chance.random() < factor - int(factor))
        grown += [
            (at + (chance.uniform(0, _SPREAD_SECONDS) if copy else 0.0), took) for copy in range(copies)
        ]
    grown.sort()
    return Demand([at for at, _ in grown], [took for _, took in grown])


def _utilizations(wanted: Iterable[int], settings: Settings, bounds: Mapping[Knob, Bounds]) -> list[int]:
    """Those within the bounds, the one in force first, so that it is kept where nothing is won."""
    limits = bounds.get(Knob.TARGET_UTILIZATION, Bounds(1, 100))
    within = {value for value in wanted if limits.low <= value <= limits.high} | {settings.target_utilization}
    return sorted(within, key=lambda value: (value != settings.target_utilization, value))


def _better(one: Sized, other: Sized) -> bool:
    if one.sufficient != other.sufficient:
        return one.sufficient
    if not one.sufficient:
        return one.outcome.refused_share < other.outcome.refused_share
    return one.outcome.replica_hours < _WORTH_IT * other.outcome.replica_hours


@dataclass(frozen=True, slots=True)
class _Search:
    demand: Demand
    timing: Timing
    scaler: Callable[[], Scaler] | None
    headroom: Computed
    maximum: Computed
    bounds: Mapping[Knob, Bounds]

    def smallest(self, settings: Settings, at_once: int) -> Sized:
        """The smallest sufficient minimum at these settings' target utilisation."""
        highest = self.bounds.get(Knob.MIN_REPLICAS, Bounds(1, at_once)).high
        low = settings.min_replicas
        high = max(low, min(highest, math.ceil(at_once / settings.max_concurrency)))
        found = self._tried(settings, low)
        if found.sufficient or high == low:
            return found
        found = self._tried(settings, high)
        while found.sufficient and high - low > 1:
            middle = (low + high) // 2
            tried = self._tried(settings, middle)
            if tried.sufficient:
                found, high = tried, middle
            else:
                low = middle
        return found

    def _tried(self, settings: Settings, minimum: int) -> Sized:
        highest = self.bounds.get(Knob.MAX_REPLICAS, Bounds(1, self.maximum.value)).high
        top = max(settings.max_replicas, min(highest, max(self.maximum.value, minimum)))
        tried = replace(settings, min_replicas=min(minimum, top), max_replicas=top)
        scaler = self.scaler() if self.scaler else None
        replay = Replay(self.demand, tried, self.timing, scaler, begin=self.demand.arrivals[0])
        replay.finish()
        outcome = replay.outcome()
        return Sized(tried, outcome, outcome.refused_share <= SUFFICIENT_SHARE, self.headroom, self.maximum)
