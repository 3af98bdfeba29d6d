"""Which conditions narrow a scan: spans of time, and terms for the full-text index.

The conditions stay in the query; a scan may answer with more than they let through.
"""

from __future__ import annotations

import collections
from collections.abc import Iterator
from dataclasses import dataclass

from sentinel.model.tables import KqlType
from sentinel.query import ir

TIME_COLUMN = "TimeGenerated"


@dataclass(frozen=True, slots=True)
class Bounds:
    """Indexes into the list of expressions that the engine computes before the query runs.

    Of `starts` the latest counts, of `ends` the earliest; `terms` pairs a column with the text looked for.
    """

    starts: tuple[int, ...] = ()
    ends: tuple[int, ...] = ()
    terms: tuple[tuple[str, int], ...] = ()


def _conjuncts(condition: ir.Expr) -> Iterator[ir.Expr]:
    if isinstance(condition, ir.Call) and condition.op == "and":
        for arg in condition.args:
            yield from _conjuncts(arg)
    else:
        yield condition


_MOST_VISITS = 3
_MIRRORED = {"<": ">", "<=": ">=", ">": "<", ">=": "<=", "==": "=="}
_HAS = {"kql_op_has", "kql_op_has_cs"}


class _Pushdown:
    def __init__(self) -> None:
        self.numbers: list[ir.Expr] = []
        self.found: dict[int, Bounds] = {}
        self.visits: collections.Counter[int] = collections.Counter()

    def visit(self, plan: ir.Plan, conditions: tuple[ir.Expr, ...]) -> None:
        self.visits[id(plan)] += 1
        if self.visits[id(plan)] > _MOST_VISITS:
            if self.visits[id(plan)] > _MOST_VISITS + 1:
                return
            # What is read in very many ways is narrowed by nothing from outside.
            conditions = ()
        self._subqueries(plan)
        match plan:
            case ir.ScanTable():
                self._scan(plan, conditions)
            case ir.Filter(input=source, condition=condition):
                self.visit(source, (*conditions, *_conjuncts(condition)))
            case ir.Extend(input=source, columns=columns):
                ordered = any(isinstance(one, ir.Window) for _, e in columns for one in ir.walk(e))
                self.visit(source, () if ordered else conditions)
            case ir.Alias(input=source):
                self.visit(source, ())
            case ir.Join(left=left, right=right, kind=kind):
                self.visit(left, conditions if kind != "full" else ())
                self.visit(right, conditions if kind == "inner" else ())
            case _:
                for source in ir.inputs_of(plan):
                    self.visit(source, ())

    def _subqueries(self, plan: ir.Plan) -> None:
        values: list[ir.Expr] = []
        if isinstance(plan, ir.Filter):
            values.append(plan.condition)
        elif isinstance(plan, ir.Extend | ir.Expand):
            values.extend(e for _, e in plan.columns)
        elif isinstance(plan, ir.Values):
            values.extend(cell for row in plan.rows for cell in row if not isinstance(cell, ir.Const))
        elif isinstance(plan, ir.Aggregate):
            values.extend(e for _, e in plan.keys)
            values.extend(e for _, a in plan.aggregates for e in a.args)
        for value in values:
            for one in ir.walk(value):
                if isinstance(one, ir.ScalarQuery | ir.InQuery):
                    self.visit(one.plan, ())

    def _number(self, value: ir.Expr) -> int:
        self.numbers.append(value)
        return len(self.numbers) - 1

    def _scan(self, plan: ir.ScanTable, conditions: tuple[ir.Expr, ...]) -> None:
        names = {c.id: c.name for c in plan.columns}
        starts: list[int] = []
        ends: list[int] = []
        terms: list[tuple[str, int]] = []
        for condition in conditions:
            if not isinstance(condition, ir.Call) or len(condition.args) != 2:  # noqa: PLR2004 - two sides
                continue
            op, (left, right) = condition.op, condition.args
            if op in _HAS and isinstance(left, ir.Ref) and left.col.id in names and ir.is_constant(right):
                terms.append((names[left.col.id], self._number(right)))
                continue
            if op in _MIRRORED and ir.is_constant(left):
                op, left, right = _MIRRORED[op], right, left
            if (
                not isinstance(left, ir.Ref)
                or names.get(left.col.id) != TIME_COLUMN
                or not ir.is_constant(right)
            ):
                continue
            if right.type is not KqlType.DATETIME or op not in _MIRRORED:
                continue
            at = self._number(right)
            if op in {">", ">=", "=="}:
                starts.append(at)
            if op in {"<", "<=", "=="}:
                ends.append(at)
        bounds = Bounds(tuple(starts), tuple(ends), tuple(terms))
        known = self.found.get(id(plan))
        # A scan that is read in two ways is narrowed by neither.
        if known is None or self._meaning(known) == self._meaning(bounds):
            self.found[id(plan)] = known or bounds
        else:
            self.found[id(plan)] = Bounds()

    def _meaning(self, bounds: Bounds) -> tuple[object, ...]:
        """What bounds say, whatever the places of their expressions."""
        return (
            [self.numbers[at] for at in bounds.starts],
            [self.numbers[at] for at in bounds.ends],
            [(name, self.numbers[at]) for name, at in bounds.terms],
        )


def bounds_of(rows: ir.Rows) -> tuple[dict[int, Bounds], list[ir.Expr]]:
    """The bounds of each scan, by the identity of its plan, and the expressions they refer to."""
    found = _Pushdown()
    found.visit(rows.plan, ())
    return found.found, found.numbers
