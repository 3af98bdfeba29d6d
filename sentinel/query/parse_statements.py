"""The statements before a query: lets, settings, parameters and patterns."""

from __future__ import annotations

from typing import Final

from sentinel.model.tables import KqlType
from sentinel.query import tree
from sentinel.query.parse_steps import StepParser
from sentinel.query.tokens import Kind
from sentinel.query.tree_steps import PatternCase

_SETTINGS: Final = frozenset(
    [
        "best_effort",
        "client_max_redirect_count",
        "deferpartialqueryfailures",
        "materialized_view_shuffle",
        "max_memory_consumption_per_query_per_node",
        "maxmemoryconsumptionperiterator",
        "maxoutputcolumns",
        "norequesttimeout",
        "notruncation",
        "query_consistency",
        "queryconsistency",
        "query_fanout_nodes_percent",
        "query_fanout_threads_percent",
        "query_language",
        "query_log_query_parameters",
        "query_python_debug",
        "query_results_apply_getschema",
        "query_results_cache_force_refresh",
        "query_results_cache_max_age",
        "query_results_cache_per_shard",
        "query_results_progressive_enabled",
        "query_results_progressive_row_count",
        "query_results_progressive_update_period",
        "query_weakconsistency_session_id",
        "request_app_name",
        "request_description",
        "request_sandboxed_execution_disabled",
        "request_user",
        "servertimeout",
        "validate_permissions",
        "validatepermissions",
    ]
)
"""Settings of a request that change how it is answered, not what."""


class StatementParser(StepParser):
    """Parses statements."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.declared: list[tree.Parameter] = []

    def _setting(self) -> None:
        self.take()
        name = self.name()
        if name.text not in _SETTINGS:
            self.unsupported(f"the setting {name.text!r}", name.span)
        if self.accept("="):
            self.expression()

    def let(self) -> tree.Let:
        """`let name = value`."""
        start = self.take().span.start
        name = self.name().text
        self.expect("=")
        value: tree.Pipeline | tree.Function
        value = self._function() if self._sees_function() else self.pipeline()
        return tree.Let(self.since(start), name, value)

    def _sees_function(self) -> bool:
        if self.sees("view") and self.ahead(1).text == "(":
            return True
        if not self.sees("("):
            return False
        first, second = self.ahead(1), self.ahead(2)
        if first.text == ")" and second.text == "{":
            return True
        return self.is_name(first) and second.text == ":" and second.kind is Kind.OPERATOR

    def _function(self) -> tree.Function:
        start = self.here.span.start
        view = self.accept("view")
        self.expect("(")
        parameters: list[tree.Parameter] = []
        while not self.sees(")"):
            parameters.append(self._parameter())
            if not self.accept(","):
                break
        self.expect(")")
        return self._body(start, tuple(parameters), view=view)

    def _body(
        self, start: int, parameters: tuple[tree.Parameter, ...], *, view: bool = False
    ) -> tree.Function:
        self.expect("{")
        lets: list[tree.Let] = []
        while self.sees("let") and self.is_name(self.ahead(1)):
            lets.append(self.let())
            self.expect(";")
        body = self.pipeline()
        self.accept(";")
        self.expect("}")
        return tree.Function(self.since(start), parameters, tuple(lets), body, view)

    def _parameter(self) -> tree.Parameter:
        name = self.name("a parameter")
        self.expect(":")
        if self.accept("("):
            columns: list[tree.ColumnDeclaration] = []
            while not self.sees(")", "*"):
                columns.append(self.column_declaration())
                if not self.accept(","):
                    break
            self.accept("*")
            self.expect(")")
            return tree.Parameter(self.since(name.span.start), name.text, None, tuple(columns))
        kind: KqlType = self.column_type()
        default: tree.Literal | None = None
        if self.accept("="):
            value = self.expression()
            if isinstance(value, tree.Unary) and isinstance(value.of, tree.Literal):
                number = value.of.value
                value = tree.Literal(
                    value.span, value.of.type, -number if isinstance(number, int | float) else number
                )
            if not isinstance(value, tree.Literal):
                self.fail("a constant", self.tokens[self.at - 1])
            default = value
        return tree.Parameter(self.since(name.span.start), name.text, kind, (), default)

    def query_parameters(self) -> list[tree.Parameter]:
        """Take the names, types and defaults of what a query is given from outside."""
        self.take()
        self.take()
        self.expect("(")
        found: list[tree.Parameter] = []
        while not self.sees(")"):
            found.append(self._parameter())
            if not self.accept(","):
                break
        self.expect(")")
        return found

    def pattern_declaration(self) -> tree.Let:
        """`declare pattern name = (parameters)[path] { cases }`."""
        start = self.take().span.start
        self.take()
        name = self.name("the name of a pattern").text
        if not self.accept("="):
            self.unsupported(
                "a pattern without cases", self.since(start), "declare pattern name = (...) {...}"
            )
        begin = self.here.span.start
        self.expect("(")
        parameters = [self._parameter()]
        while self.accept(","):
            parameters.append(self._parameter())
        self.expect(")")
        path: tree.Parameter | None = None
        if self.accept("["):
            path = self._parameter()
            self.expect("]")
        self.expect("{")
        cases: list[PatternCase] = []
        while not self.sees("}"):
            cases.append(self._pattern_case())
            self.accept(";")
        self.expect("}")
        value = tree.Pattern(self.since(begin), tuple(parameters), path, tuple(cases))
        return tree.Let(self.since(start), name, value)

    def _pattern_case(self) -> PatternCase:
        start = self.here.span.start
        self.expect("(")
        values = [self._constant_text()]
        while self.accept(","):
            values.append(self._constant_text())
        self.expect(")")
        path = ""
        if self.accept("."):
            if self.here.kind is Kind.QUOTED_NAME:
                path = self.take().text
            else:
                self.expect("[")
                path = self._constant_text()
                self.expect("]")
        self.expect("=")
        body = self._body(self.here.span.start, ())
        return PatternCase(self.since(start), tuple(values), path, body)

    def _constant_text(self) -> str:
        if self.here.kind is not Kind.STRING:
            self.fail("a text")
        return str(self._text().value)
