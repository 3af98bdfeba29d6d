"""A whole query held to a span of time, and answers that are cut instead of refused."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from sentinel.clock import VirtualClock, to_ticks
from sentinel.collect.ingest import Ingester
from sentinel.errors import QueryCancelled, QueryLimitExceeded, QueryTimedOut, QueryUnsupported
from sentinel.query.engine import Engine
from sentinel.query.result import Limits
from sentinel.store.telemetry import TelemetryStore

NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)
COUNT = "AmlComputeJobEvent | count"


def event(minutes: int) -> str:
    at = (NOON - timedelta(minutes=minutes)).isoformat()
    properties = {"JobName": f"job{minutes}", "EventType": "JobFailed", "ExecutionState": "Failed"}
    return json.dumps({"time": at, "category": "AmlComputeJobEvent", "properties": properties})


@pytest.fixture
def engine() -> Iterator[Engine]:
    with TelemetryStore.in_memory() as store:
        ingester = Ingester(store, VirtualClock(NOON))
        ingester.submit("\n".join(map(event, range(0, 600, 60))).encode(), origin="test")
        engine = Engine(store)
        yield engine
        engine.close()
        ingester.close()


def span(first: int, last: int) -> tuple[int, int]:
    return to_ticks(NOON - timedelta(minutes=first)), to_ticks(NOON - timedelta(minutes=last))


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        (COUNT, 3),
        ("AmlComputeJobEvent | where TimeGenerated > ago(90m) | count", 1),
        ("AmlComputeJobEvent | where TimeGenerated < ago(150m) | count", 1),
        ("union AmlComputeJobEvent, AmlOnlineEndpointTrafficLog | count", 3),
        ("AmlComputeJobEvent | where JobName in ((AmlComputeJobEvent | project JobName)) | count", 3),
        ("SentinelJobState_CL | count", 3),
        ("AmlComputeJobEvent | where TimeGenerated > now() | count", 0),
    ],
)
def test_a_span_holds_every_table_of_a_query_and_both_its_ends_count(
    engine: Engine, query: str, expected: int
) -> None:
    assert engine.query(query, now=NOON, within=span(180, 60)).rows == [(expected,)]


def test_a_span_does_not_reach_rows_that_come_from_no_table(engine: Engine) -> None:
    query = "datatable(TimeGenerated: datetime)[datetime(2001-01-01)] | count"

    assert engine.query(query, now=NOON, within=span(180, 60)).rows == [(1,)]


def test_an_answer_with_too_many_rows_is_refused_or_cut(engine: Engine) -> None:
    query = "range x from 1 to 10 step 1"

    with pytest.raises(QueryLimitExceeded, match="more than 4 rows"):
        engine.query(query, now=NOON, limits=Limits(rows=4))
    result = engine.query(query, now=NOON, limits=Limits(rows=4, partial=True))

    assert result.rows == [(1,), (2,), (3,), (4,)]
    assert "more than 4 rows" in result.cut


def test_an_answer_that_just_fits_is_whole(engine: Engine) -> None:
    result = engine.query("range x from 1 to 4 step 1", now=NOON, limits=Limits(rows=4, partial=True))

    assert (len(result.rows), result.cut) == (4, "")


def test_time_that_ran_out_and_a_cancelled_query_are_told_apart(engine: Engine) -> None:
    endless = "range x from 1 to 1000000000 step 1 | summarize sum(x)"
    cancel = threading.Event()
    cancel.set()

    with pytest.raises(QueryTimedOut):
        engine.query(endless, now=NOON, limits=Limits(seconds=0.1))
    with pytest.raises(QueryCancelled):
        engine.query(endless, now=NOON, cancel=cancel)


def test_a_setting_that_would_change_the_answer_is_refused_by_name(engine: Engine) -> None:
    with pytest.raises(QueryUnsupported, match="query_now"):
        engine.query("set query_now = datetime(2001-01-01); print now()", now=NOON)
