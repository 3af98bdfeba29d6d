"""Runs KQL over the telemetry store.

A query is compiled once: parsed, bound against the table catalogue, and emitted as SQL that refers to the store's
tables by placeholder names. When it runs, the spans of time it asks for are computed first, so that the store can
open just the partitions they touch.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final, Protocol, Self

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
from sentinel.query.result import DEFAULT_LIMITS, Limits, Result
from sentinel.query.running import Reader, fetch, filled_scan, shown
from sentinel.query.sitting import Desk, Sitting
from sentinel.query.watching import Watched
from sentinel.store.scan import Scan

if TYPE_CHECKING:
    from sentinel.query.bundle import Bundle
    from sentinel.query.emit_sqlite import Emitted

__all__ = ["REFUSALS", "Compiled", "Engine", "Parameter", "Reader", "Store", "compile_query", "sql_text"]

_BundleKey = tuple[tuple[str, ...], tuple[tuple[str, KqlType], ...]]
_Answer = tuple[list[tuple[Any, ...]], str]
_CACHED: Final = 512
_MOST_BUNDLES: Final = 32
_LONGEST_TEXT: Final = 1_000_000


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
        self._bundles: OrderedDict[_BundleKey, Bundle] = OrderedDict()
        self._own = threading.local()
        self._readers: list[Reader] = []
        self._desks: list[Desk] = []

    @property
    def tables(self) -> Mapping[str, Table]:
        """The tables a query can read, by name."""
        return self._catalogue

    def over(self, store: Store) -> Self:
        """An engine over another store, which shares what was and will be compiled; each is closed by itself."""
        other = type(self)(store, self._catalogue)
        other._compiled, other._bundles = self._compiled, self._bundles  # noqa: SLF001 - one of its own class
        other._lock = self._lock  # noqa: SLF001
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
                return fetch(reader.connection, full, values, limits)
            finally:
                reader.release()

        with Watched(reader.connection, limits, cancel, text):
            compiled = self._compiled_for(
                text, {name: kind_of(value) for name, value in given.items()}, answer
            )
            rows, cut = answer(compiled.sql)
        if cut and not limits.partial:
            raise QueryLimitExceeded(cut, None, text, "aggregate, or take fewer rows or columns")
        return Result(compiled.columns, shown(rows, compiled.columns), compiled.visualization, cut)

    @contextmanager
    def sitting(
        self, texts: Iterable[str], *, now: datetime, parameters: Mapping[str, Parameter]
    ) -> Iterator[Sitting]:
        """Ask several queries of one instant, which is much cheaper than one by one where they have much in common.

        What they share is compiled once for the texts and computed once in the sitting.
        """
        kinds = {name: kind_of(value) for name, value in parameters.items()}
        values = {f"p_{name}": stored_value(value) for name, value in parameters.items()}
        desk = self._desk(self._bundle(tuple(texts), kinds))
        sitting = Sitting(desk, {**values, "p_now": to_ticks(now)})
        try:
            yield sitting
            if not sitting.is_broken:
                desk.clear()
        except BaseException:
            sitting.is_broken = True
            raise
        finally:
            with self._lock:
                if sitting.is_broken or len(self._desks) >= _MOST_BUNDLES:
                    desk.reader.close()
                else:
                    self._desks.append(desk)

    def _bundle(self, texts: tuple[str, ...], kinds: Mapping[str, KqlType]) -> Bundle:
        from sentinel.query.bundle import compile_bundle

        key = (texts, tuple(sorted(kinds.items())))
        with self._lock:
            known = self._bundles.get(key)
            if known is not None:
                self._bundles.move_to_end(key)
                return known
        bundle = compile_bundle(texts, kinds, self._catalogue)
        with self._lock:
            self._bundles[key] = bundle
            while len(self._bundles) > _MOST_BUNDLES:
                self._bundles.popitem(last=False)
        return bundle

    def _desk(self, bundle: Bundle) -> Desk:
        """A desk nobody sits at; those of bundles that are not known any more are cleared away."""
        with self._lock:
            known = {id(one) for one in self._bundles.values()}
            for desk in [desk for desk in self._desks if id(desk.bundle) not in known]:
                self._desks.remove(desk)
                desk.reader.close()
            for desk in self._desks:
                if desk.bundle is bundle:
                    self._desks.remove(desk)
                    return desk
        return Desk(bundle, self._prepared())

    def _prepared(self) -> Reader:
        from sentinel.query.registration import prepare

        reader = self._store.reader()
        prepare(reader.connection)
        return reader

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
            for reader in (*self._readers, *(desk.reader for desk in self._desks)):
                reader.close()
            self._readers.clear()
            self._desks.clear()
            self._own = threading.local()

    def _reader(self) -> Reader:
        reader: Reader | None = getattr(self._own, "reader", None)
        if reader is None:
            reader = self._own.reader = self._prepared()
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
            f'"{scan.name}" AS ({self._scan_sql(reader, filled_scan(scan, numbers), within, resource)})'
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


REFUSALS: Final = (QuerySyntaxError, QuerySemanticError, QueryUnsupported, QueryLimitExceeded)
"""The errors that are honest answers."""
