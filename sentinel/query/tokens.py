"""KQL text cut into tokens, each with its place.

Typed literals such as `datetime(2020-01-01)` or `dynamic({"a": 1})` are one token: what stands between their
brackets is not KQL. https://learn.microsoft.com/kusto/query/scalar-data-types
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from sentinel.errors import QuerySyntaxError, Span


class Kind(StrEnum):
    """What a token is."""

    NAME = "a name"
    QUOTED_NAME = "a quoted name"
    LONG = "a whole number"
    REAL = "a number"
    TIMESPAN = "a timespan"
    STRING = "a text"
    TYPED = "a typed literal"
    OPERATOR = "an operator"
    END = "the end of the query"


@dataclass(frozen=True, slots=True)
class Token:
    """A token; `text` is its value without quotes, `literal_type` the type in front of a typed literal."""

    kind: Kind
    text: str
    span: Span
    literal_type: str = ""


LITERAL_TYPES: Final = frozenset(
    [
        "bool",
        "boolean",
        "datetime",
        "date",
        "decimal",
        "double",
        "dynamic",
        "guid",
        "int",
        "long",
        "real",
        "string",
        "time",
        "timespan",
    ]
)

_TOKEN: Final = re.compile(
    r"""
    (?P<blank>(?:\s|//[^\n]*)+)
  | (?P<string>[hH]?@"(?:[^"]|"")*"|[hH]?@'(?:[^']|'')*'
      |[hH]?"(?:[^"\\\r\n]|\\.)*"|[hH]?'(?:[^'\\\r\n]|\\.)*'
      |[hH]?```(?:.|\n)*?```|[hH]?~~~(?:.|\n)*?~~~)
  | (?P<quoted>\[\s*(?:'(?:[^'\\\r\n]|\\.)*'|"(?:[^"\\\r\n]|\\.)*")\s*\])
  | (?P<span>\d+(?:\.\d+)?(?:microseconds|microsecond|milliseconds|millisecond|millis|milli|micros|micro|nanoseconds
      |nanosecond|nanos|nano|minutes|minute|seconds|second|hours|hour|ticks|tick|days|day|hrs|hr|min|sec|ms|d|h|m|s)
      (?![A-Za-z0-9_]))
  | (?P<hex>0[xX][0-9a-fA-F]+)
  | (?P<real>\d+\.\d+(?:[eE][+-]?\d+)?|\d+[eE][+-]?\d+|\d+\.(?![.\w]))
  | (?P<long>\d+(?![A-Za-z0-9_]))
  | (?P<name>\$?[A-Za-z_][A-Za-z0-9_]*|\d+[A-Za-z_][A-Za-z0-9_]*)
  | (?P<bang>!(?:in~|[A-Za-z_]+))
  | (?P<operator>==|!=|=~|!~|<=|>=|<>|=>|\.\.|\|\||[-+*/%<>=|()\[\]{},;:.~?@])
    """,
    re.VERBOSE,
)
_UNESCAPE: Final = re.compile(r"\\(u[0-9a-fA-F]{4}|U[0-9a-fA-F]{8}|x[0-9a-fA-F]{2}|[0-7]{1,3}|.)", re.DOTALL)
_ESCAPES: Final = {"n": "\n", "t": "\t", "r": "\r", "a": "\a", "b": "\b", "f": "\f", "v": "\v"}


_CHECKED: Final = re.compile(
    r"""\\(?:[\\'"abfnrtv]|u[0-9a-fA-F]{4}|U[0-9a-fA-F]{8}|x[0-9a-fA-F]{2}|[0-7]{1,3})|(\\.)""", re.DOTALL
)


def _unescape_one(match: re.Match[str]) -> str:
    code = match[1]
    if code[0] in "uUx" and len(code) > 1:
        return chr(int(code[1:], 16))
    if code.isdigit():
        return chr(int(code, 8)) if all(c in "01234567" for c in code) else code
    return _ESCAPES.get(code, code)


def string_value(raw: str) -> str:
    """The text a string literal stands for.

    An obfuscated literal (`h"..."`) is its plain text: results never show it, logs never hold query texts.
    """
    if raw[0] in "hH":
        raw = raw[1:]
    if raw[:3] in {"```", "~~~"}:
        return raw[3:-3]
    if raw[0] == "@":
        quote = raw[1]
        return raw[2:-1].replace(quote * 2, quote)
    body = raw[1:-1]
    return _UNESCAPE.sub(_unescape_one, body) if "\\" in body else body


_NESTING: Final = re.compile(r"""[(\[{]|[)\]}]|"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'""")


def _closing(text: str, opened: int) -> int:
    """The place of the bracket that closes the one at `opened`, or -1."""
    depth = 0
    for match in _NESTING.finditer(text, opened):
        character = match[0][0]
        if character in "([{":
            depth += 1
        elif character in ")]}":
            depth -= 1
            if depth == 0:
                return match.start()
    return -1


def _plain(kind: Kind, match: re.Match[str]) -> Token:
    return Token(kind, match[0], Span(match.start(), match.end()))


def _typed(text: str, match: re.Match[str]) -> Token | None:
    """The typed literal that starts with the name matched, if one does."""
    opened = match.end()
    while opened < len(text) and text[opened] in " \t\r\n":
        opened += 1
    if opened >= len(text) or text[opened] != "(":
        return None
    closed = _closing(text, opened)
    if closed < 0:
        raise QuerySyntaxError("this literal is not closed", Span(match.start(), len(text)), text)
    return Token(
        Kind.TYPED, text[opened + 1 : closed].strip(), Span(match.start(), closed + 1), literal_type=match[0]
    )


def _quoted_name(match: re.Match[str]) -> Token:
    return Token(Kind.QUOTED_NAME, string_value(match[0][1:-1].strip()), Span(match.start(), match.end()))


_SIMPLE: Final = {
    "span": Kind.TIMESPAN,
    "hex": Kind.LONG,
    "real": Kind.REAL,
    "long": Kind.LONG,
    "bang": Kind.OPERATOR,
    "operator": Kind.OPERATOR,
}


def _check_escapes(text: str, match: re.Match[str]) -> None:
    """Refuses what KQL refuses: a backslash before a letter it has no meaning for."""
    if match[0].lstrip("hH[ ")[0] not in "\"'":
        return
    bad = next((one for one in _CHECKED.finditer(match[0]) if one[1]), None)
    if bad is not None:
        at = Span(match.start() + bad.start(), match.start() + bad.end())
        raise QuerySyntaxError(
            f"{bad[1]} is no escape in a text; write \\{bad[1]}, or @ before the text", at, text
        )


def _token(text: str, match: re.Match[str]) -> Token:
    group = match.lastgroup or ""
    if group in {"string", "quoted"}:
        _check_escapes(text, match)
    if group == "string":
        return Token(Kind.STRING, string_value(match[0]), Span(match.start(), match.end()))
    if group == "quoted":
        return _quoted_name(match)
    if group == "name":
        if match[0] in LITERAL_TYPES:
            typed = _typed(text, match)
            if typed is not None:
                return typed
        if match[0] == "in" and text.startswith("~", match.end()):
            return Token(Kind.OPERATOR, "in~", Span(match.start(), match.end() + 1))
        return _plain(Kind.NAME, match)
    return _plain(_SIMPLE[group], match)


def tokenize(text: str) -> list[Token]:
    """All tokens of a query, the last of kind `END`.

    Raises:
        QuerySyntaxError: A character belongs to no token, or a literal is not closed.
    """
    tokens: list[Token] = []
    at = 0
    while at < len(text):
        match = _TOKEN.match(text, at)
        if match is None:
            what = "this text is not closed" if text[at] in "\"'" else f"{text[at]!r} is not KQL"
            raise QuerySyntaxError(what, Span(at, at + 1), text)
        at = match.end()
        if match.lastgroup == "blank":
            continue
        if match.lastgroup == "quoted" and tokens and _is_index(tokens[-1], match.start()):
            # `d["a"]` indexes, `["a b"]` names: what stands directly before decides.
            tokens.append(Token(Kind.OPERATOR, "[", Span(match.start(), match.start() + 1)))
            at = match.start() + 1
            continue
        token = _token(text, match)
        at = token.span.end
        tokens.append(token)
    tokens.append(Token(Kind.END, "", Span(len(text), len(text))))
    return tokens


def _is_index(before: Token, at: int) -> bool:
    if before.kind is Kind.OPERATOR and before.text in {")", "]"}:
        return True
    return before.span.end == at and before.kind in {Kind.NAME, Kind.QUOTED_NAME, Kind.TYPED}
