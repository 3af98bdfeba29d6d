"""Binding `mv-apply`: operators applied to the elements of each row by itself.

https://learn.microsoft.com/kusto/query/mv-apply-operator
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any, Final

from sentinel.model.tables import KqlType
from sentinel.query import ir, tree
from sentinel.query.bind_context import Place
from sentinel.query.bind_plugins import PluginBinder

_LONG: Final = KqlType.LONG
_KEEPING: Final = (tree.Where, tree.Extend, tree.Sort, tree.Take)


class ApplyBinder(PluginBinder):
    """Binds `mv-apply`; every step inside is done for each outer row apart, told by a number of its own."""

    def mv_apply(self, node: tree.MvExpand, rows: ir.Rows, place: Place) -> ir.Rows:
        """`mv-apply items on (operators)`."""
        body = node.body or ()
        ordered = self.serialized(rows)
        number = ir.Col(next(self.numbers), "", _LONG, nullable=False, reach=2**53)
        window = ir.Window("row_number", (), _LONG, ordered.order, nullable=False, reach=2**53)
        numbered = replace(ordered, plan=ir.Extend(ordered.plan, ((number, window),)))
        inner = self.mv_expand(replace(node, body=None), numbered, place)
        replaced = {c.name for c in inner.columns if c.id not in {x.id for x in rows.columns}}
        outer = tuple(c for c in rows.columns if c.name not in replaced)
        for operator in body:
            self.step(operator.span)
            inner = self._one(operator, inner, place, number, rows.columns)
        if all(isinstance(operator, _KEEPING) for operator in body):
            return replace(inner, order=())
        known = {c.id for c in rows.columns}
        added = tuple(c for c in inner.columns if c.id not in known)
        if {c.name for c in outer} & {c.name for c in added}:
            self.unsupported(
                "mv-apply that gives a column a name its row already has", node.span, "name it anew"
            )
        return ir.Rows(inner.plan, (*outer, *added))

    def _one(
        self, operator: tree.Operator, rows: ir.Rows, place: Place, number: ir.Col, outer: tuple[ir.Col, ...]
    ) -> ir.Rows:
        at = Place(rows.columns, place.names, order=rows.order)
        bind = _ROW_BY_ROW.get(type(operator))
        if bind is not None:
            return bind(self, operator, rows, at)
        if isinstance(operator, tree.Summarize):
            return self._grouped(operator, rows, at, number, outer)
        if isinstance(operator, tree.Sort):
            found = self.sort(replace(operator, limit=None), rows, at)
            return (
                found
                if operator.limit is None
                else self._first(found, self._count(operator.limit, at), number)
            )
        if isinstance(operator, tree.Take):
            return self._first(rows, self._count(operator.count, at), number)
        return self.unsupported("this operator inside mv-apply", operator.span)

    def _grouped(
        self, node: tree.Summarize, rows: ir.Rows, place: Place, number: ir.Col, outer: tuple[ir.Col, ...]
    ) -> ir.Rows:
        """A summarize of each outer row, whose own columns are kept beside."""
        found = self.summarize(node, rows, place)
        inner = found.plan.input if isinstance(found.plan, ir.Extend) else found.plan
        if not isinstance(inner, ir.Aggregate):
            self.unsupported("this summarize inside mv-apply", node.span)
        kept = tuple((c, ir.Aggregation("bare", (ir.Ref(c),))) for c in outer)
        keys = (*inner.keys, (number, ir.Ref(number)))
        plan: ir.Plan = ir.Aggregate(inner.input, keys, (*inner.aggregates, *kept))
        if isinstance(found.plan, ir.Extend):
            plan = ir.Extend(plan, found.plan.columns)
        return ir.Rows(plan, found.columns)

    def _first(self, rows: ir.Rows, count: ir.Expr, number: ir.Col) -> ir.Rows:
        """The first rows of each outer row."""
        place = ir.Col(next(self.numbers), "", _LONG, nullable=False, reach=2**53)
        window = ir.Window(
            "row_number", (), _LONG, rows.order, (ir.Ref(number),), nullable=False, reach=2**53
        )
        within = ir.Call("<=", (ir.Ref(place), count), KqlType.BOOL, nullable=False, reach=1)
        return replace(rows, plan=ir.Filter(ir.Extend(rows.plan, ((place, window),)), within))


_ROW_BY_ROW: Final[dict[type[tree.Node], Callable[[ApplyBinder, Any, ir.Rows, Place], ir.Rows]]] = {
    tree.Where: ApplyBinder.where,
    tree.Extend: ApplyBinder.extend,
    tree.Project: ApplyBinder.project,
}
