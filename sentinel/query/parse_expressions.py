"""KQL's expressions, by operator precedence (Pratt)."""

from __future__ import annotations

from typing import Final

from sentinel.errors import QueryLimitExceeded, QuerySyntaxError
from sentinel.model.tables import KqlType
from sentinel.query import tree
from sentinel.query.literals import typed_literal
from sentinel.query.parse_stream import TYPE_NAMES, TokenStream
from sentinel.query.reserved import RESERVED_IN_USE, RESERVED_NAMES
from sentinel.query.tokens import Kind, Token
from sentinel.query.values import parse_timespan, wrap_long

_OR, _AND, _EQUAL, _RELATION, _SUM, _PRODUCT, _TEXT = range(1, 8)

_BASES: Final = [
    "has",
    "hasprefix",
    "hassuffix",
    "contains",
    "startswith",
    "endswith",
]  # each also `_cs`, and with `!`
TEXT_OPERATORS: Final = frozenset(
    f"{bang}{base}{case}" for base in _BASES for bang in ("", "!") for case in ("", "_cs")
) | {"=~", "!~", "matches regex", "hasprefix", "has_cs"}
LIST_OPERATORS: Final = frozenset({"in", "in~", "!in", "!in~", "has_any", "has_all"})

PRECEDENCE: Final = {
    "or": _OR,
    "and": _AND,
    **dict.fromkeys(("==", "!=", "<>", "between", "!between", *LIST_OPERATORS), _EQUAL),
    **dict.fromkeys(("<", "<=", ">", ">="), _RELATION),
    **dict.fromkeys(("+", "-"), _SUM),
    **dict.fromkeys(("*", "/", "%"), _PRODUCT),
    **dict.fromkeys(TEXT_OPERATORS, _TEXT),
    "matches": _TEXT,
    "like": _TEXT,
    "notlike": _TEXT,
}
MAX_LINKS: Final = 2000
"""How many operators may follow each other without brackets, as in `a or b or c`."""
_LARGEST: Final = 2**63 - 1
_TAKE_QUERIES: Final = frozenset({"toscalar", "materialize"})


def _is_bare(value: tree.Expression) -> bool:
    """Whether this is a query without brackets; a lone `datatable` needs none."""
    if not isinstance(value, tree.Pipeline) or value.source.span.start > value.span.start:
        return False
    return bool(value.operators) or not isinstance(value.source, tree.DataTable)


class ExpressionParser(TokenStream):
    """Parses expressions; subqueries are left to `pipeline`."""

    def pipeline(self) -> tree.Pipeline:
        """A source and its operators; provided by the whole parser."""
        raise NotImplementedError

    def expression(self, least: int = 0) -> tree.Expression:
        """An expression whose operators bind at least as tightly as `least`."""
        self.deeper()
        start = self.here.span.start
        left, links = self._prefix(), 0
        while True:
            token = self.here
            if token.kind not in {Kind.OPERATOR, Kind.NAME}:
                break
            binds = _EQUAL if self.searching and token.text == ":" else PRECEDENCE.get(token.text, 0)
            if binds <= least:
                break
            left = self._infix(left, token, binds, start)
            links += 1
            if links > MAX_LINKS:
                raise QueryLimitExceeded(f"more than {MAX_LINKS} operators in a row", token.span, self.text)
        self.depth -= 1
        return left

    def _infix(self, left: tree.Expression, token: Token, binds: int, start: int) -> tree.Expression:
        self.take()
        operator = token.text
        if operator in {"between", "!between"}:
            return self._between(left, operator, start)
        if operator in LIST_OPERATORS:
            items = self._list()
            return tree.Among(self.since(start), operator, left, items)
        if operator == "matches":
            self.expect("regex")
            operator = "matches regex"
        if operator in {"like", "notlike"}:
            self.unsupported(
                f"the operator {operator!r}", token.span, "contains, startswith or matches regex"
            )
        right = self.expression(binds)
        return tree.Binary(self.since(start), "!=" if operator == "<>" else operator, left, right)

    def _between(self, left: tree.Expression, operator: str, start: int) -> tree.Between:
        self.expect("(")
        low = self.expression()
        self.expect("..")
        high = self.expression()
        self.expect(")")
        return tree.Between(self.since(start), left, low, high, operator == "!between")

    def _list(self) -> tuple[tree.Expression, ...]:
        self.expect("(")
        items = [self._value_or_pipeline()]
        while self.accept(","):
            items.append(self._value_or_pipeline())
        self.expect(")")
        return tuple(items)

    def _value_or_pipeline(self) -> tree.Expression:
        """An expression, or a subquery where one is allowed."""
        pipeline = self.pipeline()
        if pipeline.operators or isinstance(pipeline.source, tree.SourceOperator):
            return pipeline
        return pipeline.source

    def _prefix(self) -> tree.Expression:
        token = self.here
        if token.kind is Kind.OPERATOR and token.text in {"-", "+"}:
            self.take()
            if self.here.kind is Kind.OPERATOR and self.here.text in {"-", "+"}:
                self.fail("a value; a second sign needs brackets")
            of = self.expression(_TEXT)
            return self._postfix(tree.Unary(self.since(token.span.start), token.text, of), token)
        if token.kind is Kind.OPERATOR and token.text == "*":
            self.take()
            return tree.Star(token.span)
        return self._postfix(self._primary(), token)

    def _postfix(self, of: tree.Expression, first: Token) -> tree.Expression:
        while True:
            if self.sees(".") and self.here.span.start == self.tokens[self.at - 1].span.end:
                self.take()
                if self.sees("["):
                    continue
                name = self.name("a property")
                if self.sees("("):
                    self.unsupported(f"the function {name.text}() of another cluster or database", name.span)
                of = tree.Member(self.since(first.span.start), of, name.text)
            elif self.sees("[") and isinstance(
                of, tree.Name | tree.Member | tree.Index | tree.Call | tree.Literal
            ):
                self.take()
                index = self.expression()
                self.expect("]")
                of = tree.Index(self.since(first.span.start), of, index)
            else:
                return of

    def _primary(self) -> tree.Expression:
        token = self.here
        if token.kind is Kind.STRING:
            return self._text()
        if token.kind in {Kind.LONG, Kind.REAL, Kind.TIMESPAN, Kind.TYPED}:
            return self._literal(self.take())
        if token.kind is Kind.OPERATOR and token.text == "(":
            return self._brackets()
        if token.kind is Kind.OPERATOR and token.text == "[":
            self.unsupported("a list in square brackets", token.span, "write dynamic([...])")
        if self.is_name(token):
            return self._name_or_call()
        return self.fail("an expression")

    def _brackets(self) -> tree.Expression:
        start = self.take().span.start
        value = self._value_or_pipeline()
        self.expect(")")
        if isinstance(value, tree.Pipeline):
            return tree.Pipeline(self.since(start), value.source, value.operators)
        return value

    def _text(self) -> tree.Literal:
        first = self.take()
        parts = [first.text]
        while self.here.kind is Kind.STRING:
            parts.append(self.take().text)
        return tree.Literal(self.since(first.span.start), KqlType.STRING, "".join(parts))

    def _literal(self, token: Token) -> tree.Literal:
        if token.kind is Kind.LONG:
            hexadecimal = "x" in token.text.lower()
            value = int(token.text, 0 if hexadecimal else 10)
            if value > (2 * _LARGEST + 1 if hexadecimal else _LARGEST + 1):
                raise QuerySyntaxError("this number is too large for a long", token.span, self.text)
            return tree.Literal(token.span, KqlType.LONG, wrap_long(value))
        if token.kind is Kind.REAL:
            return tree.Literal(token.span, KqlType.REAL, float(token.text))
        if token.kind is Kind.TIMESPAN:
            ticks = parse_timespan(token.text)
            if ticks is None or not -_LARGEST - 1 <= ticks <= _LARGEST:
                raise QuerySyntaxError("this timespan is too long", token.span, self.text)
            return tree.Literal(token.span, KqlType.TIMESPAN, ticks)
        kind = TYPE_NAMES[token.literal_type]
        try:
            return tree.Literal(token.span, kind, typed_literal(token.literal_type, token.text))
        except ValueError:
            raise QuerySyntaxError(f"this is not a {kind}", token.span, self.text) from None

    def _name_or_call(self) -> tree.Expression:
        token = self.take()
        if (
            token.kind is Kind.NAME
            and token.text in {"true", "false", "True", "False"}
            and not self.sees("(")
        ):
            return tree.Literal(token.span, KqlType.BOOL, int(token.text.lower() == "true"))
        if token.kind is Kind.NAME and token.text == "null" and not self.sees("(", ".", "["):
            self.fail("a typed null such as int(null)", token)
        if not self.sees("("):
            self.bracketed(token, RESERVED_IN_USE)
            return tree.Name(token.span, token.text)
        if token.text == "typeof":
            return self._typeof(token)
        arguments = self.arguments(piped=token.text in _TAKE_QUERIES)
        return tree.Call(self.since(token.span.start), token.text, arguments)

    def _typeof(self, token: Token) -> tree.TypeOf:
        self.expect("(")
        here = self.here
        if here.kind is Kind.TYPED:
            self.fail("a type", here)
        kind = self.column_type()
        self.expect(")")
        return tree.TypeOf(self.since(token.span.start), kind)

    def arguments(self, *, piped: bool = False) -> tuple[tree.Argument, ...]:
        """The arguments of a call, with their brackets; a query stands in brackets of its own unless `piped`."""
        self.expect("(")
        arguments: list[tree.Argument] = []
        while not self.sees(")"):
            start = self.here.span.start
            name = ""
            if self.is_name(self.here) and self.ahead(1).text == "=" and self.ahead(1).kind is Kind.OPERATOR:
                name = self.take().text
                self.take()
            first = self.here
            value = self._value_or_pipeline()
            if not piped and _is_bare(value):
                self.fail("a value, or a query in brackets", first)
            arguments.append(tree.Argument(self.since(start), value, name))
            if not self.accept(","):
                break
        self.expect(")")
        return tuple(arguments)

    def named(self) -> tree.Named:
        """`name = value`, `(a, b) = value` or a bare value."""
        start = self.here.span.start
        if self.is_name(self.here) and self.ahead(1).text == "=" and self.ahead(1).kind is Kind.OPERATOR:
            self.bracketed(self.here, RESERVED_NAMES)
            name = self.take().text
            self.take()
            return tree.Named(self.since(start), (name,), self.expression())
        names = self._tuple_names()
        return tree.Named(self.since(start), names, self.expression())

    def _tuple_names(self) -> tuple[str, ...]:
        """The names of `(a, b) =`, none if that is not what stands here."""
        if not self.sees("("):
            return ()
        back = self.at
        self.take()
        names: list[str] = []
        while self.is_name(self.here):
            names.append(self.take().text)
            if not self.accept(","):
                break
        if names and self.accept(")") and self.sees("="):
            self.take()
            return tuple(names)
        self.at = back
        return ()

    def named_list(self) -> tuple[tree.Named, ...]:
        """Named values parted by commas."""
        listed = [self.named()]
        while self.accept(","):
            listed.append(self.named())
        return tuple(listed)
