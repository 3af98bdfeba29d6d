"""`declare query_parameters(name: type = default, ...)`: values that come beside the text of a query.

https://learn.microsoft.com/kusto/query/query-parameters-statement
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from sentinel.errors import QueryError, QuerySemanticError, Span
from sentinel.model.tables import KqlType
from sentinel.query.literals import Value, typed_literal
from sentinel.query.parse_stream import TYPE_NAMES, TokenStream
from sentinel.query.tokens import Kind, Token, tokenize
from sentinel.query.values import format_datetime_iso, format_timespan

_LITERALS: Final = {Kind.LONG, Kind.REAL, Kind.TIMESPAN, Kind.STRING, Kind.TYPED, Kind.NAME}


@dataclass(frozen=True, slots=True)
class Bound:
    """A query whose parameters are lets in front of it."""

    text: str
    given: str
    """The text as it was given."""

    def placed(self, error: QueryError) -> QueryError:
        """An error of `text` at its place in the text that was given."""
        ahead = len(self.text) - len(self.given)
        if error.text == self.text:
            span = error.span
            error.text = self.given
            error.span = Span(span.start - ahead, span.end - ahead) if span and span.start >= ahead else None
        return error


def bind_parameters(text: str, values: Mapping[str, str]) -> Bound:
    """The query with each declared parameter as a let of its value, else of its default.

    Values are read as literals of the declared type and written anew: no text of theirs becomes part of the query.

    Raises:
        QueryError: The declaration is malformed, or a parameter has no value or one of another type.
    """
    if "query_parameters" not in text:
        return Bound(text, text)
    stream = TokenStream(text)
    lets, rest = "", text
    while stream.here.kind is not Kind.END:
        token = stream.take()
        if token.text != "declare" or token.kind is not Kind.NAME or not stream.sees("query_parameters"):
            continue
        stream.take()
        lets += _declared(stream, values)
        end = stream.since(token.span.start).end
        if stream.sees(";"):
            end = stream.take().span.end
        blank = "".join(c if c == "\n" else " " for c in text[token.span.start : end])
        rest = rest[: token.span.start] + blank + rest[end:]
    return Bound(lets + rest, text)


def _declared(stream: TokenStream, values: Mapping[str, str]) -> str:
    lets = ""
    stream.expect("(")
    while not stream.sees(")"):
        name = stream.name("a parameter")
        stream.expect(":")
        kind = stream.column_type()
        value: Value = None
        has_value = stream.accept("=")
        if has_value:
            value = _default(stream, kind)
        if name.text in values:
            value = _given(stream, name, kind, values[name.text])
        elif not has_value:
            raise QuerySemanticError(f"the query parameter {name.text} has no value", name.span, stream.text)
        lets += f"let ['{name.text}']={_literal(kind, value)};" if _plain(name) else _refuse(stream, name)
        if not stream.accept(","):
            break
    stream.expect(")")
    return lets


def _plain(name: Token) -> bool:
    return name.text.isascii() and name.text.replace("_", "a").isalnum()


def _refuse(stream: TokenStream, name: Token) -> str:
    stream.unsupported("a query parameter with such a name", name.span)


def _default(stream: TokenStream, kind: KqlType) -> Value:
    sign = "-" if stream.accept("-") else ""
    token = stream.take()
    if token.kind not in _LITERALS:
        stream.fail("a literal", token)
    try:
        return _value(kind, token, sign)
    except ValueError:
        stream.fail(f"a literal of type {kind}", token)


def _given(stream: TokenStream, name: Token, kind: KqlType, text: str) -> Value:
    try:
        tokens = tokenize(text)
    except QueryError:
        tokens = []
    try:
        # One literal and the end: `datetime(2026-05-01)` or `'text'`; everything else is read as the plain value.
        if len(tokens) == 2 and tokens[0].kind in {Kind.TYPED, Kind.STRING}:  # noqa: PLR2004
            return _value(kind, tokens[0])
        return typed_literal(kind.value, text) if kind is not KqlType.STRING else text
    except ValueError:
        message = f"the value {text!r} of the query parameter {name.text} is no {kind}"
        raise QuerySemanticError(message, name.span, stream.text) from None


def _value(kind: KqlType, token: Token, sign: str = "") -> Value:
    if token.kind is Kind.STRING:
        return token.text if kind is KqlType.STRING else typed_literal(kind.value, token.text)
    if kind is KqlType.STRING and not token.literal_type:
        raise ValueError(token.text)
    if token.literal_type and TYPE_NAMES[token.literal_type] is not kind:
        raise ValueError(token.text)
    return typed_literal(kind.value, sign + token.text)


def _literal(kind: KqlType, value: Value) -> str:
    """A value as KQL writes it."""
    if kind is KqlType.STRING:
        return json.dumps(value or "", ensure_ascii=False)
    match kind, value:
        case _, None:
            text = "null"
        case KqlType.DATETIME, int():
            text = format_datetime_iso(value)
        case KqlType.TIMESPAN, int():
            text = format_timespan(value)
        case KqlType.BOOL, _:
            text = "true" if value else "false"
        case _:
            text = str(value)
    return f"{kind.value}({text})"
