"""Which columns a query needs, so that nothing else is read or carried."""

from __future__ import annotations

from collections.abc import Iterable

from sentinel.query import ir
from sentinel.query.ir_order import in_order


class _Needs:
    """Gathers what each plan needs; consumers come before what they consume."""

    def __init__(self) -> None:
        self.ids: set[int] = set()

    def expressions(self, values: Iterable[ir.Expr]) -> None:
        for value in values:
            for one in ir.walk(value):
                self._expression(one)

    def _expression(self, one: ir.Expr) -> None:
        match one:
            case ir.Ref(col=col):
                self.ids.add(col.id)
            case ir.Window(order=order):
                self.order(order)
            case ir.ScalarQuery(col=col, order=order):
                self.ids.add(col.id)
                self.order(order)
            case ir.InQuery(col=col):
                self.ids.add(col.id)
            case _:
                pass

    def order(self, order: ir.Order) -> None:
        self.ids.update(key.col.id for key in order)

    def plan(self, plan: ir.Plan) -> None:  # noqa: C901 - a table of cases
        match plan:
            case ir.Filter(condition=condition):
                self.expressions([condition])
            case ir.Extend(columns=columns) | ir.Expand(columns=columns):
                wanted = [e for c, e in columns if c.id in self.ids or isinstance(plan, ir.Expand)]
                self.ids.update(c.id for c, _ in columns if isinstance(plan, ir.Expand))
                self.expressions(wanted)
            case ir.Alias(columns=pairs):
                self.ids.update(old.id for new, old in pairs if new.id in self.ids)
            case ir.Aggregate():
                self._aggregate(plan)
            case ir.Join(pairs=join_pairs, right_order=right_order):
                self.order(right_order)
                self.expressions(side for pair in join_pairs for side in pair)
            case ir.Union():
                self._union(plan)
            case ir.Limit(count=count, order=order):
                self.expressions([count])
                self.order(order)
            case ir.Numbers(start=start, stop=stop, step=step):
                self.expressions([start, stop, step])
            case ir.Values(rows=rows):
                self.expressions(cell for row in rows for cell in row if not isinstance(cell, ir.Const))
            case ir.Fold(number=number, group=group, states=states):
                self.ids.update(c.id for c in (number, group) if c is not None)
                self.expressions(e for s in states for e in (s.before, s.after))
            case ir.ScanTable():
                pass

    def _aggregate(self, plan: ir.Aggregate) -> None:
        self.expressions(e for _, e in plan.keys)
        for col, aggregation in plan.aggregates:
            if col.id in self.ids:
                self.expressions(aggregation.args)
                self.order(aggregation.order)
                if aggregation.condition is not None:
                    self.expressions([aggregation.condition])

    def _union(self, plan: ir.Union) -> None:
        wanted = [at for at, c in enumerate(plan.columns) if c.id in self.ids] or [0]
        for values in plan.values:
            self.expressions(values[at] for at in wanted)


def needed_columns(*answers: ir.Rows) -> frozenset[int]:
    """The numbers of all columns some step or one of the answers refers to."""
    needs = _Needs()
    for rows in answers:
        needs.ids.update(c.id for c in rows.columns)
        needs.order(rows.order)
    for plan in reversed(in_order(*(rows.plan for rows in answers))):
        needs.plan(plan)
    return frozenset(needs.ids)
