"""The adapter to deployments in memory."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from sentinel.clock import VirtualClock
from sentinel.deploy.simulated import SimulatedAdapter
from sentinel.errors import AdapterError, Conflict
from sentinel.model.settings import Change, Knob, Settings
from sentinel.model.target import deployment
from sentinel.simulate.queueing import Delays
from sentinel.simulate.workload import Workload

BLUE = deployment("chat", "blue")
RAISE_MAXIMUM = Change(Knob.MAX_REPLICAS, 10, 12)


def a_clock() -> VirtualClock:
    """A clock that stands at some afternoon."""
    return VirtualClock(datetime(2026, 3, 4, 15, tzinfo=UTC))


def test_its_records_are_delivered_once() -> None:
    clock = a_clock()
    adapter = SimulatedAdapter(clock)
    adapter.add(BLUE, workload=Workload(rate=10))
    clock.advance(timedelta(seconds=10))

    first, second = adapter.advance(clock.now()), adapter.advance(clock.now())

    assert first
    assert second == []


def test_describing_a_deployment_loses_none_of_its_records() -> None:
    clock = a_clock()
    adapter = SimulatedAdapter(clock)
    adapter.add(BLUE, workload=Workload(rate=10))
    clock.advance(timedelta(seconds=10))

    adapter.describe(BLUE)

    assert len(adapter.advance(clock.now())) > 50


def test_replicas_follow_a_raised_minimum_after_they_have_started() -> None:
    clock = a_clock()
    adapter = SimulatedAdapter(clock)
    adapter.add(BLUE, delays=Delays(start=20))
    adapter.apply(BLUE, [Change(Knob.MIN_REPLICAS, 1, 3)], expect="1", key="a")

    clock.advance(timedelta(seconds=5))
    starting = adapter.describe(BLUE)
    clock.advance(timedelta(seconds=20))
    started = adapter.describe(BLUE)

    assert (starting.replicas, starting.ready_replicas) == (3, 1)
    assert (started.replicas, started.ready_replicas) == (3, 3)


def test_while_an_update_is_in_flight_another_is_a_conflict() -> None:
    clock = a_clock()
    adapter = SimulatedAdapter(clock)
    adapter.add(BLUE, delays=Delays(settings=30))
    updating = adapter.apply(BLUE, [RAISE_MAXIMUM], expect="1", key="a")

    with pytest.raises(Conflict):
        adapter.apply(BLUE, [RAISE_MAXIMUM.inverse], expect=updating.revision, key="b")

    assert updating.updating
    clock.advance(timedelta(seconds=30))
    assert not adapter.describe(BLUE).updating


def test_somebody_elses_edit_makes_what_was_read_stale() -> None:
    adapter = SimulatedAdapter(a_clock())
    adapter.add(BLUE)
    read = adapter.describe(BLUE)

    adapter.edit(BLUE, Knob.TARGET_UTILIZATION, 50)

    with pytest.raises(Conflict):
        adapter.apply(BLUE, [RAISE_MAXIMUM], expect=read.revision, key="a")


def test_settings_the_platform_would_not_accept_are_not_deployed() -> None:
    adapter = SimulatedAdapter(a_clock())

    with pytest.raises(AdapterError):
        adapter.add(BLUE, Settings(min_replicas=5, max_replicas=2))
