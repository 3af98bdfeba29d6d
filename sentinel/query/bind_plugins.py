"""Binding `evaluate`: the plugins that need nothing but the rows themselves.

https://learn.microsoft.com/kusto/query/evaluate-operator
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any, Final

from sentinel.errors import Span
from sentinel.model.tables import KqlType
from sentinel.query import ir, tree
from sentinel.query.bind_context import Place, beside
from sentinel.query.bind_expressions import call_form, registered
from sentinel.query.bind_find import FindBinder
from sentinel.query.functions_plugins import plugin_functions
from sentinel.query.probing import MOST_LEARNT, ColumnsUnknown

_TEXT, _LONG, _DYNAMIC = KqlType.STRING, KqlType.LONG, KqlType.DYNAMIC
_PIVOTED: Final = {
    "count": "countif", "sum": "sumif", "min": "minif", "max": "maxif", "take_any": "take_anyif", "any": "anyif",
    "dcount": "dcountif", "make_list": "make_list_if", "make_bag": "make_bag_if", "make_set": "make_set_if",
}  # fmt: skip
_AVERAGED: Final = {"avg": "avgif", "stdev": "stdevif", "variance": "varianceif"}
_CONFLICTS: Final = frozenset({"error", "replace_source", "keep_source"})


class PluginBinder(FindBinder):
    """Binds one plugin: rows in, rows out."""

    def evaluate(self, node: tree.Evaluate, rows: ir.Rows, place: Place) -> ir.Rows:
        """`evaluate plugin(arguments)`."""
        bind = _PLUGINS.get(node.call.name)
        if bind is None:
            hint = f"of the plugins there are {', '.join(sorted(_PLUGINS))}"
            self.unsupported(f"the plugin {node.call.name}", node.call.span, hint)
        return bind(self, node, rows, place)

    def learnt(self, rows: ir.Rows, span: Span, hint: str) -> list[tuple[Any, ...]]:
        """What rows hold, asked before the query itself."""
        try:
            return self.probe(rows)
        except ColumnsUnknown as error:
            if error.span is not None:
                raise
            raise ColumnsUnknown(error.message, span, self.text, hint) from None

    def _options(
        self, node: tree.Evaluate, names: tuple[str, ...], place: Place
    ) -> dict[str, tree.Expression]:
        found: dict[str, tree.Expression] = {}
        for at, argument in enumerate(node.call.arguments):
            name = argument.name or (names[at] if at < len(names) else "")
            if name not in names:
                self.fail(f"{node.call.name} takes {', '.join(names)}", argument.span)
            found[name] = argument.value
        if names[0] not in found:
            self.fail(f"{node.call.name} takes {', '.join(names)}", node.span)
        del place
        return found

    def _constant(self, node: tree.Expression | None, place: Place, default: str) -> str:
        if node is None:
            return default
        value = self.expression(node, Place((), place.names))
        if not isinstance(value, ir.Const) or value.value is None:
            self.fail("this is a constant", node.span)
        return str(value.value)

    def _bag_unpack(self, node: tree.Evaluate, rows: ir.Rows, place: Place) -> ir.Rows:
        options = self._options(
            node, ("column", "OutputColumnPrefix", "columnsConflict", "ignoredProperties"), place
        )
        bag = self.expression(options["column"], place)
        if bag.type is not _DYNAMIC or not isinstance(bag, ir.Ref):
            self.fail("bag_unpack takes a dynamic column", node.call.span)
        prefix = self._constant(options.get("OutputColumnPrefix"), place, "")
        conflict = self._constant(options.get("columnsConflict"), place, "error")
        ignored = json.loads(self._constant(options.get("ignoredProperties"), place, "[]"))
        if conflict not in _CONFLICTS:
            self.fail(f"columnsConflict is one of {', '.join(sorted(_CONFLICTS))}", node.call.span)
        if node.columns or node.keeps:
            return self._as_declared(node, rows, bag.col, prefix)
        found = self._slots(node, rows, bag.col)
        columns: list[ir.Col | None] = [None if c.id == bag.col.id else c for c in rows.columns]
        names = [c.name for c in rows.columns]
        added: list[ir.Col] = []
        computed: list[ir.Definition] = []
        for key in sorted(found, key=lambda key: prefix + key):
            if key in ignored:
                continue
            shown = prefix + key
            if shown in names and columns[names.index(shown)] is not None:
                if conflict == "keep_source":
                    continue
                if conflict == "error":
                    hint = "columnsConflict='replace_source' or 'keep_source', or a prefix"
                    self.unsupported(f"bag_unpack with two columns named {shown!r}", node.call.span, hint)
            picked: ir.Expr = call_form(registered("op_key"), (bag, ir.Const(_TEXT, key)))
            kind = found[key]
            value = picked if kind is _DYNAMIC else self.convert(picked, kind)
            column = self.fresh(shown, value)
            computed.append((column, value))
            if shown in names:
                columns[names.index(shown)] = column
            else:
                added.append(column)
        kept = (*(c for c in columns if c is not None), *added)
        return replace(rows, plan=ir.Extend(rows.plan, tuple(computed)), columns=kept)

    def _slots(self, node: tree.Evaluate, rows: ir.Rows, bag: ir.Col) -> dict[str, KqlType]:
        """The keys of all bags with the one type of their values, dynamic where types differ."""
        shape = call_form(plugin_functions()[0], (ir.Ref(bag),))
        column = self.fresh("shape", shape)
        asked = ir.Rows(ir.Aggregate(rows.plan, ((column, shape),), ()), (column,))
        hint = "declare the columns: evaluate bag_unpack(d) : (a: long, b: string)"
        kinds: dict[str, set[str]] = {}
        for (text,) in self.learnt(asked, node.call.span, hint):
            for key, kind in json.loads(text or "[]"):
                kinds.setdefault(key, set()).add(kind)
        if len(kinds) > MOST_LEARNT:
            self.unsupported(f"bag_unpack into more than {MOST_LEARNT} columns", node.call.span, hint)
        found: dict[str, KqlType] = {}
        for key, listed in kinds.items():
            known = listed - {"null"}
            if "written" in known or not known or known == {"long", "real"}:
                self.unsupported(f"bag_unpack of {key!r}, whose type is not plain,", node.call.span, hint)
            found[key] = KqlType(next(iter(known))) if len(known) == 1 else _DYNAMIC
        return found

    def _as_declared(self, node: tree.Evaluate, rows: ir.Rows, bag: ir.Col, prefix: str) -> ir.Rows:
        columns: list[ir.Col] = [c for c in rows.columns if c.id != bag.id] if node.keeps else []
        computed: list[ir.Definition] = []
        for declared in node.columns:
            known = rows.find(declared.name)
            if known is not None and known.id != bag.id:
                if known not in columns:
                    columns.append(known)
                continue
            key = ir.Const(_TEXT, declared.name.removeprefix(prefix))
            picked: ir.Expr = call_form(registered("op_key"), (ir.Ref(bag), key))
            value = picked if declared.type is _DYNAMIC else self.convert(picked, declared.type)
            column = self.fresh(declared.name, value)
            computed.append((column, value))
            columns.append(column)
        return replace(rows, plan=ir.Extend(rows.plan, tuple(computed)), columns=tuple(columns))

    def _pivot(self, node: tree.Evaluate, rows: ir.Rows, place: Place) -> ir.Rows:
        """`pivot(column, aggregate, others)`: a column for every value of a column."""
        span, arguments = node.call.span, [argument.value for argument in node.call.arguments]
        if not arguments or not isinstance(arguments[0], tree.Name):
            self.fail("pivot takes a column, an aggregate and the columns to keep", span)
        turned, rest = arguments[0], arguments[1:]
        by = self.expression(turned, place)
        call = tree.Call(span, "count", ())
        if rest and isinstance(rest[0], tree.Call):
            call, rest = rest[0], rest[1:]
        conditional = (_PIVOTED | _AVERAGED).get(call.name)
        if conditional is None:
            hint = f"pivot takes {', '.join(f'{name}()' for name in sorted(_PIVOTED | _AVERAGED))}"
            self.unsupported(f"pivot with {call.name}()", call.span, hint)
        used = {a.value.text for a in call.arguments if isinstance(a.value, tree.Name)} | {turned.text}
        kept = rest or [tree.Name(span, c.name) for c in rows.columns if c.name not in used]
        text = self.as_text(by)
        column = self.fresh("value", text)
        asked = ir.Rows(ir.Aggregate(rows.plan, ((column, text),), ()), (column,))
        if node.columns:
            taken = {name.text for name in kept if isinstance(name, tree.Name)}
            values = [c.name for c in node.columns if c.name not in taken]
        else:
            hint = "declare the columns: evaluate pivot(c) : (a: string, x: long)"
            values = sorted(str(value) for (value,) in self.learnt(asked, span, hint))
        if len(values) > MOST_LEARNT or "" in values:
            self.unsupported("pivot of a column with empty or very many values", span, "filter it before")
        plan = ir.Extend(rows.plan, ((column, text),))
        turned_rows = replace(rows, plan=plan, columns=(*rows.columns, column.named("$pivot")))
        aggregates = []
        for value in values:
            test = tree.Binary(span, "==", tree.Name(span, "$pivot"), tree.Literal(span, _TEXT, value))
            first = () if call.name == "count" else call.arguments[:1]
            counted = tree.Call(
                call.span, conditional, (*first, tree.Argument(span, test), *call.arguments[1:])
            )
            aggregates.append(tree.Named(span, (value,), counted))
            if call.name in _AVERAGED:
                there = tree.Call(span, "countif", (tree.Argument(span, test),))
                aggregates.append(tree.Named(span, (f"$rows {value}",), there))
        keys = tuple(tree.Named(name.span, (), name) for name in kept)
        node_of = tree.Summarize(span, tuple(aggregates), keys)
        found = self.summarize(node_of, turned_rows, replace(place, columns=turned_rows.columns))
        return self._averages(found, call, len(kept)) if call.name in _AVERAGED else found

    def _averages(self, rows: ir.Rows, call: tree.Call, kept: int) -> ir.Rows:
        """The columns kept, and the averages where there are rows to them."""
        columns, computed = list(rows.columns[:kept]), []
        for value, count in zip(rows.columns[kept::2], rows.columns[kept + 1 :: 2], strict=True):
            if value.type is not KqlType.REAL:
                self.unsupported(f"pivot with {call.name}() of no number", call.span)
            checked = call_form(plugin_functions()[1], (ir.Ref(value), ir.Ref(count)))
            column = self.fresh(value.name, checked)
            computed.append((column, checked))
            columns.append(column)
        return replace(rows, plan=ir.Extend(rows.plan, tuple(computed)), columns=tuple(columns))

    def _narrow(self, node: tree.Evaluate, rows: ir.Rows, _: Place) -> ir.Rows:
        """`narrow()`: a row for every cell, with the number of its row and the name of its column."""
        if node.call.arguments:
            self.fail("narrow takes nothing", node.call.span)
        ordered = self.serialized(rows)
        number = ir.Col(next(self.numbers), "", _LONG, nullable=False, reach=2**53)
        window = ir.Window("row_number", (), _LONG, ordered.order, nullable=False, reach=2**53)
        plan: ir.Plan = ir.Extend(ordered.plan, ((number, window),))
        pack = registered("pack_array")
        listed = call_form(pack, tuple(self.as_json(ir.Const(_TEXT, c.name)) for c in rows.columns))
        cells = call_form(pack, tuple(self.as_json(self.as_text(ir.Ref(c))) for c in rows.columns))
        name, cell = self.new_column("", _DYNAMIC), self.new_column("", _DYNAMIC)
        index = ir.Col(next(self.numbers), "", _LONG, nullable=False, reach=2**31)
        plan = ir.Expand(plan, ((name, listed), (cell, cells)), index)
        row = self.arithmetic("-", ir.Ref(number), ir.Const(_LONG, 1), node.span)
        values = (("Row", row), ("Column", self.as_text(ir.Ref(name))), ("Value", self.as_text(ir.Ref(cell))))
        computed = tuple((self.fresh(shown, value), value) for shown, value in values)
        order = tuple(ir.OrderKey(c, descending=False, nulls_first=True) for c in (number, index))
        return ir.Rows(ir.Extend(plan, computed), tuple(c for c, _ in computed), order)

    def _rows_near(self, node: tree.Evaluate, rows: ir.Rows, place: Place) -> ir.Rows:
        """`rows_near(condition, before, after)`: the rows around those for which a condition holds."""
        arguments = node.call.arguments
        if len(arguments) not in {2, 3}:
            self.fail("rows_near takes a condition and how many rows before and after", node.call.span)
        if not rows.order:
            self.fail("rows_near() needs rows in an order", node.call.span, "put sort or serialize before it")
        condition = self.condition(arguments[0].value, place)
        before = self._count(arguments[1].value, place)
        after = self._count(arguments[2].value, place) if len(arguments) > 2 else before  # noqa: PLR2004 - the third
        held = ir.Window(
            "count_true", (condition,), _LONG, rows.order, running=True, nullable=False, reach=2**53
        )
        count = self.fresh("", held)
        plan: ir.Plan = ir.Extend(rows.plan, ((count, held),))
        zero = ir.Const(_LONG, 0)
        last = ir.Window("max", (ir.Ref(count),), _LONG, (), reach=2**53)
        total = self.fresh("", last)
        plan = ir.Extend(plan, ((total, last),))
        # Those before it see the condition in the rows that follow them, so the two distances change places.
        upto = ir.Window("lead", (ir.Ref(count), before, ir.Ref(total)), _LONG, rows.order, reach=2**53)
        since = ir.Window(
            "lag", (ir.Ref(count), self.arithmetic("+", after, ir.Const(_LONG, 1), node.span), zero), _LONG,
            rows.order, reach=2**53,
        )  # fmt: skip
        high, low = self.fresh("", upto), self.fresh("", since)
        plan = ir.Extend(plan, ((high, upto), (low, since)))
        near = self.compare(">", ir.Ref(high), ir.Ref(low), node.span)
        return replace(rows, plan=ir.Filter(plan, near))

    def _ipv4_lookup(self, node: tree.Evaluate, rows: ir.Rows, place: Place) -> ir.Rows:
        """`ipv4_lookup(table, address, network)`: the rows of a table whose network holds an address."""
        named = {a.name: a.value for a in node.call.arguments if a.name}
        given = [a.value for a in node.call.arguments if not a.name]
        unmatched = given[3] if len(given) > 3 else named.pop("return_unmatched", None)  # noqa: PLR2004 - the fourth
        if named or not 3 <= len(given) <= 4:  # noqa: PLR2004 - three and the option
            hint = "ipv4_lookup(table, address, network, return_unmatched)"
            self.unsupported("ipv4_lookup with more keys", node.call.span, hint)
        source = given[0]
        pipeline = source if isinstance(source, tree.Pipeline) else tree.Pipeline(source.span, source, ())
        right = self.renumbered(self.pipeline(pipeline, Place((), place.names)))
        address = self.as_text(self.expression(given[1], place))
        network = self.as_text(self.expression(given[2], Place(right.columns, place.names)))
        one = ir.Const(_LONG, 1)
        match = call_form(registered("ipv4_is_match"), (address, network))
        if self._constant(unmatched, place, "0") == "0":
            plan: ir.Plan = ir.Filter(ir.Join(rows.plan, right.plan, "inner", ((one, one),)), match)
            return ir.Rows(plan, beside(rows.columns, right.columns))
        number = ir.Col(next(self.numbers), "", _LONG, nullable=False, reach=2**53)
        window = ir.Window("row_number", (), _LONG, (), nullable=False, reach=2**53)
        left = ir.Extend(rows.plan, ((number, window),))
        paired = ir.Filter(ir.Join(left, right.plan, "inner", ((one, one),)), match)
        kept = ir.Rows(paired, (number, *right.columns))
        found = self.renumbered(kept)
        plan = ir.Join(left, found.plan, "left", ((ir.Ref(number), ir.Ref(found.columns[0])),))
        plan, padded = self._padded(plan, found.columns[1:])
        return ir.Rows(plan, beside(rows.columns, padded))


_PLUGINS: Final[dict[str, Callable[[PluginBinder, tree.Evaluate, ir.Rows, Place], ir.Rows]]] = {
    "bag_unpack": PluginBinder._bag_unpack,  # noqa: SLF001 - the table belongs to the class
    "pivot": PluginBinder._pivot,  # noqa: SLF001 - as above
    "ipv4_lookup": PluginBinder._ipv4_lookup,  # noqa: SLF001 - as above
    "narrow": PluginBinder._narrow,  # noqa: SLF001 - as above
    "rows_near": PluginBinder._rows_near,  # noqa: SLF001 - as above
}
