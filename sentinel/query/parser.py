"""KQL text as a syntax tree: statements, sources and the operators behind their pipes."""

from __future__ import annotations

import difflib
from collections.abc import Callable
from typing import Final

from sentinel.errors import QueryLimitExceeded, QuerySyntaxError, Span
from sentinel.query import tree
from sentinel.query.parse_statements import StatementParser
from sentinel.query.tokens import Kind

_OPERATORS: Final[dict[str, Callable[[Parser, int], tree.Operator]]] = {}

_UNSUPPORTED: Final = {
    "externaldata": "rows come from the telemetry store only",
    "consume": "count answers how many rows there are",
    "fork": "ask each of its queries by itself",
    "facet": "summarize count() by the column",
    "graph-match": "join follows one edge at a time",
    "graph-to-table": "join follows one edge at a time",
    "make-graph": "join follows one edge at a time",
    "graph-shortest-paths": "join follows one edge at a time",
    "graph-mark-components": "join follows one edge at a time",
    "macro-expand": "union the tables",
    "partitionby": "use partition",
    "reduce": "summarize count() by a part of the text, as with extract(...)",
    "top-hitters": "summarize n = count() by the column | top 10 by n",
}
_HYPHENATED: Final = frozenset({"project", "parse", "mv", "make", "top", "graph", "sample", "macro"})


class Parser(StatementParser):
    """Parses one query."""

    def query(self) -> tree.Query:
        """The whole text.

        Raises:
            QuerySyntaxError: It is not KQL.
            QueryUnsupported: It is KQL that is not answered here.
        """
        start = self.here.span.start
        lets: list[tree.Let] = []
        pipeline: tree.Pipeline | None = None
        while not self._done():
            if self.accept(";"):
                continue
            if pipeline is not None:
                self.unsupported("a second result", self.here.span, "run one query at a time")
            pipeline = self._statement(lets)
            if not self.sees(";") and not self._done():
                self.fail("'|', ';' or the end of the query")
        if pipeline is None:
            if lets:
                self.unsupported("a query that asks for nothing", Span(start, len(self.text)))
            raise QuerySyntaxError("the query asks for nothing", Span(start, len(self.text)), self.text)
        return tree.Query(self.since(start), tuple(lets), pipeline, tuple(self.declared))

    def _done(self) -> bool:
        return self.here.kind is Kind.END

    def _statement(self, lets: list[tree.Let]) -> tree.Pipeline | None:
        token = self.here
        if token.kind is Kind.OPERATOR and token.text == ".":
            self.unsupported("a management command", token.span)
        following = self.ahead(1)
        if token.text == "let" and self.is_name(following):
            lets.append(self.let())
            return None
        if token.text == "set" and self.is_name(following):
            self._setting()
            return None
        if token.text == "declare" and following.text == "query_parameters":
            self.declared.extend(self.query_parameters())
            return None
        if token.text == "declare" and following.text == "pattern":
            lets.append(self.pattern_declaration())
            return None
        if token.text in {"declare", "alias", "restrict", "pattern"} and self.is_name(following):
            self.unsupported(
                f"the statement {token.text!r}", token.span, "let names values, tables and functions"
            )
        return self.pipeline()

    def pipeline(self) -> tree.Pipeline:
        """A source and the operators behind its pipes."""
        self.deeper()
        start = self.here.span.start
        source = self._source()
        operators = self.operators()
        self.depth -= 1
        return tree.Pipeline(self.since(start), source, operators)

    def _source(self) -> tree.Expression | tree.SourceOperator:
        token = self.here
        following = self.ahead(1)
        if token.kind is not Kind.NAME:
            return self.expression()
        start = token.span.start
        if token.text == "datatable" and following.text == "(":
            self.take()
            return self._datatable(start)
        if token.text == "range" and self.is_name(following) and self.ahead(2).text == "from":
            self.take()
            return self._range(start)
        if following.kind is Kind.OPERATOR and following.text not in {"(", "*", "-", "+"}:
            return self.expression()
        if token.text in {"print", "union", "search", "find"}:
            self.take()
            return self._listing(token.text, start)
        if token.text in {"externaldata", "make"} and token.text in _UNSUPPORTED:
            self.unsupported(f"the operator {token.text!r}", token.span, _UNSUPPORTED[token.text])
        return self.expression()

    def _listing(self, name: str, start: int) -> tree.SourceOperator:
        if name == "union":
            return self.union(start)
        if name == "search":
            return self.search(start)
        if name == "find":
            return self.find(start)
        values = self.named_list()
        return tree.Print(self.since(start), values)

    def _datatable(self, start: int) -> tree.DataTable:
        columns = self.column_declarations()
        self.expect("[")
        values: list[tree.Expression] = []
        while not self.sees("]"):
            values.append(self.expression())
            if not self.accept(","):
                break
        self.expect("]")
        return tree.DataTable(self.since(start), columns, tuple(values))

    def _range(self, start: int) -> tree.Range:
        name = self.name("a column").text
        self.expect("from")
        low = self.expression()
        self.expect("to")
        high = self.expression()
        self.expect("step")
        step = self.expression()
        return tree.Range(self.since(start), name, low, high, step)

    def operators(self, *, first_without_pipe: bool = False) -> tuple[tree.Operator, ...]:
        """The operators behind pipes, up to the end of the pipeline."""
        operators: list[tree.Operator] = []
        if first_without_pipe and not self.sees("|"):
            operators.append(self._operator())
        while self.accept("|"):
            if self.sees("|"):
                continue
            operators.append(self._operator())
            if len(operators) > 400:  # noqa: PLR2004 - the message says it
                self.at -= 1
                message = "more than 400 operators behind each other"
                raise QueryLimitExceeded(message, self.here.span, self.text)
        return tuple(operators)

    def _operator(self) -> tree.Operator:
        token = self.name("an operator such as where, summarize or project")
        name = token.text
        if name.lower() in _HYPHENATED and self.sees("-") and self.here.span.start == token.span.end:
            while self.sees("-"):
                self.take()
                name += "-" + self.name().text
        span = self.since(token.span.start)
        parse = _OPERATORS.get(name) or _OPERATORS.get(name.lower())
        if parse is not None:
            return parse(self, token.span.start)
        if name == "find":
            self.unsupported("find behind a pipe", span, "where filters the rows of one table")
        if name in _UNSUPPORTED:
            self.unsupported(f"the operator {name!r}", span, _UNSUPPORTED[name])
        near = difflib.get_close_matches(name.lower(), _OPERATORS, 1)
        hint = f"did you mean {near[0]}?" if near else ""
        raise QuerySyntaxError(f"{name!r} is not an operator", span, self.text, hint)


_OPERATORS.update(
    {
        "where": Parser.where,
        "filter": Parser.where,
        "project": Parser.project,
        "extend": Parser.extend,
        "serialize": Parser.serialize,
        "project-away": Parser.project_away,
        "project-keep": Parser.project_keep,
        "project-reorder": Parser.project_reorder,
        "project-rename": Parser.project_rename,
        "summarize": Parser.summarize,
        "sort": Parser.sort,
        "order": Parser.sort,
        "top": Parser.top,
        "take": Parser.take_rows,
        "limit": Parser.take_rows,
        "distinct": Parser.distinct,
        "count": Parser.count,
        "render": Parser.render,
        "as": Parser.as_name,
        "getschema": Parser.getschema,
        "invoke": Parser.invoke,
        "evaluate": Parser.evaluate,
        "join": Parser.join,
        "lookup": Parser.lookup,
        "union": Parser.union_operator,
        "search": Parser.search,
        "parse": Parser.parse,
        "parse-where": Parser.parse_where,
        "parse-kv": Parser.parse_kv,
        "mv-expand": Parser.mv_expand,
        "mvexpand": Parser.mvexpand,
        "mv-apply": Parser.mv_apply,
        "mvapply": Parser.mv_apply,
        "make-series": Parser.make_series,
        "scan": Parser.scan,
        "top-nested": Parser.top_nested,
        "partition": Parser.partition,
        "project-by-names": Parser.project_by_names,
        "sample": Parser.sample,
        "sample-distinct": Parser.sample_distinct,
    }
)


def operator_names() -> tuple[str, ...]:
    """The operators that can stand behind a pipe."""
    return tuple(_OPERATORS)


def parse(text: str) -> tree.Query:
    """The syntax tree of a query.

    Raises:
        QuerySyntaxError: The text is not KQL.
        QueryUnsupported: It is KQL that is not answered here.
    """
    return Parser(text).query()
