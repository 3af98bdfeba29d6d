"""Reading tokens: looking ahead, taking what is expected, complaining with the place."""

from __future__ import annotations

from typing import NoReturn

from sentinel.errors import QuerySyntaxError, QueryUnsupported, Span
from sentinel.model.tables import KqlType
from sentinel.query.tokens import Kind, Token, tokenize

MAX_DEPTH = 150
"""How deep expressions and subqueries may nest."""

TYPE_NAMES = {
    **{kind.value: kind for kind in KqlType},
    "boolean": KqlType.BOOL,
    "date": KqlType.DATETIME,
    "double": KqlType.REAL,
    "time": KqlType.TIMESPAN,
    "uuid": KqlType.GUID,
    "uniqueid": KqlType.GUID,
    "float": KqlType.REAL,
    **dict.fromkeys(("int8", "int16", "int32", "uint", "uint8", "uint16", "uint32"), KqlType.INT),
    **dict.fromkeys(("int64", "uint64", "ulong"), KqlType.LONG),
}


class TokenStream:
    """The tokens of one query and the place reached in them."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.tokens = tokenize(text)
        self.at = 0
        self.depth = 0
        self.searching = False
        """Whether `column: text` is a condition here."""

    @property
    def here(self) -> Token:
        """The next token."""
        return self.tokens[self.at]

    def ahead(self, count: int) -> Token:
        """The token `count` places after the next."""
        return self.tokens[min(self.at + count, len(self.tokens) - 1)]

    def take(self) -> Token:
        """The next token, which is then behind; the end of the text is no token to take."""
        token = self.tokens[self.at]
        if token.kind is Kind.END:
            self.fail("a value")
        self.at += 1
        return token

    def fail(self, expected: str, at: Token | None = None) -> NoReturn:
        """Raise: something else was expected here."""
        token = at or self.here
        found = repr(token.text) if token.kind is not Kind.END else str(Kind.END)
        raise QuerySyntaxError(f"expected {expected}, found {found}", token.span, self.text)

    def unsupported(self, what: str, span: Span, hint: str = "") -> NoReturn:
        """Raise: valid KQL that is not answered here."""
        raise QueryUnsupported(f"{what} is not supported", span, self.text, hint)

    def sees(self, *texts: str) -> bool:
        """Whether the next token is one of these operators or words."""
        token = self.here
        return token.text in texts and token.kind in {Kind.OPERATOR, Kind.NAME}

    def accept(self, *texts: str) -> bool:
        """Take the next token if it is one of these."""
        if self.sees(*texts):
            self.at += 1
            return True
        return False

    def expect(self, text: str) -> Token:
        """Take the next token, which must be this."""
        if not self.sees(text):
            self.fail(f"{text!r}")
        return self.take()

    def since(self, start: int) -> Span:
        """From a place in the text to the last token taken."""
        return Span(start, max(start, self.tokens[max(self.at - 1, 0)].span.end))

    def is_name(self, token: Token) -> bool:
        """Whether a token can be a name."""
        return token.kind in {Kind.NAME, Kind.QUOTED_NAME}

    def name(self, what: str = "a name") -> Token:
        """Take a name."""
        if not self.is_name(self.here):
            self.fail(what)
        return self.take()

    def bracketed(self, token: Token, reserved: frozenset[str]) -> None:
        """Refuse a word of KQL that stands for a name without brackets."""
        if token.kind is Kind.NAME and token.text in reserved:
            hint = f"write ['{token.text}']"
            raise QuerySyntaxError(
                f"{token.text!r} is a word of KQL, and a name only in brackets", token.span, self.text, hint
            )

    def column_type(self) -> KqlType:
        """Take the name of a type."""
        token = self.name("a type")
        kind = TYPE_NAMES.get(token.text)
        if kind is None:
            self.fail("a type such as string, long, real, bool, datetime, timespan or dynamic", token)
        return kind

    def deeper(self) -> None:
        """Count one level of nesting; `depth` is counted down by the caller."""
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise QuerySyntaxError(f"more than {MAX_DEPTH} levels of nesting", self.here.span, self.text)
