from __future__ import annotations

import random

import pytest

from sentinel.errors import FormulaError
from sentinel.model.settings import Knob, Settings
from sentinel.remediate.policy import Bounds
from sentinel.remediate.sizing import SUFFICIENT_SHARE, cheapest, grow
from sentinel.simulate.replay import Demand, Replay, Timing

WIDE = {
    Knob.MIN_REPLICAS: Bounds(1, 100),
    Knob.MAX_REPLICAS: Bounds(1, 200),
    Knob.TARGET_UTILIZATION: Bounds(20, 90),
}


def steady(rate: float, seconds: float, span: float = 300, seed: int = 1) -> Demand:
    chance = random.Random(seed)
    arrivals, at = [], 0.0
    while (at := at + chance.expovariate(rate)) < span:
        arrivals.append(at)
    return Demand(arrivals, [seconds] * len(arrivals))


def bursts(every: float, size: int, span: float = 600) -> Demand:
    arrivals = sorted(
        begin * every + number / size for begin in range(int(span / every)) for number in range(size)
    )
    return Demand(arrivals, [1.0] * len(arrivals))


def test_the_chosen_settings_serve_the_demand_they_were_chosen_for() -> None:
    demand = steady(6, 2)

    sized = cheapest(demand, Settings(), Timing(), WIDE)
    replay = Replay(demand, sized.settings, Timing())
    replay.finish()

    assert sized.sufficient
    assert replay.outcome().refused_share <= SUFFICIENT_SHARE


def test_bursts_shorter_than_the_start_of_a_replica_are_met_by_the_minimum() -> None:
    sized = cheapest(bursts(60, 20), Settings(), Timing(), WIDE)

    assert sized.sufficient
    assert sized.settings.min_replicas >= 15


def test_what_is_within_the_bounds_is_taken_when_nothing_suffices() -> None:
    tight = {**WIDE, Knob.MIN_REPLICAS: Bounds(1, 3), Knob.MAX_REPLICAS: Bounds(1, 6)}

    sized = cheapest(steady(20, 2), Settings(max_replicas=4), Timing(), tight)

    assert not sized.sufficient
    assert sized.settings.max_replicas <= 6
    assert sized.settings.min_replicas <= 3


def test_settings_that_suffice_are_left_alone_but_for_room_at_the_top() -> None:
    settings = Settings(min_replicas=5, max_replicas=40)

    sized = cheapest(steady(0.2, 0.5), settings, Timing(), WIDE)

    assert sized.changes(settings) == ()


def test_the_maximum_stands_before_the_minimum_in_the_changes() -> None:
    before = Settings()

    changes = cheapest(bursts(60, 40), before, Timing(), WIDE).changes(before)

    assert [change.knob for change in changes][:2] == [Knob.MAX_REPLICAS, Knob.MIN_REPLICAS]
    assert all(change.before != change.after for change in changes)


def test_the_same_demand_is_sized_the_same() -> None:
    demand = bursts(30, 15)

    assert cheapest(demand, Settings(), Timing(), WIDE) == cheapest(demand, Settings(), Timing(), WIDE)


def test_grown_demand_has_as_many_times_the_requests_in_order() -> None:
    grown = grow(steady(10, 1), 1.5)

    assert len(grown) == pytest.approx(1.5 * len(steady(10, 1)), rel=0.05)
    assert list(grown.arrivals) == sorted(grown.arrivals)


def test_nothing_is_sized_for_nothing() -> None:
    with pytest.raises(FormulaError, match="nothing arrived"):
        cheapest(Demand([], []), Settings(), Timing(), WIDE)
