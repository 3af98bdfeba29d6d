"""The model fitted to the telemetry of deployments that are simulated request by request."""

from __future__ import annotations

import json
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from sentinel.clock import VirtualClock
from sentinel.collect.ingest import Ingester
from sentinel.daemon.observation import row_of
from sentinel.deploy.simulated import SimulatedAdapter
from sentinel.model.settings import Knob, Settings
from sentinel.model.target import deployment
from sentinel.query.engine import Engine
from sentinel.simulate.calibrate import Model, NoModel, calibrate
from sentinel.simulate.history import History, history
from sentinel.simulate.queueing import Delays
from sentinel.simulate.workload import Workload
from sentinel.store.telemetry import TelemetryStore

NOON = datetime(2026, 3, 4, 12, tzinfo=UTC)
TARGET = deployment("chat", "blue")
WINDOW = timedelta(minutes=6)


def lived(
    rates: list[float], settings: Settings, *, seconds: float = 1.0, raised: int | None = None
) -> History:
    """A history of a deployment that lived through a rate a minute; its maximum is raised in the middle."""
    clock = VirtualClock(NOON)
    adapter = SimulatedAdapter(clock, seed=3)
    adapter.add(TARGET, settings, Workload(), Delays(start=12.0, scale_in=45.0))
    with TelemetryStore.in_memory() as store, closing(Engine(store)) as engine:
        with closing(Ingester(store, clock)) as ingester:
            for number, rate in enumerate(rates):
                adapter.put_through(TARGET, Workload(rate=rate, service_seconds=seconds))
                if raised is not None and number == len(rates) // 2:
                    adapter.edit(TARGET, Knob.MAX_REPLICAS, raised)
                for _ in range(60):
                    clock.advance(timedelta(seconds=1))
                    now = clock.now()
                    state = row_of(adapter.describe(TARGET), now) | {"TimeGenerated": now.isoformat()}
                    rows = [*adapter.advance(now), state]
                    ingester.submit("\n".join(map(json.dumps, rows)).encode(), origin="test")
        return history(engine, TARGET, clock.now(), WINDOW)


@pytest.fixture(scope="module")
def overloaded() -> History:
    """At its maximum for two minutes, quiet before and after."""
    return lived([1, 6, 6, 0.2, 0.2, 0.2], Settings(max_replicas=4))


def calibrated(past: History) -> Model:
    model = calibrate(past)
    assert isinstance(model, Model)
    return model


def test_the_start_and_the_removal_of_replicas_are_measured(overloaded: History) -> None:
    model = calibrated(overloaded)

    assert model.timing.start == pytest.approx(12, abs=1.5)
    assert model.timing.scale_in == pytest.approx(45, abs=6)


def test_the_past_is_reproduced_within_the_bounds(overloaded: History) -> None:
    model = calibrated(overloaded)

    assert overloaded.refused_share > 0.1
    assert model.calibrated
    assert "simulated" in model.note
    assert model.replayed.refused_share == pytest.approx(overloaded.refused_share, abs=0.04)


def test_what_a_higher_maximum_would_have_done_agrees_with_what_it_does(overloaded: History) -> None:
    model = calibrated(overloaded)
    lived_with = lived([1, 6, 6, 0.2, 0.2, 0.2], Settings(max_replicas=12))

    simulated = model.with_settings(replace(model.settings, max_replicas=12))

    assert simulated.refused_share == pytest.approx(lived_with.refused_share, abs=0.03)
    assert simulated.refused_share < 0.5 * overloaded.refused_share


def test_settings_that_changed_on_the_way_are_replayed_as_they_were() -> None:
    past = lived([6, 6, 6, 6, 6, 6], Settings(max_replicas=4), raised=14)

    model = calibrated(past)

    assert model.settings.max_replicas == 14
    assert model.calibrated


def test_time_outs_are_reproduced() -> None:
    past = lived([2] * 6, Settings(min_replicas=8, request_timeout_ms=1200))

    model = calibrated(past)

    assert past.timed_out_share > 0.05
    assert model.calibrated


def test_a_past_that_the_model_cannot_explain_is_not_calibrated(overloaded: History) -> None:
    failing = tuple(replace(one, refused=number % 2 == 0) for number, one in enumerate(overloaded.requests))
    idle = replace(overloaded, requests=failing, runs=(0.01,) * 20)

    assert not calibrated(idle).calibrated


def test_without_settings_there_is_no_model(overloaded: History) -> None:
    model = calibrate(replace(overloaded, states=()))

    assert model == NoModel("nothing is known of its settings and replicas")


def test_a_handful_of_requests_makes_no_model(overloaded: History) -> None:
    model = calibrate(replace(overloaded, requests=overloaded.requests[:7]))

    assert model == NoModel("7 requests are too few, it takes 50")


def test_the_same_past_gives_the_same_model(overloaded: History) -> None:
    assert calibrate(overloaded) == calibrate(overloaded)
