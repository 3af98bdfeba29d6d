"""A syntax tree as KQL text, which parses to the same tree again.

Comments, line breaks, hints and superfluous brackets are not in the tree, so they are gone.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from sentinel.query import tree
from sentinel.query.print_expressions import ExpressionPrinter, literal, name, quoted
from sentinel.query.tree_steps import NestedLevel, ScanStep

_PROJECTIONS: Final = {"away": "project-away", "keep": "project-keep", "reorder": "project-reorder"}


def print_query(query: tree.Query) -> str:
    """The text of a whole query, one statement or operator a line."""
    printer = _Printer()
    statements = [printer.let(let) for let in query.lets]
    if query.declared:
        parameters = ", ".join(map(printer.parameter, query.declared))
        statements.insert(0, f"declare query_parameters({parameters})")
    return ";\n".join([*statements, printer.pipeline(query.pipeline, "\n| ")])


def _columns(declarations: Iterable[tree.ColumnDeclaration]) -> str:
    return "(" + ", ".join(f"{name(one.name)}: {one.type}" for one in declarations) + ")"


class _Printer:
    """Prints pipelines, sources and operators."""

    def __init__(self) -> None:
        self._values = ExpressionPrinter(self.pipeline)

    def let(self, node: tree.Let) -> str:
        value = node.value
        if isinstance(value, tree.Pattern):
            return f"declare pattern {name(node.name)} = {self._pattern(value)}"
        shown = self._function(value) if isinstance(value, tree.Function) else self.pipeline(value)
        return f"let {name(node.name)} = {shown}"

    def _function(self, node: tree.Function) -> str:
        parameters = ", ".join(map(self.parameter, node.parameters))
        lets = "".join(f"{self.let(let)}; " for let in node.lets)
        view = "view " if getattr(node, "view", False) else ""
        return f"{view}({parameters}) {{ {lets}{self.pipeline(node.body)} }}"

    def _pattern(self, node: tree.Pattern) -> str:
        path = f"[{self.parameter(node.path)}]" if node.path else ""
        cases = " ".join(
            f"({', '.join(map(quoted, case.values))}){f'.[{quoted(case.path)}]' if case.path else ''}"
            f" = {self._function(case.body).removeprefix('() ')};"
            for case in node.cases
        )
        return f"({', '.join(map(self.parameter, node.parameters))}){path} {{ {cases} }}"

    def parameter(self, node: tree.Parameter) -> str:
        """A parameter of a function or query."""
        if node.type is None:
            return f"{name(node.name)}: {_columns(node.columns) if node.columns else '(*)'}"
        default = f" = {literal(node.default)}" if node.default else ""
        return f"{name(node.name)}: {node.type}{default}"

    def pipeline(self, node: tree.Pipeline, pipe: str = " | ") -> str:
        """A source and its operators, without brackets around them."""
        source = node.source
        steps = map(self._operator, node.operators)
        if isinstance(source, tree.SourceOperator):
            return pipe.join([self._source(source), *steps])
        return pipe.join([self._values.print(source), *steps])

    def _source(self, node: tree.SourceOperator) -> str:
        match node:
            case tree.DataTable(columns=columns, values=values):
                return f"datatable{_columns(columns)}[{self._values.listed(values)}]"
            case tree.Print(values=named):
                return f"print {self._values.named_list(named)}"
            case tree.Range(name=column, start=start, stop=stop, step=step):
                low, high, by = map(self._values.print, (start, stop, step))
                return f"range {name(column)} from {low} to {high} step {by}"
            case tree.Union() | tree.Search():
                return self._tables(node)
            case tree.Find():
                return self._find(node)

    def _find(self, node: tree.Find) -> str:
        tables = ", ".join(one.pattern or self._right_side(one.pipeline) for one in node.tables)
        among = f" in ({tables})" if tables else ""
        shown = "project-smart"
        if node.columns is not None:
            columns = [f"{name(c.name)}{f': {c.type}' if c.type else ''}" for c in node.columns]
            shown = "project " + ", ".join([*columns, *(["pack(*)"] if node.packs else [])])
        predicate = self._values.print(node.predicate)
        return f"find withsource={name(node.source_column)}{among} where {predicate} {shown}"

    def _tables(self, node: tree.Union | tree.Search) -> str:
        tables = ", ".join(one.pattern or self._right_side(one.pipeline) for one in node.tables)
        if isinstance(node, tree.Union):
            source = f" withsource={name(node.source_column)}" if node.source_column else ""
            return f"union kind={node.kind}{source} isfuzzy={str(node.fuzzy).lower()} {tables}"
        cased = " kind=case_sensitive" if node.case_sensitive else ""
        among = f" in ({tables})" if tables else ""
        return f"search{cased}{among} {self._values.print(node.predicate)}"

    def _right_side(self, node: tree.Pipeline | None) -> str:
        if node is None:
            raise ValueError("a table without a name")
        bare = not node.operators and isinstance(node.source, tree.Name | tree.Call | tree.Member)
        return self.pipeline(node) if bare else f"({self.pipeline(node)})"

    def _operator(self, node: tree.Operator) -> str:  # noqa: C901, PLR0911, PLR0912 - a table of cases
        values = self._values
        match node:
            case tree.Where(condition=condition):
                return f"where {values.print(condition)}"
            case tree.Project(columns=columns):
                return f"project {values.named_list(columns)}"
            case tree.Extend(columns=columns, serialized=serialized):
                return f"{'serialize' if serialized else 'extend'} {values.named_list(columns)}".rstrip()
            case tree.ProjectColumns(what=what, patterns=patterns):
                shown = ", ".join(f"{_pattern(one.pattern)} {one.order}".rstrip() for one in patterns)
                return f"{_PROJECTIONS[what]} {shown}"
            case tree.ProjectRename(columns=columns):
                return f"project-rename {values.named_list(columns)}"
            case tree.Summarize(aggregates=aggregates, keys=keys):
                by = f" by {values.named_list(keys)}" if keys else ""
                return f"summarize {values.named_list(aggregates)}{by}"
            case tree.Sort(keys=sort_keys, limit=limit):
                by = ", ".join(map(self._sort_key, sort_keys))
                return f"sort by {by}" if limit is None else f"top {values.print(limit)} by {by}"
            case tree.Take(count=count):
                return f"take {values.print(count)}"
            case tree.Distinct(columns=columns):
                return f"distinct {values.named_list(columns)}"
            case tree.Count():
                return "count"
            case tree.Join(kind=kind, right=right, conditions=conditions, lookup=lookup):
                on = f"({self.pipeline(right)}) on {values.listed(conditions)}"
                return f"{'lookup' if lookup else 'join'} kind={kind} {on}"
            case tree.Union() | tree.Search():
                return self._tables(node)
            case tree.Render(visualization=visualization):
                return f"render {visualization}"
            case tree.As(name=given):
                return f"as {name(given)}"
            case tree.GetSchema():
                return "getschema"
            case tree.Invoke(call=call):
                return f"invoke {values.call(call)}"
            case tree.Evaluate(call=call, columns=declared, keeps=keeps):
                listed = _columns(declared) if declared else "()"
                listed = listed.replace("(", "(*, " if declared else "(*", 1) if keeps else listed
                return f"evaluate {values.call(call)}{f' : {listed}' if declared or keeps else ''}"
            case _:
                return self._reshaping(node)

    def _reshaping(self, node: tree.Operator) -> str:  # noqa: PLR0911 - a table of cases
        values = self._values
        match node:
            case tree.Parse(of=of, pieces=pieces, kind=kind, flags=flags, filters=filters):
                options = f"kind={kind} flags={flags}" if flags else f"kind={kind}"
                shown = " ".join(map(_piece, pieces))
                return f"parse{'-where' if filters else ''} {options} {values.print(of)} with {shown}"
            case tree.ParseKv(of=of, columns=columns, options=kv_options):
                given = ", ".join(f"{name(key)} = {_option(key, value)}" for key, value in kv_options)
                behind = f" with ({given})" if given else ""
                return f"parse-kv {values.print(of)} as {_columns(columns)}{behind}"
            case tree.MvExpand():
                return self._expand(node)
            case tree.MakeSeries():
                return self._series(node)
            case tree.ProjectByNames(names=names):
                return f"project-by-names {values.listed(names)}"
            case tree.SampleDistinct(count=count, of=distinct):
                return f"sample-distinct {values.print(count)} of {values.named(distinct)}"
            case tree.Partition(by=by, body=body):
                return f"partition by {values.print(by)} ({' | '.join(map(self._operator, body))})"
            case tree.TopNested(levels=levels):
                return ", ".join(map(self._level, levels))
            case tree.Scan():
                return self._scan(node)
            case _:
                raise TypeError(f"there is no text for {type(node).__name__}")

    def _level(self, node: NestedLevel) -> str:
        values = self._values
        count = "" if node.count is None else f" {values.print(node.count)}"
        order = "desc" if node.descending else "asc"
        return f"top-nested{count} of {values.named(node.of)} by {values.named(node.by)} {order}"

    def _scan(self, node: tree.Scan) -> str:
        values = self._values
        match = f" with_match_id={name(node.match_name)}" if node.match_name else ""
        columns = ", ".join(
            f"{name(one.declaration.name)}: {one.declaration.type}"
            + (f" = {values.print(one.default)}" if one.default is not None else "")
            for one in node.columns
        )
        declared = f" declare ({columns})" if columns else ""
        steps = " ".join(map(self._step, node.steps))
        return f"scan{match}{declared} with ({steps})"

    def _step(self, node: ScanStep) -> str:
        assigned = f" => {self._values.named_list(node.assignments)}" if node.assignments else ""
        condition = self._values.print(node.condition)
        return f"step {name(node.name)} output={node.output}: {condition}{assigned};"

    def _expand(self, node: tree.MvExpand) -> str:
        options = " bagexpansion=array" if node.bag_as_array else ""
        options += f" with_itemindex={name(node.index_name)}" if node.index_name else ""
        items = ", ".join(map(self._expand_item, node.items))
        limit = f" limit {self._values.print(node.limit)}" if node.limit is not None else ""
        if node.body is None:
            return f"mv-expand{options} {items}{limit}"
        return f"mv-apply{options} {items}{limit} on ({' | '.join(map(self._operator, node.body))})"

    def _expand_item(self, node: tree.ExpandItem) -> str:
        given = f"{name(node.name)} = " if node.name else ""
        kind = f" to typeof({node.type})" if node.type else ""
        return f"{given}{self._values.print(node.value)}{kind}"

    def _series(self, node: tree.MakeSeries) -> str:
        values = self._values
        aggregates = ", ".join(
            values.named(one.value) + (f" default = {values.print(one.default)}" if one.default else "")
            for one in node.aggregates
        )
        start = f" from {values.print(node.start)}" if node.start is not None else ""
        stop = f" to {values.print(node.stop)}" if node.stop is not None else ""
        by = f" by {values.named_list(node.keys)}" if node.keys else ""
        axis = values.named(node.axis)
        kind = "kind=nonempty " if node.nonempty else ""
        return f"make-series {kind}{aggregates} on {axis}{start}{stop} step {values.print(node.step)}{by}"

    def _sort_key(self, node: tree.SortKey) -> str:
        nulls = {None: "", True: " nulls first", False: " nulls last"}[node.nulls_first]
        return f"{self._values.print(node.value)} {'desc' if node.descending else 'asc'}{nulls}"


def _pattern(pattern: str) -> str:
    return pattern if "*" in pattern else name(pattern)


def _piece(piece: tree.ParsePiece) -> str:
    if piece.text is not None:
        return quoted(piece.text)
    if piece.column is None:
        return "*"
    return f"{name(piece.column.name)}: {piece.column.type}"


def _option(key: str, value: str) -> str:
    return value if key == "greedy" else quoted(value)
