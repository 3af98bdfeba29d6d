"""How SQLite carries out the queries that must stay fast, whatever lies in the store."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

import apsw
import pytest

from sentinel.clock import TICKS_PER_SECOND, to_ticks
from sentinel.query.engine import Engine
from sentinel.store.reader import TelemetryReader
from sentinel.store.telemetry import TelemetryStore
from tests.query.telemetry import batch_of, job_events

NOW = datetime(2026, 3, 4, 12, 0, tzinfo=UTC)
DAY = 86_400 * TICKS_PER_SECOND
ROWS = 400


class ExplainingStore:
    """A store that keeps the plan of each query."""

    def __init__(self, store: TelemetryStore) -> None:
        self._store = store
        self.plan: list[str] = []

    def reader(self) -> TelemetryReader:
        """A reader that explains what it is asked before it answers."""
        reader = self._store.reader()
        reader.connection.exec_trace = self._explain
        return reader

    def _explain(self, cursor: apsw.Cursor, sql: str, bound: apsw.Bindings | None) -> bool:
        if sql.startswith("WITH"):
            connection = cursor.connection
            self.plan = [row[3] for row in connection.execute(f"EXPLAIN QUERY PLAN {sql}", bound or ())]
        return True


@pytest.fixture(scope="module")
def explaining() -> Iterator[ExplainingStore]:
    with TelemetryStore.in_memory() as store:
        newest = to_ticks(NOW)
        for table, column in (
            ("AmlOnlineEndpointTrafficLog", "XRequestId"),
            ("AmlOnlineEndpointConsoleLog", "Message"),
        ):
            store.append(
                batch_of(
                    table,
                    (
                        {"TimeGenerated": newest - at * DAY // 100, column: f"worker {at} killed: oom"}
                        for at in range(ROWS)
                    ),
                )
            )
        store.append(job_events(ROWS, newest))
        yield ExplainingStore(store)


def plan(explaining: ExplainingStore, text: str) -> list[str]:
    engine = Engine(explaining)
    try:
        engine.query(text, now=NOW)
    finally:
        engine.close()
    return explaining.plan


def test_a_window_reads_only_its_own_rows(explaining: ExplainingStore) -> None:
    found = plan(
        explaining,
        """AmlOnlineEndpointTrafficLog
        | where TimeGenerated > ago(1h)
        | summarize Requests = count(), Refused = countif(ResponseCode == 503) by EndpointName, bin(TimeGenerated, 5m)
        | extend Share = todouble(Refused) / Requests""",
    )

    assert "SEARCH t USING INTEGER PRIMARY KEY (rowid>?)" in found
    assert "SCAN t" not in found


@pytest.mark.parametrize("test", ["Message has 'oom'", "Message has 'killed: oom'"])
def test_terms_are_looked_up_in_the_index_of_messages(explaining: ExplainingStore, test: str) -> None:
    found = plan(explaining, f"AmlOnlineEndpointConsoleLog | where {test} | project TimeGenerated, Message")

    assert any("AmlOnlineEndpointConsoleLog_terms VIRTUAL TABLE INDEX 0:M" in step for step in found)
    assert "SEARCH t USING INTEGER PRIMARY KEY (rowid=?)" in found
    assert "SCAN t" not in found


def test_the_state_of_a_job_is_looked_up(explaining: ExplainingStore) -> None:
    found = plan(explaining, "SentinelJobState_CL | where JobName == 'train-3' | project ExecutionState")

    assert found == ["SEARCH current.SentinelJobState_CL USING INDEX SentinelJobState_CL_named (JobName=?)"]


def test_the_states_of_all_jobs_are_read_without_their_events(explaining: ExplainingStore) -> None:
    found = plan(explaining, "SentinelJobState_CL | summarize Jobs = count() by ExecutionState")

    assert [step for step in found if step.startswith(("SCAN", "SEARCH"))] == [
        "SCAN current.SentinelJobState_CL",
        "SCAN q1",
    ]
