"""One UTC day of telemetry: one SQLite file, one table in it for each telemetry table that has rows that day."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final

import apsw
import msgspec

from sentinel.model.tables import KqlType
from sentinel.store.identity import DayRows, next_row_id
from sentinel.store.layout import SQL_TYPES, Layout, quoted
from sentinel.store.place import Place, connect_writer, day_name

LABELS: Final = "_Labels"
IDENTITY: Final = "_Id"
_TRUNCATE_ABOVE: Final = 64 << 20
_LEADING: Final = f"{IDENTITY} INTEGER, {LABELS} INTEGER, _Extra TEXT, _IngestionTime INTEGER"
_HEAD: Final = 5
"""How many values of a row stand before its cells."""


@dataclass(frozen=True, slots=True)
class _Statements:
    insert: str
    identity: str
    labels: str
    terms: str


def _schema(layout: Layout) -> Iterable[str]:
    cells = "".join(f", {quoted(c.name)} {SQL_TYPES[c.type]}" for c in layout.cells)
    labels = "".join(f", {quoted(c.name)} TEXT" for c in layout.labels)
    yield f"CREATE TABLE IF NOT EXISTS {quoted(layout.table)} (rowid_ INTEGER PRIMARY KEY, {_LEADING}{cells})"
    yield f"CREATE TABLE IF NOT EXISTS {quoted(layout.labels_table)} (id_ INTEGER PRIMARY KEY{labels})"
    if layout.indexed is not None:
        yield (
            f"CREATE VIRTUAL TABLE IF NOT EXISTS {quoted(layout.terms_table)} USING fts5(text, content='',"
            " columnsize=0, detail=none, tokenize='unicode61 remove_diacritics 0')"
        )


def _statements(layout: Layout) -> _Statements:
    cells = "".join(f", {quoted(c.name)}" for c in layout.cells)
    labels = "".join(f", {quoted(c.name)}" for c in layout.labels)
    marks = ",".join("?" * (_HEAD + len(layout.cells)))
    label_marks = ",".join("?" * (1 + len(layout.labels)))
    table = quoted(layout.table)
    return _Statements(
        f"INSERT OR IGNORE INTO {table} (rowid_, {IDENTITY}, {LABELS}, _Extra, _IngestionTime{cells}) VALUES ({marks})",
        f"SELECT {IDENTITY} FROM {table} WHERE rowid_ = ?",
        f"INSERT OR IGNORE INTO {quoted(layout.labels_table)} (id_{labels}) VALUES ({label_marks})",
        f"INSERT INTO {quoted(layout.terms_table)} (rowid, text) VALUES (?, ?)",
    )


def _searchable(text: str | None, kind: KqlType) -> str:
    """The text of a cell as the full-text index should split it.

    KQL's terms are runs of letters and digits; the tokenizer of SQLite also keeps combining marks and private
    characters, so these are taken out.
    """
    if not text:
        return ""
    if kind is KqlType.DYNAMIC and text.startswith('"'):
        text = msgspec.json.decode(text, type=str)
    if text.isascii():
        return text
    return "".join(c if unicodedata.category(c)[0] in "LN" else " " for c in text)


class PartitionWriter:
    """The writing end of one day's file. Not thread-safe.

    `number` tells this file from another one of the same name.
    """

    def __init__(self, place: Place, day: int) -> None:
        self._place = place
        self._name = day_name(day)
        self._connection = connect_writer(place, self._name)
        self.number = place.created(self._name)
        self._cursor = self._connection.cursor()
        self._ready: dict[str, _Statements] = {}
        self._labels_stored: dict[str, set[int]] = {}
        self._added = 0
        try:
            self._execute(
                "CREATE TABLE IF NOT EXISTS sentinel_day"
                " (one INTEGER PRIMARY KEY CHECK (one = 1), commits INTEGER NOT NULL, rows INTEGER NOT NULL)"
            )
            self._execute("INSERT OR IGNORE INTO sentinel_day VALUES (1, 0, 0)")
        except apsw.Error:
            self.close()
            raise

    def _execute(self, sql: str, values: Sequence[Any] = ()) -> apsw.Cursor:
        return self._cursor.execute(sql, values)

    @property
    def is_stale(self) -> bool:
        """Whether the file was removed, or replaced, since it was opened."""
        return self._place.durable and self._place.created(self._name) != self.number

    def begin(self) -> None:
        """Take the write lock."""
        self._added = 0
        self._execute("BEGIN IMMEDIATE")

    def commit(self, *, touches_current: bool) -> None:
        """Make everything since `begin` durable; `touches_current` if the current state must learn of it."""
        if touches_current or self._added:
            self._execute(
                "UPDATE sentinel_day SET commits = commits + ?, rows = rows + ?",
                (int(touches_current), self._added),
            )
        self._execute("COMMIT")

    def roll_back(self) -> None:
        """Undo everything since `begin`."""
        self._labels_stored.clear()
        self._ready.clear()
        if self._connection.in_transaction:
            self._execute("ROLLBACK")

    def close(self) -> None:
        """Close the file."""
        self._connection.close()

    def bound_log(self) -> None:
        """Empty the write-ahead log if it has grown large; readers in the way make it wait for another time."""
        if self._place.size(self._name)[1] > _TRUNCATE_ABOVE:
            self._connection.set_busy_timeout(100)
            try:
                self._connection.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_TRUNCATE)
            except apsw.BusyError:
                return
            finally:
                self._connection.set_busy_timeout(30_000)

    def _prepare(self, layout: Layout) -> _Statements:
        statements = self._ready.get(layout.table)
        if statements is None:
            for sql in _schema(layout):
                self._execute(sql)
            present = {row[1] for row in self._execute(f"PRAGMA table_info({quoted(layout.table)})")}
            for column in layout.cells:
                if column.name not in present:
                    self._execute(
                        f"ALTER TABLE {quoted(layout.table)} ADD COLUMN"
                        f" {quoted(column.name)} {SQL_TYPES[column.type]}"
                    )
            self._ready[layout.table] = statements = _statements(layout)
        return statements

    def insert(self, layout: Layout, day_rows: DayRows) -> list[tuple[Any, ...]]:
        """Store the rows that are not there yet, and return them."""
        rows, used = day_rows
        statements = self._prepare(layout)
        stored = self._labels_stored.setdefault(layout.table, set())
        fresh = used.keys() - stored
        if fresh:
            self._cursor.executemany(statements.labels, [(used[i].id, *used[i].values) for i in fresh])
            stored |= fresh
        self._execute("SAVEPOINT rows")
        before = self._connection.total_changes()
        self._cursor.executemany(statements.insert, rows)
        if self._connection.total_changes() - before != len(rows):
            self._execute("ROLLBACK TO rows")
            rows = [row for row in map(self._insert_one(statements), rows) if row]
        self._execute("RELEASE rows")
        self._added += len(rows)
        if layout.indexed is not None and rows:
            at = _HEAD + layout.indexed
            kind = layout.cells[layout.indexed].type
            texts = [(row[0], text) for row in rows if (text := _searchable(row[at], kind))]
            self._cursor.executemany(statements.terms, texts)
        return rows

    def _insert_one(self, statements: _Statements) -> Any:
        connection, execute = self._connection, self._cursor.execute

        def insert(row: tuple[Any, ...]) -> tuple[Any, ...] | None:
            while True:
                before = connection.total_changes()
                execute(statements.insert, row)
                if connection.total_changes() != before:
                    return row
                if execute(statements.identity, (row[0],)).fetchall()[0][0] == row[1]:
                    return None
                row = (next_row_id(row[0]), *row[1:])

        return insert
