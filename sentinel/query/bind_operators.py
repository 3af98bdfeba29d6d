"""Binding the operators that keep, drop, order and compute columns and rows."""

from __future__ import annotations

import fnmatch
import re
from dataclasses import replace

from sentinel.model.tables import KqlType
from sentinel.query import ir, tree
from sentinel.query.bind_context import Place, unique_name
from sentinel.query.bind_expressions import call_form, registered
from sentinel.query.bind_forms import Parts
from sentinel.query.bind_windows import WindowBinder
from sentinel.query.naming import is_unnameable


def _matches(name: str, pattern: str) -> bool:
    return fnmatch.fnmatchcase(name, pattern) if "*" in pattern else name == pattern


def _natural(name: str) -> list[tuple[str, int]]:
    """A name as texts and the numbers that follow them, so that `a20` comes before `a100`."""
    return [(text, int(number or 0)) for text, number in re.findall(r"(\D*)(\d*)", name)]


class OperatorBinder(WindowBinder):
    """Binds one operator: rows in, rows out."""

    def where(self, node: tree.Where, rows: ir.Rows, place: Place) -> ir.Rows:
        """`where condition`."""
        condition = self.condition(node.condition, place)
        rows = self.with_windows(rows, place)
        return replace(rows, plan=ir.Filter(rows.plan, condition))

    def results(self, named: tree.Named, parts: Parts, *, rest: bool) -> Parts:
        """The results of a function that gives several, under the names given; with `rest` also those without."""
        if len(named.names) > len(parts):
            self.fail(f"this gives {len(parts)} columns", named.span)
        if rest and len(named.names) == 1 < len(parts):
            self.unsupported("one name for several results", named.span, "name them all: (a, b) = ...")
        shown = parts if rest or not named.names else parts[: len(named.names)]
        names = [*named.names, *(name for name, _ in shown[len(named.names) :])]
        return [(name, value) for name, (_, value) in zip(names, shown, strict=True)]

    def _values(
        self, named: tree.Named, place: Place, names: list[str], *, rest: bool = False
    ) -> list[tuple[str, ir.Expr]]:
        """The names and values of one item of project or extend."""
        parts = self.several(named.value, place)
        if parts is not None:
            return self.results(named, parts, rest=rest)
        value = self.expression(named.value, place)
        if len(named.names) > 1:
            if value.type is not KqlType.DYNAMIC:
                self.fail("several names take an array", named.span)
            picks = [
                self.expression(
                    tree.Index(named.span, named.value, tree.Literal(named.span, KqlType.LONG, at)), place
                )
                for at in range(len(named.names))
            ]
            return list(zip(named.names, picks, strict=True))
        if named.names:
            return [(named.names[0], value)]
        if is_unnameable(named.value):
            self.unsupported("an unnamed column of this kind", named.span, "name it")
        found = self.own_name(named.value, place)
        if found is None:
            number = 1
            while f"Column{number}" in names:
                number += 1
            found = f"Column{number}"
        return [(found, value)]

    def project(self, node: tree.Project, rows: ir.Rows, place: Place) -> ir.Rows:
        """`project columns`."""
        columns: list[ir.Col] = []
        computed: list[ir.Definition] = []
        for named in node.columns:
            if isinstance(named.value, tree.Star) and not named.names:
                columns.extend(c for c in rows.columns if c.name not in {x.name for x in columns})
                continue
            taken = [c.name for c in columns]
            for name, value in self._values(named, place, taken, rest=True):
                shown = name if named.names else unique_name(name, taken)
                if shown in taken:
                    self.fail(f"there are two columns named {shown!r}", named.span)
                taken.append(shown)
                if isinstance(value, ir.Ref):
                    columns.append(value.col.named(shown))
                else:
                    column = self.fresh(shown, value)
                    computed.append((column, value))
                    columns.append(column)
        rows = self.with_windows(rows, place)
        plan = ir.Extend(rows.plan, tuple(computed)) if computed else rows.plan
        return replace(rows, plan=plan, columns=tuple(columns))

    def extend(self, node: tree.Extend, rows: ir.Rows, place: Place) -> ir.Rows:
        """`extend columns`, also `serialize`."""
        if node.serialized:
            rows = self.serialized(rows)
            place = replace(place, order=rows.order)
        columns = list(rows.columns)
        computed: list[ir.Definition] = []
        assigned: list[str] = []
        for named in node.columns:
            names = [c.name for c in columns]
            for name, value in self._values(named, place, names):
                if name in assigned:
                    self.fail(f"{name!r} is assigned twice", named.span, "name the columns apart")
                assigned.append(name)
                column = self.fresh(name, value)
                computed.append((column, value))
                if name in names:
                    columns[names.index(name)] = column
                else:
                    columns.append(column)
        rows = self.with_windows(rows, place)
        plan = ir.Extend(rows.plan, tuple(computed)) if computed else rows.plan
        return replace(rows, plan=plan, columns=tuple(columns))

    def project_columns(self, node: tree.ProjectColumns, rows: ir.Rows, _: Place) -> ir.Rows:
        """`project-away`, `project-keep`, `project-reorder`."""
        for pattern in node.patterns:
            if "*" not in pattern.pattern and rows.find(pattern.pattern) is None:
                self.unknown("column", pattern.pattern, [c.name for c in rows.columns], pattern.span)
        patterns = [p.pattern for p in node.patterns]
        if node.what == "reorder":
            return replace(rows, columns=self._reordered(node, rows))
        keeps = node.what == "keep"
        kept = [c for c in rows.columns if any(_matches(c.name, p) for p in patterns) is keeps]
        return replace(rows, columns=tuple(kept))

    @staticmethod
    def _reordered(node: tree.ProjectColumns, rows: ir.Rows) -> tuple[ir.Col, ...]:
        left = list(rows.columns)
        first: list[ir.Col] = []
        for pattern in node.patterns:
            found = [c for c in left if _matches(c.name, pattern.pattern)]
            if pattern.order:
                natural = pattern.order.startswith("granny")
                found.sort(
                    key=lambda c: _natural(c.name.upper()) if natural else [(c.name.upper(), 0)],
                    reverse=pattern.order.endswith("desc"),
                )
            first.extend(found)
            left = [c for c in left if c not in found]
        return (*first, *left)

    def project_rename(self, node: tree.ProjectRename, rows: ir.Rows, _: Place) -> ir.Rows:
        """`project-rename new = old`."""
        columns = list(rows.columns)
        for named in node.columns:
            if len(named.names) != 1 or not isinstance(named.value, tree.Name):
                self.fail("project-rename takes new = old", named.span)
            names = [c.name for c in columns]
            if named.value.text not in names:
                self.unknown("column", named.value.text, names, named.value.span)
            at = names.index(named.value.text)
            columns[at] = columns[at].named(named.names[0])
        names = [c.name for c in columns]
        if len(set(names)) != len(names):
            self.fail("this would give two columns the same name", node.span)
        return replace(rows, columns=tuple(columns))

    def sort(self, node: tree.Sort, rows: ir.Rows, place: Place) -> ir.Rows:
        """`sort by keys`, `top count by keys`."""
        computed: list[ir.Definition] = []
        order: list[ir.OrderKey] = []
        for key in node.keys:
            value = self.expression(key.value, place)
            if value.type is KqlType.DYNAMIC:
                self.fail("a dynamic has no order", key.span, "convert it, as with tostring(...)")
            if value.type is KqlType.DECIMAL:
                value = call_form(registered("op_decimal_key"), (value,))
            nulls_first = not key.descending if key.nulls_first is None else key.nulls_first
            if isinstance(value, ir.Ref):
                column = value.col
            else:
                column = self.fresh("", value)
                computed.append((column, value))
            order.append(ir.OrderKey(column, key.descending, nulls_first))
        rows = self.with_windows(rows, place)
        plan: ir.Plan = ir.Extend(rows.plan, tuple(computed)) if computed else rows.plan
        known = {key.col.id for key in order}
        full = (*order, *(key for key in rows.order if key.col.id not in known))
        if node.limit is not None:
            plan = ir.Limit(plan, self._count(node.limit, place), full)
        return replace(rows, plan=plan, order=full)

    def _count(self, node: tree.Expression, place: Place) -> ir.Expr:
        count = self.expression(node, Place((), place.names))
        if count.type not in {KqlType.INT, KqlType.LONG} or not ir.is_constant(count):
            self.fail("a number of rows is a whole constant", node.span)
        return count

    def take(self, node: tree.Take, rows: ir.Rows, place: Place) -> ir.Rows:
        """`take count`."""
        count = self._count(node.count, place)
        return replace(rows, plan=ir.Limit(rows.plan, count, rows.order))

    def distinct(self, node: tree.Distinct, rows: ir.Rows, place: Place) -> ir.Rows:
        """`distinct columns`."""
        if len(node.columns) == 1 and isinstance(node.columns[0].value, tree.Star):
            keys: list[ir.Definition] = [(self.fresh(c.name, ir.Ref(c)), ir.Ref(c)) for c in rows.columns]
            return ir.Rows(ir.Aggregate(rows.plan, tuple(keys), ()), tuple(c for c, _ in keys))
        return self.summarize(tree.Summarize(node.span, (), node.columns), rows, place)

    def count(self, _: tree.Count, rows: ir.Rows, __: Place) -> ir.Rows:
        """`count`."""
        column = ir.Col(next(self.numbers), "Count", KqlType.LONG, nullable=False, reach=2**53)
        plan = ir.Aggregate(rows.plan, (), ((column, ir.Aggregation("count", ())),))
        return ir.Rows(plan, (column,))

    def getschema(self, _: tree.GetSchema, rows: ir.Rows, __: Place) -> ir.Rows:
        """`getschema`."""
        kinds = (KqlType.STRING, KqlType.INT, KqlType.STRING, KqlType.STRING)
        names = ("ColumnName", "ColumnOrdinal", "DataType", "ColumnType")
        columns = tuple(
            self.new_column(name, kind, nullable=False) for name, kind in zip(names, kinds, strict=True)
        )
        listed = [(c.name, at, _DATA_TYPES[c.type], c.type.value) for at, c in enumerate(rows.columns)]
        values: tuple[tuple[ir.Expr, ...], ...] = tuple(
            (
                ir.Const(kinds[0], name),
                ir.Const(kinds[1], at),
                ir.Const(kinds[2], system),
                ir.Const(kinds[3], kind),
            )
            for name, at, system, kind in listed
        )
        order = (ir.OrderKey(columns[1], descending=False, nulls_first=True),)
        return ir.Rows(ir.Values(columns, values), columns, order)


_DATA_TYPES = {
    KqlType.BOOL: "System.SByte",
    KqlType.INT: "System.Int32",
    KqlType.LONG: "System.Int64",
    KqlType.REAL: "System.Double",
    KqlType.DECIMAL: "System.Data.SqlTypes.SqlDecimal",
    KqlType.STRING: "System.String",
    KqlType.DATETIME: "System.DateTime",
    KqlType.TIMESPAN: "System.TimeSpan",
    KqlType.DYNAMIC: "System.Object",
    KqlType.GUID: "System.Guid",
}
