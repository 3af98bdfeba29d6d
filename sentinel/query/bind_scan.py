"""Binding `scan`: sequences of rows told by steps, each with a state that goes from row to row.

A state holds, for its own step and those before it, the values of the row that matched last. A row is held against
the last step first: it carries the state of the step before on, or renews the state of the step itself.
https://learn.microsoft.com/kusto/query/scan-operator
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Final

from sentinel.model.tables import KqlType
from sentinel.query import ir, tree
from sentinel.query.bind_apply import ApplyBinder
from sentinel.query.bind_context import Place
from sentinel.query.bind_expressions import truth
from sentinel.query.tree_expressions import Expression, Member, Name, Node, names_in
from sentinel.query.tree_steps import ScanStep

_LONG, _BOOL, _TEXT = KqlType.LONG, KqlType.BOOL, KqlType.STRING
_NO: Final = ir.Const(_BOOL, 0)
_YES: Final = ir.Const(_BOOL, 1)


def _both(*conditions: ir.Expr) -> ir.Expr:
    return truth("and", *(ir.Call("is_true", (c,), _BOOL, nullable=False, reach=1) for c in conditions))


def _no(condition: ir.Expr) -> ir.Expr:
    return ir.Call("not", (condition,), _BOOL, nullable=False, reach=1)


def _case(*parts: ir.Expr) -> ir.Expr:
    return ir.Call("case", parts, parts[-1].type, reach=ir.reach_of(parts[-1].type), wild=True)


@dataclass(slots=True)
class _Step:
    """One step while it is bound: its state, and when a row matches it."""

    node: ScanStep
    values: dict[tuple[int, str], ir.Col] = field(default_factory=dict)
    active: ir.Col | None = None
    match: ir.Col | None = None
    matched: ir.Col | None = None
    moved: ir.Expr = _NO
    """The row carries the state of the step before on."""
    stayed: ir.Expr = _NO
    """The row renews the state of the step itself."""

    def is_active(self) -> ir.Expr:
        """Whether there is a sequence at this step."""
        assert self.active is not None  # noqa: S101 - set before anything is bound
        return ir.Ref(self.active)


def _members(node: object, steps: Mapping[str, int]) -> Iterable[tuple[int, str]]:
    """The values of states that an expression refers to."""
    if isinstance(node, Member) and isinstance(node.of, Name) and node.of.text in steps:
        yield steps[node.of.text], node.name
        return
    if isinstance(node, Node):
        for name in node.__dataclass_fields__:
            yield from _members(getattr(node, name), steps)
    elif isinstance(node, tuple):
        for one in node:
            yield from _members(one, steps)


class ScanBinder(ApplyBinder):
    """Binds `scan`."""

    def scan(self, node: tree.Scan, rows: ir.Rows, place: Place) -> ir.Rows:
        """`scan declare (columns) with (steps)`."""
        if not rows.order:
            self.fail("'scan' needs rows in an order", node.span, "put sort or serialize before it")
        numbered, number = self._counted(rows)
        declared, empty, plan = self._beginning(node, rows, numbered, place)
        steps = [_Step(one) for one in node.steps]
        names = {step.node.name: at for at, step in enumerate(steps)}
        if len(names) < len(steps):
            self.fail("two steps have the same name", node.span)
        self._states(steps, names, declared, empty)
        following = self.new_column("", _LONG, nullable=False)
        binding = _Binding(self, steps, names, rows.columns, declared, empty, place, following)
        states = binding.states()
        group = self.groups[0] if self.groups else None
        folded = ir.Fold(plan, number, group, tuple(states))
        return self._outputs(node, rows, folded, steps, declared)

    def _counted(self, rows: ir.Rows) -> tuple[ir.Plan, ir.Col]:
        number = ir.Col(next(self.numbers), "", _LONG, nullable=False, reach=2**53)
        order = (*(ir.OrderKey(g, descending=False, nulls_first=True) for g in self.groups), *rows.order)
        window = ir.Window("row_number", (), _LONG, order, nullable=False, reach=2**53)
        return ir.Extend(rows.plan, ((number, window),)), number

    def _beginning(
        self, node: tree.Scan, rows: ir.Rows, plan: ir.Plan, place: Place
    ) -> tuple[dict[str, ir.Col], dict[str, ir.Expr], ir.Plan]:
        """The declared columns with the values they have unless assigned, and those of an empty state."""
        declared: dict[str, ir.Col] = {}
        empty: dict[str, ir.Expr] = {c.name: self._nothing(c.type) for c in rows.columns}
        computed: list[ir.Definition] = []
        for column in node.columns:
            name, kind = column.declaration.name, column.declaration.type
            if name in empty:
                self.fail(f"there is already a column named {name!r}", column.span)
            value = self._nothing(kind)
            if column.default is not None:
                bound = self.expression(column.default, Place((), place.names))
                if not ir.is_constant(bound):
                    self.fail("what a column is declared with is a constant", column.span)
                value = self.convert(bound, kind)
            empty[name] = value
            declared[name] = replace(self.new_column(name, kind), wild=kind is KqlType.REAL)
            computed.append((declared[name], value))
        return declared, empty, ir.Extend(plan, tuple(computed)) if computed else plan

    @staticmethod
    def _nothing(kind: KqlType) -> ir.Expr:
        return ir.Const(kind, "" if kind is _TEXT else None)

    def _states(
        self,
        steps: list[_Step],
        names: Mapping[str, int],
        declared: Mapping[str, ir.Col],
        empty: Mapping[str, ir.Expr],
    ) -> None:
        asked = {
            pair for step in steps for pair in _members((step.node.condition, step.node.assignments), names)
        }
        for at, name in asked:
            if name not in empty:
                self.unknown("column", name, empty, steps[at].node.span)
        asked |= {(at, name) for at in range(len(steps)) for name in declared}
        for at, step in enumerate(steps):
            step.active = self.new_column("", _BOOL, nullable=False)
            step.match = self.new_column("", _LONG, nullable=False)
            step.matched = self.new_column("", _BOOL, nullable=False)
            for of, name in sorted(asked):
                if of <= at:
                    kind = empty[name].type
                    step.values[of, name] = self.new_column(name, kind, wild=kind is KqlType.REAL)

    def _outputs(
        self,
        node: tree.Scan,
        rows: ir.Rows,
        folded: ir.Fold,
        steps: list[_Step],
        declared: Mapping[str, ir.Col],
    ) -> ir.Rows:
        """A row for every match, those of later steps first."""
        kept = (*rows.columns, folded.number, *self.groups, *self.kept)
        outputs = [replace(c, id=next(self.numbers)) for c in kept]
        again = dict(zip((c.id for c in kept), outputs, strict=True))
        added = [self.new_column(name, c.type, wild=c.wild) for name, c in declared.items()]
        match = [self.new_column(node.match_name, _LONG, nullable=False)] if node.match_name else []
        step_number = ir.Col(next(self.numbers), "", _LONG, nullable=False, reach=2**31)
        inputs: list[ir.Plan] = []
        values: list[tuple[ir.Expr, ...]] = []
        for at, step in enumerate(steps):
            if step.node.output == "last":
                self.unsupported("output=last", step.node.span, "output=all, and keep the last with arg_max")
            if step.node.output == "none":
                continue
            assert step.matched is not None and step.match is not None  # noqa: S101, PT018 - set by _states
            inputs.append(ir.Filter(folded, ir.Ref(step.matched)))
            values.append(
                (
                    *map(ir.Ref, kept),
                    *(ir.Ref(step.values[at, name]) for name in declared),
                    *([ir.Ref(step.match)] if match else []),
                    ir.Const(_LONG, at),
                )
            )
        if not inputs:
            self.fail("no step gives any rows", node.span)
        plan = ir.Union(tuple(inputs), (*outputs, *added, *match, step_number), tuple(values))
        self.regroup(again)
        order = (
            ir.OrderKey(again[folded.number.id], descending=False, nulls_first=True),
            ir.OrderKey(step_number, descending=True, nulls_first=False),
        )
        return ir.Rows(plan, (*(again[c.id] for c in rows.columns), *added, *match), order)


class _Binding:
    """The conditions and assignments of all steps, and what they make of the states."""

    def __init__(
        self,
        binder: ScanBinder,
        steps: list[_Step],
        names: Mapping[str, int],
        columns: tuple[ir.Col, ...],
        declared: Mapping[str, ir.Col],
        empty: Mapping[str, ir.Expr],
        place: Place,
        following: ir.Col,
    ) -> None:
        self.binder = binder
        self.steps = steps
        self.names = names
        self.columns = columns
        self.declared = declared
        self.empty = empty
        self.place = place
        self.following = following
        self.blank = {name: binder.fresh(name, value) for name, value in empty.items()}

    def _place(self, at: int, state: int | None) -> Place:
        """What names mean at a step that looks at the state of a step; of none if it is empty."""
        sides: dict[str, tuple[ir.Col, ...]] = {}
        for name, of in self.names.items():
            if of > at:
                continue
            known = (
                {} if state is None else {n: c for (s, n), c in self.steps[state].values.items() if s == of}
            )
            sides[name] = tuple(known.get(n, self.blank[n]) for n in self.empty)
        return Place((*self.columns, *self.declared.values()), self.place.names, sides)

    def _bound(self, node: Expression, at: int, state: int | None) -> ir.Expr:
        return self._filled(self.binder.expression(node, self._place(at, state)))

    def _filled(self, value: ir.Expr) -> ir.Expr:
        """An expression with the values of an empty state written in."""
        if isinstance(value, ir.Ref):
            name = next((n for n, c in self.blank.items() if c.id == value.col.id), None)
            return value if name is None else self.empty[name]
        if isinstance(value, ir.Call):
            return replace(value, args=tuple(map(self._filled, value.args)))
        return value

    def _condition(self, at: int, state: int | None) -> ir.Expr:
        node = self.steps[at].node.condition
        value = self._bound(node, at, state)
        if value.type is not _BOOL:
            self.binder.fail(f"a condition is a bool, not a {value.type}", node.span)
        return value

    def _own(self, at: int, name: str, state: int | None) -> ir.Expr:
        """The value of a column in a row that matched a step."""
        for named in self.steps[at].node.assignments:
            if named.names == (name,):
                value = self._bound(named.value, at, state)
                return self.binder.convert(value, self.empty[name].type)
        if name in self.declared:
            return self.empty[name]
        return ir.Ref(next(c for c in self.columns if c.name == name))

    def states(self) -> list[ir.State]:
        """All states with what they are after a row."""
        self._check()
        steps = self.steps
        for at in range(1, len(steps)):
            steps[at].moved = _both(steps[at - 1].is_active(), self._condition(at, at - 1))
        found: list[ir.State] = []
        for at, step in enumerate(steps):
            left = steps[at + 1].moved if at + 1 < len(steps) else _NO
            if at == 0:
                fresh, same = self._condition(0, None), self._condition(0, 0)
                test = fresh if left is _NO and fresh == same else _case(left, fresh, same)
                step.stayed = _both(test if left is not _NO else same)
            else:
                step.stayed = _both(_no(step.moved), _no(left), step.is_active(), self._condition(at, at))
            found.extend(self._after(at, step, left))
        first = self.steps[0]
        begins = _both(first.stayed, self._begins())
        one_more = self.binder.arithmetic("+", ir.Ref(self.following), ir.Const(_LONG, 1), first.node.span)
        after = _case(begins, one_more, ir.Ref(self.following))
        found.append(ir.State(self.following, ir.Const(_LONG, 0), after))
        return found

    def _begins(self) -> ir.Expr:
        """Whether a match of the first step begins a sequence."""
        left = self.steps[1].moved if len(self.steps) > 1 else _NO
        return truth("or", left, _no(self.steps[0].is_active()))

    def _check(self) -> None:
        for step in self.steps:
            for at, named in enumerate(step.node.assignments):
                if len(named.names) != 1 or named.names[0] not in self.declared:
                    self.binder.fail("a step assigns to declared columns", named.span)
                before = {n for one in step.node.assignments[:at] for n in one.names}
                if before & set(names_in(named.value)):
                    hint = f"{step.node.name}.column is its value before"
                    self.binder.unsupported("a column assigned in the same step", named.span, hint)

    def _after(self, at: int, step: _Step, left: ir.Expr) -> Iterable[ir.State]:
        assert step.active is not None and step.match is not None and step.matched is not None  # noqa: S101, PT018 - set before
        before = self.steps[at - 1] if at else None
        for (of, name), col in step.values.items():
            parts: list[ir.Expr] = []
            if before is not None:
                moved = ir.Ref(before.values[of, name]) if of < at else self._own(at, name, at - 1)
                parts += [step.moved, moved]
            stayed: ir.Expr = ir.Ref(col)
            if of == at:
                stayed = self._own(at, name, at)
                if at == 0 and left is not _NO:
                    stayed = _case(left, self._own(at, name, None), stayed)
            parts += [step.stayed, stayed]
            if left is not _NO:
                parts += [left, self.empty[name]]
            yield ir.State(col, self.empty[name], _case(*parts, ir.Ref(col)))
        matches = truth("or", step.moved, step.stayed)
        yield ir.State(step.matched, _NO, matches)
        yield ir.State(step.active, _NO, _case(matches, _YES, left, _NO, ir.Ref(step.active)))
        carried = (
            [step.moved, ir.Ref(before.match)] if before is not None and before.match is not None else []
        )
        if before is None:
            carried = [_both(step.stayed, self._begins()), ir.Ref(self.following)]
        yield ir.State(step.match, ir.Const(_LONG, 0), _case(*carried, ir.Ref(step.match)))
