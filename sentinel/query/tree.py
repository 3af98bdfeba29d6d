"""The syntax tree of KQL: sources, operators and statements, and the expressions they hold.

Every node knows its place in the text.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from sentinel.model.tables import KqlType
from sentinel.query.tree_expressions import (
    Among,
    Argument,
    Between,
    Binary,
    Call,
    ColumnDeclaration,
    Expression,
    Index,
    Literal,
    Member,
    Name,
    Named,
    Node,
    Pipeline,
    Star,
    TypeOf,
    Unary,
    operands,
)
from sentinel.query.tree_sources import (
    DataTable,
    Find,
    FoundColumn,
    Print,
    Range,
    Search,
    SourceOperator,
    TableArgument,
    Union,
)
from sentinel.query.tree_steps import Partition, Pattern, ProjectByNames, SampleDistinct, Scan, TopNested

__all__ = [
    "Among",
    "Argument",
    "As",
    "Between",
    "Binary",
    "Call",
    "ColumnDeclaration",
    "ColumnPattern",
    "Count",
    "DataTable",
    "Distinct",
    "Evaluate",
    "ExpandItem",
    "Expression",
    "Extend",
    "Find",
    "FoundColumn",
    "Function",
    "GetSchema",
    "Index",
    "Invoke",
    "Join",
    "Let",
    "Literal",
    "MakeSeries",
    "Member",
    "MvExpand",
    "Name",
    "Named",
    "Node",
    "Operator",
    "Parameter",
    "Parse",
    "ParseKv",
    "ParsePiece",
    "Partition",
    "Pattern",
    "Pipeline",
    "Print",
    "Project",
    "ProjectByNames",
    "ProjectColumns",
    "ProjectRename",
    "Query",
    "Range",
    "Render",
    "SampleDistinct",
    "Scan",
    "Search",
    "SeriesAggregate",
    "Sort",
    "SortKey",
    "SourceOperator",
    "Star",
    "Summarize",
    "TableArgument",
    "Take",
    "TopNested",
    "TypeOf",
    "Unary",
    "Union",
    "Where",
    "operands",
]


@dataclass(frozen=True, slots=True)
class Where(Node):
    """`where condition`."""

    condition: Expression


@dataclass(frozen=True, slots=True)
class Project(Node):
    """`project columns`."""

    columns: tuple[Named, ...]


@dataclass(frozen=True, slots=True)
class Extend(Node):
    """`extend columns`, also `serialize columns`."""

    columns: tuple[Named, ...]
    serialized: bool = False


@dataclass(frozen=True, slots=True)
class ColumnPattern(Node):
    """A column by name or with `*`, possibly with an order."""

    pattern: str
    order: str = ""


@dataclass(frozen=True, slots=True)
class ProjectColumns(Node):
    """`project-away`, `project-keep` and `project-reorder`."""

    what: str
    patterns: tuple[ColumnPattern, ...]


@dataclass(frozen=True, slots=True)
class ProjectRename(Node):
    """`project-rename new = old`."""

    columns: tuple[Named, ...]


@dataclass(frozen=True, slots=True)
class Summarize(Node):
    """`summarize aggregates by keys`."""

    aggregates: tuple[Named, ...]
    keys: tuple[Named, ...]


@dataclass(frozen=True, slots=True)
class SortKey(Node):
    """One key of an order; `nulls_first` is `None` where nothing was written."""

    value: Expression
    descending: bool = True
    nulls_first: bool | None = None


@dataclass(frozen=True, slots=True)
class Sort(Node):
    """`sort by keys`; with a `limit` it is `top`."""

    keys: tuple[SortKey, ...]
    limit: Expression | None = None


@dataclass(frozen=True, slots=True)
class Take(Node):
    """`take count`."""

    count: Expression


@dataclass(frozen=True, slots=True)
class Distinct(Node):
    """`distinct columns`."""

    columns: tuple[Named, ...]


@dataclass(frozen=True, slots=True)
class Count(Node):
    """`count`."""


@dataclass(frozen=True, slots=True)
class Join(Node):
    """`join kind=... (right) on conditions`, also `lookup`."""

    kind: str
    right: Pipeline
    conditions: tuple[Expression, ...]
    lookup: bool = False


@dataclass(frozen=True, slots=True)
class ParsePiece(Node):
    """A piece of a `parse` pattern: a literal text, `*`, or a column to take."""

    text: str | None = None
    column: ColumnDeclaration | None = None


@dataclass(frozen=True, slots=True)
class Parse(Node):
    """`parse kind=... of with pieces`; `filters` for `parse-where`."""

    of: Expression
    pieces: tuple[ParsePiece, ...]
    kind: str = "simple"
    flags: str = ""
    filters: bool = False


@dataclass(frozen=True, slots=True)
class ParseKv(Node):
    """`parse-kv of as (columns) with (options)`."""

    of: Expression
    columns: tuple[ColumnDeclaration, ...]
    options: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class ExpandItem(Node):
    """One column of `mv-expand`, with the type it is converted to."""

    name: str
    value: Expression
    type: KqlType | None = None


@dataclass(frozen=True, slots=True)
class MvExpand(Node):
    """`mv-expand items`; with `body` it is `mv-apply`."""

    items: tuple[ExpandItem, ...]
    index_name: str = ""
    limit: Expression | None = None
    bag_as_array: bool = False
    body: tuple[Operator, ...] | None = None


@dataclass(frozen=True, slots=True)
class SeriesAggregate(Node):
    """One aggregate of `make-series`, with the value of empty bins."""

    value: Named
    default: Expression | None = None


@dataclass(frozen=True, slots=True)
class MakeSeries(Node):
    """`make-series aggregates on axis from start to stop step step by keys`."""

    aggregates: tuple[SeriesAggregate, ...]
    axis: Named
    start: Expression | None
    stop: Expression | None
    step: Expression
    keys: tuple[Named, ...]
    nonempty: bool = False


@dataclass(frozen=True, slots=True)
class Evaluate(Node):
    """`evaluate plugin(arguments)`."""

    call: Call
    columns: tuple[ColumnDeclaration, ...] = ()
    keeps: bool = False


@dataclass(frozen=True, slots=True)
class Render(Node):
    """`render visualization`: metadata, no rows change."""

    visualization: str


@dataclass(frozen=True, slots=True)
class As(Node):
    """`as name`."""

    name: str


@dataclass(frozen=True, slots=True)
class GetSchema(Node):
    """`getschema`."""


@dataclass(frozen=True, slots=True)
class Invoke(Node):
    """`invoke function(arguments)`."""

    call: Call


Operator = (
    Where | Project | Extend | ProjectColumns | ProjectRename | Summarize | Sort | Take | Distinct | Count | Join
    | Parse | ParseKv | MvExpand | MakeSeries | Evaluate | Render | As | GetSchema | Invoke | Union | Search
    | Scan | TopNested | Partition | ProjectByNames | SampleDistinct
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Parameter(Node):
    """A parameter of a function: a scalar with a type, or a table with columns (none: any table)."""

    name: str
    type: KqlType | None
    columns: tuple[ColumnDeclaration, ...] = ()
    default: Literal | None = None


@dataclass(frozen=True, slots=True)
class Function(Node):
    """`(parameters) { body }`."""

    parameters: tuple[Parameter, ...]
    lets: tuple[Let, ...]
    body: Pipeline
    view: bool = False


@dataclass(frozen=True, slots=True)
class Let(Node):
    """`let name = value;`, also `declare pattern name = value;`."""

    name: str
    value: Pipeline | Function | Pattern


@dataclass(frozen=True, slots=True)
class Query(Node):
    """The lets of a query and the pipelines that answer; all but the last are only checked."""

    lets: tuple[Let, ...]
    pipeline: Pipeline
    declared: tuple[Parameter, ...] = field(default=())
