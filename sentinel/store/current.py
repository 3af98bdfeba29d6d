"""`current.db`: the newest row of each job and replica, how far sources were read, and what was set aside."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any, Final, Self

from sentinel.model.tables import JOB_STATE, KEPT, REPLICA_STATE, Column, Table
from sentinel.store.batch import Record, SetAside
from sentinel.store.layout import SQL_TYPES, TIME, TYPE, layouts, quoted
from sentinel.store.place import CURRENT, Place, connect_writer, fetch

JOB_EVENTS: Final = "AmlComputeJobEvent"
REPLICA_EVENTS: Final = "AmlOnlineEndpointEventLog"
FEEDS: Final[Mapping[str, Table]] = {JOB_EVENTS: JOB_STATE, REPLICA_EVENTS: REPLICA_STATE}
"""The tables whose records are kept as current state, and in which table."""

_NAMED: Final = {JOB_STATE: "JobName", REPLICA_STATE: "EndpointName"}
"""The column by which people ask for the state of one."""
_OVER: Final = 3
RANKS: Final = {
    "notstarted": 0,
    "queued": 0,
    "running": 2,
    "finalizing": 2,
    "completed": _OVER,
    "succeeded": _OVER,
    "failed": _OVER,
    "canceled": _OVER,
    "cancelled": _OVER,
}
"""Which of two states of a job at the same instant is the later one; a state not named comes after the queue."""

_SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS cursors (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS set_aside (
    id INTEGER PRIMARY KEY, digest BLOB NOT NULL UNIQUE, at INTEGER NOT NULL, origin TEXT NOT NULL,
    line INTEGER NOT NULL, reason TEXT NOT NULL, about TEXT NOT NULL, raw BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS unknown_categories (category TEXT PRIMARY KEY, records INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS seen (day INTEGER PRIMARY KEY, commits INTEGER NOT NULL);
"""


@dataclass(frozen=True, slots=True)
class SetAsideLine:
    """A piece of a delivery that waits to be mended or taken again."""

    id: int
    at: int
    """Ticks of when it came."""
    what: SetAside


def _columns(table: Table) -> list[Column]:
    left = {TIME, TYPE, *(column.name for column in KEPT)}
    return [column for column in table.columns if column.name not in left]


def _state_schema(table: Table) -> str:
    columns = "".join(f", {quoted(c.name)} {SQL_TYPES[c.type]}" for c in _columns(table))
    return (
        f"CREATE TABLE IF NOT EXISTS {quoted(table.name)} (key_ TEXT PRIMARY KEY, TimeGenerated INTEGER NOT NULL,"
        f" rank_ INTEGER NOT NULL{columns}, _Extra TEXT, _IngestionTime INTEGER) WITHOUT ROWID;"
        f" CREATE INDEX IF NOT EXISTS {quoted(f'{table.name}_named')} ON {quoted(table.name)} ({_NAMED[table]})"
    )


def _upsert(table: Table) -> str:
    names = [TIME, "rank_", *(quoted(c.name) for c in _columns(table)), "_Extra", "_IngestionTime"]
    marks = ",".join("?" * (1 + len(names)))
    # Of two rows of one instant and rank, the greater one stays, so that the order of delivery does not matter.
    told = [TIME, "rank_", *(quoted(c.name) for c in _columns(table)), "coalesce(_Extra, '')"]
    old = ", ".join(told)
    new = ", ".join(
        "coalesce(excluded._Extra, '')" if "coalesce" in name else f"excluded.{name}" for name in told
    )
    return (
        f"INSERT INTO {quoted(table.name)} (key_, {', '.join(names)}) VALUES ({marks}) ON CONFLICT (key_)"
        f" DO UPDATE SET {', '.join(f'{name} = excluded.{name}' for name in names)} WHERE ({new}) > ({old})"
    )


class _Projection:
    """How a record of an event table becomes a row of its state table."""

    def __init__(self, source: str) -> None:
        self._state = FEEDS[source]
        layout = layouts()[source]
        labels = {column.name: at for at, column in enumerate(layout.labels)}
        cells = {column.name: at for at, column in enumerate(layout.cells)}
        self._names = [column.name for column in _columns(self._state)]
        self._picks = [
            (name, 0, labels[name]) if name in labels else (name, 1, cells[name])
            for name in self._names
            if name in labels or name in cells
        ]

    def row(self, record: Record, ingested: int) -> tuple[Any, ...] | None:
        """The row of the state table, `None` if the record names no job or replica."""
        parts = record[1], record[2]
        named = {name: parts[part][at] for name, part, at in self._picks}
        extra = record[3].text if record[3] else None
        return self.row_of(record[0], named, extra, ingested)

    def row_of(
        self, ticks: int, named: dict[str, Any], extra: str | None, ingested: int | None
    ) -> tuple[Any, ...] | None:
        """The same from values by column name."""
        named = {column: named.get(column, "") for column in self._names}
        resource = named["_ResourceId"] = named["_ResourceId"].lower()
        rank = 0
        if self._state is JOB_STATE:
            name = named["JobName"] or named["JobId"]
            rank = RANKS.get(named["ExecutionState"].lower(), 1)
        else:
            named["EndpointName"] = resource.rsplit("/", 1)[-1]
            name = named["InstanceId"] and f"{named['DeploymentName']}/{named['InstanceId']}"
        if not name:
            return None
        return (f"{resource}\n{name}", ticks, rank, *named.values(), extra, ingested)


class CurrentState:
    """The writing end of `current.db`. Not thread-safe."""

    def __init__(self, place: Place) -> None:
        self._connection = connect_writer(place, CURRENT)
        place.created(CURRENT)
        self._projections = {source: _Projection(source) for source in FEEDS}
        self._upserts = {source: _upsert(state) for source, state in FEEDS.items()}
        self._connection.execute(_SCHEMA + ";".join(map(_state_schema, FEEDS.values())))

    def close(self) -> None:
        """Close the file."""
        self._connection.close()

    def __enter__(self) -> Self:
        self._connection.execute("BEGIN IMMEDIATE")
        return self

    def __exit__(self, kind: object, *_: object) -> None:
        self._connection.execute("COMMIT" if kind is None else "ROLLBACK")

    def take(self, source: str, records: Iterable[Record], ingested: int) -> None:
        """Keep the records that are newer than what is known of their job or replica."""
        project = self._projections[source].row
        rows = [row for record in records if (row := project(record, ingested)) is not None]
        self._connection.executemany(self._upserts[source], rows)

    def take_named(
        self, source: str, rows: Iterable[tuple[int, dict[str, Any], str | None, int | None]]
    ) -> None:
        """The same for rows read back from a day's file: ticks, values by name, extra, ingestion time."""
        project = self._projections[source].row_of
        made = [row for values in rows if (row := project(*values)) is not None]
        self._connection.executemany(self._upserts[source], made)

    def state_columns(self, source: str) -> list[str]:
        """The columns of the event table that its state table keeps, in order; others are worked out."""
        layout = layouts()[source]
        known = {column.name for column in (*layout.labels, *layout.cells)}
        return [column.name for column in _columns(FEEDS[source]) if column.name in known]

    def saw(self, days: Iterable[int]) -> None:
        """Count one commit that touched the current state for each of these days."""
        self._connection.executemany(
            "INSERT INTO seen VALUES (?, 1) ON CONFLICT (day) DO UPDATE SET commits = commits + 1",
            [(day,) for day in days],
        )

    def set_seen(self, day: int, commits: int) -> None:
        """Set the count of commits seen of one day."""
        self._connection.execute("INSERT OR REPLACE INTO seen VALUES (?, ?)", (day, commits))

    def seen(self) -> dict[int, int]:
        """The count of commits seen, by day."""
        return dict(fetch(self._connection, "SELECT day, commits FROM seen"))

    def forget_days(self, days: Iterable[int]) -> None:
        """Forget the counts of days that were removed."""
        self._connection.executemany("DELETE FROM seen WHERE day = ?", [(day,) for day in days])

    def move_cursors(self, cursors: Mapping[str, str]) -> None:
        """Note how far sources were read."""
        self._connection.executemany("INSERT OR REPLACE INTO cursors VALUES (?, ?)", list(cursors.items()))

    def cursors(self, prefix: str) -> dict[str, str]:
        """The cursors whose name begins with `prefix`."""
        sql = "SELECT name, value FROM cursors WHERE substr(name, 1, ?) = ?"
        return dict(fetch(self._connection, sql, (len(prefix), prefix)))

    def count_unknown(self, counts: Mapping[str, int]) -> None:
        """Add to the counts of unknown categories."""
        self._connection.executemany(
            "INSERT INTO unknown_categories VALUES (?, ?) ON CONFLICT (category)"
            " DO UPDATE SET records = records + excluded.records",
            list(counts.items()),
        )

    def unknown(self) -> dict[str, int]:
        """Records of unknown categories, by category."""
        return dict(fetch(self._connection, "SELECT category, records FROM unknown_categories"))

    def set_aside(self, lines: Sequence[SetAside], at: int) -> None:
        """Keep what could not be stored; the same piece from the same place once."""
        rows = []
        for line in lines:
            told = f"{line.origin}\n{line.line}\n{line.table}\n".encode("utf-8", "surrogateescape")
            digest = blake2b(told + line.raw, digest_size=16).digest()
            rows.append((digest, at, line.origin, line.line, line.reason, line.table, line.raw))
        self._connection.executemany(
            "INSERT OR IGNORE INTO set_aside (digest, at, origin, line, reason, about, raw) VALUES (?,?,?,?,?,?,?)",
            rows,
        )

    def listed(self, after: int, limit: int) -> list[SetAsideLine]:
        """What was set aside, in the order it came, from the first id above `after`."""
        rows = fetch(
            self._connection,
            "SELECT id, at, origin, line, reason, raw, about FROM set_aside WHERE id > ? ORDER BY id LIMIT ?",
            (after, limit),
        )
        return [SetAsideLine(row[0], row[1], SetAside(*row[2:])) for row in rows]

    def set_aside_count(self) -> int:
        """How many pieces are set aside."""
        return int(fetch(self._connection, "SELECT count(*) FROM set_aside")[0][0])

    def drop(self, ids: Iterable[int]) -> None:
        """Forget pieces that were set aside."""
        self._connection.executemany("DELETE FROM set_aside WHERE id = ?", [(i,) for i in ids])
