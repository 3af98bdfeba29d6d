"""The telemetry as it was at an instant of the past: what happened later is not there yet.

Event time counts: a row that came late is seen from the instant it tells of.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

import apsw

from sentinel.clock import TICKS_PER_SECOND, to_ticks
from sentinel.model.tables import CURRENT_STATE, JOB_STATE, tables
from sentinel.store.current import FEEDS, RANKS
from sentinel.store.layout import TYPE, quoted
from sentinel.store.place import fetch
from sentinel.store.reader import TelemetryReader, literal
from sentinel.store.scan import Scan
from sentinel.store.telemetry import TelemetryStore

SOURCES: Final = {state.name: source for source, state in FEEDS.items()}
"""The event table behind each table of current state."""
_LOOKS: Final = (60, 3600, 86_400)
"""Seconds before the instant in which the newest row is looked for before it is looked for everywhere."""


@dataclass(frozen=True, slots=True)
class Looked:
    """Where a query looked: a table and the first tick of the span, None for the beginning."""

    table: str
    start: int | None


class AsOf:
    """A store seen from an instant that can be moved; used by one thread."""

    def __init__(self, store: TelemetryStore, at: datetime) -> None:
        self._store = store
        self._reader = store.reader()
        self._at = to_ticks(at)
        self._newest: dict[str, tuple[int, int | None]] = {}
        self.watch: Callable[[Looked], None] | None = None
        """Told of every scan of a query, if set."""

    @property
    def ticks(self) -> int:
        """The instant, in ticks."""
        return self._at

    def move(self, at: datetime) -> None:
        """See the store from another instant."""
        self._at = to_ticks(at)

    def reader(self) -> AsOfReader:
        """A reader that sees no later row; it follows when the instant moves."""
        return AsOfReader(self._store.reader(), self)

    def newest(self, table: str) -> int | None:
        """The ticks of the newest `TimeGenerated` of a table up to the instant, `None` if it has no rows by then."""
        source = SOURCES.get(table, table)
        known = self._newest.get(source)
        if known is None or known[0] != self._at:
            known = (self._at, self._newest_of(source))
            self._newest[source] = known
        return known[1]

    def _newest_of(self, table: str) -> int | None:
        newest = self._store.newest(table)
        if newest is None or newest <= self._at:
            return newest
        for start in (*(self._at - seconds * TICKS_PER_SECOND for seconds in _LOOKS), None):
            scan = Scan(table, ("TimeGenerated",), start, self._at)
            found = self._fetch(f"SELECT max(TimeGenerated) FROM ({self._reader.scan_sql(scan)})")[0][0]
            if found is not None:
                return int(found)
        return None

    def seconds_with_rows(self, table: str, start: datetime, end: datetime) -> list[int]:
        """The seconds, counted as ticks are, in which a table has rows, in order; both ends included."""
        scan = Scan(table, ("TimeGenerated",), to_ticks(start), to_ticks(end))
        sql = f"SELECT DISTINCT TimeGenerated / {TICKS_PER_SECOND} FROM ({self._reader.scan_sql(scan)}) ORDER BY 1"
        return [second for (second,) in self._fetch(sql)]

    def count(self, table: str, start: datetime, end: datetime) -> int:
        """How many rows a table has from `start` to `end`, both included."""
        scan = Scan(table, ("TimeGenerated",), to_ticks(start), to_ticks(end))
        return int(self._fetch(f"SELECT count(*) FROM ({self._reader.scan_sql(scan)})")[0][0])

    def _fetch(self, sql: str) -> list[tuple[int, ...]]:
        try:
            return fetch(self._reader.connection, sql)
        finally:
            self._reader.release()

    def close(self) -> None:
        """Close the connection; the store stays open."""
        self._reader.close()


class AsOfReader:
    """A `TelemetryReader` that sees the rows up to the instant only."""

    def __init__(self, reader: TelemetryReader, view: AsOf) -> None:
        self._reader = reader
        self._view = view

    @property
    def connection(self) -> apsw.Connection:
        """The connection queries run on."""
        return self._reader.connection

    def release(self) -> None:
        """Forget the scans made so far."""
        self._reader.release()

    def close(self) -> None:
        """Close the connection."""
        self._reader.close()

    def hold(self) -> None:
        """See `TelemetryReader`."""
        self._reader.hold()

    def may_hold(self, scan: Scan) -> bool:
        """Whether a scan may have rows; see `TelemetryReader`."""
        if scan.table in CURRENT_STATE:
            return True
        end = self._view.ticks if scan.end is None else min(scan.end, self._view.ticks)
        return self._reader.may_hold(replace(scan, end=end))

    def scan_sql(self, scan: Scan) -> str:
        """A SELECT whose columns are exactly those of the scan.

        Raises:
            StoreError: There is no such table or column.
        """
        end = self._view.ticks if scan.end is None else min(scan.end, self._view.ticks)
        if self._view.watch is not None:
            self._view.watch(Looked(SOURCES.get(scan.table, scan.table), scan.start))
        if scan.table in CURRENT_STATE:
            return self._state_sql(scan, end)
        return self._reader.scan_sql(replace(scan, end=end))

    def _state_sql(self, scan: Scan, end: int) -> str:
        """The newest row of each key by then; of a row before the start nothing is shown, so it is not read."""
        source = tables()[SOURCES[scan.table]]
        is_job = scan.table == JOB_STATE.name
        names = [name for name in scan.columns if source.column(name) is not None and name != TYPE]
        key = (
            ("_ResourceId", "JobName", "JobId") if is_job else ("_ResourceId", "DeploymentName", "InstanceId")
        )
        ordered = ("ExecutionState",) if is_job else ("Name", "Message")
        # What is newer than the span replaces what lies in it, so the span ends with the instant.
        read = tuple(dict.fromkeys(("TimeGenerated", *key, *ordered, *names)))
        inner = self._reader.scan_sql(Scan(source.name, read, scan.start, self._view.ticks))
        if is_job:
            partition = "lower(_ResourceId), coalesce(nullif(JobName, ''), JobId)"
            named = "JobName != '' OR JobId != ''"
            cases = " ".join(f"WHEN {literal(state)} THEN {rank}" for state, rank in RANKS.items())
            order = f"CASE lower(ExecutionState) {cases} ELSE 1 END DESC"
        else:
            partition, named, order = (
                "lower(_ResourceId), DeploymentName, InstanceId",
                "InstanceId != ''",
                "1",
            )
        told = ", ".join(f"{quoted(name)} DESC" for name in ordered)
        shown = ", ".join(f"{_value(scan.table, name)} AS {quoted(name)}" for name in scan.columns) or "1"
        return (
            f"SELECT {shown} FROM (SELECT *, row_number() OVER (PARTITION BY {partition}"
            f" ORDER BY TimeGenerated DESC, {order}, {told}) AS place_ FROM ({inner}) WHERE {named})"
            f" WHERE place_ = 1 AND TimeGenerated <= {int(end)}"
        )


def _value(table: str, name: str) -> str:
    """A column of a state table by the columns of its event table."""
    source = tables()[SOURCES[table]]
    if name == TYPE:
        return literal(table)
    if name == "EndpointName" and table != JOB_STATE.name:
        path = "lower(_ResourceId)"
        return f"replace({path}, rtrim({path}, replace({path}, '/', '')), '')"
    if name == "_ResourceId":
        return "lower(_ResourceId)"
    return quoted(name) if source.column(name) is not None else "''"
