"""Which part of a long look back is replayed, and what of it must be known."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

import msgspec
import pytest

from sentinel.clock import VirtualClock
from sentinel.collect.ingest import Ingester
from sentinel.query.engine import Engine
from sentinel.simulate.calibrate import Model, NoModel
from sentinel.simulate.recent_peak import busiest, peak_model
from sentinel.store.telemetry import TelemetryStore
from tests.builders import CHAT_BLUE, NOON

MINUTE = timedelta(minutes=1)
HOUR = 60 * MINUTE


@dataclass(frozen=True)
class Looking:
    look_back: timedelta = HOUR
    gap: timedelta = 5 * MINUTE


@pytest.fixture
def engine() -> Iterator[Engine]:
    store = TelemetryStore.in_memory()
    engine = Engine(store)
    yield engine
    engine.close()
    store.close()


def request(at: datetime) -> dict[str, object]:
    return {
        "Type": "AmlOnlineEndpointTrafficLog",
        "TimeGenerated": at.isoformat(),
        "EndpointName": "chat",
        "DeploymentName": "blue",
        "ResponseCode": 200,
        "TotalDurationMs": 200,
        "XRequestId": at.isoformat(),
    }


def state(at: datetime) -> dict[str, object]:
    return {
        "Type": "SentinelDeploymentState_CL",
        "TimeGenerated": at.isoformat(),
        "EndpointName": "chat",
        "DeploymentName": "blue",
        "Replicas": 2,
        "ReadyReplicas": 2,
        "MinReplicas": 2,
        "MaxReplicas": 4,
        "TargetUtilization": 70,
        "RequestTimeoutMs": 5000,
        "MaxConcurrency": 1,
        "QueueWaitMs": 500,
    }


def delivered(engine: Engine, minutes: range) -> None:
    """Four requests in each of these minutes before noon, and the state of the deployment."""
    store = engine._store
    ingester = Ingester(store, VirtualClock(NOON))  # type: ignore[arg-type]
    times = [NOON - minute * MINUTE + part * timedelta(seconds=15) for minute in minutes for part in range(4)]
    records = [state(NOON - HOUR), *map(request, times)]
    ingester.submit(b"\n".join(map(msgspec.json.encode, records)), origin="test")
    ingester.close()


def test_a_look_back_without_a_hole_is_replayed_whole(engine: Engine) -> None:
    delivered(engine, range(1, 61))

    model = peak_model(engine, CHAT_BLUE, NOON, Looking())

    assert isinstance(model, Model)
    assert len(model.demand) == 240
    assert model.calibrated


@pytest.mark.parametrize(
    ("minutes", "why"),
    [
        (range(1, 31), "nothing is known of 30m from 2026-03-04 11:00 UTC on"),
        (range(11, 61), "nothing is known of 10m15s from 2026-03-04 11:49 UTC on"),
        (range(0), "nothing is known of 1h from 2026-03-04 11:00 UTC on"),
    ],
    ids=["it begins late", "it ends early", "there is nothing"],
)
def test_a_look_back_with_a_hole_gives_no_model(engine: Engine, minutes: range, why: str) -> None:
    delivered(engine, minutes)

    assert peak_model(engine, CHAT_BLUE, NOON, Looking()) == NoModel(why)


def test_a_hole_in_the_middle_gives_no_model(engine: Engine) -> None:
    delivered(engine, range(1, 20))
    delivered(engine, range(40, 61))

    assert peak_model(engine, CHAT_BLUE, NOON, Looking()) == NoModel(
        "nothing is known of 20m15s from 2026-03-04 11:20 UTC on"
    )


@pytest.mark.parametrize(
    ("counts", "most", "part"),
    [
        ([1, 2, 3], 6, (0, 3)),
        ([1, 2, 9, 2, 1], 11, (1, 3)),
        ([5, 1, 9, 4, 1], 14, (1, 4)),
        ([9, 1, 1, 1], 10, (0, 2)),
        ([1, 1, 9], 10, (1, 3)),
        ([20, 1], 10, (0, 1)),
    ],
)
def test_the_busiest_part_is_taken_with_as_much_around_it_as_may_be(
    counts: list[int], most: int, part: tuple[int, int]
) -> None:
    assert busiest([(NOON, NOON, count) for count in counts], most) == part
