"""Binding `mv-apply` and `partition`: operators applied to groups of rows, each by itself.

Every step is done for all groups at once: a hidden column tells them apart, and aggregates, first rows and window
functions keep to it. https://learn.microsoft.com/kusto/query/mv-apply-operator
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, Final

from sentinel.model.tables import KqlType
from sentinel.query import ir, tree
from sentinel.query.bind_context import Place
from sentinel.query.bind_plugins import PluginBinder

_LONG: Final = KqlType.LONG


class ApplyBinder(PluginBinder):
    """Binds operators within groups."""

    def mv_apply(self, node: tree.MvExpand, rows: ir.Rows, place: Place) -> ir.Rows:
        """`mv-apply items on (operators)`."""
        body = node.body or ()
        ordered = self.serialized(rows)
        number = ir.Col(next(self.numbers), "", _LONG, nullable=False, reach=2**53)
        window = ir.Window("row_number", (), _LONG, ordered.order, nullable=False, reach=2**53)
        numbered = replace(ordered, plan=ir.Extend(ordered.plan, ((number, window),)))
        inner = self.mv_expand(replace(node, body=None), numbered, place)
        replaced = {c.name for c in inner.columns if c.id not in {x.id for x in rows.columns}}
        kept = (*rows.columns, *self.groups, *self.kept)
        inner, now = self.within(body, inner, place, number, kept)
        self.regroup(dict(zip((c.id for c in kept), now, strict=True)))
        own = now[: len(rows.columns)]
        known = {c.id for c in own}
        columns = {c.name: c for c in own if c.name not in replaced}
        columns |= {c.name: c for c in inner.columns if c.id not in known}
        return ir.Rows(inner.plan, tuple(columns.values()))

    def partition(self, node: tree.Partition, rows: ir.Rows, place: Place) -> ir.Rows:
        """`partition by column (operators)`."""
        if self.groups:
            self.unsupported("partition inside partition or mv-apply", node.span)
        key = self.expression(node.by, place)
        if not isinstance(key, ir.Ref) or key.type is KqlType.DYNAMIC:
            self.fail("rows are parted by a column that is no dynamic", node.by.span)
        group = ir.Col(next(self.numbers), "", _LONG, nullable=False, reach=2**53)
        order = (ir.OrderKey(key.col, descending=False, nulls_first=True),)
        window = ir.Window("dense_rank", (), _LONG, order, nullable=False, reach=2**53)
        parted = replace(rows, plan=ir.Extend(rows.plan, ((group, window),)))
        found, _ = self.within(node.body, parted, place, group, ())
        return replace(found, order=())

    def within(
        self,
        body: tuple[tree.Operator, ...],
        rows: ir.Rows,
        place: Place,
        group: ir.Col,
        kept: tuple[ir.Col, ...],
    ) -> tuple[ir.Rows, tuple[ir.Col, ...]]:
        """The rows after operators that see one group at a time, and what became of the columns kept."""
        before = self.groups, self.kept
        self.groups, self.kept = (group,), kept
        try:
            for operator in body:
                self.step(operator.span)
                rows = self._one(operator, rows, place)
            return rows, self.kept
        finally:
            self.groups, self.kept = before

    def regroup(self, again: Mapping[int, ir.Col]) -> None:
        """Note that columns kept aside have become others."""
        self.groups = tuple(again.get(c.id, c) for c in self.groups)
        self.kept = tuple(again.get(c.id, c) for c in self.kept)

    def _one(self, operator: tree.Operator, rows: ir.Rows, place: Place) -> ir.Rows:
        at = Place(rows.columns, place.names, order=rows.order, windows=[])
        match operator:
            case tree.Summarize():
                return self._grouped(operator, rows, at)
            case tree.Distinct():
                return self._grouped(self._as_summarize(operator, rows), rows, at)
            case tree.Count(span=span):
                counted = tree.Named(span, ("Count",), tree.Call(span, "count", ()))
                return self._grouped(tree.Summarize(span, (counted,), ()), rows, at)
            case tree.Sort(limit=limit) if limit is not None:
                return self._first(self.sort(replace(operator, limit=None), rows, at), self._count(limit, at))
            case tree.Take(count=count):
                return self._first(rows, self._count(count, at))
            case tree.SampleDistinct(span=span, count=count, of=of):
                distinct = self._grouped(tree.Summarize(span, (), (of,)), rows, at)
                return self._first(distinct, self._count(count, at))
            case _:
                bind = _ROW_BY_ROW.get(type(operator))
                if bind is None or (isinstance(operator, tree.TopNested) and self.kept):
                    hint = "where, extend, project, summarize, sort, top, take and their kin work there"
                    self.unsupported("this operator inside mv-apply or partition", operator.span, hint)
                return bind(self, operator, rows, at)

    @staticmethod
    def _as_summarize(node: tree.Distinct, rows: ir.Rows) -> tree.Summarize:
        """`distinct` as a grouping."""
        columns = node.columns
        if len(columns) == 1 and isinstance(columns[0].value, tree.Star):
            columns = tuple(tree.Named(node.span, (), tree.Name(node.span, c.name)) for c in rows.columns)
        return tree.Summarize(node.span, (), columns)

    def _grouped(self, node: tree.Summarize, rows: ir.Rows, place: Place) -> ir.Rows:
        """A summarize of each group, with what is kept beside."""
        found = self.summarize(node, rows, place)
        inner = found.plan.input if isinstance(found.plan, ir.Extend) else found.plan
        if not isinstance(inner, ir.Aggregate):
            self.unsupported("this summarize inside mv-apply or partition", node.span)
        kept = tuple((c, ir.Aggregation("bare", (ir.Ref(c),))) for c in self.kept)
        keys = (*inner.keys, *((group, ir.Ref(group)) for group in self.groups))
        plan: ir.Plan = ir.Aggregate(inner.input, keys, (*inner.aggregates, *kept))
        if isinstance(found.plan, ir.Extend):
            plan = ir.Extend(plan, found.plan.columns)
        return ir.Rows(plan, found.columns)

    def _first(self, rows: ir.Rows, count: ir.Expr) -> ir.Rows:
        """The first rows of each group."""
        place = ir.Col(next(self.numbers), "", _LONG, nullable=False, reach=2**53)
        parted = tuple(map(ir.Ref, self.groups))
        window = ir.Window("row_number", (), _LONG, rows.order, parted, nullable=False, reach=2**53)
        within = ir.Call("<=", (ir.Ref(place), count), KqlType.BOOL, nullable=False, reach=1)
        return replace(rows, plan=ir.Filter(ir.Extend(rows.plan, ((place, window),)), within))

    def scan(self, node: tree.Scan, rows: ir.Rows, place: Place) -> ir.Rows:
        """`scan`; provided by the whole binder."""
        raise NotImplementedError

    def top_nested(self, node: tree.TopNested, rows: ir.Rows, place: Place) -> ir.Rows:
        """`top-nested`; provided by the whole binder."""
        raise NotImplementedError


_ROW_BY_ROW: Final[dict[type[tree.Node], Callable[[ApplyBinder, Any, ir.Rows, Place], ir.Rows]]] = {
    tree.Where: ApplyBinder.where,
    tree.Extend: ApplyBinder.extend,
    tree.Project: ApplyBinder.project,
    tree.ProjectColumns: ApplyBinder.project_columns,
    tree.ProjectRename: ApplyBinder.project_rename,
    tree.Parse: ApplyBinder.parse,
    tree.ParseKv: ApplyBinder.parse_kv,
    tree.MvExpand: ApplyBinder.mv_expand,
    tree.Sort: ApplyBinder.sort,
    tree.Scan: lambda binder, node, rows, place: binder.scan(node, rows, place),
    tree.TopNested: lambda binder, node, rows, place: binder.top_nested(node, rows, place),
}
