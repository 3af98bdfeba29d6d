"""Records as the store takes them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from sentinel.clock import to_ticks
from sentinel.store.batch import Batch, Record
from sentinel.store.layout import empty_value, layouts
from sentinel.store.reader import TelemetryReader
from sentinel.store.scan import Scan, TermFilter, TextFilter

NOON = datetime(2026, 3, 4, 12, tzinfo=UTC)
TRAFFIC = "AmlOnlineEndpointTrafficLog"
CONSOLE = "AmlOnlineEndpointConsoleLog"
EVENTS = "AmlOnlineEndpointEventLog"
JOBS = "AmlComputeJobEvent"


def an_event(table: str, at: datetime = NOON, **values: Any) -> Record:
    layout = layouts()[table]
    labels = tuple(values.pop(c.name, empty_value(c)) for c in layout.labels)
    cells = tuple(values.pop(c.name, empty_value(c)) for c in layout.cells)
    assert not values, f"{table} has no {', '.join(values)}"
    return to_ticks(at), labels, cells, None


def requests(count: int, *, start: datetime = NOON, step: timedelta = timedelta(seconds=1)) -> Batch:
    rows = [
        an_event(TRAFFIC, start + number * step, EndpointName="chat", ResponseCode=200 + number)
        for number in range(count)
    ]
    return Batch({TRAFFIC: rows})


def rows(
    reader: TelemetryReader,
    table: str,
    *columns: str,
    start: datetime | None = None,
    end: datetime | None = None,
    terms: tuple[TermFilter, ...] = (),
    texts: tuple[TextFilter, ...] = (),
) -> list[tuple[Any, ...]]:
    first, last = (None if at is None else to_ticks(at) for at in (start, end))
    found = reader.connection.execute(reader.scan_sql(Scan(table, columns, first, last, terms, texts)))
    return sorted(found.fetchall(), key=str)
