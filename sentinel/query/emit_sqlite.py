"""The typed form as SQL of SQLite: one common table expression a step.

A scan of a telemetry table is a name (`scan_0`) that the engine fills in when the query runs, so what is compiled
does not depend on a store.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlglot import exp
from sqlglot.dialects.sqlite import SQLite
from sqlglot.generators.sqlite import SQLiteGenerator

from sentinel.query import ir
from sentinel.query.emit_expressions import column, function, identifier, integer, named_column
from sentinel.query.emit_fold import EmittedScan, FoldEmitter, Step
from sentinel.query.needed import needed_columns
from sentinel.query.pushdown import Bounds, bounds_of


class _Generator(SQLiteGenerator):
    """Writes names the short way: each is quoted as it is, none has a schema."""

    def identifier_sql(self, expression: exp.Identifier) -> str:
        escaped = str(expression.this).replace('"', '""')
        return f'"{escaped}"'

    def column_sql(self, expression: exp.Column) -> str:
        table = expression.args.get("table")
        name = self.identifier_sql(expression.this)
        return f"{self.identifier_sql(table)}.{name}" if table is not None else name


_GENERATOR: Final = _Generator(dialect=SQLite(), comments=False)


@dataclass(frozen=True, slots=True)
class Emitted:
    """SQL with its parameters; `steps` follow the scans in the WITH clause."""

    steps: tuple[str, ...]
    select: str
    scans: tuple[EmittedScan, ...]
    constants: tuple[tuple[str, Any], ...]
    inputs: frozenset[str]
    expressions: tuple[str, ...]
    """The bounds of the scans as SQL expressions, in the order of `Bounds.numbers`."""


class Emitter(FoldEmitter):
    """Writes one query."""

    def plan(self, plan: ir.Plan) -> tuple[str, tuple[ir.Col, ...]]:
        """The name of a plan's step, and the columns it has."""
        known = self.names.get(id(plan))
        if known is None:
            known = self._emit(plan)
            self.names[id(plan)] = known
            self.keep.append(plan)
        return known

    def _emit(self, plan: ir.Plan) -> tuple[str, tuple[ir.Col, ...]]:
        match plan:
            case ir.ScanTable():
                return self._scan(plan)
            case ir.Values():
                return self._values(plan)
            case ir.Numbers():
                return self._numbers(plan)
            case ir.Filter():
                name, columns = self.plan(plan.input)
                query = self._select(
                    [column(c) for c in columns], columns, name, where=self.condition(plan.condition)
                )
                return self._step(query, columns)
            case ir.Extend():
                return self._extend(plan)
            case ir.Alias():
                return self._alias(plan)
            case _:
                return self._emit_rarer(plan)

    def _emit_rarer(self, plan: ir.Plan) -> tuple[str, tuple[ir.Col, ...]]:
        match plan:
            case ir.Aggregate():
                return self._aggregate(plan)
            case ir.Join():
                return self._join(plan)
            case ir.Union():
                return self._union(plan)
            case ir.Limit():
                return self._limit(plan)
            case ir.Expand():
                return self._expand(plan)
            case ir.Fold():
                return self._fold(plan)
            case _:
                raise AssertionError(plan)

    def _scan(self, plan: ir.ScanTable) -> tuple[str, tuple[ir.Col, ...]]:
        columns = [c for c in plan.columns if c.id in self.needed] or [plan.columns[0]]
        name = f"scan_{len(self.scans)}"
        self.scans.append(
            EmittedScan(name, plan.table, tuple(c.name for c in columns), self.bounds.get(id(plan), Bounds()))
        )
        values = [named_column(c.name) for c in columns]
        return self._step(self._select(values, columns, name), columns)

    def _values(self, plan: ir.Values) -> tuple[str, tuple[ir.Col, ...]]:
        if not plan.rows:
            query = exp.Select(expressions=[exp.Null() for _ in plan.columns])
            query.set("where", exp.Where(this=integer(0)))
            return self._step(query, plan.columns, named=True)
        tuples = [exp.Tuple(expressions=[self.expression(cell) for cell in row]) for row in plan.rows]
        return self._step(exp.Values(expressions=tuples), plan.columns, named=True)

    def _numbers(self, plan: ir.Numbers) -> tuple[str, tuple[ir.Col, ...]]:
        args = [self.expression(e) for e in (plan.start, plan.stop, plan.step)]
        source = exp.Table(this=function("kql_numbers", *args))
        values = [named_column(n) for n in ("value", "idx")]
        columns = (plan.value, plan.index)
        return self._step(self._select(values, columns, source), columns)

    def _extend(self, plan: ir.Extend) -> tuple[str, tuple[ir.Col, ...]]:
        name, before = self.plan(plan.input)
        kept = [c for c in before if c.id in self.needed]
        added = [(c, e) for c, e in plan.columns if c.id in self.needed]
        values = [column(c) for c in kept] + [self.expression(e) for _, e in added]
        columns = [*kept, *(c for c, _ in added)]
        return self._step(self._select(values, columns, name), columns)

    def _alias(self, plan: ir.Alias) -> tuple[str, tuple[ir.Col, ...]]:
        name, _ = self.plan(plan.input)
        pairs = [(new, old) for new, old in plan.columns if new.id in self.needed]
        return self._step(
            self._select([column(old) for _, old in pairs], [new for new, _ in pairs], name),
            [n for n, _ in pairs],
        )

    def _aggregate(self, plan: ir.Aggregate) -> tuple[str, tuple[ir.Col, ...]]:
        name, _ = self.plan(plan.input)
        wanted = [(c, a) for c, a in plan.aggregates if c.id in self.needed]
        columns = [*(c for c, _ in plan.keys), *(c for c, _ in wanted)]
        bare = self._bare_row(wanted)
        values = [self.expression(e) for _, e in plan.keys]
        values += [self._aggregation(a, bare=bare) for _, a in wanted]
        query = self._select(values, columns, name)
        if plan.keys and not plan.aggregates:
            query.set("distinct", exp.Distinct())  # SQLite sorts for a GROUP BY
        elif plan.keys:
            places = [integer(at) for at in range(1, len(plan.keys) + 1)]
            query.set("group", exp.Group(expressions=places))
        elif not wanted:
            query.set("limit", exp.Limit(expression=integer(1)))
        return self._step(query, columns)

    @staticmethod
    def _bare_row(aggregates: Sequence[tuple[ir.Col, ir.Aggregation]]) -> bool:
        """Whether SQLite's bare columns give the row of the one `max` or `min` there is."""
        extremes = [a for _, a in aggregates if a.op in {"max", "min"}]
        args = [a for _, a in aggregates if a.op in {"kql_agg_arg_max", "kql_agg_arg_min"}]
        if (
            len(extremes) != 1
            or not args
            or extremes[0].condition is not None
            or extremes[0].args[0].nullable
        ):
            return False
        op = f"kql_agg_arg_{extremes[0].op}"
        return all(a.op == op and a.args[0] == extremes[0].args[0] for a in args)

    def _aggregation(self, aggregation: ir.Aggregation, *, bare: bool) -> exp.Expression:
        op = aggregation.op
        if op == "bare" or (bare and op in {"kql_agg_arg_max", "kql_agg_arg_min"}):
            return self.expression(aggregation.args[-1])
        args = [self.expression(arg) for arg in aggregation.args]
        if op == "count":
            args = [exp.Star()]
        if aggregation.order:
            args[-1] = exp.Order(this=args[-1], expressions=self.order(aggregation.order).expressions)
        call = function(op, *args)
        if aggregation.condition is not None:
            call = exp.Filter(this=call, expression=exp.Where(this=self.condition(aggregation.condition)))
        if op == "sum":
            zero = ir.Const(aggregation.args[0].type, 0.0) if aggregation.args[0].type == "real" else None
            return function("coalesce", call, self.constant(zero) if zero is not None else integer(0))
        if op == "avg":
            return function("coalesce", call, self.parameter(b"NaN"))
        return call

    def _key(self, value: ir.Expr, other: ir.Expr) -> exp.Expression:
        """A join key: null keys meet null keys, so a null becomes a value nothing else has."""
        key = self.expression(value)
        return (
            function("coalesce", key, self.parameter(b"\x00")) if value.nullable and other.nullable else key
        )

    def _join(self, plan: ir.Join) -> tuple[str, tuple[ir.Col, ...]]:
        left, left_columns = self.plan(plan.left)
        right, right_columns = self.plan(plan.right)
        if plan.kind in {"semi", "anti"}:
            return self._semi(plan, left, left_columns, right)
        keys = [identifier(f"k{at}") for at in range(len(plan.pairs))]
        right_kept = [c for c in right_columns if c.id in self.needed]
        keyed = self._select([column(c) for c in right_kept], right_kept, right)
        listed = [
            exp.Alias(this=self._key(b, a), alias=key) for (a, b), key in zip(plan.pairs, keys, strict=True)
        ]
        keyed.set("expressions", [*(keyed.expressions if right_kept else []), *listed])
        if plan.right_order:
            flipped = [ir.OrderKey(k.col, not k.descending, not k.nulls_first) for k in plan.right_order]
            keyed.set("order", self.order(tuple(flipped)))
        # Materialized, so that SQLite can index the keys instead of comparing every pair.
        name, _ = self._step(keyed, right_kept, materialized=True)
        tests = [
            exp.EQ(
                this=self._key(a, b),
                expression=named_column(key.name, "r"),
            )
            for (a, b), key in zip(plan.pairs, keys, strict=True)
        ]
        on: exp.Expression = tests[0]
        for test in tests[1:]:
            on = exp.And(this=on, expression=test)
        columns = self._wanted([*left_columns, *right_kept])
        query = self._select([column(c) for c in columns], columns, self._table(left, "l"))
        side = {"left": "LEFT", "full": "FULL"}.get(plan.kind)
        query.set("joins", [exp.Join(this=self._table(name, "r"), side=side, on=on)])
        return self._step(query, columns)

    def _semi(
        self, plan: ir.Join, left: str, left_columns: Sequence[ir.Col], right: str
    ) -> tuple[str, tuple[ir.Col, ...]]:
        values = [self._key(b, a) for a, b in plan.pairs]
        inner = exp.Select(expressions=values)
        inner.set("from_", exp.From(this=self._table(right)))
        mine = [self._key(a, b) for a, b in plan.pairs]
        of = mine[0] if len(mine) == 1 else exp.Tuple(expressions=mine)
        inside: exp.Expression = function(
            "coalesce", exp.In(this=of, query=exp.Subquery(this=inner)), integer(0)
        )
        if plan.kind == "anti":
            inside = exp.Not(this=inside)
        columns = self._wanted(left_columns)
        return self._step(self._select([column(c) for c in columns], columns, left, where=inside), columns)

    def _union(self, plan: ir.Union) -> tuple[str, tuple[ir.Col, ...]]:
        wanted = [at for at, c in enumerate(plan.columns) if c.id in self.needed] or [0]
        columns = [plan.columns[at] for at in wanted]
        parts: list[exp.Expression] = []
        for source, values in zip(plan.inputs, plan.values, strict=True):
            name, _ = self.plan(source)
            parts.append(self._select([self.expression(values[at]) for at in wanted], columns, name))
        # In bundles, because SQLite takes at most 500 parts in one compound.
        while len(parts) > 1:
            bundles = [parts[at : at + 100] for at in range(0, len(parts), 100)]
            parts = [self._compound(bundle, columns) for bundle in bundles]
        return self._step(parts[0], columns)

    def _compound(self, parts: list[exp.Expression], columns: Sequence[ir.Col]) -> exp.Expression:
        names = [self._step(part, columns)[0] for part in parts]
        query: exp.Expression | None = None
        for name in names:
            select = self._select([column(c) for c in columns], columns, name)
            query = select if query is None else exp.Union(this=query, expression=select, distinct=False)
        assert query is not None  # noqa: S101 - a bundle has a part
        return query

    def _limit(self, plan: ir.Limit) -> tuple[str, tuple[ir.Col, ...]]:
        name, columns = self.plan(plan.input)
        query = self._select([column(c) for c in columns], columns, name)
        if plan.order:
            query.set("order", self.order(plan.order))
        query.set("limit", exp.Limit(expression=function("max", self.expression(plan.count), integer(0))))
        return self._step(query, columns)

    def _expand(self, plan: ir.Expand) -> tuple[str, tuple[ir.Col, ...]]:
        name, before = self.plan(plan.input)
        kept = [c for c in before if c.id in self.needed]
        flag = integer(int(plan.bag_as_array))
        call = function("kql_each", flag, *(self.expression(e) for _, e in plan.columns))
        each = exp.Table(this=call, alias=exp.TableAlias(this=identifier("e")))
        picked = [named_column(f"v{at}", "e")
                  for at in range(len(plan.columns))]  # fmt: skip
        index = named_column("idx", "e")
        columns = [*kept, *(c for c, _ in plan.columns), plan.index]
        query = self._select([*(column(c) for c in kept), *picked, index], columns, name)
        query.set("joins", [exp.Join(this=each, kind="CROSS")])
        return self._step(query, columns)

    def subquery(self, plan: ir.Plan, col: ir.Col, order: ir.Order, *, one: bool) -> exp.Expression:
        """A column of a subquery."""
        name, _ = self.plan(plan)
        query = exp.Select(expressions=[column(col)])
        query.set("from_", exp.From(this=self._table(name)))
        if order and one:
            query.set("order", self.order(order))
        if one:
            query.set("limit", exp.Limit(expression=integer(1)))
        return exp.Subquery(this=query)

    def whole(self, rows: ir.Rows) -> exp.Expression:
        """The query that answers."""
        name, _ = self.plan(rows.plan)
        query = exp.Select(expressions=[column(c) for c in rows.columns])
        query.set("from_", exp.From(this=self._table(name)))
        if rows.order:
            query.set("order", self.order(rows.order))
        return query


def written_step(step: Step) -> str:
    """A step as it stands in a WITH clause."""
    name, query, columns, materialized = step
    listed = f"({', '.join(written(c) for c in columns)})" if columns else ""
    return f'"{name}"{listed} AS {"MATERIALIZED " if materialized else ""}({written(query)})'


def written(node: exp.Expression) -> str:
    """The text of SQL."""
    text: str = _GENERATOR.generate(node, copy=False)
    return text


def emit(bound: ir.Bound) -> Emitted:
    """The SQL of a bound query."""
    rows = bound.rows
    bounds, numbers = bounds_of(rows)
    emitter = Emitter(needed_columns(rows), bounds)
    whole = emitter.whole(rows)
    expressions = tuple(written(emitter.expression(e)) for e in numbers)
    return Emitted(
        tuple(written_step(step) for step in emitter.steps),
        written(whole),
        tuple(emitter.scans),
        tuple((name, value) for (_, value), name in emitter.bound.items()),
        frozenset(emitter.inputs),
        expressions,
    )
