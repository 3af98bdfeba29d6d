from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from sentinel.clock import VirtualClock, to_ticks
from sentinel.collect.ingest import Ingester
from sentinel.query.engine import Engine
from sentinel.store.as_of import AsOf
from sentinel.store.telemetry import TelemetryStore

NOON = datetime(2026, 3, 4, 12, tzinfo=UTC)
BLUE = "/subscriptions/1/resourcegroups/rg/onlineendpoints/Chat"
RECORDS = [
    {"Type": "AmlComputeJobEvent", "JobName": "train", "ExecutionState": "Queued", "minute": 0},
    {"Type": "AmlComputeJobEvent", "JobName": "train", "ExecutionState": "Running", "minute": 0},
    {"Type": "AmlComputeJobEvent", "JobName": "train", "ExecutionState": "Failed", "minute": 5},
    {"Type": "AmlComputeJobEvent", "JobName": "eval", "ExecutionState": "Queued", "minute": 2000},
    {
        "Type": "AmlOnlineEndpointEventLog",
        "_ResourceId": BLUE,
        "DeploymentName": "blue",
        "InstanceId": "b1",
        "Name": "Pulled",
        "minute": 1,
    },
    {
        "Type": "AmlOnlineEndpointEventLog",
        "_ResourceId": BLUE,
        "DeploymentName": "blue",
        "InstanceId": "b1",
        "Name": "BackOff",
        "minute": 4,
    },
]


@pytest.fixture
def store() -> Iterator[TelemetryStore]:
    lines = []
    for record in RECORDS:
        rest: dict[str, Any] = {key: value for key, value in record.items() if key != "minute"}
        at = NOON + timedelta(minutes=int(str(record["minute"])))
        lines.append(json.dumps({"TimeGenerated": at.isoformat(), **rest}))
    with TelemetryStore.in_memory() as store, Ingester(store, VirtualClock(NOON)) as ingester:
        ingester.submit("\n".join(lines).encode(), origin="test")
        yield store


def rows(store: TelemetryStore, query: str, minute: float) -> list[dict[str, Any]]:
    at = NOON + timedelta(minutes=minute)
    with closing(AsOf(store, at)) as view, closing(Engine(view)) as engine:
        return engine.query(query, now=at).records()


def test_later_rows_are_not_seen_even_by_a_query_without_an_end(store: TelemetryStore) -> None:
    counted = [
        rows(store, "AmlComputeJobEvent | count", minute)[0]["Count"] for minute in (-1, 0, 4.9, 5, 3000)
    ]

    assert counted == [0, 2, 2, 3, 4]


@pytest.mark.parametrize(
    ("minute", "states"),
    [
        (-1, {}),
        (1, {"train": "Running"}),
        (5, {"train": "Failed"}),
        (3000, {"train": "Failed", "eval": "Queued"}),
    ],
)
def test_the_state_of_a_job_is_the_one_of_then(
    store: TelemetryStore, minute: float, states: dict[str, str]
) -> None:
    found = rows(store, "SentinelJobState_CL | project JobName, ExecutionState", minute)

    assert {row["JobName"]: row["ExecutionState"] for row in found} == states


@pytest.mark.parametrize(("minute", "name"), [(2, "Pulled"), (4, "BackOff")])
def test_the_state_of_a_replica_is_the_one_of_then(store: TelemetryStore, minute: float, name: str) -> None:
    (row,) = rows(store, "SentinelReplicaState_CL", minute)

    assert (row["EndpointName"], row["DeploymentName"], row["InstanceId"], row["Name"]) == (
        "chat",
        "blue",
        "b1",
        name,
    )


@pytest.mark.parametrize("table", ["SentinelJobState_CL", "SentinelReplicaState_CL"])
def test_the_states_at_the_end_are_those_the_store_keeps(store: TelemetryStore, table: str) -> None:
    with closing(Engine(store)) as engine:
        kept = engine.query(f"{table} | sort by TimeGenerated asc", now=NOON).records()

    assert rows(store, f"{table} | sort by TimeGenerated asc", 3000) == kept


def test_a_state_that_was_replaced_by_then_is_not_shown_though_it_lies_in_the_span(
    store: TelemetryStore,
) -> None:
    span = "SentinelJobState_CL | where TimeGenerated between (ago(1h) .. datetime(2026-03-04T12:03))"

    assert len(rows(store, span, 4)) == 1
    assert rows(store, span, 6) == []


def test_the_newest_row_is_that_of_then(store: TelemetryStore) -> None:
    with closing(AsOf(store, NOON)) as view:
        before = view.newest("SentinelJobState_CL")
        view.move(NOON + timedelta(minutes=60))
        after = view.newest("AmlComputeJobEvent")
        view.move(NOON - timedelta(hours=1))

        assert before == to_ticks(NOON)
        assert after == to_ticks(NOON + timedelta(minutes=5))
        assert view.newest("AmlComputeJobEvent") is None


def test_the_seconds_with_rows_are_known(store: TelemetryStore) -> None:
    with closing(AsOf(store, NOON)) as view:
        found = view.seconds_with_rows("AmlComputeJobEvent", NOON, NOON + timedelta(minutes=10))

        assert [second - to_ticks(NOON) // 10_000_000 for second in found] == [0, 300]
        assert view.count("AmlComputeJobEvent", NOON, NOON + timedelta(minutes=10)) == 3
