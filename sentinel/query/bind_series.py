"""Binding `make-series`, `search`, `parse-kv` and `evaluate`.

https://learn.microsoft.com/kusto/query/make-series-operator
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from sentinel.errors import Span
from sentinel.model.tables import KqlType
from sentinel.query import ir, tree
from sentinel.query.bind_context import Aggregates, Place, unique_name
from sentinel.query.bind_expressions import NUMBERS, WHOLE, call_form, registered, truth
from sentinel.query.bind_reshape import ReshapeBinder
from sentinel.query.functions_parse import parse_functions
from sentinel.query.tree_expressions import names_in

_TEXT, _LONG, _REAL, _DYNAMIC, _BOOL = (
    KqlType.STRING,
    KqlType.LONG,
    KqlType.REAL,
    KqlType.DYNAMIC,
    KqlType.BOOL,
)
_SUFFIX = {KqlType.DATETIME: "datetime", KqlType.TIMESPAN: "timespan", _REAL: "real"}
_ASIDE_FROM_CASE = {
    "=~": "==", "!~": "!=", "has": "has_cs", "!has": "!has_cs", "contains": "contains_cs",
    "!contains": "!contains_cs", "startswith": "startswith_cs", "!startswith": "!startswith_cs",
    "endswith": "endswith_cs", "!endswith": "!endswith_cs", "hasprefix": "hasprefix_cs",
    "!hasprefix": "!hasprefix_cs", "hassuffix": "hassuffix_cs", "!hassuffix": "!hassuffix_cs",
}  # fmt: skip
"""Comparisons that do not look at the case of letters, with those that do."""
_KV_OPTIONS = frozenset({"pair_delimiter", "kv_delimiter", "quote", "escape", "greedy", "regex"})


class SeriesBinder(ReshapeBinder):
    """Binds one operator: rows in, rows out."""

    def make_series(self, node: tree.MakeSeries, rows: ir.Rows, place: Place) -> ir.Rows:
        """`make-series`: bins counted from the start, empty ones filled in."""
        axis = self.expression(node.axis.value, place)
        start, stop, step = self._series_span(node, rows, axis, place)
        axis, start, stop, step = self._one_scale(axis, start, stop, step, node.span)
        inside = truth(
            "and", self.compare(">=", axis, start, node.span), self.compare("<", axis, stop, node.span)
        )
        suffix = _SUFFIX.get(axis.type, "")
        bin_of = call_form(
            registered("op_bin_number", "real" if axis.type is _REAL else ""), (axis, start, step)
        )
        size: ir.Expr = call_form(
            registered("op_bin_count", "real" if axis.type is _REAL else ""), (start, stop, step)
        )
        binned = self.fresh("", bin_of)
        keys, taken = self._series_keys(node, place)
        found = Aggregates(place)
        values = self._series_values(node, found, place, taken)
        plan: ir.Plan = ir.Extend(ir.Filter(rows.plan, inside), ((binned, bin_of),))
        first_keys = tuple((self.fresh(col.name, value), value) for col, value in keys)
        bin_key = self.fresh("", ir.Ref(binned))
        plan = ir.Aggregate(plan, (*first_keys, (bin_key, ir.Ref(binned))), tuple(found.found))
        prepared = tuple((self.new_column("", _DYNAMIC), self.as_json(value)) for _, value, _ in values)
        plan = ir.Extend(plan, prepared)
        series: list[tuple[ir.Col, ir.Aggregation]] = []
        index: ir.Expr = ir.Ref(bin_key)
        if (node.keys and node.start is None) or (node.start is not None and node.stop is None):
            plan, low, own = self._own_bins(node, plan, tuple(c for c, _ in first_keys), bin_key, size)
            series = [(c, ir.Aggregation("bare", (ir.Ref(c),))) for c in (low, own)]
            index, size = self.arithmetic("-", index, ir.Ref(low), node.span), ir.Ref(own)
            start = self.arithmetic("+", start, self.arithmetic("*", step, ir.Ref(low), node.span), node.span)
        for (_, _, default), (col, _) in zip(values, prepared, strict=True):
            args = (index, ir.Ref(col), size, default)
            series.append((self.new_column("", _DYNAMIC), ir.Aggregation("kql_agg_series", args)))
        final_keys = tuple((self.fresh(c.name, ir.Ref(c)), ir.Ref(c)) for c, _ in first_keys)
        there = ir.Col(next(self.numbers), "", _LONG, nullable=False, reach=2**53)
        counted = (there, ir.Aggregation("count", ()))
        plan = ir.Aggregate(plan, final_keys, (*series, counted))
        if not final_keys and not node.nonempty:
            plan = ir.Filter(plan, self.compare(">", ir.Ref(there), ir.Const(_LONG, 0), node.span))
        filled: list[ir.Definition] = []
        for (name, _, default), (col, _) in zip(values, series[-len(values) :], strict=True):
            whole = call_form(registered("op_series_or"), (ir.Ref(col), size, default))
            filled.append((self.fresh(name, whole), whole))
        axis_value = call_form(registered("op_axis", suffix), (start, step, size))
        filled.append((self.fresh(self._series_key(node.axis, place, taken), axis_value), axis_value))
        columns = (*(c for c, _ in final_keys), *(c for c, _ in filled))
        return ir.Rows(ir.Extend(plan, tuple(filled)), columns)

    def _series_span(
        self, node: tree.MakeSeries, rows: ir.Rows, axis: ir.Expr, place: Place
    ) -> tuple[ir.Expr, ir.Expr, ir.Expr]:
        """Where the bins begin and end, and how wide they are; at the ends of what there is if nothing is said."""
        step = self.expression(node.step, place)
        if node.start is not None and node.stop is not None:
            return self.expression(node.start, place), self.expression(node.stop, place), step
        if node.nonempty and not node.keys:
            hint = "write from ... to ... step ..."
            self.unsupported("make-series kind=nonempty without from and to", node.span, hint)
        if node.start is not None:
            beyond = self.arithmetic("+", self._end_of(rows, axis, "max"), step, node.span)
            return self.expression(node.start, place), beyond, step
        bins = tree.Call(node.span, "bin", ())
        start = self.resolve(bins, "bin", (self._end_of(rows, axis, "min"), step))
        if node.stop is not None:
            return start, self.expression(node.stop, place), step
        last = self.resolve(bins, "bin", (self._end_of(rows, axis, "max"), step))
        return start, self.arithmetic("+", last, step, node.span), step

    def _own_bins(
        self, node: tree.MakeSeries, plan: ir.Plan, keys: tuple[ir.Col, ...], bin_key: ir.Col, size: ir.Expr
    ) -> tuple[ir.Plan, ir.Col, ir.Col]:
        """Of each series the first bin, and how many there are: to the ends given, else as far as there is anything."""
        groups = tuple(map(ir.Ref, keys))
        low, high = (
            ir.Window(op, (ir.Ref(bin_key),), _LONG, (), groups, reach=2**53) for op in ("min", "max")
        )
        first: ir.Expr = low if node.start is None else ir.Const(_LONG, 0)
        if node.stop is None:
            size = self.arithmetic("+", high, ir.Const(_LONG, 1), node.span)
        start, end = self.fresh("", first), self.fresh("", size)
        plan = ir.Extend(plan, ((start, first), (end, size)))
        bins = self.arithmetic("-", ir.Ref(end), ir.Ref(start), node.span)
        count = self.fresh("", bins)
        return ir.Extend(plan, ((count, bins),)), start, count

    def _end_of(self, rows: ir.Rows, axis: ir.Expr, op: str) -> ir.Expr:
        """The first or last value of the axis."""
        column = self.new_column("", axis.type)
        plan = ir.Aggregate(rows.plan, (), ((column, ir.Aggregation(op, (axis,))),))
        return ir.ScalarQuery(plan, column, ())

    def _one_scale(
        self, axis: ir.Expr, start: ir.Expr, stop: ir.Expr, step: ir.Expr, span: Span
    ) -> tuple[ir.Expr, ir.Expr, ir.Expr, ir.Expr]:
        if axis.type in NUMBERS:
            kind = _LONG if {axis.type, start.type, stop.type, step.type} <= WHOLE else _REAL
            return (
                self.convert(axis, kind), self.convert(start, kind), self.convert(stop, kind), self.convert(step, kind)
            )  # fmt: skip
        if axis.type not in {KqlType.DATETIME, KqlType.TIMESPAN} or step.type is not KqlType.TIMESPAN:
            self.fail(f"a series cannot run along a {axis.type} in steps of a {step.type}", span)
        if {start.type, stop.type} != {axis.type}:
            self.fail(f"from and to must be a {axis.type}", span)
        return axis, start, stop, step

    def _series_keys(self, node: tree.MakeSeries, place: Place) -> tuple[list[ir.Definition], list[str]]:
        keys: list[ir.Definition] = []
        taken: list[str] = []
        for named in node.keys:
            value = self.expression(named.value, place)
            name = self._series_key(named, place, taken)
            taken.append(name)
            keys.append((self.fresh(name, value), value))
        return keys, taken

    def _series_key(self, named: tree.Named, place: Place, taken: list[str]) -> str:
        """The name of a key or of the axis."""
        name = named.names[0] if named.names else self.own_name(named.value, place)
        return self.numbered(taken) if name is None else unique_name(name, taken)

    def _series_values(
        self, node: tree.MakeSeries, found: Aggregates, place: Place, taken: list[str]
    ) -> list[tuple[str, ir.Expr, ir.Expr]]:
        """The name, value and JSON of an empty bin of each aggregate."""
        values: list[tuple[str, ir.Expr, ir.Expr]] = []
        for one in node.aggregates:
            value, names = one.value.value, one.value.names
            bound = self.expression(value, Place((), place.names, aggregates=found))
            name = names[0] if names else self.automatic(value, found.place, taken)
            taken.append(name)
            if one.default is not None:
                default = self.convert(self.expression(one.default, Place((), place.names)), bound.type)
            elif bound.type in NUMBERS:
                default = ir.Const(bound.type, 0.0 if bound.type is _REAL else 0)
            else:
                hint = "only numbers have an empty bin of their own: write default="
                self.unsupported(f"make-series of a {bound.type} without default", one.value.span, hint)
            values.append((name, bound, self.as_json(default)))
        return values

    def search(self, node: tree.Search, rows: ir.Rows | None, place: Place) -> ir.Rows:
        """`search`: terms looked for in every column."""
        shown = rows.label if rows is not None and rows.label else "search_arg0"
        parts = [(shown, rows)] if rows is not None else self._searched(node, place)
        found: list[tuple[str, ir.Rows]] = []
        kinds = {c.name: c.type for _, part in reversed(parts) for c in part.columns}
        asked = [name for name in dict.fromkeys(names_in(node.predicate)) if name in kinds]
        for name, part in parts:
            part, absent = self._with_absent(part, {n: kinds[n] for n in asked})  # noqa: PLW2901 - the same rows
            at = Place((*part.columns, *absent), place.names)
            condition = self._predicate(node.predicate, at, cased=node.case_sensitive)
            found.append((name, replace(part, plan=ir.Filter(part.plan, condition))))
        combined = self.combined(found, node.span, inner=False, source="$table")
        if rows is not None and rows.order:
            source = self.new_column("$table", _TEXT)
            plan = ir.Extend(found[0][1].plan, ((source, ir.Const(_TEXT, shown)),))
            return replace(found[0][1], plan=plan, columns=(source, *found[0][1].columns))
        return combined

    def _with_absent(self, rows: ir.Rows, kinds: Mapping[str, KqlType]) -> tuple[ir.Rows, tuple[ir.Col, ...]]:
        """Rows with empty columns for what only other tables have."""
        computed: list[ir.Definition] = []
        for name, kind in kinds.items():
            if rows.find(name) is None:
                empty = ir.Const(kind, "" if kind is _TEXT else None)
                computed.append((self.fresh(name, empty), empty))
        plan = ir.Extend(rows.plan, tuple(computed)) if computed else rows.plan
        return replace(rows, plan=plan), tuple(col for col, _ in computed)

    def _searched(self, node: tree.Search, place: Place) -> list[tuple[str, ir.Rows]]:
        parts: list[tuple[str, ir.Rows]] = []
        for table in node.tables or (tree.TableArgument(node.span, "*", None),):
            if table.pipeline is None:
                parts.extend(self.matching_tables(table, place))
            else:
                source = table.pipeline.source
                name = source.text if isinstance(source, tree.Name) else f"search_arg{len(parts)}"
                part = self.pipeline(table.pipeline, Place((), place.names))
                parts.append((part.label or name, part))
        return parts

    def _predicate(self, node: tree.Expression, place: Place, *, cased: bool) -> ir.Expr:
        match node:
            case tree.Literal(type=KqlType.STRING, value=str(text)):
                return self._term(text, place, node, cased=cased)
            case tree.Star():
                return ir.Const(_BOOL, 1)
            case tree.Binary(operator=":", left=left, right=tree.Literal(value=str(text)) as right):
                columns = place.columns
                if not isinstance(left, tree.Star):
                    value = self.expression(left, place)
                    if not isinstance(value, ir.Ref):
                        self.fail("a text is looked for in a column", left.span)
                    columns = (value.col,)
                return self._term(text, replace(place, columns=columns), right, cased=cased)
            case tree.Binary(operator=":"):
                return self.fail('a text is looked for in a column: column:"text"', node.span)
            case tree.Binary(operator="and" | "or" as operator, left=left, right=right):
                sides = (
                    self._predicate(left, place, cased=cased),
                    self._predicate(right, place, cased=cased),
                )
                return truth(operator, *sides)
            case tree.Call(name="not", arguments=(argument,)):
                return truth("not", self._predicate(argument.value, place, cased=cased))
            case tree.Binary(operator=operator) if cased and operator in _ASIDE_FROM_CASE:
                hint = f"write {_ASIDE_FROM_CASE[operator]}"
                return self.unsupported(f"{operator!r} in a case-sensitive search", node.span, hint)
            case _:
                return self.condition(node, place)

    def _term(self, text: str, place: Place, node: tree.Literal, *, cased: bool) -> ir.Expr:
        inner = text.strip("*")
        if "*" in inner:
            self.unsupported("a term with '*' inside", node.span, "use where and matches regex")
        operator = {
            (False, False): "has",
            (False, True): "hasprefix",
            (True, False): "hassuffix",
            (True, True): "contains",
        }[text.startswith("*"), text.endswith("*")]
        if text == "*":
            return ir.Const(_BOOL, 1)
        needle = ir.Const(_TEXT, inner)
        tests = [
            self.text_test(f"{operator}{'_cs' if cased else ''}", self.as_text(ir.Ref(c)), needle, node.span)
            for c in place.columns
        ]
        return truth("or", *tests) if tests else ir.Const(KqlType.BOOL, 0)

    def parse_kv(self, node: tree.ParseKv, rows: ir.Rows, place: Place) -> ir.Rows:
        """`parse-kv of as (columns) with (options)`."""
        options: dict[str, Any] = {}
        for name, value in node.options:
            if name not in _KV_OPTIONS or not value:
                self.fail(f"the options of parse-kv are {', '.join(sorted(_KV_OPTIONS))}", node.span)
            if name in {"quote", "escape"}:
                options.setdefault(name, []).append(value)
            elif name != "greedy" or value == "true":
                options[name] = value
        if any(not 1 <= len(quote) <= 2 for quote in options.get("quote", ())):  # noqa: PLR2004 - open and close
            self.fail("a quote is one or two characters", node.span)
        if ("pair_delimiter" in options) != ("kv_delimiter" in options):
            self.fail("parse-kv takes pair_delimiter and kv_delimiter together", node.span)
        options["columns"] = [[c.name, c.type.value] for c in node.columns]
        of = self.as_text(self.expression(node.of, place))
        form = next(f for f in parse_functions() if f.name == "op_parse_kv")
        found = self.new_column("", _DYNAMIC)
        parsed = call_form(form, (ir.Const(_TEXT, json.dumps(options)), of))
        return self.taken(ir.Extend(rows.plan, ((found, parsed),)), rows, found, list(node.columns))
