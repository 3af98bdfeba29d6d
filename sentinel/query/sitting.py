"""Queries asked one after the other of the same instant, with the same parameters."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from sentinel.errors import QueryError, QueryLimitExceeded
from sentinel.query.result import DEFAULT_LIMITS, Result
from sentinel.query.running import Reader, fetch, filled_scan, shown
from sentinel.query.watching import Watched

if TYPE_CHECKING:
    from sentinel.query.bundle import Bundle, Part


class Desk:
    """A reader with the pieces of one bundle as temporary tables, used by one thread at a time."""

    def __init__(self, bundle: Bundle, reader: Reader) -> None:
        self.bundle = bundle
        self.reader = reader
        self._made: set[str] = set()
        self._filled: set[str] = set()
        self._soiled: set[str] = set()
        reader.connection.pragma("temp_store", "memory")

    def fill(self, name: str, values: Mapping[str, Any], numbers: tuple[Any, ...]) -> None:
        """Make sure that a piece and those it needs hold their rows."""
        if name in self._filled:
            return
        piece = self.bundle.pieces[name]
        for needed in piece.needs:
            self.fill(needed, values, numbers)
        connection = self.reader.connection
        if name not in self._made:
            columns = ", ".join(f'"{column}"' for column in piece.columns)
            connection.execute(f'CREATE TEMP TABLE "{name}" ({columns})')
            self._made.add(name)
        self._filled.add(name)
        if piece.scan is None:
            connection.execute(f'INSERT INTO temp."{name}" {piece.sql}', values)
        else:
            scan = filled_scan(piece.scan, numbers)
            if not self.reader.may_hold(scan):
                return
            sql = f'INSERT INTO temp."{name}" {self.reader.scan_sql(scan)}'
            connection.execute(sql, can_cache=False)  # another one the next time
        if connection.changes():
            self._soiled.add(name)

    def begin(self) -> None:
        """See the store as it is now until `clear`."""
        self.reader.hold()
        self.reader.connection.execute("BEGIN")

    def clear(self) -> None:
        """Forget the rows, for the next who sits down."""
        for name in self._soiled:
            self.reader.connection.execute(f'DELETE FROM temp."{name}"')
        self._filled.clear()
        self._soiled.clear()
        self.reader.connection.execute("COMMIT")
        self.reader.release()


class Sitting:
    """Asks the queries of one bundle; what they have in common is computed when the first of them needs it."""

    def __init__(self, desk: Desk, values: Mapping[str, Any]) -> None:
        self._desk = desk
        desk.begin()
        self._values = {**values, **desk.bundle.constants}
        self._numbers: tuple[Any, ...] | None = None
        self.is_broken = False
        """Whether an error left a piece without its rows."""

    def query(self, text: str) -> Result | None:
        """The answer of a query, `None` where it must be asked alone.

        That is so for a query that was refused, and after an error: asked alone, the query that is to blame says so,
        and the others have their answers.
        """
        part = self._desk.bundle.parts.get(text)
        if part is None or self.is_broken:
            return None
        try:
            with Watched(self._desk.reader.connection, DEFAULT_LIMITS, None, text):
                return self._answer(part)
        except QueryError:
            self.is_broken = True
            return None

    def _answer(self, part: Part) -> Result:
        connection = self._desk.reader.connection
        if self._numbers is None:
            self._numbers = self._computed()
        for name in part.needs:
            self._desk.fill(name, self._values, self._numbers)
        rows, cut = fetch(connection, part.sql, self._values, DEFAULT_LIMITS)
        if cut:
            raise QueryLimitExceeded(cut)
        return Result(part.columns, shown(rows, part.columns), None, "")

    def _computed(self) -> tuple[Any, ...]:
        """The numbers the scans are bounded by; the values the queries need are bound."""
        bundle = self._desk.bundle
        if not bundle.expressions:
            return ()
        listed = f"SELECT {', '.join(bundle.expressions)}"
        found = next(iter(self._desk.reader.connection.execute(listed, self._values)))
        many = len(found) - len(bundle.values)
        self._values.update(zip(bundle.values, found[many:], strict=True))
        return tuple(found[:many])
