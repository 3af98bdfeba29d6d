"""The expressions of the syntax tree: what was written, before anything is known about types.

Every node knows its place in the text.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sentinel.errors import Span
from sentinel.model.tables import KqlType

if TYPE_CHECKING:
    from sentinel.query.tree import Operator, SourceOperator


@dataclass(frozen=True, slots=True)
class Node:
    """Anything with a place in the text."""

    span: Span


@dataclass(frozen=True, slots=True)
class Literal(Node):
    """A constant; `value` is as the store keeps it (ticks, 0/1, JSON text) and `None` for null."""

    type: KqlType
    value: str | int | float | None


@dataclass(frozen=True, slots=True)
class Name(Node):
    """A column, a let, a table or a parameter."""

    text: str


@dataclass(frozen=True, slots=True)
class Star(Node):
    """`*`: every column."""


@dataclass(frozen=True, slots=True)
class Member(Node):
    """`d.name`."""

    of: Expression
    name: str


@dataclass(frozen=True, slots=True)
class Index(Node):
    """`d[index]`."""

    of: Expression
    index: Expression


@dataclass(frozen=True, slots=True)
class Argument(Node):
    """An argument, possibly named."""

    value: Expression
    name: str = ""


@dataclass(frozen=True, slots=True)
class Call(Node):
    """`name(arguments)`."""

    name: str
    arguments: tuple[Argument, ...]


@dataclass(frozen=True, slots=True)
class TypeOf(Node):
    """`typeof(long)`."""

    type: KqlType


@dataclass(frozen=True, slots=True)
class Unary(Node):
    """`-x` or `+x`."""

    operator: str
    of: Expression


@dataclass(frozen=True, slots=True)
class Binary(Node):
    """`left operator right`."""

    operator: str
    left: Expression
    right: Expression


@dataclass(frozen=True, slots=True)
class Between(Node):
    """`of between (low .. high)`, possibly negated."""

    of: Expression
    low: Expression
    high: Expression
    negated: bool


@dataclass(frozen=True, slots=True)
class Among(Node):
    """`of in (items)`, `has_any`, `has_all` and their kin."""

    operator: str
    of: Expression
    items: tuple[Expression, ...]


@dataclass(frozen=True, slots=True)
class Pipeline(Node):
    """A source and the operators its rows flow through; also an expression, in brackets."""

    source: Expression | SourceOperator
    operators: tuple[Operator, ...]


Expression = (
    Literal | Name | Star | Member | Index | Call | TypeOf | Unary | Binary | Between | Among | Pipeline
)


@dataclass(frozen=True, slots=True)
class Named(Node):
    """`names = value`: several names take a tuple or the columns of an aggregate; none leaves it unnamed."""

    names: tuple[str, ...]
    value: Expression


@dataclass(frozen=True, slots=True)
class ColumnDeclaration(Node):
    """`name: type`."""

    name: str
    type: KqlType


def names_in(node: object) -> Iterator[str]:
    """The bare names in an expression; of `step.column` and `bag.key` nothing."""
    if isinstance(node, Name):
        yield node.text
    elif isinstance(node, Member) and isinstance(node.of, Name):
        return
    elif isinstance(node, Node):
        for name in node.__dataclass_fields__:
            yield from names_in(getattr(node, name))
    elif isinstance(node, tuple):
        for one in node:
            yield from names_in(one)


def operands(node: Expression, operator: str) -> Iterator[Expression]:
    """The expressions that `and` (or `or`) joins, however they are nested; the expression itself if it joins none."""
    if isinstance(node, Binary) and node.operator == operator:
        yield from operands(node.left, operator)
        yield from operands(node.right, operator)
    else:
        yield node
