"""Binding `summarize` and its kin: groups, aggregates and the names Kusto gives them.

https://learn.microsoft.com/kusto/query/summarize-operator
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from sentinel.model.tables import KqlType
from sentinel.query import ir, tree
from sentinel.query.bind_context import Aggregates, Place, unique_name
from sentinel.query.bind_expressions import call_form, registered
from sentinel.query.bind_picks import ORDERABLE, Pick, PickBinder
from sentinel.query.bind_sketches import SKETCHES, sketch, weighed
from sentinel.query.naming import argument_name, is_unnameable, percent_name
from sentinel.query.signatures import aggregate_signatures

_LONG, _REAL, _BOOL, _TEXT, _DYNAMIC = (
    KqlType.LONG,
    KqlType.REAL,
    KqlType.BOOL,
    KqlType.STRING,
    KqlType.DYNAMIC,
)
_SUMMABLE: Final = frozenset({KqlType.INT, _LONG, _REAL, KqlType.DECIMAL, KqlType.TIMESPAN})
_CONDITIONAL: Final = {
    "sumif": "sum", "avgif": "avg", "minif": "min", "maxif": "max", "dcountif": "dcount", "make_list_if": "make_list",
    "make_set_if": "make_set", "make_bag_if": "make_bag", "take_anyif": "take_any", "anyif": "take_any",
    "stdevif": "stdev", "varianceif": "variance", "count_distinctif": "count_distinct",
    "hll_if": "hll", "covarianceif": "covariance",
    "covariancepif": "covariancep", "variancepif": "variancep",
}  # fmt: skip
_OLD: Final = {
    "makelist": "make_list",
    "makeset": "make_set",
    "argmax": "arg_max",
    "argmin": "arg_min",
    "any": "take_any",
}
_FULLY: Final = 2**53
_OLD_MOST: Final = 128
"""How many values the old spellings collect unless told otherwise."""


class SummarizeBinder(PickBinder):
    """Binds aggregates."""

    def summarize(self, node: tree.Summarize, rows: ir.Rows, place: Place) -> ir.Rows:
        """`summarize aggregates by keys`."""
        keys: list[ir.Definition] = []
        taken: list[str] = []
        for named in node.keys:
            value = self.expression(named.value, place)
            if value.type is _DYNAMIC and node.aggregates:
                hint = "group by tostring(...) of it"
                self.fail("rows cannot be grouped by a dynamic", named.span, hint)
            name = self._key_name(named, place, taken)
            taken.append(name)
            keys.append((self.fresh(name, value), value))
        found = Aggregates(place)
        plain_keys = {value.col.id for _, value in keys if isinstance(value, ir.Ref)}
        outputs: list[ir.Definition] = []
        for named in node.aggregates:
            outputs.extend(self._aggregate_outputs(named, found, place, plain_keys, taken))
        plan: ir.Plan = ir.Aggregate(rows.plan, tuple(keys), tuple(found.found))
        columns = [col for col, _ in keys]
        computed: list[ir.Definition] = []
        for col, value in outputs:
            if isinstance(value, ir.Ref):
                columns.append(value.col.named(col.name))
            else:
                computed.append((col, value))
                columns.append(col)
        if computed:
            plan = ir.Extend(plan, tuple(computed))
        return ir.Rows(plan, tuple(columns))

    def _key_name(self, named: tree.Named, place: Place, taken: list[str]) -> str:
        if named.names:
            if named.names[0] in taken:
                self.fail(f"there are two columns named {named.names[0]!r}", named.span)
            return named.names[0]
        if is_unnameable(named.value):
            self.unsupported("an unnamed column of this kind", named.span, "name it")
        name = self.own_name(named.value, place)
        return self.numbered(taken) if name is None else unique_name(name, taken)

    def numbered(self, taken: list[str]) -> str:
        """The name of an unnamed column that has none of its own."""
        number = 1
        while f"Column{number}" in taken:
            number += 1
        return f"Column{number}"

    def _aggregate_outputs(
        self, named: tree.Named, found: Aggregates, place: Place, plain_keys: set[int], taken: list[str]
    ) -> list[ir.Definition]:
        value = named.value
        if isinstance(value, tree.Call):
            name = _OLD.get(value.name, value.name)
            if name in {"percentiles", "percentilesw"}:
                return self._percentiles(named, value, found, taken)
            picks = self.picks(name, value, found, plain_keys)
            if picks is not None:
                return self._picked(named, picks, found, taken)
        if len(named.names) > 1:
            self.fail("this gives one column", named.span)
        outer = Place((), place.names, aggregates=found)
        bound = self.expression(value, outer)
        if named.names:
            if named.names[0] in taken:
                self.fail(f"there are two columns named {named.names[0]!r}", named.span)
            name = named.names[0]
        else:
            name = self.automatic(value, found.place, taken)
        taken.append(name)
        return [(self.fresh(name, bound), bound)]

    def automatic(self, value: tree.Expression, place: Place, taken: list[str]) -> str:
        """The name Kusto gives an unnamed aggregate, or what is computed from some."""
        value = self._spelled(value, place)
        if not isinstance(value, tree.Call):
            return self.numbered(taken)
        if is_unnameable(value):
            self.unsupported("an unnamed column of this kind", value.span, "name it")
        name = argument_name(value)
        return self.numbered(taken) if name is None else unique_name(name, taken)

    def _spelled(self, value: tree.Expression, place: Place) -> tree.Expression:
        """An aggregate with its percentage written out, as it stands in the name of its column."""
        if not isinstance(value, tree.Call):
            return value
        given = [replace(one, value=self._spelled(one.value, place)) for one in value.arguments]
        if value.name in {"percentile", "percentilew"} and len(given) > 1:
            percent = given[-1].value
            known = self.convert(self.expression(percent, place), _REAL)
            if not isinstance(known, ir.Const):
                self.unsupported("an unnamed column of this kind", percent.span, "name it")
            given[-1] = replace(given[-1], value=tree.Literal(percent.span, _REAL, known.value))
        return replace(value, arguments=tuple(given))

    def _picked(
        self, named: tree.Named, picks: list[Pick], found: Aggregates, taken: list[str]
    ) -> list[ir.Definition]:
        outputs: list[ir.Definition] = []
        for at, (auto, value, aggregation) in enumerate(picks):
            name = named.names[at] if at < len(named.names) else unique_name(auto, taken)
            taken.append(name)
            col = self.new_column(name, value.type, wild=value.wild)
            found.found.append((col, aggregation))
            there = self._there(col)
            outputs.append((self.fresh(name, there), there))
        return outputs

    @staticmethod
    def _there(col: ir.Col) -> ir.Expr:
        """What an aggregate found; of no rows it found no text, and that is the empty one."""
        if col.type is not _TEXT:
            return ir.Ref(col)
        return ir.Call("coalesce", (ir.Ref(col), ir.Const(_TEXT, "")), _TEXT, nullable=False)

    def _percentiles(
        self, named: tree.Named, call: tree.Call, found: Aggregates, taken: list[str]
    ) -> list[ir.Definition]:
        weighted = call.name == "percentilesw"
        skip = 2 if weighted else 1
        if len(call.arguments) <= skip:
            self.fail(f"{call.name}() takes a value and percentages", call.span)
        value = self.expression(call.arguments[0].value, found.place)
        weight = self.expression(call.arguments[1].value, found.place) if weighted else ir.Const(_LONG, 1)
        inner = argument_name(call.arguments[0].value) or ""
        outputs: list[ir.Definition] = []
        for at, argument in enumerate(call.arguments[skip:]):
            percent = self.convert(self.expression(argument.value, found.place), _REAL)
            if at < len(named.names):
                name = named.names[at]
            elif isinstance(percent, ir.Const):
                name = unique_name(f"percentile_{inner}_{percent_name(float(percent.value or 0))}", taken)
            else:
                self.unsupported("an unnamed column of this kind", argument.span, "name it")
            taken.append(name)
            col, call_of = self._percentile(call, value, weight, percent)
            col = col.named(name)
            found.found.append((col, call_of))
            outputs.append((col, ir.Ref(col)))
        return outputs

    def _percentile(
        self, node: tree.Call, value: ir.Expr, weight: ir.Expr, percent: ir.Expr
    ) -> tuple[ir.Col, ir.Aggregation]:
        """The value at a percentage, of int a long and of decimal a real."""
        if value.type not in ORDERABLE:
            self.fail(f"{node.name}() cannot rank a {value.type}", node.span)
        if isinstance(percent, ir.Const) and not 0 <= float(percent.value or 0) <= 100:  # noqa: PLR2004 - percent
            self.fail(f"{node.name}() takes percentages from 0 to 100", node.span)
        if value.type is KqlType.DECIMAL:
            value = self.convert(value, _REAL)
        kind = _LONG if value.type is KqlType.INT else value.type
        col = self.new_column("", kind, wild=value.wild)
        return col, ir.Aggregation("kql_agg_percentile", (value, weighed(self, node, weight), percent))

    def aggregate(self, node: tree.Call, place: Place) -> ir.Expr:
        """An aggregate inside an expression of a summarize."""
        found = place.aggregates
        if found is None:
            self.fail(f"{node.name}() is an aggregate; it stands in summarize", node.span)
        name = _OLD.get(node.name, node.name)
        self.counted(node, aggregate_signatures()[node.name])
        args = [self.expression(a.value, found.place) for a in node.arguments]
        condition: ir.Expr | None = None
        if name in _CONDITIONAL:
            at = 2 if name in {"covarianceif", "covariancepif"} else 1
            condition = self.condition(node.arguments[at].value, found.place)
            del args[at]
            name = _CONDITIONAL[name]
        if name == "countif":
            condition = self.condition(node.arguments[0].value, found.place)
            name, args = "count", []
        col, aggregation = self._aggregation(node, name, args, found.place)
        if condition is not None:
            aggregation = ir.Aggregation(aggregation.op, aggregation.args, aggregation.order, condition)
        found.found.append((col, aggregation))
        return self._there(col)

    def _aggregation(
        self, node: tree.Call, name: str, args: list[ir.Expr], place: Place
    ) -> tuple[ir.Col, ir.Aggregation]:
        if name == "count":
            if args and args[0].type is _BOOL:
                self.unsupported("count() of a condition", node.span, "countif() counts where it holds")
            col = ir.Col(next(self.numbers), "", _LONG, nullable=False, reach=_FULLY)
            return col, ir.Aggregation("count", ())
        value = args[0]
        if name in {"sum", "avg"}:
            return self._total(node, name, value)
        if name in {"min", "max"}:
            if value.type not in ORDERABLE | {_TEXT}:
                self.fail(f"{name}() cannot compare a {value.type}", node.span)
            suffix = {KqlType.DECIMAL: "_decimal", _REAL: "_real" if value.wild else ""}.get(value.type, "")
            op = f"kql_agg_{name}{suffix}" if suffix else name
            col = ir.Col(
                next(self.numbers), "", value.type, nullable=True, wild=value.wild, reach=value.reach
            )
            return col, ir.Aggregation(op, (value,))
        return self._collected(node, name, args, place)

    def _total(self, node: tree.Call, name: str, value: ir.Expr) -> tuple[ir.Col, ir.Aggregation]:
        if value.type is _BOOL or value.type is _DYNAMIC:
            value = self.convert(value, _LONG if value.type is _BOOL else _REAL)
        if value.type not in _SUMMABLE and not (name == "avg" and value.type is KqlType.DATETIME):
            self.fail(f"{name}() cannot add up a {value.type}", node.span)
        if value.type is KqlType.DECIMAL:
            return self.new_column("", value.type), ir.Aggregation(f"kql_agg_{name}_decimal", (value,))
        if name == "avg":
            if value.type in {KqlType.TIMESPAN, KqlType.DATETIME}:
                return self.new_column("", value.type), ir.Aggregation("kql_agg_avg_ticks", (value,))
            op = "kql_agg_avg" if value.wild else "avg"
            return self.new_column("", _REAL, nullable=False, wild=True), ir.Aggregation(op, (value,))
        if value.type is _REAL:
            op = "kql_agg_sum_real" if value.wild else "sum"
            return self.new_column("", _REAL, nullable=False, wild=True), ir.Aggregation(op, (value,))
        kind = KqlType.TIMESPAN if value.type is KqlType.TIMESPAN else _LONG
        small = value.reach <= 2**31
        return (
            self.new_column("", kind, nullable=False),
            ir.Aggregation("sum" if small else "kql_agg_sum_long", (value,)),
        )

    def _collected(
        self, node: tree.Call, name: str, args: list[ir.Expr], place: Place
    ) -> tuple[ir.Col, ir.Aggregation]:
        value = args[0]
        limit = tuple(args[1:2])
        if name.startswith("make_") and any(one.type not in {KqlType.INT, _LONG} for one in limit):
            self.fail(f"{node.name}() takes how many values to collect, a whole number", node.span)
        if node.name in {"makelist", "makeset"} and not limit:
            limit = (ir.Const(_LONG, _OLD_MOST),)
        match name:
            case "make_list":
                op = "kql_agg_list_flat" if value.type is _DYNAMIC else "kql_agg_list"
                col = self.new_column("", _DYNAMIC, nullable=False)
                return col, ir.Aggregation(op, (self.as_json(value), *limit), place.order)
            case "make_list_with_nulls":
                col = self.new_column("", _DYNAMIC, nullable=False)
                return col, ir.Aggregation("kql_agg_list_nulls", (self.as_json(value),), place.order)
            case "make_set":
                col = self.new_column("", _DYNAMIC, nullable=False)
                return col, ir.Aggregation("kql_agg_set", (self.as_json(value), *limit), place.order)
            case "make_bag":
                col = self.new_column("", _DYNAMIC, nullable=False)
                return col, ir.Aggregation("kql_agg_bag", (self.as_json(value), *limit), place.order)
            case "dcount" | "count_distinct":
                col = ir.Col(next(self.numbers), "", _LONG, nullable=False, reach=_FULLY)
                if value.type is KqlType.DECIMAL:
                    value = call_form(registered("op_decimal_key"), (value,))
                return col, ir.Aggregation("kql_agg_dcount", (value,))
            case "take_any":
                return self.new_column("", value.type, wild=value.wild), ir.Aggregation(
                    "kql_agg_any", (value,)
                )
            case _:
                return self._measured(node, name, args)

    def _measured(self, node: tree.Call, name: str, args: list[ir.Expr]) -> tuple[ir.Col, ir.Aggregation]:
        value = args[0]
        if name in {"stdev", "stdevp", "variance", "variancep"}:
            if value.type in {KqlType.STRING, KqlType.GUID}:
                self.fail(f"{name}() takes numbers, not a {value.type}", node.span)
            real = self.convert(value, _REAL)
            return self.new_column("", _REAL, nullable=False, wild=True), ir.Aggregation(
                f"kql_agg_{name}", (real,)
            )
        if name in {"percentile", "percentilew"}:
            weight = args[1] if name == "percentilew" else ir.Const(_LONG, 1)
            return self._percentile(node, value, weight, self.convert(args[-1], _REAL))
        if name in SKETCHES:
            kind, call = sketch(self, node, name, args)
            return self.new_column("", kind, wild=kind is _REAL), call
        if name.startswith("binary_all_"):
            if value.type not in {KqlType.INT, _LONG}:
                self.fail(f"{name}() takes whole numbers, not a {value.type}", node.span)
            return self.new_column("", value.type), ir.Aggregation(
                f"kql_agg_{name.removeprefix('binary_all_')}", (value,)
            )
        return self.unsupported(f"the aggregate {node.name}()", node.span)
