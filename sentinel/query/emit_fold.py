"""Steps of the SQL that is written, and the one that walks over rows in their order."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlglot import exp

from sentinel.query import ir
from sentinel.query.emit_expressions import (
    ExpressionEmitter,
    column,
    function,
    identifier,
    integer,
    name_of,
    named_column,
)
from sentinel.query.pushdown import Bounds

Step = tuple[str, exp.Expression, list[exp.Identifier] | None, bool]
"""Its name, its query, its columns where the query does not name them, and whether SQLite must materialize it."""


@dataclass(frozen=True, slots=True)
class EmittedScan:
    """A scan to fill in: its name in the SQL, what it reads, and which conditions narrow it."""

    name: str
    table: str
    columns: tuple[str, ...]
    bounds: Bounds


class FoldEmitter(ExpressionEmitter):
    """Writes steps; what a plan is, is left to `plan`."""

    def __init__(self, needed: frozenset[int], bounds: dict[int, Bounds]) -> None:
        super().__init__()
        self.needed = needed
        self.bounds = bounds
        self.steps: list[Step] = []
        self.names: dict[int, tuple[str, tuple[ir.Col, ...]]] = {}
        self.keep: list[ir.Plan] = []
        self.scans: list[EmittedScan] = []

    def plan(self, plan: ir.Plan) -> tuple[str, tuple[ir.Col, ...]]:
        """The name of a plan's step, and the columns it has; provided by the whole emitter."""
        raise NotImplementedError

    def _step(
        self,
        query: exp.Expression,
        columns: Sequence[ir.Col],
        *,
        named: bool = False,
        materialized: bool = False,
    ) -> tuple[str, tuple[ir.Col, ...]]:
        name = f"q{len(self.steps)}"
        listed = [name_of(c) for c in columns] if named else None
        self.steps.append((name, query, listed, materialized))
        return name, tuple(columns)

    def _wanted(self, columns: Sequence[ir.Col]) -> list[ir.Col]:
        kept = [c for c in columns if c.id in self.needed]
        return kept or list(columns[:1])

    @staticmethod
    def _table(name: str, alias: str = "") -> exp.Table:
        table = exp.Table(this=identifier(name))
        if alias:
            table.set("alias", exp.TableAlias(this=identifier(alias)))
        return table

    def _select(
        self,
        values: Sequence[exp.Expression],
        columns: Sequence[ir.Col],
        source: str | exp.Expression,
        *,
        where: exp.Expression | None = None,
    ) -> exp.Select:
        listed = [
            value
            if isinstance(value, exp.Column) and value.this.this == f"c{c.id}"
            else exp.Alias(this=value, alias=name_of(c))
            for value, c in zip(values, columns, strict=True)
        ]
        if not listed:
            listed = [exp.Alias(this=integer(1), alias=identifier("c0"))]
        query = exp.Select(expressions=listed)
        query.set("from_", exp.From(this=self._table(source) if isinstance(source, str) else source))
        if where is not None:
            query.set("where", exp.Where(this=where))
        return query

    def _fold(self, plan: ir.Fold) -> tuple[str, tuple[ir.Col, ...]]:
        """A walk over the rows in their order: a common table expression that refers to itself."""
        source, before = self.plan(plan.input)
        kept = [c for c in before if c.id in self.needed]
        rows, _ = self._step(self._select([column(c) for c in kept], kept, source), kept, materialized=True)
        states = [s.col for s in plan.states]
        keys = [identifier(n) for n in ("n", "g")]
        group = [column(plan.group)] if plan.group is not None else []
        least: list[exp.Expression] = [integer(0)]
        if group:
            least = [exp.Sub(this=function("min", column(plan.number)), expression=integer(1)), *group]
        first = exp.Select(expressions=[*least, *(self.expression(s.before) for s in plan.states)])
        if group:
            first.set("from_", exp.From(this=self._table(rows)))
            first.set("group", exp.Group(expressions=[group[0].copy()]))
        afters = [self.expression(s.after) for s in plan.states]
        following = exp.Select(expressions=[column(plan.number), *(g.copy() for g in group), *afters])
        name = f"q{len(self.steps)}"
        following.set("from_", exp.From(this=self._table(name, "f")))
        n = named_column("n", "f")
        g = named_column("g", "f")
        on: exp.Expression = exp.EQ(
            this=column(plan.number), expression=exp.Add(this=n, expression=integer(1))
        )
        same: exp.Expression = exp.EQ(this=column(plan.number), expression=n.copy())
        if group:
            on = exp.And(this=on, expression=exp.EQ(this=group[0].copy(), expression=g))
            same = exp.And(this=same, expression=exp.EQ(this=group[0].copy(), expression=g.copy()))
        following.set("joins", [exp.Join(this=self._table(rows), on=on)])
        listed = [*keys[: 1 + len(group)], *map(name_of, states)]
        self.steps.append((name, exp.Union(this=first, expression=following, distinct=False), listed, False))
        columns = [*kept, *states]
        whole = self._select([column(c) for c in columns], columns, self._table(name, "f"))
        whole.set("joins", [exp.Join(this=self._table(rows), on=same)])
        return self._step(whole, columns, materialized=True)
