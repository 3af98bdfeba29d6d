"""Runs KQL over the telemetry store.

A query is compiled once: parsed, bound against the table catalogue, and emitted as SQL that refers to the store's
tables by placeholder names. When it runs, the spans of time it asks for are computed first, so that the store can
open just the partitions they touch.
"""

from __future__ import annotations

import re
import threading
from collections import OrderedDict
from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final, Protocol, Self

import apsw

from sentinel.clock import to_ticks
from sentinel.errors import (
    QueryLimitExceeded,
    QuerySemanticError,
    QuerySyntaxError,
    QueryUnsupported,
)
from sentinel.model.tables import Column, KqlType, Table, tables
from sentinel.query import ir
from sentinel.query.parameters import Parameter, kind_of, stored_value
from sentinel.query.probing import ColumnsUnknown, Probe, constant_rows
from sentinel.query.result import DEFAULT_LIMITS, Limits, Result, readers_of
from sentinel.query.watching import Watched
from sentinel.store.scan import Scan, TermFilter, TextFilter

if TYPE_CHECKING:
    from sentinel.query.emit_fold import EmittedScan
    from sentinel.query.emit_sqlite import Emitted

__all__ = ["REFUSALS", "Compiled", "Engine", "Parameter", "Reader", "Store", "compile_query", "sql_text"]

_Answer = tuple[list[tuple[Any, ...]], str]
_CACHED: Final = 512
_LONGEST_TEXT: Final = 1_000_000


class Reader(Protocol):
    """One connection to the telemetry, used by one thread at a time."""

    @property
    def connection(self) -> apsw.Connection:
        """The connection queries run on."""

    def scan_sql(self, scan: Scan) -> str:
        """A SELECT whose columns are exactly those of the scan."""

    def release(self) -> None:
        """Forget the scans made so far."""

    def close(self) -> None:
        """Give the connection back."""


class Store(Protocol):
    """Where the telemetry lies."""

    def reader(self) -> Reader:
        """A new reader."""


@dataclass(frozen=True, slots=True)
class Compiled:
    """A query ready to run."""

    columns: tuple[Column, ...]
    tables: tuple[str, ...]
    visualization: str | None
    sql: Emitted


def compile_query(
    text: str,
    parameters: Mapping[str, KqlType],
    catalogue: Mapping[str, Table],
    probe: Probe = constant_rows,
) -> Compiled:
    """The SQL of a query; `probe` answers what must be known of rows before there are columns.

    Raises:
        QuerySyntaxError: The text is not KQL.
        QuerySemanticError: It names or combines what does not fit.
        QueryUnsupported: It asks for what is not answered here.
    """
    from sentinel.query.binder import bind
    from sentinel.query.emit_sqlite import emit
    from sentinel.query.parser import parse

    if len(text) > _LONGEST_TEXT:
        raise QueryLimitExceeded(f"the query has more than {_LONGEST_TEXT} characters")
    try:
        bound = bind(parse(text), text, catalogue, parameters, probe)
        sql = emit(bound)
    except RecursionError:
        raise QueryLimitExceeded("the query is nested too deeply", None, text) from None
    columns = tuple(Column(c.name, c.type) for c in bound.rows.columns)
    return Compiled(columns, bound.tables, bound.visualization, sql)


def sql_text(compiled: Compiled) -> str:
    """The SQL of a query, its scans still placeholders."""
    sql = compiled.sql
    return "WITH " + ",\n".join(sql.steps) + "\n" + sql.select if sql.steps else sql.select


class Engine:
    """Answers KQL; safe to use from several threads, each of which gets a reader of its own."""

    def __init__(self, store: Store, catalogue: Mapping[str, Table] | None = None) -> None:
        self._store = store
        self._catalogue = tables() if catalogue is None else catalogue
        self._lock = threading.Lock()
        self._compiled: OrderedDict[tuple[str, tuple[tuple[str, KqlType], ...]], Compiled] = OrderedDict()
        self._own = threading.local()
        self._readers: list[Reader] = []

    @property
    def tables(self) -> Mapping[str, Table]:
        """The tables a query can read, by name."""
        return self._catalogue

    def over(self, store: Store) -> Self:
        """An engine over another store, which shares what was and will be compiled; each is closed by itself."""
        other = type(self)(store, self._catalogue)
        other._compiled, other._lock = self._compiled, self._lock  # noqa: SLF001 - one of its own class
        return other

    def compile(self, text: str, parameters: Mapping[str, KqlType] | None = None) -> Compiled:
        """The compiled query, from the cache if it was compiled before.

        Raises:
            QueryError: The query is refused; see `compile_query`.
        """
        kinds = dict(parameters or {})
        key = (text, tuple(sorted(kinds.items())))
        with self._lock:
            known = self._compiled.get(key)
            if known is not None:
                self._compiled.move_to_end(key)
                return known
        compiled = compile_query(text, kinds, self._catalogue)
        with self._lock:
            self._compiled[key] = compiled
            while len(self._compiled) > _CACHED:
                self._compiled.popitem(last=False)
        return compiled

    def check(self, text: str, parameters: Mapping[str, KqlType] | None = None) -> tuple[Column, ...]:
        """The columns a query will answer with, without running it.

        Raises:
            QueryError: The query is refused.
        """
        return self.compile(text, parameters).columns

    def tables_of(self, text: str, parameters: Mapping[str, KqlType] | None = None) -> tuple[str, ...]:
        """The telemetry tables a query reads.

        Raises:
            QueryError: The query is refused.
        """
        return self.compile(text, parameters).tables

    def query(
        self,
        text: str,
        *,
        now: datetime,
        parameters: Mapping[str, Parameter] | None = None,
        limits: Limits = DEFAULT_LIMITS,
        cancel: threading.Event | None = None,
        within: tuple[int, int] | None = None,
        resource: str = "",
    ) -> Result:
        """The answer of a query; `now` is what `now()` and `ago()` mean.

        With `within` no table shows rows whose `TimeGenerated` lies outside of these two ticks, ends included; with
        `resource` none whose `_ResourceId` is another than this one, or one below it, compared without case.

        Raises:
            QueryLimitExceeded: A limit ran out, or `cancel` was set.
            QueryError: The query is refused, or the store could not answer.
        """
        given = dict(parameters or {})
        bound: dict[str, Any] = {f"p_{name}": stored_value(value) for name, value in given.items()}
        bound["p_now"] = to_ticks(now)
        if within is not None:
            bound["within_from"], bound["within_to"] = within
        if resource:
            bound["within_id"], bound["within_ids"] = resource, f"{resource}/"
        reader = self._reader()

        def answer(sql: Emitted) -> _Answer:
            values = {**bound, **dict(sql.constants)}
            try:
                full = self._complete(sql, reader, values, within, resource)
                return _rows(reader.connection, full, values, limits)
            finally:
                reader.release()

        with Watched(reader.connection, limits, cancel, text):
            compiled = self._compiled_for(
                text, {name: kind_of(value) for name, value in given.items()}, answer
            )
            rows, cut = answer(compiled.sql)
        if cut and not limits.partial:
            raise QueryLimitExceeded(cut, None, text, "aggregate, or take fewer rows or columns")
        return Result(compiled.columns, _shown(rows, compiled.columns), compiled.visualization, cut)

    def _compiled_for(
        self, text: str, kinds: Mapping[str, KqlType], answer: Callable[[Emitted], _Answer]
    ) -> Compiled:
        """The compiled query; where only rows tell its columns, by asking them, each time anew."""
        try:
            return self.compile(text, kinds)
        except ColumnsUnknown:
            from sentinel.query.emit_sqlite import emit

            def probe(rows: ir.Rows) -> list[tuple[Any, ...]]:
                return answer(emit(ir.Bound(rows, None, ())))[0]

            return compile_query(text, kinds, self._catalogue, probe)

    def explain(self, text: str, parameters: Mapping[str, KqlType] | None = None) -> str:
        """The SQL of a query, its scans still placeholders.

        Raises:
            QueryError: The query is refused.
        """
        return sql_text(self.compile(text, parameters))

    def close(self) -> None:
        """Close the readers of all threads."""
        with self._lock:
            for reader in self._readers:
                reader.close()
            self._readers.clear()
            self._own = threading.local()

    def _reader(self) -> Reader:
        reader: Reader | None = getattr(self._own, "reader", None)
        if reader is None:
            from sentinel.query.registration import prepare

            reader = self._store.reader()
            prepare(reader.connection)
            self._own.reader = reader
            with self._lock:
                self._readers.append(reader)
        return reader

    def _complete(
        self,
        sql: Emitted,
        reader: Reader,
        bound: Mapping[str, Any],
        within: tuple[int, int] | None,
        resource: str,
    ) -> str:
        """The SQL with its scans filled in."""
        numbers: tuple[Any, ...] = ()
        if sql.expressions:
            numbers = next(iter(reader.connection.execute(f"SELECT {', '.join(sql.expressions)}", bound)))
        scans = [
            f'"{scan.name}" AS ({self._scan_sql(reader, _scan(scan, numbers), within, resource)})'
            for scan in sql.scans
        ]
        return f"WITH {', '.join((*scans, *sql.steps))} {sql.select}"

    def _scan_sql(self, reader: Reader, scan: Scan, within: tuple[int, int] | None, resource: str) -> str:
        """The SELECT of a scan, without the rows outside of what the whole query is held to."""
        needed, where = list(scan.columns), []
        if within is not None:
            start = within[0] if scan.start is None else max(scan.start, within[0])
            end = within[1] if scan.end is None else min(scan.end, within[1])
            scan = replace(scan, start=start, end=end)
            needed.append("TimeGenerated")
            # The store may answer with more than the span holds.
            where.append('"TimeGenerated" BETWEEN :within_from AND :within_to')
        if resource and self._catalogue[scan.table].column("_ResourceId") is None:
            where.append("0")
        elif resource:
            needed.append("_ResourceId")
            below = 'substr("_ResourceId", 1, length(:within_ids)) = :within_ids COLLATE NOCASE'
            where.append(f'("_ResourceId" = :within_id COLLATE NOCASE OR {below})')
        if not where:
            return reader.scan_sql(scan)
        inner = reader.scan_sql(replace(scan, columns=tuple(dict.fromkeys(needed))))
        names = ", ".join(f'"{name}"' for name in scan.columns) or "1"
        return f"SELECT {names} FROM ({inner}) WHERE {' AND '.join(where)}"


def _scan(scan: EmittedScan, numbers: tuple[Any, ...]) -> Scan:
    starts = [numbers[at] for at in scan.bounds.starts if numbers[at] is not None]
    ends = [numbers[at] for at in scan.bounds.ends if numbers[at] is not None]
    terms = [TermFilter(column, found) for column, at in scan.bounds.terms if (found := _terms(numbers[at]))]
    terms += [TermFilter(column, found) for column, at in scan.bounds.words if (found := _words(numbers[at]))]
    texts = tuple(TextFilter(column, compare, numbers[at]) for column, compare, at in scan.bounds.texts)
    return Scan(
        scan.table, scan.columns, max(starts, default=None), min(ends, default=None), tuple(terms), texts
    )


def _terms(needle: str) -> tuple[str, ...]:
    """The whole terms of a text looked for; none where the index might part it differently."""
    if not needle.isascii():
        return ()
    return tuple(re.findall(r"[A-Za-z0-9]+", needle))


def _words(needle: str) -> tuple[str, ...]:
    """The whole terms of a text looked for in a dynamic's text; none where that may be written in another way.

    Numbers are, and the index holds a dynamic that is no text as it is stored.
    """
    terms = _terms(needle)
    return terms if all(term.isalpha() for term in terms) else ()


def _rows(
    connection: apsw.Connection, sql: str, bound: Mapping[str, Any], limits: Limits
) -> tuple[list[tuple[Any, ...]], str]:
    """The rows that fit into the limits, and what to say if there are more."""
    rows: list[tuple[Any, ...]] = []
    size = 0
    with closing(connection.execute(sql, bound)) as cursor:
        for row in cursor:
            if len(rows) == limits.rows:
                return rows, f"the answer has more than {limits.rows} rows"
            size += sum(len(cell) for cell in row if isinstance(cell, str))
            if size > limits.cell_bytes:
                return rows, f"the texts of the answer are larger than {limits.cell_bytes} bytes"
            rows.append(row)
    return rows, ""


def _shown(rows: list[tuple[Any, ...]], columns: tuple[Column, ...]) -> list[tuple[Any, ...]]:
    readers = readers_of(columns)
    if not readers:
        return rows
    shown = []
    for row in rows:
        values = list(row)
        for at, read in readers:
            if values[at] is not None:
                values[at] = read(values[at])
        shown.append(tuple(values))
    return shown


REFUSALS: Final = (QuerySyntaxError, QuerySemanticError, QueryUnsupported, QueryLimitExceeded)
"""The errors that are honest answers."""
