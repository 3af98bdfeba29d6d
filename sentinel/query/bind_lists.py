"""Binding what compares a value with a list or a table of values."""

from __future__ import annotations

from dataclasses import replace

from sentinel.errors import Span
from sentinel.model.tables import KqlType
from sentinel.query import ir, tree
from sentinel.query.bind_context import Place, RowsLet, TabularLet
from sentinel.query.bind_expressions import ExpressionBinder, call_form, registered, truth
from sentinel.query.parse_expressions import LIST_OPERATORS


class ListBinder(ExpressionBinder):
    """Binds `in`, `has_any`, `has_all` and their kin."""

    def among(self, node: tree.Among, place: Place) -> ir.Expr:
        """`in`, `has_any` and their kin."""
        if node.operator not in LIST_OPERATORS:
            self.fail(f"{node.operator!r} takes no list", node.span)
        if isinstance(node.of, tree.Star):
            self.unsupported(f"* {node.operator}", node.span)
        of = self.expression(node.of, place)
        table = self._listed_table(node, place)
        if node.operator in {"has_any", "has_all"}:
            return self._terms(node, of, place, table)
        negated = node.operator.startswith("!")
        found = self._in_table(node, of, table) if table else self._in_items(node, of, place)
        return truth("not", found) if negated else found

    def _listed_table(self, node: tree.Among, place: Place) -> ir.Rows | None:
        if len(node.items) != 1:
            return None
        item = node.items[0]
        if isinstance(item, tree.Pipeline):
            return self.pipeline(item, place)
        if isinstance(item, tree.Name) and place.column(item.text) is None:
            found = place.names.find(item.text)
            if isinstance(found, TabularLet | RowsLet) or (found is None and item.text in self.tables):
                return self.pipeline(tree.Pipeline(item.span, item, ()), place)
        return None

    def _in_table(self, node: tree.Among, of: ir.Expr, table: ir.Rows) -> ir.Expr:
        if not table.columns:
            self.fail("'in' looks into a table without columns", node.span)
        column = table.columns[0]
        left, right = self.comparable(of, ir.Ref(column), node.span)
        if "~" in node.operator:
            left, right = self._folded(left), self._folded(right)
        key = self.fresh("key", right)
        return ir.InQuery(left, ir.Extend(table.plan, ((key, right),)), key)

    def _folded(self, value: ir.Expr) -> ir.Expr:
        return call_form(registered("op_fold"), (self.as_text(value),))

    def _in_items(self, node: tree.Among, of: ir.Expr, place: Place) -> ir.Expr:
        """Whether a value is one of a list: arrays, whole or within others, stand for their elements."""
        items = [self.expression(item, place) for item in node.items]
        plain = [item for item in items if item.type is not KqlType.DYNAMIC]
        test = registered("op_in_array", "folded" if "~" in node.operator else "")
        value = self.as_json(of)
        found = [call_form(test, (value, item)) for item in items if item.type is KqlType.DYNAMIC]
        if found and not plain:
            return found[0] if len(found) == 1 else truth("or", *found)
        if "~" in node.operator:
            equal = self._any_equal(self._folded(of), [self._folded(item) for item in plain], node.span)
        else:
            equal = self._any_equal(of, plain, node.span)
        return truth("or", *found, truth("is_true", equal)) if found else equal

    def _any_equal(self, of: ir.Expr, items: list[ir.Expr], span: Span) -> ir.Expr:
        if not items:
            return ir.Const(KqlType.BOOL, 0)
        tests = [self.compare("==", of, item, span) for item in items]
        plain = all(
            isinstance(t, ir.Call) and t.op == "==" and isinstance(t.args[1], ir.Const) and not t.args[1].nullable
            and t.args[0] is tests[0].args[0]
            for t in tests
            if isinstance(tests[0], ir.Call)
        )  # fmt: skip
        first = tests[0]
        if plain and isinstance(first, ir.Call):
            values = tuple(t.args[1] for t in tests if isinstance(t, ir.Call))
            return ir.Call("in", (first.args[0], *values), KqlType.BOOL, nullable=False, reach=1)
        return truth("or", *(truth("is_true", test) for test in tests))

    def _terms(self, node: tree.Among, of: ir.Expr, place: Place, table: ir.Rows | None) -> ir.Expr:
        if table is not None:
            lists = [self.column_as_array(table)]
        else:
            items = [self.expression(item, place) for item in node.items]
            lists = [item for item in items if item.type is KqlType.DYNAMIC]
            plain = tuple(self.as_json(item) for item in items if item.type is not KqlType.DYNAMIC)
            if plain:
                lists.append(call_form(registered("pack_array"), plain))
        test = registered(f"op_{node.operator}")
        text = self.as_text(of)
        found = [replace(call_form(test, (text, wanted)), nullable=False) for wanted in lists]
        if len(found) == 1:
            return found[0]
        return truth("and" if node.operator == "has_all" else "or", *found)

    def column_as_array(self, table: ir.Rows) -> ir.Expr:
        """The first column of a table as one array."""
        found = self.new_column("list", KqlType.DYNAMIC)
        values = self.as_json(ir.Ref(table.columns[0]))
        plan = ir.Aggregate(table.plan, (), ((found, ir.Aggregation("kql_agg_list", (values,))),))
        return ir.ScalarQuery(plan, found, ())
