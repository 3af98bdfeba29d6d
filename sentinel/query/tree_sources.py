"""The sources of the syntax tree: what a pipeline begins with.

Their names are used through `sentinel.query.tree`.
"""

from __future__ import annotations

from dataclasses import dataclass

from sentinel.model.tables import KqlType
from sentinel.query.tree_expressions import ColumnDeclaration, Expression, Named, Node, Pipeline


@dataclass(frozen=True, slots=True)
class DataTable(Node):
    """`datatable(columns)[values]`."""

    columns: tuple[ColumnDeclaration, ...]
    values: tuple[Expression, ...]


@dataclass(frozen=True, slots=True)
class Print(Node):
    """`print values`."""

    values: tuple[Named, ...]


@dataclass(frozen=True, slots=True)
class Range(Node):
    """`range name from start to stop step step`."""

    name: str
    start: Expression
    stop: Expression
    step: Expression


@dataclass(frozen=True, slots=True)
class TableArgument(Node):
    """A table of a union or search: a pattern with `*`, or a pipeline."""

    pattern: str
    pipeline: Pipeline | None


@dataclass(frozen=True, slots=True)
class Union(Node):
    """`union tables`, as source or behind a pipe."""

    tables: tuple[TableArgument, ...]
    kind: str = "outer"
    source_column: str = ""
    fuzzy: bool = False


@dataclass(frozen=True, slots=True)
class Search(Node):
    """`search in (tables) predicate`, as source or behind a pipe."""

    tables: tuple[TableArgument, ...]
    predicate: Expression
    case_sensitive: bool = False


@dataclass(frozen=True, slots=True)
class FoundColumn(Node):
    """A column `find` projects, with the type it is converted to."""

    name: str
    type: KqlType | None = None


@dataclass(frozen=True, slots=True)
class Find(Node):
    """`find in (tables) where predicate project columns`; no columns are those that fit, `packs` the rest in a bag."""

    tables: tuple[TableArgument, ...]
    predicate: Expression
    source_column: str = "source_"
    columns: tuple[FoundColumn, ...] | None = None
    packs: bool = False


SourceOperator = DataTable | Print | Range | Union | Search | Find
