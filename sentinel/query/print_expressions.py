"""The expressions of a syntax tree as KQL text; see `printer`."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable
from typing import Final, assert_never

from sentinel.model.tables import KqlType
from sentinel.query import tree
from sentinel.query.parse_expressions import PRECEDENCE
from sentinel.query.reserved import RESERVED_IN_USE
from sentinel.query.tokens import LITERAL_TYPES
from sentinel.query.values import format_datetime_iso, format_timespan

_PLAIN: Final = re.compile(r"\$?[A-Za-z_][A-Za-z0-9_]*")
_OTHER_WORDS: Final = """
    alias asc by datatable declare default desc external_table externaldata false find from hint in isfuzzy kind
    let limit materialize nulls null of on pattern print range regex restrict search set step to toscalar true True
    False typeof union view where with withsource matches between and or has
"""
_BRACKETED: Final = RESERVED_IN_USE | LITERAL_TYPES | frozenset(_OTHER_WORDS.split())
_TIGHTEST: Final = 100
_UNARY: Final = max(PRECEDENCE.values()) + 1
PipelinePrinter = Callable[[tree.Pipeline], str]


def quoted(text: str) -> str:
    """A text as a literal."""
    return json.dumps(text).replace("\x7f", "\\u007f")


def name(text: str) -> str:
    """A name, in brackets where it could be taken for something else."""
    return text if _PLAIN.fullmatch(text) and text not in _BRACKETED else f"[{quoted(text)}]"


def literal(node: tree.Literal) -> str:
    """A constant as a literal of its type."""
    kind, value = node.type, node.value
    if value is None:
        return f"{kind}(null)"
    match kind:
        case KqlType.STRING:
            return quoted(str(value))
        case KqlType.BOOL:
            return "true" if value else "false"
        case KqlType.DATETIME:
            return f"datetime({format_datetime_iso(int(value))})"
        case KqlType.TIMESPAN:
            return f"timespan({format_timespan(int(value))})"
        case KqlType.REAL:
            infinite = {"inf": "+inf", "-inf": "-inf", "nan": "nan"}
            return f"real({infinite.get(repr(value), repr(value))})"
        case KqlType.LONG if isinstance(value, int) and value >= 0:
            return str(value)
        case KqlType.LONG | KqlType.INT | KqlType.DECIMAL | KqlType.GUID | KqlType.DYNAMIC:
            return f"{kind}({value})"
        case _:
            assert_never(kind)


class ExpressionPrinter:
    """Prints expressions; queries inside of them are left to `pipeline`."""

    def __init__(self, pipeline: PipelinePrinter) -> None:
        self._pipeline = pipeline

    def print(self, node: tree.Expression, least: int = 0) -> str:
        """An expression, in brackets if it binds less tightly than `least`."""
        text, binds = self._printed(node)
        return f"({text})" if binds < least else text

    def listed(self, nodes: Iterable[tree.Expression]) -> str:
        """Expressions parted by commas."""
        return ", ".join(map(self.print, nodes))

    def named(self, node: tree.Named) -> str:
        """`name = value`, `(a, b) = value` or a bare value."""
        value = self.print(node.value)
        names = ", ".join(map(name, node.names))
        if not node.names:
            return value
        return f"{names} = {value}" if len(node.names) == 1 else f"({names}) = {value}"

    def named_list(self, nodes: Iterable[tree.Named]) -> str:
        """Named values parted by commas."""
        return ", ".join(map(self.named, nodes))

    def call(self, node: tree.Call) -> str:
        """`name(arguments)`."""
        arguments = ", ".join(
            f"{name(one.name)} = {self.print(one.value)}" if one.name else self.print(one.value)
            for one in node.arguments
        )
        called = (
            node.name if _PLAIN.fullmatch(node.name) and node.name not in LITERAL_TYPES else name(node.name)
        )
        return f"{called}({arguments})"

    def _printed(self, node: tree.Expression) -> tuple[str, int]:  # noqa: C901, PLR0911 - a table of cases
        match node:
            case tree.Literal():
                return literal(node), _TIGHTEST
            case tree.Name(text=text):
                return name(text), _TIGHTEST
            case tree.Star():
                return "*", _TIGHTEST
            case tree.TypeOf(type=kind):
                return f"typeof({kind})", _TIGHTEST
            case tree.Call():
                return self.call(node), _TIGHTEST
            case tree.Member(of=of, name=member):
                return f"{self._held(of)}.{name(member)}", _TIGHTEST
            case tree.Index(of=of, index=index):
                return f"{self._held(of)}[{self.print(index)}]", _TIGHTEST
            case tree.Unary(operator=sign, of=of):
                signed = self.print(of, _UNARY)
                return f"{sign}({signed})" if signed[0] in "+-" else f"{sign}{signed}", _UNARY
            case tree.Pipeline():
                return f"({self._pipeline(node)})", _TIGHTEST
            case tree.Binary() | tree.Between() | tree.Among():
                return self._infix(node)
            case _:
                assert_never(node)

    def _held(self, of: tree.Expression) -> str:
        plain = isinstance(of, tree.Name | tree.Member | tree.Index | tree.Call | tree.Literal)
        return self.print(of) if plain else f"({self.print(of)})"

    def _infix(self, node: tree.Binary | tree.Between | tree.Among) -> tuple[str, int]:
        match node:
            case tree.Binary(operator=sign, left=left, right=right):
                binds = PRECEDENCE["==" if sign == ":" else sign.split()[0]]
                return f"{self.print(left, binds)} {sign} {self.print(right, binds + 1)}", binds
            case tree.Between(of=of, low=low, high=high, negated=negated):
                binds = PRECEDENCE["between"]
                sign = "!between" if negated else "between"
                return f"{self.print(of, binds)} {sign} ({self.print(low)} .. {self.print(high)})", binds
            case tree.Among(operator=sign, of=of, items=items):
                binds = PRECEDENCE[sign]
                return f"{self.print(of, binds)} {sign} ({self.listed(items)})", binds
            case _:
                assert_never(node)
