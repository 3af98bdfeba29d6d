"""Several queries compiled together: what they have in common is computed once, into tables of its own.

What is shared are the scans, which are copied once for all queries that narrow them alike, and the `let` statements
that two of the queries begin with. Every piece is a temporary table, so that no query depends on the hour or the target
and SQLite prepares each but once.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Hashable, Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from sqlglot import exp

from sentinel.errors import QueryError
from sentinel.model.tables import Column, KqlType, Table
from sentinel.query import ir, tree
from sentinel.query.bind_context import Binding, Place, RowsLet, ScalarLet, TabularLet
from sentinel.query.binder import Binder
from sentinel.query.emit_expressions import ExpressionEmitter
from sentinel.query.emit_fold import EmittedScan
from sentinel.query.emit_sqlite import Emitter, written, written_step
from sentinel.query.needed import needed_columns
from sentinel.query.parser import parse
from sentinel.query.pushdown import Bounds, bounds_of

if TYPE_CHECKING:
    from sentinel.query.emit_fold import Step

_WORD: Final = re.compile(r"[A-Za-z_]\w*")


@dataclass(frozen=True, slots=True)
class Piece:
    """A temporary table that several queries read."""

    name: str
    columns: tuple[str, ...]
    needs: tuple[str, ...]
    """The pieces its own SQL reads."""
    sql: str
    """The SELECT that fills it; empty for a copy of a scan."""
    scan: EmittedScan | None = None


@dataclass(frozen=True, slots=True)
class Part:
    """One of the queries: its columns, its SQL and the pieces that reads."""

    columns: tuple[Column, ...]
    sql: str
    needs: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Bundle:
    """Queries that were compiled together, by their text; those that were refused are not among them."""

    parts: Mapping[str, Part]
    pieces: Mapping[str, Piece]
    constants: Mapping[str, Any]
    expressions: tuple[str, ...]
    """What depends on nothing but the parameters, as SQL expressions: the bounds of the scans, then the values."""
    values: tuple[str, ...]
    """The names under which the last of the expressions are bound."""


def compile_bundle(
    texts: Iterable[str], parameters: Mapping[str, KqlType], catalogue: Mapping[str, Table]
) -> Bundle:
    """The queries of some texts, as far as they are not refused."""
    binder = _BundleBinder(catalogue)
    answers: dict[str, ir.Rows] = {}
    for text in dict.fromkeys(texts):
        try:
            answers[text] = binder.add(text, parameters)
        except (QueryError, RecursionError):
            continue  # asked alone it says why
    return _Writer(answers).bundle()


class _BundleBinder(Binder):
    """Binds queries one after the other; the same `let` in two of them is bound once."""

    def __init__(self, tables: Mapping[str, Table]) -> None:
        super().__init__("", tables)
        self._let_keys: dict[Hashable, int] = {}
        self._let_values: dict[int, Binding] = {}

    def add(self, text: str, parameters: Mapping[str, KqlType]) -> ir.Rows:
        """The rows of one more query.

        Raises:
            QueryError: It does not fit, or declares parameters.
        """
        self.text, self.steps = text, 0
        node = parse(text)
        if node.declared:
            self.unsupported("a query with parameters of its own", node.span)
        place = Place((), self.given(parameters))
        keys: dict[str, int] = {}
        for let in node.lets:
            place = self._common(let, place, keys)
        rows = self.pipeline(node.pipeline, place)
        if not rows.columns:
            self.fail("no column is left", node.pipeline.span)
        return rows

    def _common(self, let: tree.Let, place: Place, keys: dict[str, int]) -> Place:
        """The place behind a let that may be known from another query: its text is, and what it names is too."""
        text = self.text[let.span.start : let.span.end]
        used = tuple((name, keys[name]) for name in sorted(set(_WORD.findall(text)) & keys.keys()))
        key = self._let_keys.setdefault((let.name, text, used), len(self._let_keys))
        keys[let.name] = key
        if key not in self._let_values:
            behind = self.with_let(let, place).names.own[let.name]
            if isinstance(behind, TabularLet):
                rows = self.pipeline(behind.pipeline, Place((), behind.names))
                behind = behind if _is_light(rows.plan) else RowsLet(rows)
            if not isinstance(behind, ScalarLet | TabularLet | RowsLet):
                return self.with_let(let, place)
            self._let_values[key] = behind
        return Place((), place.names.with_name(let.name, self._let_values[key]))


def _is_light(plan: ir.Plan) -> bool:
    """Whether rows are better computed where they are used, narrowed by what is asked of them there.

    That is so while they are those of a table, filtered and extended without a function that is run by Python.
    """
    while isinstance(plan, ir.Filter | ir.Extend):
        values = [plan.condition] if isinstance(plan, ir.Filter) else [e for _, e in plan.columns]
        for one in (one for value in values for one in ir.walk(value)):
            if isinstance(one, ir.Window) or (isinstance(one, ir.Call) and one.op.startswith("kql_extract")):
                return False
        plan = plan.input
    return isinstance(plan, ir.ScanTable)


class _BundleEmitter(Emitter):
    """Leaves out of the queries what is the same for every row: it is computed once for all of them."""

    def __init__(self, needed: frozenset[int], bounds: dict[int, Bounds]) -> None:
        super().__init__(needed, bounds)
        self.values: dict[ir.Expr, str] = {}
        self._plain = ExpressionEmitter()
        self._plain.bound = self.bound

    def expression(self, value: ir.Expr) -> exp.Expression:
        """Any expression; a constant one that must be computed is bound."""
        if isinstance(value, ir.Call) and ir.is_constant(value):
            return exp.Placeholder(this=self.values.setdefault(value, f"v{len(self.values)}"))
        return super().expression(value)

    def computed(self, value: ir.Expr) -> str:
        """The SQL that computes a constant expression."""
        return written(self._plain.expression(value))


class _Writer:
    """Writes the SQL of bound queries, steps that several read as tables of their own."""

    def __init__(self, answers: Mapping[str, ir.Rows]) -> None:
        self._answers = answers
        bounds, numbers = bounds_of(*answers.values())
        self._emitter = _BundleEmitter(needed_columns(*answers.values()), bounds)
        self._wholes = {text: self._emitter.whole(rows) for text, rows in answers.items()}
        self._numbers = numbers
        self._steps: dict[str, Step] = {step[0]: step for step in self._emitter.steps}
        self._copies = self._grouped()
        known = self._steps.keys() | self._copies.keys()
        self._reads = {name: _tables(step[1], known) - {name} for name, step in self._steps.items()}
        readers = Counter(name for reads in self._reads.values() for name in reads)
        readers.update(name for whole in self._wholes.values() for name in _tables(whole, known))
        self._kept = {name for name in self._steps if readers[name] > 1}

    def bundle(self) -> Bundle:
        """All of it."""
        pieces = dict.fromkeys(self._copies.values())
        known = {piece.name: piece for piece in pieces}
        for name in self._kept:
            query, listed = self._steps[name][1:3]
            columns = tuple(c.name for c in listed) if listed else _named(query)
            sql, needs = self._statement(f'SELECT * FROM "{name}"', [name])
            known[name] = Piece(name, columns, needs, sql)
        parts = {}
        for text, whole in self._wholes.items():
            reads = _tables(whole, self._steps.keys() | self._copies.keys())
            sql, needs = self._statement(written(whole), sorted(reads), top=True)
            shown = tuple(Column(c.name, c.type) for c in self._answers[text].columns)
            parts[text] = Part(shown, sql, needs)
        values = list(self._emitter.values)
        expressions = tuple(map(self._emitter.computed, (*self._numbers, *values)))
        constants = {name: value for (_, value), name in self._emitter.bound.items()}
        return Bundle(parts, known, constants, expressions, tuple(self._emitter.values.values()))

    def _grouped(self) -> dict[str, Piece]:
        """The copy each scan reads: one for all that read the same table, narrowed alike."""
        groups: dict[tuple[str, Bounds], list[EmittedScan]] = {}
        for scan in self._emitter.scans:
            groups.setdefault((scan.table, scan.bounds), []).append(scan)
        found: dict[str, Piece] = {}
        for number, ((table, bounds), scans) in enumerate(groups.items()):
            columns = tuple(dict.fromkeys(name for scan in scans for name in scan.columns))
            name = f"copy_{number}"
            piece = Piece(name, columns, (), "", EmittedScan(name, table, columns, bounds))
            found |= {scan.name: piece for scan in scans}
        return found

    def _statement(
        self, select: str, reads: Iterable[str], *, top: bool = False
    ) -> tuple[str, tuple[str, ...]]:
        """A SELECT with the steps it reads in front, and the pieces these need; `top` if `reads` may be pieces."""
        inner: dict[str, None] = {}
        needs: dict[str, None] = {}
        scans: dict[str, None] = {}
        waiting = list(reads)
        begin = frozenset() if top else frozenset(waiting)
        while waiting:
            name = waiting.pop()
            if name in self._copies:
                scans[name] = None
            elif name in self._kept and name not in begin:
                needs[name] = None
            elif name not in inner:
                inner[name] = None
                waiting += sorted(self._reads[name])
        ctes = [f'"{name}" AS (SELECT * FROM temp."{name}")' for name in needs]
        ctes += [f'"{name}" AS (SELECT * FROM temp."{self._copies[name].name}")' for name in scans]
        # In the order in which they were written, each behind what it reads.
        ctes += [written_step(step) for name, step in self._steps.items() if name in inner]
        needs |= {self._copies[name].name: None for name in scans}
        return f"WITH {', '.join(ctes)} {select}" if ctes else select, tuple(needs)


def _named(query: exp.Expression) -> tuple[str, ...]:
    """The names of the columns of a SELECT, of the first one where several are joined by UNION."""
    while isinstance(query, exp.Union):
        query = query.this
    return tuple(one.alias_or_name for one in query.expressions)


def _tables(query: exp.Expression, known: Iterable[str]) -> set[str]:
    """The steps and scans a query reads."""
    return {table.name for table in query.find_all(exp.Table)} & set(known)
