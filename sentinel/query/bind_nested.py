"""Binding `top-nested`, `project-by-names` and what names columns of other tables.

https://learn.microsoft.com/kusto/query/top-nested-operator
"""

from __future__ import annotations

import fnmatch
import json

from sentinel.model.tables import KqlType
from sentinel.query import ir, tree
from sentinel.query.bind_context import Aggregates, Place, unique_name
from sentinel.query.bind_scan import ScanBinder
from sentinel.query.naming import argument_name
from sentinel.query.tree_steps import NestedLevel

_LONG, _TEXT, _DYNAMIC, _BOOL = KqlType.LONG, KqlType.STRING, KqlType.DYNAMIC, KqlType.BOOL
_UNRANKED = frozenset({_DYNAMIC, KqlType.DECIMAL})


class NestedBinder(ScanBinder):
    """Binds one operator: rows in, rows out."""

    def top_nested(self, node: tree.TopNested, rows: ir.Rows, place: Place) -> ir.Rows:
        """`top-nested count of value by aggregate, ...`: the best of each level within those before it."""
        above: list[ir.Expr] = [ir.Ref(group) for group in self.groups]
        plan: ir.Plan | None = None
        known: list[ir.Col] = []
        columns: list[ir.Col] = []
        for level in node.levels:
            value = self.expression(level.of.value, place)
            name = level.of.names[0] if level.of.names else argument_name(level.of.value)
            if name is None:
                self.unsupported("an unnamed value of top-nested", level.of.span, "name it: name = value")
            if value.type in _UNRANKED:
                self.fail(f"top-nested cannot group by a {value.type}", level.of.span)
            name = unique_name(name, (c.name for c in columns))
            ranking = level.by.names[0] if level.by.names else f"aggregated_{name}"
            ranking = unique_name(ranking, (name, *(c.name for c in columns)))
            own, keys, ranked = self._level(level, (name, ranking), rows, place, (*above, value))
            if plan is None:
                plan = own
            else:
                pairs = tuple((ir.Ref(a), ir.Ref(b)) for a, b in zip(known, keys[:-1], strict=True))
                plan = ir.Join(plan, own, "inner", pairs)
            above.append(value)
            known = keys
            columns += [keys[-1], ranked]
        assert plan is not None  # noqa: S101 - there is a level
        self.regroup({group.id: col for group, col in zip(self.groups, known, strict=False)})
        return ir.Rows(plan, tuple(columns))

    def _level(
        self,
        level: NestedLevel,
        names: tuple[str, str],
        rows: ir.Rows,
        place: Place,
        values: tuple[ir.Expr, ...],
    ) -> tuple[ir.Plan, list[ir.Col], ir.Col]:
        """The best of one level, with the columns of its keys and of what it is ranked by."""
        keys = tuple((self.fresh(names[0], value), value) for value in values)
        found = Aggregates(place)
        ranked = self.expression(level.by.value, Place((), place.names, aggregates=found))
        if ranked.type in _UNRANKED:
            self.fail(f"top-nested cannot rank by a {ranked.type}", level.by.span)
        column = self.fresh(names[1], ranked)
        plan: ir.Plan = ir.Aggregate(rows.plan, keys, tuple(found.found))
        plan = ir.Extend(plan, ((column, ranked),))
        if level.count is not None:
            order = (ir.OrderKey(column, level.descending, nulls_first=not level.descending),)
            rank = ir.Col(next(self.numbers), "", _LONG, nullable=False, reach=2**53)
            above = tuple(ir.Ref(col) for col, _ in keys[:-1])
            window = ir.Window("row_number", (), _LONG, order, above, nullable=False, reach=2**53)
            count = self._count(level.count, place)
            best = ir.Call("<=", (ir.Ref(rank), count), _BOOL, nullable=False, reach=1)
            plan = ir.Filter(ir.Extend(plan, ((rank, window),)), best)
        return plan, [col for col, _ in keys], column

    def project_by_names(self, node: tree.ProjectByNames, rows: ir.Rows, place: Place) -> ir.Rows:
        """`project-by-names`: the columns of these names and patterns that there are."""
        columns: list[ir.Col] = []
        for part in node.names:
            for pattern in self._names(part, place):
                columns.extend(
                    c for c in rows.columns if c not in columns and fnmatch.fnmatchcase(c.name, pattern)
                )
        if not columns:
            self.fail("no column has any of these names", node.span)
        return ir.Rows(rows.plan, tuple(columns), rows.order)

    def _names(self, node: tree.Expression, place: Place) -> list[str]:
        value = self.expression(node, Place((), place.names))
        if isinstance(value, ir.Const) and value.type is _TEXT:
            return [str(value.value)]
        if isinstance(value, ir.Const) and value.type is _DYNAMIC and value.value is not None:
            listed = json.loads(str(value.value))
            if isinstance(listed, list) and all(isinstance(name, str) for name in listed):
                return listed
        return self.fail("the names are a text, an array of texts or column_names_of(...)", node.span)

    def call(self, node: tree.Call, place: Place) -> ir.Expr:
        """A function call, also `column_names_of(table)`."""
        if (
            node.name == "column_names_of"
            and len(node.arguments) == 1
            and place.names.find(node.name) is None
        ):
            value = node.arguments[0].value
            pipeline = value if isinstance(value, tree.Pipeline) else tree.Pipeline(value.span, value, ())
            rows = self.pipeline(pipeline, Place((), place.names))
            return ir.Const(_DYNAMIC, json.dumps([c.name for c in rows.columns]))
        return super().call(node, place)

    def sample_distinct(self, node: tree.SampleDistinct, rows: ir.Rows, place: Place) -> ir.Rows:
        """`sample-distinct count of value`: any of the values, so as good as the first."""
        found = self.summarize(tree.Summarize(node.span, (), (node.of,)), rows, place)
        return ir.Rows(ir.Limit(found.plan, self._count(node.count, place), ()), found.columns)
