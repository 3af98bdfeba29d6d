"""Binding function calls: special forms, the query's own functions, and the catalogue by its signatures."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from sentinel.model.tables import KqlType
from sentinel.query import ir, tree
from sentinel.query.bind_context import FunctionLet, Names, Place, RowsLet, ScalarLet
from sentinel.query.bind_expressions import NUMBERS, WHOLE, call_form, registered
from sentinel.query.bind_forms import Parts, element, forms, several
from sentinel.query.bind_lists import ListBinder
from sentinel.query.bind_specials import specials
from sentinel.query.catalogue import SYNONYMS, scalars
from sentinel.query.kusto_names import KUSTO_FUNCTIONS
from sentinel.query.naming import AGGREGATE_NAMES
from sentinel.query.scalar import Parameter, Scalar, Wide
from sentinel.query.signatures import arity, written_signatures

_REFUSED: Final = frozenset(
    [
        "cluster",
        "database",
        "workspace",
        "app",
        "adx",
        "arg",
        "external_table",
        "externaldata",
        "http_request",
        "http_request_post",
        "sql_request",
        "ai_embed_text",
        "ai_chat_completion_prompt",
        "rand",
        "new_guid",
        "current_principal",
        "current_database",
        "cosmosdb_sql_request",
        "mysql_request",
        "postgresql_request",
        "stored_query_result",
        "cursor_after",
        "cursor_current",
        "ingestion_time",
        "extent_id",
        "current_principal_details",
        "current_cluster_endpoint",
        "table",
        "materialized_view",
    ]
)
_NARROW: Final = frozenset({"hash", "hash_xxhash64", "series_seasonal"})
"""Functions that Kusto gives more types than are answered here."""
_LONG, _REAL, _BOOL, _TEXT = KqlType.LONG, KqlType.REAL, KqlType.BOOL, KqlType.STRING


def _cost(value: ir.Expr, wanted: Parameter) -> int | None:
    """How far a value is from a parameter, `None` if it does not fit."""
    if isinstance(wanted, Wide):
        return 3
    if value.type is wanted:
        return 0
    if isinstance(value, ir.Const) and value.value is None:
        return 1
    steps = {
        (KqlType.INT, _LONG): 1,
        (KqlType.INT, _REAL): 2,
        (_LONG, _REAL): 2,
        (_LONG, KqlType.INT): 3,
        (KqlType.INT, KqlType.DECIMAL): 3,
        (_LONG, KqlType.DECIMAL): 3,
        (_REAL, KqlType.DECIMAL): 4,
        (KqlType.DYNAMIC, _TEXT): 4,
        (KqlType.DYNAMIC, _LONG): 5,
        (KqlType.DYNAMIC, _REAL): 6,
        (KqlType.GUID, _TEXT): 4,
    }
    return steps.get((value.type, wanted))


def _takes(form: Scalar, count: int) -> tuple[Parameter, ...] | None:
    """The parameters for a number of arguments, `None` if there cannot be so many."""
    if form.repeats and count >= len(form.takes) - form.optional:
        return (*form.takes, *(form.takes[-1],) * (count - len(form.takes)))[:count]
    return form.takes[:count] if len(form.takes) - form.optional <= count <= len(form.takes) else None


class CallBinder(ListBinder):
    """Binds calls; windows and tables are left to the whole binder."""

    def window(self, node: tree.Call, place: Place) -> ir.Expr | None:
        """A window function; provided by the whole binder."""
        raise NotImplementedError

    def aggregate(self, node: tree.Call, place: Place) -> ir.Expr:
        """An aggregate in a summarize; provided by the whole binder."""
        raise NotImplementedError

    def call(self, node: tree.Call, place: Place) -> ir.Expr:
        """A function call."""
        own = place.names.find(node.name)
        if isinstance(own, FunctionLet):
            return self._own_function(node, own, place)
        name = SYNONYMS.get(node.name, node.name)
        if place.aggregates is not None and (node.name in AGGREGATE_NAMES):
            return self.aggregate(node, place)
        self.counted(node, written_signatures().get(name, ()))
        if name == "toscalar":
            return self._toscalar(node, place)
        if name == "pack_all":
            return self._pack_all(node, place)
        window = self.window(node, place)
        if window is not None:
            return window
        form = forms().get(name)
        if form is not None:
            return form(self, node, place)
        args = tuple(self.expression(argument.value, place) for argument in node.arguments)
        special = specials().get(name)
        if special is not None:
            return special(self, node, args)
        return self.resolve(node, name, args)

    def counted(self, node: tree.Call, signatures: tuple[str, ...]) -> None:
        """Fail if a function is called with fewer or more arguments than it takes."""
        count = len(node.arguments)
        odd = "key, value" in "".join(signatures) and count % 2
        if odd or any(not least <= count <= most for least, most in map(arity, signatures)):
            self.fail(f"this is not how {node.name}() is called", node.span, " or ".join(signatures))

    def several(self, node: tree.Expression, place: Place) -> Parts | None:
        """The results of a function that gives several, `None` if it is no such function."""
        return several(self, node, place)

    def element(self, node: tree.Index, place: Place) -> ir.Expr | None:
        """One of the results of a function that gives several, `None` if it is no such function."""
        return element(self, node, place)

    def resolve(self, node: tree.Call, name: str, args: tuple[ir.Expr, ...]) -> ir.Expr:
        """A call of the catalogue's form that fits best."""
        forms = scalars().get(name, ())
        if not forms or node.name.startswith("op_"):
            self._no_function(node)
        best: tuple[int, Scalar, tuple[Parameter, ...]] | None = None
        for form in forms:
            wanted = _takes(form, len(args))
            if wanted is None:
                continue
            costs = [_cost(arg, want) for arg, want in zip(args, wanted, strict=True)]
            if None in costs:
                continue
            total = sum(cost for cost in costs if cost is not None)
            if best is None or total < best[0]:
                best = (total, form, wanted)
        if best is None:
            given = ", ".join(arg.type for arg in args)
            if name in _NARROW and args:
                self.unsupported(f"{node.name}() of ({given})", node.span)
            self.fail(f"{node.name}() does not take ({given})", node.span)
        return call_form(best[1], tuple(map(self._argument, args, best[2])))

    def _argument(self, value: ir.Expr, wanted: Parameter) -> ir.Expr:
        if wanted is Wide.TEXT:
            return self.as_text(value)
        if wanted is Wide.JSON:
            return self.as_json(value)
        return value if isinstance(wanted, Wide) else self.convert(value, wanted)

    def _no_function(self, node: tree.Call) -> None:
        if node.name in AGGREGATE_NAMES:
            self.fail(f"{node.name}() is an aggregate; it stands in summarize", node.span)
        if node.name in _REFUSED or node.name in KUSTO_FUNCTIONS:
            self.unsupported(f"the function {node.name}()", node.span)
        known = [name for name in (*scalars(), *specials(), *SYNONYMS) if not name.startswith("op_")]
        self.unknown("function", node.name, known, node.span)

    def _own_function(self, node: tree.Call, own: FunctionLet, place: Place) -> ir.Expr:
        names = self.function_names(node, own, place)
        body = own.function.body
        inner = Place((), names)
        for let in own.function.lets:
            inner = self.with_let(let, inner)
        if body.operators or isinstance(body.source, tree.SourceOperator):
            self.fail(
                f"{node.name}() gives a table, not a value", node.span, "toscalar(...) takes its first value"
            )
        return self.expression(body.source, inner)

    def with_let(self, let: tree.Let, place: Place) -> Place:
        """The place behind a let; provided by the whole binder."""
        raise NotImplementedError

    def function_names(self, node: tree.Call, own: FunctionLet, place: Place) -> Names:
        """The parameters of a function of the query, given their arguments."""
        self.step(node.span)
        names = own.names
        given = {a.name: a.value for a in node.arguments if a.name}
        positional = {at: a.value for at, a in enumerate(node.arguments) if not a.name}
        if len(node.arguments) > len(own.function.parameters):
            self.fail(f"{node.name}() takes {len(own.function.parameters)} arguments", node.span)
        for at, parameter in enumerate(own.function.parameters):
            value = positional.get(at, given.get(parameter.name, parameter.default))
            if value is None:
                self.fail(f"{node.name}() needs {parameter.name!r}", node.span)
            names = names.with_name(parameter.name, self._parameter(parameter, value, place))
        return names

    def _parameter(
        self, parameter: tree.Parameter, value: tree.Expression, place: Place
    ) -> ScalarLet | RowsLet:
        if parameter.type is None:
            pipeline = value if isinstance(value, tree.Pipeline) else tree.Pipeline(value.span, value, ())
            rows = self.pipeline(pipeline, place)
            for declared in parameter.columns:
                column = rows.find(declared.name)
                if column is None or (
                    column.type is not declared.type and not {column.type, declared.type} <= WHOLE
                ):
                    self.fail(f"the table lacks a column {declared.name}: {declared.type}", value.span)
            return RowsLet(rows)
        bound = self.expression(value, place)
        if bound.type is not parameter.type and _cost(bound, parameter.type) is None:
            self.fail(f"{parameter.name!r} is a {parameter.type}, not a {bound.type}", value.span)
        return ScalarLet(self.convert(bound, parameter.type))

    def _toscalar(self, node: tree.Call, place: Place) -> ir.Expr:
        if len(node.arguments) != 1:
            self.fail("toscalar() takes one query", node.span)
        value = node.arguments[0].value
        pipeline = value if isinstance(value, tree.Pipeline) else None
        if pipeline is None and isinstance(value, tree.Name | tree.Call):
            found = place.names.find(value.text if isinstance(value, tree.Name) else value.name)
            tabular = found is not None and not isinstance(found, ScalarLet | FunctionLet)
            if tabular or (isinstance(value, tree.Name) and found is None and value.text in self.tables):
                pipeline = tree.Pipeline(value.span, value, ())
        if pipeline is None:
            return self.expression(value, place)
        rows = self.pipeline(pipeline, Place((), place.names))
        if not rows.columns:
            self.fail("toscalar() asks a query without columns", node.span)
        column = rows.columns[0]
        if column.type is _TEXT:
            column_value: ir.Expr = ir.ScalarQuery(rows.plan, column, rows.order)
            return ir.Call("coalesce", (column_value, ir.Const(_TEXT, "")), _TEXT, nullable=False)
        return ir.ScalarQuery(rows.plan, column, rows.order)

    def _pack_all(self, node: tree.Call, place: Place) -> ir.Expr:
        sparse = [self.expression(argument.value, place) for argument in node.arguments]
        if not all(isinstance(one, ir.Const) for one in sparse):
            self.fail("pack_all() takes a constant", node.arguments[0].span)
        parts = [part for c in place.columns for part in (ir.Const(_TEXT, c.name), ir.Ref(c))]
        name = (
            "op_pack_sparse" if any(isinstance(one, ir.Const) and one.value for one in sparse) else "bag_pack"
        )
        return call_form(registered(name), tuple(map(self.as_json, parts)))

    def common_type(self, values: Sequence[ir.Expr], node: tree.Call) -> tuple[ir.Expr, ...]:
        """Values in the one type they can all have."""
        kinds = {value.type for value in values if not (isinstance(value, ir.Const) and value.value is None)}
        if len(kinds) <= 1:
            kind = next(iter(kinds), values[0].type)
        elif kinds <= NUMBERS:
            kind = next(k for k in (KqlType.DECIMAL, _REAL, _LONG) if k in kinds or k is _LONG)
        elif KqlType.DYNAMIC in kinds:
            return tuple(self.as_json(value) for value in values)
        else:
            self.fail(f"{node.name}() cannot mix {' and '.join(sorted(kinds))}", node.span)
        return tuple(self._widened(self.convert(value, kind), kind) for value in values)

    @staticmethod
    def _widened(value: ir.Expr, kind: KqlType) -> ir.Expr:
        """An int among longs is a long."""
        if kind is not _LONG or value.type is not KqlType.INT:
            return value
        return ir.Call("same", (value,), _LONG, value.nullable, value.wild, value.reach)
