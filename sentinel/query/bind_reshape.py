"""Binding the operators that join, combine, expand and parse."""

from __future__ import annotations

import fnmatch
import json
from dataclasses import replace

from sentinel.errors import Span
from sentinel.model.tables import KqlType
from sentinel.query import ir, tree
from sentinel.query.bind_context import FunctionLet, Place, beside, unique_name
from sentinel.query.bind_expressions import call_form, registered
from sentinel.query.bind_operators import OperatorBinder
from sentinel.query.functions_parse import parse_functions

_TEXT, _LONG, _DYNAMIC = KqlType.STRING, KqlType.LONG, KqlType.DYNAMIC
_MOST_EXPANDED = 6


class ReshapeBinder(OperatorBinder):
    """Binds one operator: rows in, rows out."""

    def join(self, node: tree.Join, rows: ir.Rows, place: Place) -> ir.Rows:
        """`join` and `lookup`."""
        right = self.renumbered(self.pipeline(node.right, Place((), place.names)))
        pairs, keys = self._join_pairs(node, rows, right, place)
        kind = {"anti": "leftanti", "leftantisemi": "leftanti", "rightantisemi": "rightanti"}.get(
            node.kind, node.kind
        )
        if kind in {"leftsemi", "leftanti"}:
            return ir.Rows(ir.Join(rows.plan, right.plan, kind[4:], pairs), rows.columns)
        if kind in {"rightsemi", "rightanti"}:
            flipped = tuple((b, a) for a, b in pairs)
            return ir.Rows(ir.Join(right.plan, rows.plan, kind[5:], flipped), right.columns)
        left_plan = self._one_row_a_key(rows, pairs) if kind == "innerunique" else rows.plan
        if kind == "rightouter":
            plan: ir.Plan = ir.Join(right.plan, left_plan, "left", tuple((b, a) for a, b in pairs))
        else:
            sql_kind = {"leftouter": "left", "fullouter": "full"}.get(kind, "inner")
            plan = ir.Join(left_plan, right.plan, sql_kind, pairs, right.order)
        left_columns, right_columns = rows.columns, right.columns
        if kind in {"leftouter", "fullouter"}:
            plan, right_columns = self._padded(plan, right_columns)
        if kind in {"rightouter", "fullouter"}:
            plan, left_columns = self._padded(plan, left_columns)
        shown = [
            column for column, own in zip(right_columns, right.columns, strict=True)
            if not (node.lookup and own.id in keys)
        ]  # fmt: skip
        return ir.Rows(plan, beside(left_columns, shown))

    def _one_row_a_key(self, rows: ir.Rows, pairs: tuple[tuple[ir.Expr, ir.Expr], ...]) -> ir.Plan:
        keys = tuple((self.fresh("", left), left) for left, _ in pairs)
        kept = tuple((column, ir.Aggregation("bare", (ir.Ref(column),))) for column in rows.columns)
        return ir.Aggregate(rows.plan, keys, kept)

    def _padded(self, plan: ir.Plan, columns: tuple[ir.Col, ...]) -> tuple[ir.Plan, tuple[ir.Col, ...]]:
        """Columns of a side that may be missing: texts are empty then, the rest null."""
        padded: list[ir.Col] = []
        computed: list[ir.Definition] = []
        for column in columns:
            if column.type is _TEXT:
                value = ir.Call("coalesce", (ir.Ref(column), ir.Const(_TEXT, "")), _TEXT, nullable=False)
            else:
                value = ir.Call("same", (ir.Ref(column),), column.type, True, column.wild, column.reach)
            found = self.fresh(column.name, value)
            computed.append((found, value))
            padded.append(found)
        return ir.Extend(plan, tuple(computed)), tuple(padded)

    def _join_pairs(
        self, node: tree.Join, rows: ir.Rows, right: ir.Rows, place: Place
    ) -> tuple[tuple[tuple[ir.Expr, ir.Expr], ...], set[int]]:
        pairs: list[tuple[ir.Expr, ir.Expr]] = []
        keys: set[int] = set()
        for condition in self._conjuncts(node.conditions):
            a, b = self._join_pair(condition, rows, right, place)
            if isinstance(b, ir.Ref):
                keys.add(b.col.id)
            both = {a.type, b.type}
            if len(both) > 1 and not both <= {KqlType.INT, _LONG}:
                self.fail(
                    f"a {a.type} cannot be joined on a {b.type}", condition.span, "convert one of them before"
                )
            if a.type in {_DYNAMIC, KqlType.DECIMAL}:
                self.fail(
                    f"rows cannot be joined on a {a.type}", condition.span, "tostring(...) makes a text"
                )
            pairs.append((a, b))
        return tuple(pairs), keys

    def _conjuncts(self, conditions: tuple[tree.Expression, ...]) -> list[tree.Expression]:
        """The conditions one by one, also those joined by `and`."""
        found: list[tree.Expression] = []
        for one in conditions:
            if isinstance(one, tree.Binary) and one.operator == "and":
                found.extend(self._conjuncts((one.left, one.right)))
            else:
                found.append(one)
        return found

    def _join_pair(
        self, condition: tree.Expression, rows: ir.Rows, right: ir.Rows, place: Place
    ) -> tuple[ir.Expr, ir.Expr]:
        sides = {"$left": rows.columns, "$right": right.columns}
        at = Place((), place.names, sides)
        if isinstance(condition, tree.Name):
            left_side = tree.Member(condition.span, tree.Name(condition.span, "$left"), condition.text)
            right_side = tree.Member(condition.span, tree.Name(condition.span, "$right"), condition.text)
            return self.expression(left_side, at), self.expression(right_side, at)
        if isinstance(condition, tree.Binary) and condition.operator == "==":
            first, second = condition.left, condition.right
            if self._side(first) == "$right" and self._side(second) == "$left":
                first, second = second, first
            if self._side(first) == "$left" and self._side(second) == "$right":
                return self.expression(first, at), self.expression(second, at)
        return self.fail("a join is on a column, or on $left.a == $right.b", condition.span)

    @staticmethod
    def _side(node: tree.Expression) -> str:
        return node.of.text if isinstance(node, tree.Member) and isinstance(node.of, tree.Name) else ""

    def union(self, node: tree.Union, rows: ir.Rows | None, place: Place) -> ir.Rows:
        """`union tables`."""
        parts: list[tuple[str, ir.Rows]] = [(rows.label or "union_arg0", rows)] if rows is not None else []
        for table in node.tables:
            parts.extend(self._union_parts(table, place, len(parts), fuzzy=node.fuzzy))
        if not parts:
            self.fail("there is no such table", node.span)
        return self.combined(parts, node.span, inner=node.kind == "inner", source=node.source_column)

    def _union_parts(
        self, table: tree.TableArgument, place: Place, at: int, *, fuzzy: bool
    ) -> list[tuple[str, ir.Rows]]:
        if table.pipeline is None:
            return self.matching_tables(table, place, fuzzy=fuzzy)
        source = table.pipeline.source
        if fuzzy and isinstance(source, tree.Name) and self._is_unknown(source.text, place):
            return []
        name = f"union_arg{at}"
        if (
            isinstance(source, tree.Name)
            and not table.pipeline.operators
            and self.is_table(source.text, place)
        ):
            name = source.text
        rows = self.pipeline(table.pipeline, Place((), place.names))
        return [(rows.label or name, rows)]

    @staticmethod
    def is_table(name: str, place: Place) -> bool:
        """Whether a name is that of a table or of a function of the query, and not given to rows of the query."""
        return isinstance(place.names.find(name), FunctionLet | None)

    def _is_unknown(self, name: str, place: Place) -> bool:
        return place.names.find(name) is None and name not in self.tables

    def matching_tables(
        self, table: tree.TableArgument, place: Place, *, fuzzy: bool = False
    ) -> list[tuple[str, ir.Rows]]:
        """The tables and views a pattern with `*` stands for."""
        known = dict.fromkeys((*sorted(self.tables), *sorted(place.names.views())))
        found = [name for name in known if fnmatch.fnmatchcase(name, table.pattern)]
        if not found and not fuzzy:
            self.fail(f"there is no table like {table.pattern!r}", table.span)
        named = (tree.Pipeline(table.span, tree.Name(table.span, name), ()) for name in found)
        return [
            (name, self.pipeline(one, Place((), place.names))) for name, one in zip(found, named, strict=True)
        ]

    def combined(self, parts: list[tuple[str, ir.Rows]], span: Span, *, inner: bool, source: str) -> ir.Rows:
        """All rows of several tables, columns matched by name and type."""
        kinds: dict[str, list[KqlType]] = {}
        for _, rows in parts:
            for column in rows.columns:
                listed = kinds.setdefault(column.name, [])
                if column.type not in listed:
                    listed.append(column.type)
        if inner:
            kinds = self._in_all(kinds, parts, span)
        wanted = [(name, kind) for name, types in kinds.items() for kind in types]
        outputs: list[ir.Col] = []
        values: list[list[ir.Expr]] = [[] for _ in parts]
        if source in kinds:
            self.fail(f"one of the tables has a column {source!r} already", span)
        if source:
            outputs.append(self.new_column(source, _TEXT))
            for at, (name, _) in enumerate(parts):
                values[at].append(ir.Const(_TEXT, name))
        for name, kind in wanted:
            shown = name if len(kinds[name]) == 1 else unique_name(f"{name}_{kind}", kinds)
            found = [
                c if (c := rows.find(name)) is not None and c.type is kind else None for _, rows in parts
            ]
            present = [c for c in found if c is not None]
            nullable = len(present) < len(found) or any(c.nullable for c in present)
            column = self.new_column(shown, kind, nullable=nullable, wild=any(c.wild for c in present))
            outputs.append(replace(column, reach=max(c.reach for c in present)))
            empty = ir.Const(kind, "" if kind is _TEXT else None)
            for at, one in enumerate(found):
                values[at].append(ir.Ref(one) if one is not None else empty)
        plan = ir.Union(tuple(rows.plan for _, rows in parts), tuple(outputs), tuple(map(tuple, values)))
        return ir.Rows(plan, tuple(outputs))

    def _in_all(
        self, kinds: dict[str, list[KqlType]], parts: list[tuple[str, ir.Rows]], span: Span
    ) -> dict[str, list[KqlType]]:
        """The columns that every table has."""
        shared = {
            name: types for name, types in kinds.items()
            if all(rows.find(name) is not None for _, rows in parts)
        }  # fmt: skip
        for name, types in shared.items():
            if len(types) > 1:
                self.unsupported(
                    f"an inner union with {name!r} of several types", span, "convert them before"
                )
        return shared

    def mv_apply(self, node: tree.MvExpand, rows: ir.Rows, place: Place) -> ir.Rows:
        """`mv-apply items on (operators)`; provided by the whole binder."""
        raise NotImplementedError

    def mv_expand(self, node: tree.MvExpand, rows: ir.Rows, place: Place) -> ir.Rows:
        """`mv-expand items`."""
        if node.body is not None:
            return self.mv_apply(node, rows, place)
        if len(node.items) > _MOST_EXPANDED:
            self.unsupported(f"mv-expand of more than {_MOST_EXPANDED} columns", node.span)
        rows = self.serialized(rows) if node.limit is not None or rows.order else rows
        columns = list(rows.columns)
        expanded: list[ir.Definition] = []
        converted: list[ir.Definition] = []
        for item in node.items:
            value = self.expression(item.value, place)
            if value.type is not _DYNAMIC:
                self.fail(
                    f"mv-expand takes a dynamic, not a {value.type}", item.span, "parse_json(...) makes one"
                )
            one = self.new_column("", _DYNAMIC)
            expanded.append((one, value))
            result: ir.Expr = ir.Ref(one)
            if item.type is not None and item.type is not _DYNAMIC:
                result = self._typed_element(result, item.type)
            shown = self._expanded_name(item, columns)
            column = self.fresh(shown, result)
            converted.append((column, result))
            names = [c.name for c in columns]
            if shown in names:
                columns[names.index(shown)] = column
            else:
                columns.append(column)
        index = ir.Col(next(self.numbers), node.index_name, _LONG, nullable=False, reach=2**31)
        if node.index_name:
            columns.append(index)
        plan: ir.Plan = ir.Expand(rows.plan, tuple(expanded), index, node.bag_as_array)
        if node.limit is not None:
            limit = self._count(node.limit, place)
            plan = ir.Filter(plan, self.compare("<", ir.Ref(index), limit, node.span))
        plan = ir.Extend(plan, tuple(converted))
        order = (*rows.order, ir.OrderKey(index, descending=False, nulls_first=True)) if rows.order else ()
        return ir.Rows(plan, tuple(columns), order)

    def _typed_element(self, value: ir.Expr, kind: KqlType) -> ir.Expr:
        if kind is _TEXT:
            return self.as_text(value)
        return call_form(registered("op_element", kind.value), (value,))

    def _expanded_name(self, item: tree.ExpandItem, columns: list[ir.Col]) -> str:
        from sentinel.query.naming import argument_name

        return item.name or argument_name(item.value) or unique_name("Column1", (c.name for c in columns))

    def parse(self, node: tree.Parse, rows: ir.Rows, place: Place) -> ir.Rows:
        """`parse of with pieces`."""
        of = self.as_text(self.expression(node.of, place))
        declared = [piece.column for piece in node.pieces if piece.column is not None]
        spec = {
            "kind": node.kind,
            "flags": node.flags,
            "pieces": [self._piece(piece) for piece in node.pieces],
        }
        form = next(f for f in parse_functions() if f.name == "op_parse")
        parsed = call_form(form, (ir.Const(_TEXT, json.dumps(spec)), of))
        found = self.new_column("", _DYNAMIC)
        plan: ir.Plan = ir.Extend(rows.plan, ((found, parsed),))
        if node.filters:
            plan = ir.Filter(plan, ir.Call("not_null", (ir.Ref(found),), KqlType.BOOL, nullable=False))
        return self.taken(plan, rows, found, declared)

    @staticmethod
    def _piece(piece: tree.ParsePiece) -> dict[str, str]:
        if piece.text is not None:
            return {"text": piece.text}
        return {"type": piece.column.type.value} if piece.column is not None else {}

    def taken(
        self, plan: ir.Plan, rows: ir.Rows, found: ir.Col, declared: list[tree.ColumnDeclaration]
    ) -> ir.Rows:
        """The rows with columns taken from the values of a parsed text."""
        columns = list(rows.columns)
        computed: list[ir.Definition] = []
        forms = {form.suffix: form for form in parse_functions() if form.name == "op_piece"}
        for at, column in enumerate(declared):
            value = call_form(forms[column.type.value], (ir.Ref(found), ir.Const(_LONG, at)))
            one = self.fresh(column.name, value)
            computed.append((one, value))
            names = [c.name for c in columns]
            if column.name in names:
                columns[names.index(column.name)] = one
            else:
                columns.append(one)
        return replace(rows, plan=ir.Extend(plan, tuple(computed)), columns=tuple(columns))
