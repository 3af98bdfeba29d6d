"""Which columns of each step of a pipeline somebody reads: whether rows come at all, or a later step, or the answer."""

from __future__ import annotations

from collections.abc import Iterable

from sentinel.query import tree
from sentinel.query.tree_expressions import names_in

Live = frozenset[str] | None
"""Names of columns; None for all of them."""
NO_COLUMN: Live = frozenset()
"""Nobody reads a column: what counts is whether there are rows."""


def live_columns(pipeline: tree.Pipeline, live: Live) -> tuple[Live, ...]:
    """The columns that are read before each operator, and last those read of the answer."""
    lives = [live]
    taken = False
    for operator in reversed(pipeline.operators):
        taken = taken or isinstance(operator, tree.Take)
        lives.append(_before(operator, lives[-1], ordered=taken))
    return tuple(reversed(lives))


def _before(operator: tree.Operator, after: Live, *, ordered: bool) -> Live:
    match operator:
        case tree.Where(condition=condition):
            return None if after is None else after | frozenset(names_in(condition))
        case tree.Extend(columns=columns):
            if after is None:
                return None
            made = frozenset(name for column in columns for name in column.names)
            return (after - made) | _read(columns, after)
        case tree.Project(columns=columns):
            return _read(columns, after)
        case tree.Summarize(aggregates=aggregates, keys=keys):
            return _read(aggregates, after) | _read(keys, None)
        case tree.Sort(keys=keys) if after is not None and ordered:
            return after | frozenset(name for key in keys for name in names_in(key.value))
        case tree.Sort() | tree.Take():
            return after
        case _:
            return None


def _read(columns: Iterable[tree.Named], after: Live) -> frozenset[str]:
    """The names in those of some columns that are read."""
    found: set[str] = set()
    for column in columns:
        own = column.names or ((column.value.text,) if isinstance(column.value, tree.Name) else ())
        if after is None or not own or not after.isdisjoint(own):
            found |= set(names_in(column.value))
    return frozenset(found)
