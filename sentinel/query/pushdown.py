"""Which conditions narrow a scan: spans of time, terms for the full-text index, and texts of labels.

The conditions stay in the query; a scan may answer with more than they let through.
"""

from __future__ import annotations

import collections
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from sentinel.model.tables import KqlType
from sentinel.query import ir
from sentinel.store.scan import Compare

TIME_COLUMN = "TimeGenerated"


@dataclass(frozen=True, slots=True)
class Bounds:
    """Indexes into the list of expressions that the engine computes before the query runs.

    Of `starts` the latest counts, of `ends` the earliest; `terms` pairs a column with the text looked for (`words` a
    dynamic whose text is looked through), `texts` also with how it is compared.
    """

    starts: tuple[int, ...] = ()
    ends: tuple[int, ...] = ()
    terms: tuple[tuple[str, int], ...] = ()
    words: tuple[tuple[str, int], ...] = ()
    texts: tuple[tuple[str, Compare, int], ...] = ()


def _conjuncts(condition: ir.Expr) -> Iterator[ir.Expr]:
    if isinstance(condition, ir.Call) and condition.op == "and":
        for arg in condition.args:
            yield from _conjuncts(arg)
    else:
        yield condition


def _behind(condition: ir.Expr, columns: tuple[ir.Definition, ...]) -> ir.Expr:
    """A condition on the text of a dynamic as one on the dynamic, so that its index can be asked."""
    if isinstance(condition, ir.Call) and condition.op in _HAS and isinstance(condition.args[0], ir.Ref):
        defined = next((e for c, e in columns if c.id == condition.args[0].col.id), None)
        if isinstance(defined, ir.Call) and defined.op == _TEXT_OF and isinstance(defined.args[0], ir.Ref):
            return replace(condition, args=(defined.args[0], *condition.args[1:]))
    return condition


_MOST_VISITS = 3
_MIRRORED = {"<": ">", "<=": ">=", ">": "<", ">=": "<=", "==": "=="}
_HAS = {"kql_op_has", "kql_op_has_cs"}
_TEXT_OF = "kql_tostring_dynamic"
_COMPARES = {
    "==": Compare.EQUALS,
    "kql_op_same": Compare.IS,
    "kql_op_startswith": Compare.STARTS_WITH,
    "kql_op_startswith_cs": Compare.STARTS_WITH,
    "kql_op_endswith": Compare.ENDS_WITH,
    "kql_op_endswith_cs": Compare.ENDS_WITH,
}


@dataclass(slots=True)
class _Narrowing:
    """The bounds of one scan while they are gathered."""

    starts: list[int] = field(default_factory=list)
    ends: list[int] = field(default_factory=list)
    terms: list[tuple[str, int]] = field(default_factory=list)
    words: list[tuple[str, int]] = field(default_factory=list)
    texts: list[tuple[str, Compare, int]] = field(default_factory=list)

    @property
    def bounds(self) -> Bounds:
        """All of them."""
        starts, ends = tuple(self.starts), tuple(self.ends)
        return Bounds(starts, ends, tuple(self.terms), tuple(self.words), tuple(self.texts))


class _Pushdown:
    def __init__(self) -> None:
        self.numbers: dict[ir.Expr, int] = {}
        self.plain: set[int] = set()
        self.found: dict[int, Bounds] = {}
        self.visits: collections.Counter[int] = collections.Counter()

    def visit(self, plan: ir.Plan, conditions: tuple[ir.Expr, ...]) -> None:
        if not conditions:
            if id(plan) in self.plain:
                return  # what is read again without more conditions is narrowed as before
            self.plain.add(id(plan))
        self.visits[id(plan)] += 1
        if self.visits[id(plan)] <= _MOST_VISITS + 1:
            # What is read in very many ways is narrowed by nothing from outside.
            self._visit(plan, conditions if self.visits[id(plan)] <= _MOST_VISITS else ())

    def _visit(self, plan: ir.Plan, conditions: tuple[ir.Expr, ...]) -> None:
        self._subqueries(plan)
        match plan:
            case ir.ScanTable():
                self._scan(plan, conditions)
            case ir.Filter(input=source, condition=condition):
                self.visit(source, (*conditions, *_conjuncts(condition)))
            case ir.Extend(input=source, columns=columns):
                ordered = any(isinstance(one, ir.Window) for _, e in columns for one in ir.walk(e))
                self.visit(source, () if ordered else tuple(_behind(one, columns) for one in conditions))
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
        return self.numbers.setdefault(value, len(self.numbers))

    def _scan(self, plan: ir.ScanTable, conditions: tuple[ir.Expr, ...]) -> None:
        names = {c.id: c.name for c in plan.columns}
        narrowing = _Narrowing()
        for condition in conditions:
            if not isinstance(condition, ir.Call) or len(condition.args) != 2:  # noqa: PLR2004 - two sides
                continue
            op, (left, right) = condition.op, condition.args
            if op in _MIRRORED and ir.is_constant(left):
                op, left, right = _MIRRORED[op], right, left
            if isinstance(left, ir.Ref) and left.col.id in names and ir.is_constant(right):
                self._narrow(narrowing, names[left.col.id], op, left, right)
        bounds = narrowing.bounds
        known = self.found.get(id(plan))
        # A scan that is read in two ways is narrowed by neither.
        if known is None or known == bounds:
            self.found[id(plan)] = bounds
        else:
            self.found[id(plan)] = Bounds()

    def _narrow(self, found: _Narrowing, name: str, op: str, left: ir.Ref, right: ir.Expr) -> None:
        """Note what a comparison of a column with a constant says to the store, if anything."""
        if op in _HAS:
            (found.words if left.type is KqlType.DYNAMIC else found.terms).append((name, self._number(right)))
        elif op in _COMPARES and left.type is right.type is KqlType.STRING:
            found.texts.append((name, _COMPARES[op], self._number(right)))
        elif op in _MIRRORED and name == TIME_COLUMN and right.type is KqlType.DATETIME:
            at = self._number(right)
            if op in {">", ">=", "=="}:
                found.starts.append(at)
            if op in {"<", "<=", "=="}:
                found.ends.append(at)


def bounds_of(*answers: ir.Rows) -> tuple[dict[int, Bounds], list[ir.Expr]]:
    """The bounds of each scan, by the identity of its plan, and the expressions they refer to."""
    found = _Pushdown()
    for rows in answers:
        found.visit(rows.plan, ())
    return found.found, list(found.numbers)
