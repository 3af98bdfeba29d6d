"""What binding knows: names in scope, the columns of the row at hand, numbers for new columns."""

from __future__ import annotations

import difflib
import itertools
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import NoReturn

from sentinel.errors import QueryLimitExceeded, QuerySemanticError, QueryUnsupported, Span
from sentinel.model.tables import KqlType, Table
from sentinel.query import ir, tree
from sentinel.query.probing import Probe, constant_rows

MAX_STEPS = 2000
"""How many steps a query may have once its lets are put in place."""


MAX_VALUE = 5000
"""How many parts a value of a let may have."""


@dataclass(frozen=True, slots=True)
class ScalarLet:
    """A name for a value, which is put in place wherever it is used."""

    value: ir.Expr

    def __post_init__(self) -> None:
        if sum(1 for _ in itertools.islice(ir.walk(self.value), MAX_VALUE + 1)) > MAX_VALUE:
            raise QueryLimitExceeded(
                f"a value has more than {MAX_VALUE} parts once its lets are put in place"
            )


@dataclass(frozen=True, slots=True)
class TabularLet:
    """A name for a query, bound anew wherever it is used."""

    pipeline: tree.Pipeline
    names: Names


@dataclass(frozen=True, slots=True)
class FunctionLet:
    """A function of the query itself."""

    function: tree.Function
    names: Names


@dataclass(frozen=True, slots=True)
class RowsLet:
    """A name for rows that are already bound."""

    rows: ir.Rows


@dataclass(frozen=True, slots=True)
class PatternLet:
    """A name for queries, one of which constants choose."""

    pattern: tree.Pattern
    names: Names


Binding = ScalarLet | TabularLet | FunctionLet | RowsLet | PatternLet


@dataclass(frozen=True, slots=True)
class Names:
    """The lets in scope, the inner ones first."""

    own: Mapping[str, Binding] = field(default_factory=dict)
    outer: Names | None = None

    def find(self, name: str) -> Binding | None:
        """What a name stands for."""
        scope: Names | None = self
        while scope is not None:
            if name in scope.own:
                return scope.own[name]
            scope = scope.outer
        return None

    def all(self) -> Iterable[str]:
        """All names in scope."""
        yield from self.own
        if self.outer is not None:
            yield from self.outer.all()

    def views(self) -> Iterable[str]:
        """The names of functions that wildcards find."""
        for name in dict.fromkeys(self.all()):
            found = self.find(name)
            if isinstance(found, FunctionLet) and found.function.view:
                yield name

    def with_name(self, name: str, binding: Binding) -> Names:
        """This scope with one more name."""
        return Names({name: binding}, self)


@dataclass(slots=True)
class Aggregates:
    """The aggregates found in the expressions of one `summarize`."""

    place: Place
    found: list[tuple[ir.Col, ir.Aggregation]] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Place:
    """Where an expression stands: what its names mean.

    `sides` are the columns of `$left` and `$right` in the conditions of a join; `windows` collects the window
    functions of an operator over ordered rows; `aggregates` those of a summarize.
    """

    columns: tuple[ir.Col, ...]
    names: Names
    sides: Mapping[str, tuple[ir.Col, ...]] = field(default_factory=dict)
    order: ir.Order = ()
    windows: list[ir.Definition] | None = None
    aggregates: Aggregates | None = None

    def column(self, name: str) -> ir.Col | None:
        """The column of exactly that name."""
        return next((c for c in self.columns if c.name == name), None)


class Context:
    """Errors with places, fresh columns, and the tables there are."""

    def __init__(self, text: str, tables: Mapping[str, Table], probe: Probe = constant_rows) -> None:
        self.text = text
        self.tables = tables
        self.numbers = itertools.count(1)
        self.read: dict[str, None] = {}
        self.visualization: str | None = None
        self.steps = 0
        self.probe = probe
        self.groups: tuple[ir.Col, ...] = ()
        """The hidden column that tells groups of rows apart, inside mv-apply and partition."""
        self.kept: tuple[ir.Col, ...] = ()
        """The columns that stay beside the groups."""

    def fail(self, message: str, span: Span, hint: str = "") -> NoReturn:
        """Raise: the query does not fit together."""
        raise QuerySemanticError(message, span, self.text, hint)

    def unsupported(self, what: str, span: Span, hint: str = "") -> NoReturn:
        """Raise: valid KQL that is not answered here."""
        raise QueryUnsupported(f"{what} is not supported", span, self.text, hint)

    def unknown(self, what: str, name: str, known: Iterable[str], span: Span, also: str = "") -> NoReturn:
        """Raise: there is nothing of that name; name the nearest."""
        listed = list(dict.fromkeys(known))
        lowered = {one.lower(): one for one in listed}
        near = difflib.get_close_matches(name.lower(), lowered, 1, 0.6)
        hint = f"did you mean {lowered[near[0]]}?" if near else ""
        self.fail(f"there is no {what} named {name!r}{also}", span, hint)

    def step(self, span: Span) -> None:
        """Count one step of the plan."""
        self.steps += 1
        if self.steps > MAX_STEPS:
            raise QueryLimitExceeded(f"the query has more than {MAX_STEPS} steps", span, self.text)

    def fresh(self, name: str, value: ir.Expr) -> ir.Col:
        """A new column for a value."""
        return ir.Col(next(self.numbers), name, value.type, value.nullable, value.wild, value.reach)

    def new_column(self, name: str, kind: KqlType, *, nullable: bool = True, wild: bool = False) -> ir.Col:
        """A new column of a type."""
        text = kind is KqlType.STRING
        return ir.Col(next(self.numbers), name, kind, nullable and not text, wild, ir.reach_of(kind))

    def renumbered(self, rows: ir.Rows) -> ir.Rows:
        """The same rows under new column numbers."""
        old = dict.fromkeys((*rows.columns, *(key.col for key in rows.order)))
        new = {col: replace(col, id=next(self.numbers)) for col in old}
        plan = ir.Alias(rows.plan, tuple((new[col], col) for col in old))
        order = tuple(replace(key, col=new[key.col]) for key in rows.order)
        return ir.Rows(plan, tuple(new[col] for col in rows.columns), order)


def unique_name(name: str, taken: Iterable[str]) -> str:
    """A name that is not taken: the name itself, or with 1, 2, … behind it."""
    used = set(taken)
    if name not in used:
        return name
    return next(f"{name}{i}" for i in itertools.count(1) if f"{name}{i}" not in used)


def beside(left: Iterable[ir.Col], right: Iterable[ir.Col]) -> tuple[ir.Col, ...]:
    """The columns of two sides, those of the right renamed where the left has their name already.

    A name that any column had before is never given anew: beside `k`, `k` and `k1` become `k2` and `k1`.
    """
    columns, others = [*left], [*right]
    seen = {column.name for column in columns}
    taken = {*seen, *(column.name for column in others)}
    for column in others:
        name = unique_name(column.name, taken) if column.name in seen else column.name
        taken.add(name)
        columns.append(column.named(name))
    return tuple(columns)
