"""Reading telemetry: turns what a query asks of a table into SQL over the files that hold it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import apsw

from sentinel.clock import TICKS_PER_DAY
from sentinel.errors import StoreError
from sentinel.model.tables import CURRENT_STATE, Table, tables
from sentinel.store.identity import SEQUENCE_BITS, SEQUENCE_MASK
from sentinel.store.layout import (
    TIME,
    TYPE,
    Layout,
    empty_value,
    layouts,
    quoted,
)
from sentinel.store.partition import LABELS
from sentinel.store.place import CURRENT, Place, connect, day_name, fetch
from sentinel.store.scan import Compare, Scan, TextFilter

MOST_ATTACHED: Final = 118
"""Days attached at a time; SQLite allows 125 databases, and `current` and a day being copied need room."""

_MANY_LABELS: Final = 20_000
"""Combinations of labels that are not worth looking through before the rows are read."""
_TERM: Final = re.compile(r"[0-9A-Za-z]+")


def literal(text: str) -> str:
    """A text as SQL writes it."""
    return "'" + text.replace("'", "''") + "'"


@dataclass(frozen=True, slots=True)
class DayFacts:
    """What one day holds; times in ticks."""

    commits: int
    """Commits that touched the current state."""
    rows: int
    oldest: int | None
    newest: int | None


class TelemetryReader:
    """A read-only connection to the store's files, for one thread at a time.

    Each day is a database attached to `connection`; `scan_sql` attaches what its answer names.
    """

    def __init__(self, place: Place) -> None:
        self._place = place
        self.connection: apsw.Connection = connect("file::memory:")
        self._attached: dict[int, int] = {}
        self._shapes: dict[int, tuple[int, dict[str, frozenset[str]]]] = {}
        self._pinned: set[int] = set()
        self._is_held = False
        self._present: dict[int, int] | None = None
        self._known: set[int] = set()
        self._found: dict[tuple[int, str, str, int, int], bool] = {}
        self._copies: list[str] = []
        self._has_current = False
        self._most = MOST_ATTACHED

    def close(self) -> None:
        """Close the connection."""
        self.connection.close()

    def hold(self) -> None:
        """Until `release`, take the days and tables there are for those there were when they were looked at first."""
        self._is_held = True

    def release(self) -> None:
        """Forget the scans made so far: their SQL is not valid any more.

        Called between queries, it lets the reader give up days it no longer needs and drop copies it made.
        """
        self._pinned.clear()
        self._is_held, self._present = False, None
        self._known.clear()
        self._found.clear()
        while self._copies:
            self.connection.execute(f"DROP TABLE temp.{self._copies.pop()}")

    def scan_sql(self, scan: Scan) -> str:
        """A SELECT whose columns are exactly `scan.columns`, to stand in a FROM clause.

        It is valid until `release` or the next change of this reader's store files by retention.

        Raises:
            StoreError: There is no such table or column.
        """
        table = tables().get(scan.table)
        if table is None:
            raise StoreError(f"there is no table {scan.table}")
        for name in scan.columns:
            if table.column(name) is None and name != TYPE:
                raise StoreError(f"table {scan.table} has no column {name}")
        if scan.table in CURRENT_STATE:
            return self._current_sql(scan)
        layout = layouts()[scan.table]
        arms = []
        for day in self._days(scan):
            arm = self._day_sql(day, table, layout, scan)
            if arm:
                arms.append(arm)
        return " UNION ALL ".join(arms) if arms else _nothing(scan)

    def may_hold(self, scan: Scan) -> bool:
        """Whether a scan may have rows, as far as the full-text index tells; it costs less than the scan.

        What it looked up is remembered until `release`.
        """
        layout = layouts().get(scan.table)
        terms = _wanted(layout, scan) if layout is not None else []
        if layout is None or not terms:
            return True
        for day in self._days(scan):
            alias = self._attach(day)
            if alias is None or layout.terms_table not in self._shape(day, alias):
                return True
            # The longest is the rarest, mostly.
            if all(self._has_term(day, layout, term, scan) for term in sorted(terms, key=len, reverse=True)):
                return True
        return False

    def _has_term(self, day: int, layout: Layout, term: str, scan: Scan) -> bool:
        """Whether a term stands in one of a day's texts of a span."""
        base = day * TICKS_PER_DAY
        low = 0 if scan.start is None else max(0, scan.start - base) << SEQUENCE_BITS
        last = TICKS_PER_DAY if scan.end is None else min(scan.end - base, TICKS_PER_DAY)
        high = (last << SEQUENCE_BITS) | SEQUENCE_MASK
        key = (day, layout.table, term, low, high)
        if key not in self._found:
            table = f"d{day}.{quoted(layout.terms_table)}"
            sql = f"SELECT 1 FROM {table}(?) WHERE rowid BETWEEN ? AND ? LIMIT 1"
            self._found[key] = bool(fetch(self.connection, sql, (f'"{term}"', low, high)))
        return self._found[key]

    def newest(self, table: str) -> int | None:
        """The ticks of the newest `TimeGenerated` of a table, `None` if it has no rows."""
        if table in CURRENT_STATE:
            self._attach_current()
            return self._single(f"SELECT max({TIME}) FROM {CURRENT}.{quoted(table)}")
        for day in sorted(self._days(Scan(table, ())), reverse=True):
            alias = self._attach(day)
            if alias is not None and table in self._shape(day, alias):
                row_id = self._single(f"SELECT max(rowid_) FROM {alias}.{quoted(table)}")
                if row_id is not None:
                    return day * TICKS_PER_DAY + (row_id >> SEQUENCE_BITS)
            self._pinned.discard(day)
        return None

    def day_facts(self, day: int) -> DayFacts:
        """What one day's file says of itself; all 0 if it is gone or new."""
        alias = self._attach(day)
        if alias is None or "sentinel_day" not in (shape := self._shape(day, alias)):
            return DayFacts(0, 0, None, None)
        counted = fetch(self.connection, f"SELECT commits, rows FROM {alias}.sentinel_day")
        commits, rows = counted[0] if counted else (0, 0)  # another process is making the file just now
        ends = [
            (low, high)
            for name in layouts().keys() & shape.keys()
            for low, high in fetch(
                self.connection,
                f"SELECT (SELECT min(rowid_) FROM {alias}.{quoted(name)}),"
                f" (SELECT max(rowid_) FROM {alias}.{quoted(name)})",
            )
            if low is not None
        ]
        self._pinned.discard(day)
        if not ends:
            return DayFacts(commits, rows, None, None)
        base = day * TICKS_PER_DAY
        oldest, newest = min(low for low, _ in ends), max(high for _, high in ends)
        return DayFacts(commits, rows, base + (oldest >> SEQUENCE_BITS), base + (newest >> SEQUENCE_BITS))

    def _single(self, sql: str) -> int | None:
        for (value,) in fetch(self.connection, sql):
            return None if value is None else int(value)
        return None

    def _days(self, scan: Scan) -> list[int]:
        present = self._present if self._present is not None else self._place.days()
        if self._is_held:
            self._present = present
        for day, number in list(self._attached.items()):
            if present.get(day) != number:
                self._detach(day)
        first = -1 if scan.start is None else scan.start // TICKS_PER_DAY
        last = max(present, default=-1) if scan.end is None else scan.end // TICKS_PER_DAY
        return sorted(day for day in present if first <= day <= last)

    def _attach_current(self) -> None:
        if not self._has_current:
            uri = self._place.uri(CURRENT, writable=False)
            self.connection.execute(f"ATTACH {literal(uri)} AS {CURRENT}")
            self._has_current = True

    def _detach(self, day: int) -> bool:
        try:
            self.connection.execute(f"DETACH d{day}")
        except apsw.SQLError:
            return False  # a statement still reads it
        del self._attached[day]
        self._shapes.pop(day, None)
        self._pinned.discard(day)
        return True

    def _attach(self, day: int) -> str | None:
        """The name of the attached day; `None` if its file is gone or there is no room for it."""
        if day not in self._attached:
            if len(self._attached) >= self._most and not any(
                self._detach(old) for old in list(self._attached) if old not in self._pinned
            ):
                return None
            if not self._open(day, f"d{day}"):
                return None
            self._attached[day] = self._place.days().get(day, 0)
        self._pinned.add(day)
        return f"d{day}"

    def _open(self, day: int, alias: str) -> bool:
        try:
            uri = self._place.uri(day_name(day), writable=False)
            self.connection.execute(f"ATTACH {literal(uri)} AS {alias}")
        except apsw.CantOpenError:
            return False  # retention removed it just now
        return True

    def _shape(self, day: int, alias: str) -> dict[str, frozenset[str]]:
        """The columns of every SQLite table of an attached day."""
        known = self._shapes.get(day)
        if known is not None and day in self._known:
            return known[1]
        if self._is_held:
            self._known.add(day)
        version = self._single(f"PRAGMA {alias}.schema_version") or 0
        if known is None or known[0] != version:
            shape: dict[str, set[str]] = {}
            listed = fetch(
                self.connection,
                f"SELECT s.name, i.name FROM {alias}.sqlite_schema AS s,"
                f" pragma_table_info(s.name, {literal(alias)}) AS i WHERE s.type = 'table'",
            )
            for name, column in listed:
                shape.setdefault(name, set()).add(column)
            known = (version, {name: frozenset(columns) for name, columns in shape.items()})
            self._shapes[day] = known
        return known[1]

    def _day_sql(self, day: int, table: Table, layout: Layout, scan: Scan) -> str:
        alias = self._attach(day)
        if alias is not None:
            shape = self._shape(day, alias)
            return _arm(alias, day, table, layout, scan, shape) if layout.table in shape else ""
        return self._copy_sql(day, table, layout, scan)

    def _copy_sql(self, day: int, table: Table, layout: Layout, scan: Scan) -> str:
        """A day there is no room for, copied into a temporary table."""
        if not self._open(day, "visiting"):
            return ""
        try:
            self._shapes.pop(day, None)
            shape = self._shape(day, "visiting")
            self._shapes.pop(day, None)
            if layout.table not in shape:
                return ""
            copy = f"copy{len(self._copies)}"
            self.connection.execute(
                f"CREATE TEMP TABLE {copy} AS {_arm('visiting', day, table, layout, scan, shape)}"
            )
            self._copies.append(copy)
            names = ", ".join(map(quoted, scan.columns)) or "1"
            return f"SELECT {names} FROM temp.{copy}"
        finally:
            self.connection.execute("DETACH visiting")

    def _current_sql(self, scan: Scan) -> str:
        self._attach_current()
        names = [
            f"{literal(scan.table)} AS {quoted(TYPE)}" if name == TYPE else quoted(name)
            for name in scan.columns
        ]
        bounds = []
        if scan.start is not None:
            bounds.append(f"{TIME} >= {int(scan.start)}")
        if scan.end is not None:
            bounds.append(f"{TIME} <= {int(scan.end)}")
        where = f" WHERE {' AND '.join(bounds)}" if bounds else ""
        return f"SELECT {', '.join(names) or '1'} FROM {CURRENT}.{quoted(scan.table)}{where}"


def _nothing(scan: Scan) -> str:
    names = ", ".join(f"NULL AS {quoted(name)}" for name in scan.columns)
    return f"SELECT {names or '1'} WHERE 0"


def _arm(
    alias: str, day: int, table: Table, layout: Layout, scan: Scan, shape: dict[str, frozenset[str]]
) -> str:
    """The SELECT over one day."""
    own, labels = shape[layout.table], shape.get(layout.labels_table, frozenset())
    base = day * TICKS_PER_DAY
    parts, joined = [], False
    for name in scan.columns:
        if name == TIME:
            value = f"((t.rowid_ >> {SEQUENCE_BITS}) + {base})"
        elif name == TYPE:
            value = literal(layout.table)
        elif name in own:
            value = f"t.{quoted(name)}"
        elif name in labels:
            value, joined = f"l.{quoted(name)}", True
        else:
            column = table.column(name)
            value = "NULL" if column is None or empty_value(column) is None else "''"
        parts.append(f"{value} AS {quoted(name)}")
    source = f"{alias}.{quoted(layout.table)} AS t"
    if joined:
        # The order is fixed: the rows of a short time first, then their labels by row id.
        source += f" CROSS JOIN {alias}.{quoted(layout.labels_table)} AS l"
    where = [f"l.id_ = t.{LABELS}"] if joined else []
    where += _bounds("t.rowid_", base, scan)
    where += _terms(alias, base, layout, scan, shape)
    where += _labelled(
        f"{alias}.{quoted(layout.labels_table)}", [f for f in scan.texts if f.column in labels]
    )
    clause = f" WHERE {' AND '.join(where)}" if where else ""
    return f"SELECT {', '.join(parts) or '1'} FROM {source}{clause}"


def _bounds(row_id: str, base: int, scan: Scan) -> list[str]:
    bounds = []
    if scan.start is not None and scan.start > base:
        bounds.append(f"{row_id} >= {(scan.start - base) << SEQUENCE_BITS}")
    if scan.end is not None and scan.end < base + TICKS_PER_DAY - 1:
        bounds.append(f"{row_id} <= {((scan.end - base) << SEQUENCE_BITS) | SEQUENCE_MASK}")
    return bounds


def _labelled(labels: str, filters: Sequence[TextFilter]) -> list[str]:
    """The condition that a row's labels are among those that fit, which are looked for once."""
    fitting = [condition for one in filters if (condition := _fits(one))]
    if not fitting:
        return []
    few = f"(SELECT count(*) FROM (SELECT 1 FROM {labels} LIMIT {_MANY_LABELS})) < {_MANY_LABELS}"
    among = f"t.{LABELS} IN (SELECT id_ FROM {labels} WHERE {' AND '.join(fitting)})"
    return [f"CASE WHEN {few} THEN {among} ELSE 1 END"]


def _fits(condition: TextFilter) -> str:
    column, text = quoted(condition.column), literal(condition.text)
    if "\0" in condition.text:
        return ""  # it cannot be written out
    if condition.compare is Compare.EQUALS:
        return f"{column} = {text}"
    if not condition.text.isascii():
        return ""  # what is the same without case beyond ASCII is left to the query
    match condition.compare:
        case Compare.IS:
            piece = column
        case Compare.STARTS_WITH:
            piece = f"substr({column}, 1, {len(condition.text)})"
        case Compare.ENDS_WITH:
            piece = f"substr({column}, max(1, length({column}) - {len(condition.text) - 1}))"
    return f"({piece} = {text} COLLATE NOCASE OR octet_length({column}) <> length({column}))"


def _terms(alias: str, base: int, layout: Layout, scan: Scan, shape: dict[str, frozenset[str]]) -> list[str]:
    if layout.terms_table not in shape or not (wanted := _wanted(layout, scan)):
        return []
    match = " AND ".join(f'"{term}"' for term in wanted)
    where = " AND ".join(_bounds("rowid", base, scan))
    return [
        f"t.rowid_ IN (SELECT rowid FROM {alias}.{quoted(layout.terms_table)}({literal(match)})"
        + (f" WHERE {where})" if where else ")")
    ]


def _wanted(layout: Layout, scan: Scan) -> list[str]:
    """The terms the full-text index is asked for, none where it cannot help."""
    column = layout.indexed_column
    if column is None:
        return []
    wanted: dict[str, None] = {}
    for condition in scan.terms:
        if condition.column == column.name:
            # A term that is not plain ASCII is left to the query: the index folds other letters its own way.
            pieces = (_TERM.findall(term) for term in condition.terms if term.isascii())
            wanted |= dict.fromkeys(piece for found in pieces for piece in found)
    return list(wanted)
