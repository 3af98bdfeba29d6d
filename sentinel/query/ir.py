"""The typed form of a query: what to compute, independent of the engine that computes it.

A column is known by its number; its name is only what the answer calls it. Renaming, projecting and sorting
therefore need no step of their own: `Rows` says which columns are visible and by what the rows are ordered.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Final

from sentinel.model.tables import KqlType

LONGEST: Final = 2**63
_REACH: Final = {KqlType.BOOL: 1, KqlType.INT: 2**31, KqlType.DATETIME: 3155378975999999999}


def reach_of(kind: KqlType) -> int:
    """The largest magnitude a whole-numbered value of a type can have."""
    return _REACH.get(kind, LONGEST)


@dataclass(frozen=True, slots=True)
class Col:
    """A column of some step; `wild` says it may hold NaN or an infinity, `reach` bounds whole numbers."""

    id: int
    name: str
    type: KqlType
    nullable: bool = True
    wild: bool = False
    reach: int = LONGEST

    def named(self, name: str) -> Col:
        """The same column under another name."""
        return replace(self, name=name)


@dataclass(frozen=True, slots=True)
class Const:
    """A constant as the store keeps it."""

    type: KqlType
    value: str | int | float | None

    @property
    def nullable(self) -> bool:
        """Whether it is null."""
        return self.value is None

    @property
    def wild(self) -> bool:
        """Whether it is NaN or an infinity."""
        return isinstance(self.value, float) and not abs(self.value) < float("inf")

    @property
    def reach(self) -> int:
        """Its own magnitude."""
        return abs(self.value) if isinstance(self.value, int) else LONGEST


@dataclass(frozen=True, slots=True)
class Input:
    """What is known only when the query runs: `now` or a parameter."""

    type: KqlType
    name: str
    nullable: bool = False
    wild: bool = True

    @property
    def reach(self) -> int:
        """The reach of its type."""
        return reach_of(self.type)


@dataclass(frozen=True, slots=True)
class Ref:
    """The value of a column."""

    col: Col

    @property
    def type(self) -> KqlType:
        """The type of the column."""
        return self.col.type

    @property
    def nullable(self) -> bool:
        """Whether the column may be null."""
        return self.col.nullable

    @property
    def wild(self) -> bool:
        """Whether the column may hold NaN or an infinity."""
        return self.col.wild

    @property
    def reach(self) -> int:
        """The reach of the column."""
        return self.col.reach


@dataclass(frozen=True, slots=True)
class Call:
    """An operation on values; `op` is one the emitter knows or a registered `kql_` function."""

    op: str
    args: tuple[Expr, ...]
    type: KqlType
    nullable: bool = True
    wild: bool = False
    reach: int = LONGEST


@dataclass(frozen=True, slots=True)
class OrderKey:
    """One key of an order."""

    col: Col
    descending: bool
    nulls_first: bool


Order = tuple[OrderKey, ...]


@dataclass(frozen=True, slots=True)
class Window:
    """A function over the rows in their order; with `running` only over those up to the current one."""

    op: str
    args: tuple[Expr, ...]
    type: KqlType
    order: Order
    partition: tuple[Expr, ...] = ()
    running: bool = False
    nullable: bool = True
    wild: bool = False
    reach: int = LONGEST


@dataclass(frozen=True, slots=True)
class ScalarQuery:
    """The first value of a column of a subquery."""

    plan: Plan
    col: Col
    order: Order
    nullable: bool = True
    wild: bool = True

    @property
    def type(self) -> KqlType:
        """The type of the column."""
        return self.col.type

    @property
    def reach(self) -> int:
        """The reach of the column."""
        return self.col.reach


@dataclass(frozen=True, slots=True)
class InQuery:
    """Whether a value is in a column of a subquery, both sides prepared for comparing."""

    of: Expr
    plan: Plan
    col: Col
    type: KqlType = KqlType.BOOL
    nullable: bool = False
    wild: bool = False
    reach: int = 1


Expr = Const | Input | Ref | Call | Window | ScalarQuery | InQuery
Definition = tuple[Col, Expr]


@dataclass(frozen=True, slots=True, eq=False)
class ScanTable:
    """All rows of a telemetry table."""

    table: str
    columns: tuple[Col, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Values:
    """Rows of constants."""

    columns: tuple[Col, ...]
    rows: tuple[tuple[Expr, ...], ...]


@dataclass(frozen=True, slots=True, eq=False)
class Numbers:
    """The numbers from `start` to `stop` in steps, with their count from 0."""

    value: Col
    index: Col
    start: Expr
    stop: Expr
    step: Expr


@dataclass(frozen=True, slots=True, eq=False)
class Filter:
    """The rows for which a condition holds."""

    input: Plan
    condition: Expr


@dataclass(frozen=True, slots=True, eq=False)
class Extend:
    """Every row with more columns."""

    input: Plan
    columns: tuple[Definition, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Alias:
    """The same rows under other column numbers, so that they can meet themselves in a join."""

    input: Plan
    columns: tuple[tuple[Col, Col], ...]
    """Pairs of the new column and the one it stands for."""


@dataclass(frozen=True, slots=True)
class Aggregation:
    """One aggregate; `order` is that of the rows it collects, if they have one."""

    op: str
    args: tuple[Expr, ...]
    order: Order = ()
    condition: Expr | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Aggregate:
    """One row a group; without keys exactly one row."""

    input: Plan
    keys: tuple[Definition, ...]
    aggregates: tuple[tuple[Col, Aggregation], ...]


@dataclass(frozen=True, slots=True, eq=False)
class Join:
    """Pairs of rows; `kind` is inner, left, full, semi or anti, with the outer or kept side on the left."""

    left: Plan
    right: Plan
    kind: str
    pairs: tuple[tuple[Expr, Expr], ...]
    right_order: Order = ()
    """The order of the right rows: of several that match, Kusto gives the last first."""


@dataclass(frozen=True, slots=True, eq=False)
class Union:
    """The rows of all inputs; each input gives one value a column."""

    inputs: tuple[Plan, ...]
    columns: tuple[Col, ...]
    values: tuple[tuple[Expr, ...], ...]


@dataclass(frozen=True, slots=True, eq=False)
class Limit:
    """The first rows of an order."""

    input: Plan
    count: Expr
    order: Order


@dataclass(frozen=True, slots=True, eq=False)
class Expand:
    """One row for each element of the dynamics; several are walked side by side."""

    input: Plan
    columns: tuple[Definition, ...]
    index: Col
    bag_as_array: bool = False


@dataclass(frozen=True, slots=True)
class State:
    """A value carried from row to row: what it is before the first, and after each row."""

    col: Col
    before: Expr
    after: Expr


@dataclass(frozen=True, slots=True, eq=False)
class Fold:
    """Every row with the states after it; `after` may refer to the states before it and to the row.

    `number` counts the rows up from 1; with a `group` the states begin anew for each.
    """

    input: Plan
    number: Col
    group: Col | None
    states: tuple[State, ...]


Plan = (
    ScanTable | Values | Numbers | Filter | Extend | Alias | Aggregate | Join | Union | Limit | Expand | Fold
)


@dataclass(frozen=True, slots=True)
class Rows:
    """A plan, its visible columns in their order, and the order of its rows (none: any)."""

    plan: Plan
    columns: tuple[Col, ...]
    order: Order = ()
    label: str = ""
    """What `union withsource=` calls the rows, if they were named."""

    def find(self, name: str) -> Col | None:
        """The visible column of that name."""
        return next((c for c in self.columns if c.name == name), None)


@dataclass(frozen=True, slots=True)
class Bound:
    """A bound query: its answer, and how it asks to be drawn."""

    rows: Rows
    visualization: str | None
    tables: tuple[str, ...]


def inputs_of(plan: Plan) -> tuple[Plan, ...]:
    """The plans a plan reads, subqueries in expressions not among them."""
    match plan:
        case ScanTable() | Values() | Numbers():
            return ()
        case Join(left=left, right=right):
            return (left, right)
        case Union(inputs=inputs):
            return inputs
        case _:
            return (plan.input,)


def walk(expr: Expr) -> Iterator[Expr]:
    """An expression and all expressions in it."""
    stack = [expr]
    while stack:
        one = stack.pop()
        yield one
        if isinstance(one, Call):
            stack.extend(one.args)
        elif isinstance(one, Window):
            stack.extend((*one.args, *one.partition))
        elif isinstance(one, InQuery):
            stack.append(one.of)


def is_constant(expr: Expr) -> bool:
    """Whether an expression is the same for every row, without reading any table."""
    return all(isinstance(one, Const | Input | Call) for one in walk(expr))
