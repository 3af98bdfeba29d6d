"""From a syntax tree to the typed form: names resolved, types known, columns in Kusto's order."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, Final

from sentinel.errors import Span
from sentinel.model.tables import KqlType, Table
from sentinel.query import ir, tree
from sentinel.query.bind_context import (
    FunctionLet,
    Names,
    PatternLet,
    Place,
    RowsLet,
    ScalarLet,
    TabularLet,
)
from sentinel.query.bind_expressions import NUMBERS
from sentinel.query.bind_nested import NestedBinder
from sentinel.query.probing import Probe, constant_rows

_ALWAYS: Final = frozenset({"TimeGenerated", "_IngestionTime"})
"""Columns every stored row has."""
_ELSEWHERE: Final = frozenset({"adx", "app", "arg", "cluster", "database", "resource", "workspace"})
"""Functions that name where a table is kept."""
_TEXT, _LONG, _REAL = KqlType.STRING, KqlType.LONG, KqlType.REAL


class Binder(NestedBinder):
    """Binds one query."""

    def __init__(self, text: str, tables: Mapping[str, Table], probe: Probe = constant_rows) -> None:
        super().__init__(text, tables, probe)
        self._shared: dict[tuple[int, int], tuple[Names, ir.Rows]] = {}

    def query(self, node: tree.Query, parameters: Mapping[str, KqlType]) -> ir.Bound:
        """The whole query, with the types of the parameters it is given."""
        place = Place((), self.given(parameters))
        for parameter in node.declared:
            place = replace(place, names=self._query_parameter(parameter, place.names, parameters))
        for let in node.lets:
            place = self.with_let(let, place)
        rows = self.pipeline(node.pipeline, place)
        if not rows.columns:
            self.fail("no column is left", node.pipeline.span)
        return ir.Bound(rows, self.visualization, tuple(self.read))

    @staticmethod
    def given(parameters: Mapping[str, KqlType]) -> Names:
        """The names of what a query is given from outside."""
        return Names({name: ScalarLet(ir.Input(kind, name)) for name, kind in parameters.items()})

    def _query_parameter(
        self, node: tree.Parameter, names: Names, parameters: Mapping[str, KqlType]
    ) -> Names:
        """The names with a declared parameter: what was given, or its default."""
        if node.type is None:
            self.fail("the parameters of a query are values", node.span)
        given = parameters.get(node.name)
        value: ir.Expr
        if given is not None:
            value = ir.Input(given, node.name)
        elif node.default is not None:
            value = self.expression(node.default, Place((), names))
        else:
            self.fail(f"the query needs the parameter {node.name!r}", node.span)
        if value.type is not node.type:
            value = self.convert(value, node.type)
        return names.with_name(node.name, ScalarLet(value))

    def with_let(self, let: tree.Let, place: Place) -> Place:
        """The place behind a let."""
        if isinstance(let.value, tree.Function):
            return replace(place, names=place.names.with_name(let.name, FunctionLet(let.value, place.names)))
        if isinstance(let.value, tree.Pattern):
            return replace(place, names=place.names.with_name(let.name, PatternLet(let.value, place.names)))
        if self._is_tabular(let.value, place):
            return replace(place, names=place.names.with_name(let.name, TabularLet(let.value, place.names)))
        value = self.expression(let.value, replace(place, columns=()))
        return replace(place, names=place.names.with_name(let.name, ScalarLet(value)))

    def _is_tabular(self, node: tree.Pipeline, place: Place) -> bool:
        source = node.source
        if node.operators or isinstance(source, tree.SourceOperator):
            return True
        if isinstance(source, tree.Pipeline):
            return True
        if isinstance(source, tree.Name):
            found = place.names.find(source.text)
            return isinstance(found, TabularLet | RowsLet) or (found is None and source.text in self.tables)
        if isinstance(source, tree.Call):
            found = place.names.find(source.name)
            if isinstance(found, FunctionLet):
                inner = Place((), self._shadowed(found))
                for let in found.function.lets:
                    if isinstance(let.value, tree.Function | tree.Pattern):
                        inner = self.with_let(let, inner)
                    elif self._is_tabular(let.value, inner):
                        inner = replace(
                            inner, names=inner.names.with_name(let.name, TabularLet(let.value, inner.names))
                        )
                return self._is_tabular(found.function.body, inner)
            return isinstance(found, PatternLet) or source.name in {"materialize", "view"}
        return isinstance(source, tree.Member) and self._is_tabular_member(source, place)

    def _is_tabular_member(self, node: tree.Member, place: Place) -> bool:
        called = node.of.name if isinstance(node.of, tree.Call) else ""
        return called in _ELSEWHERE or isinstance(place.names.find(called), PatternLet)

    def _shadowed(self, found: FunctionLet) -> Names:
        """The names inside a function, its parameters standing in for what is not known yet."""
        names = found.names
        for parameter in found.function.parameters:
            stand_in: ScalarLet | RowsLet
            if parameter.type is None:
                stand_in = RowsLet(ir.Rows(ir.Values((), ()), ()))
            else:
                stand_in = ScalarLet(ir.Const(parameter.type, None))
            names = names.with_name(parameter.name, stand_in)
        return names

    def pipeline(self, node: tree.Pipeline, place: Place) -> ir.Rows:
        """A source and its operators."""
        rows = self._source(node.source, place)
        names = place.names
        if node.operators and isinstance(node.source, tree.Name) and self.is_table(node.source.text, place):
            rows = replace(rows, label=node.source.text)
        for operator in node.operators:
            self.step(operator.span)
            if isinstance(operator, tree.As):
                names = names.with_name(operator.name, RowsLet(rows))
                rows = replace(rows, label=operator.name)
                continue
            windows: list[ir.Definition] = []
            at = Place(rows.columns, names, order=rows.order, windows=windows)
            bind = _OPERATORS.get(type(operator))
            if bind is None:
                self.unsupported("this operator", operator.span)
            rows = replace(bind(self, operator, rows, at), label="")
        return rows

    def _source(self, node: tree.Expression | tree.SourceOperator, place: Place) -> ir.Rows:  # noqa: C901, PLR0911 - a table of cases
        self.step(node.span)
        match node:
            case tree.Name():
                return self._named_table(node, place)
            case tree.Pipeline():
                return self.pipeline(node, place)
            case tree.Call():
                return self._tabular_call(node, place)
            case tree.Member(of=tree.Call() as call, name=path):
                return self._member_table(call, path, place)
            case tree.DataTable():
                return self._datatable(node, place)
            case tree.Print():
                return self._print(node, place)
            case tree.Range():
                return self._range(node, place)
            case tree.Union():
                return self.union(node, None, place)
            case tree.Search():
                return self.search(node, None, place)
            case tree.Find():
                return self.find(node, place)
            case _:
                return self.fail("this is not a table", node.span)

    def _named_table(self, node: tree.Name, place: Place) -> ir.Rows:
        found = place.names.find(node.text)
        if isinstance(found, RowsLet):
            return self.renumbered(found.rows)
        if isinstance(found, TabularLet):
            return self.pipeline(found.pipeline, Place((), found.names))
        if isinstance(found, FunctionLet) and not found.function.parameters:
            return self._tabular_call(tree.Call(node.span, node.text, ()), place)
        if found is not None:
            self.fail(f"{node.text!r} is a value, not a table", node.span)
        return self.table(node.text, node.span, place.names)

    def table(self, name: str, span: object, names: Names | None = None) -> ir.Rows:
        """A telemetry table."""
        table = self.tables.get(name)
        at = span if isinstance(span, Span) else Span(0, 0)
        if table is None:
            known = [*self.tables, *(names.all() if names is not None else ())]
            self.unknown("table", name, known, at)
        self.read.setdefault(name)
        columns = tuple(
            self.new_column(c.name, c.type, nullable=c.name not in _ALWAYS) for c in table.columns
        )
        return ir.Rows(ir.ScanTable(name, columns), columns)

    def _member_table(self, node: tree.Call, path: str, place: Place) -> ir.Rows:
        """`pattern(values).path`; tables of other places are refused."""
        found = place.names.find(node.name)
        if isinstance(found, PatternLet):
            return self._pattern(node, found, path, place)
        if node.name in _ELSEWHERE:
            self.unsupported(f"a table of another {node.name}", node.span, f"{path} alone is the table here")
        return self.fail("this is not a table", node.span)

    def _pattern(self, node: tree.Call, found: PatternLet, path: str, place: Place) -> ir.Rows:
        values: list[str] = []
        for argument in node.arguments:
            value = self.expression(argument.value, Place((), place.names))
            if not isinstance(value, ir.Const):
                self.fail("a pattern is chosen by constants", argument.span)
            values.append(str(value.value))
        for case in found.pattern.cases:
            if list(case.values) == values and case.path == path:
                names = found.names
                for parameter, text in zip(found.pattern.parameters, values, strict=False):
                    names = names.with_name(parameter.name, ScalarLet(ir.Const(_TEXT, text)))
                if found.pattern.path is not None:
                    names = names.with_name(found.pattern.path.name, ScalarLet(ir.Const(_TEXT, path)))
                inner = Place((), names)
                for let in case.body.lets:
                    inner = self.with_let(let, inner)
                return self.pipeline(case.body.body, inner)
        return self.fail(f"the pattern {node.name!r} has no such case", node.span)

    def _tabular_call(self, node: tree.Call, place: Place) -> ir.Rows:
        if node.name in {"materialize", "view"} and len(node.arguments) == 1:
            value = node.arguments[0].value
            pipeline = value if isinstance(value, tree.Pipeline) else tree.Pipeline(value.span, value, ())
            return self._materialized(node, pipeline, place)
        found = place.names.find(node.name)
        if isinstance(found, PatternLet):
            return self._pattern(node, found, "", place)
        if not isinstance(found, FunctionLet):
            self.resolve(node, node.name, ())
            return self.fail(f"{node.name}() is not a table", node.span)
        inner = Place((), self.function_names(node, found, place))
        for let in found.function.lets:
            inner = self.with_let(let, inner)
        return self.pipeline(found.function.body, inner)

    def _materialized(self, node: tree.Call, pipeline: tree.Pipeline, place: Place) -> ir.Rows:
        """The rows of `materialize`, bound once for all who use them, so that they are computed once."""
        key = (id(node), id(place.names))
        known = self._shared.get(key)
        if known is None:
            known = (place.names, self.pipeline(pipeline, place))
            self._shared[key] = known
            return known[1]
        return self.renumbered(known[1])

    def invoke(self, node: tree.Invoke, rows: ir.Rows, place: Place) -> ir.Rows:
        """`invoke function(arguments)`: the rows are its first argument."""
        names = place.names.with_name("$rows", RowsLet(rows))
        first = tree.Argument(node.call.span, tree.Name(node.call.span, "$rows"))
        call = tree.Call(node.call.span, node.call.name, (first, *node.call.arguments))
        return self._tabular_call(call, Place((), names))

    def render(self, node: tree.Render, rows: ir.Rows, _: Place) -> ir.Rows:
        """`render`: kept for whoever draws."""
        self.visualization = node.visualization
        return rows

    def _datatable(self, node: tree.DataTable, place: Place) -> ir.Rows:
        width = len(node.columns)
        if not width or len(node.values) % width:
            self.fail(f"{len(node.values)} values do not fill rows of {width}", node.span)
        names = [declared.name for declared in node.columns]
        again = next((at for at, name in enumerate(names) if name in names[:at]), None)
        if again is not None:
            self.fail(f"there are two columns named {names[again]!r}", node.columns[again].span)
        rows: list[tuple[ir.Expr, ...]] = []
        for start in range(0, len(node.values), width):
            values = node.values[start : start + width]
            row = [self._cell(v, c.type, place) for v, c in zip(values, node.columns, strict=True)]
            rows.append((*row, ir.Const(_LONG, start)))
        columns = []
        for at, declared in enumerate(node.columns):
            cells = [row[at] for row in rows]
            column = self.new_column(
                declared.name,
                declared.type,
                nullable=any(c.nullable for c in cells),
                wild=any(c.wild for c in cells),
            )
            columns.append(column)
        sequence = ir.Col(next(self.numbers), "", _LONG, nullable=False, reach=2**31)
        order = (ir.OrderKey(sequence, descending=False, nulls_first=True),)
        return ir.Rows(ir.Values((*columns, sequence), tuple(rows)), tuple(columns), order)

    def _cell(self, node: tree.Expression, kind: KqlType, place: Place) -> ir.Expr:
        value = self.expression(node, Place((), place.names))
        if not ir.is_constant(value):
            self.fail("a datatable holds constants", node.span)
        if value.type is kind:
            return value
        if isinstance(value, ir.Const) and value.value is None:
            return ir.Const(kind, "" if kind is _TEXT else None)
        if kind is KqlType.DYNAMIC:
            return self.as_json(value)
        if kind in {KqlType.DATETIME, KqlType.TIMESPAN} and value.type in NUMBERS:
            self.fail(f"a {value.type} does not stand for a {kind}", node.span, f"{kind}(...) is one")
        return self.convert(value, kind)

    def _print(self, node: tree.Print, place: Place) -> ir.Rows:
        columns: list[ir.Col] = []
        cells: list[ir.Expr] = []
        at = Place((), place.names)
        for position, named in enumerate(node.values):
            parts = self.several(named.value, at)
            if parts is None:
                value = self.expression(named.value, at)
                parts = [(named.names[0] if named.names else f"print_{position}", value)]
            elif len(parts) == 1 and not named.names:
                parts = [(f"print_{position}", parts[0][1])]
            else:
                parts = self.results(named, parts, rest=False)
            for name, value in parts:
                if any(name == c.name for c in columns):
                    self.fail(f"there are two columns named {name!r}", named.span)
                columns.append(self.fresh(name, value))
                cells.append(value)
        return ir.Rows(ir.Values(tuple(columns), (tuple(cells),)), tuple(columns))

    def _range(self, node: tree.Range, place: Place) -> ir.Rows:
        at = Place((), place.names)
        start, stop, step = (self.expression(n, at) for n in (node.start, node.stop, node.step))
        kinds = {start.type, stop.type, step.type}
        kind = start.type
        if kinds <= NUMBERS - {KqlType.DECIMAL}:
            kind = _REAL if _REAL in kinds else KqlType.INT if kinds == {KqlType.INT} else _LONG
            start, stop, step = (self.convert(v, kind) for v in (start, stop, step))
            if any(value.wild for value in (start, stop, step) if isinstance(value, ir.Const)):
                self.fail("a range cannot count with NaN or an infinity", node.span)
        elif (
            kind not in {KqlType.DATETIME, KqlType.TIMESPAN}
            or stop.type is not kind
            or step.type is not KqlType.TIMESPAN
        ):
            self.fail(
                f"a range cannot go from a {kind} to a {stop.type} in steps of a {step.type}", node.span
            )
        if isinstance(step, ir.Const) and step.value == 0:
            self.fail("a range needs a step that is not zero", node.step.span)
        value = self.new_column(node.name, kind)
        index = ir.Col(next(self.numbers), "", _LONG, nullable=False, reach=2**31)
        order = (ir.OrderKey(index, descending=False, nulls_first=True),)
        return ir.Rows(ir.Numbers(value, index, start, stop, step), (value,), order)

    def union_operator(self, node: tree.Union, rows: ir.Rows, place: Place) -> ir.Rows:
        """`| union tables`."""
        return self.union(node, rows, Place((), place.names))


_OPERATORS: Final[dict[type[tree.Node], Callable[[Binder, Any, ir.Rows, Place], ir.Rows]]] = {
    tree.Where: Binder.where,
    tree.Project: Binder.project,
    tree.Extend: Binder.extend,
    tree.ProjectColumns: Binder.project_columns,
    tree.ProjectRename: Binder.project_rename,
    tree.Summarize: Binder.summarize,
    tree.Sort: Binder.sort,
    tree.Take: Binder.take,
    tree.Distinct: Binder.distinct,
    tree.Count: Binder.count,
    tree.GetSchema: Binder.getschema,
    tree.Join: Binder.join,
    tree.Union: Binder.union_operator,
    tree.MvExpand: Binder.mv_expand,
    tree.Parse: Binder.parse,
    tree.ParseKv: Binder.parse_kv,
    tree.MakeSeries: Binder.make_series,
    tree.Search: Binder.search,
    tree.Evaluate: Binder.evaluate,
    tree.Render: Binder.render,
    tree.Invoke: Binder.invoke,
    tree.Scan: Binder.scan,
    tree.TopNested: Binder.top_nested,
    tree.Partition: Binder.partition,
    tree.ProjectByNames: Binder.project_by_names,
    tree.SampleDistinct: Binder.sample_distinct,
}


def bind(
    node: tree.Query,
    text: str,
    tables: Mapping[str, Table],
    parameters: Mapping[str, KqlType],
    probe: Probe = constant_rows,
) -> ir.Bound:
    """The typed form of a query; `probe` answers what must be known of rows before there are columns.

    Raises:
        QuerySemanticError: It names or combines what does not fit.
        QueryUnsupported: It asks for what is not answered here.
    """
    return Binder(text, tables, probe).query(node, parameters)
