"""The syntax tree of operators that look at several rows or groups of rows at a time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sentinel.query.tree_expressions import ColumnDeclaration, Expression, Named, Node

if TYPE_CHECKING:
    from sentinel.query.tree import Function, Operator, Parameter


@dataclass(frozen=True, slots=True)
class ScanColumn(Node):
    """A column of `scan declare`, with the value it has before anything is assigned."""

    declaration: ColumnDeclaration
    default: Expression | None


@dataclass(frozen=True, slots=True)
class ScanStep(Node):
    """`step name output=all: condition => column = value, ...;`."""

    name: str
    output: str
    condition: Expression
    assignments: tuple[Named, ...]


@dataclass(frozen=True, slots=True)
class Scan(Node):
    """`scan with_match_id=name declare (columns) with (steps)`."""

    match_name: str
    columns: tuple[ScanColumn, ...]
    steps: tuple[ScanStep, ...]


@dataclass(frozen=True, slots=True)
class NestedLevel(Node):
    """`top-nested count of value by aggregate`."""

    count: Expression | None
    of: Named
    by: Named
    descending: bool


@dataclass(frozen=True, slots=True)
class TopNested(Node):
    """`top-nested ..., top-nested ...`."""

    levels: tuple[NestedLevel, ...]


@dataclass(frozen=True, slots=True)
class Partition(Node):
    """`partition by column (operators)`."""

    by: Expression
    body: tuple[Operator, ...]


@dataclass(frozen=True, slots=True)
class ProjectByNames(Node):
    """`project-by-names names, patterns`."""

    names: tuple[Expression, ...]


@dataclass(frozen=True, slots=True)
class SampleDistinct(Node):
    """`sample-distinct count of value`."""

    count: Expression
    of: Named


@dataclass(frozen=True, slots=True)
class PatternCase(Node):
    """`(values).[path] = { body }`."""

    values: tuple[str, ...]
    path: str
    body: Function


@dataclass(frozen=True, slots=True)
class Pattern(Node):
    """`declare pattern name = (parameters)[path] { cases }`: a query chosen by constants."""

    parameters: tuple[Parameter, ...]
    path: Parameter | None
    cases: tuple[PatternCase, ...]
