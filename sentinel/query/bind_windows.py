"""Binding functions over ordered rows: each becomes a column of a step of its own.

https://learn.microsoft.com/kusto/query/window-functions
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from sentinel.model.tables import KqlType
from sentinel.query import ir, tree
from sentinel.query.bind_context import Place
from sentinel.query.bind_expressions import NUMBERS, WHOLE, truth
from sentinel.query.bind_summarize import SummarizeBinder

_WINDOWS: Final = frozenset(
    {"prev", "next", "row_number", "row_cumsum", "row_rank_dense", "row_rank_min", "row_window_session"}
)
_LONG, _BOOL = KqlType.LONG, KqlType.BOOL


class WindowBinder(SummarizeBinder):
    """Binds window functions."""

    def serialized(self, rows: ir.Rows) -> ir.Rows:
        """The rows in a fixed order: the one they have, or the one they come in."""
        if rows.order:
            return rows
        sequence = ir.Col(next(self.numbers), "", _LONG, nullable=False, reach=2**53)
        window = ir.Window("row_number", (), _LONG, (), nullable=False, reach=2**53)
        plan = ir.Extend(rows.plan, ((sequence, window),))
        return replace(rows, plan=plan, order=(ir.OrderKey(sequence, descending=False, nulls_first=True),))

    def with_windows(self, rows: ir.Rows, place: Place) -> ir.Rows:
        """The rows with the columns of the window functions found."""
        plan = rows.plan
        parted = tuple(map(ir.Ref, self.groups))
        for col, value in place.windows or ():
            within = (
                replace(value, partition=(*parted, *value.partition))
                if isinstance(value, ir.Window)
                else value
            )
            plan = ir.Extend(plan, ((col, within),))
        return replace(rows, plan=plan)

    def window(self, node: tree.Call, place: Place) -> ir.Expr | None:
        """A window function, `None` if this is none."""
        if node.name not in _WINDOWS:
            return None
        if place.windows is None:
            self.fail(f"{node.name}() cannot stand here", node.span)
        if not place.order:
            self.fail(f"{node.name}() needs rows in an order", node.span, "put sort or serialize before it")
        args = [self.expression(a.value, place) for a in node.arguments]
        found = {
            "prev": self._neighbour,
            "next": self._neighbour,
            "row_number": self._row_number,
            "row_cumsum": self._cumulated,
            "row_rank_dense": self._rank,
            "row_rank_min": self._rank,
            "row_window_session": self._session,
        }[node.name](node, args, place)
        return self._hoisted(found, place)

    def _hoisted(self, value: ir.Expr, place: Place) -> ir.Ref:
        column = self.fresh("", value)
        assert place.windows is not None  # noqa: S101 - checked by window()
        place.windows.append((column, value))
        return ir.Ref(column)

    def _neighbour(self, node: tree.Call, args: list[ir.Expr], place: Place) -> ir.Expr:
        if not 1 <= len(args) <= 3:  # noqa: PLR2004 - value, distance, default
            self.fail(f"{node.name}() takes a value, a distance and a default", node.span)
        value = args[0]
        offset = args[1] if len(args) > 1 else ir.Const(_LONG, 1)
        null = ir.Const(value.type, "" if value.type is KqlType.STRING else None)
        default = self.common_type((args[2], value), node)[0] if len(args) > 2 else null  # noqa: PLR2004 - as above
        if default.type is not value.type and not {default.type, value.type} <= WHOLE:
            self.fail(f"{node.name}() of a {value.type} has no {default.type} for a default", node.span)
        op = "lag" if node.name == "prev" else "lead"
        nullable = value.nullable or default.nullable
        return ir.Window(
            op, (value, offset, default), value.type, place.order, nullable=nullable, wild=value.wild or default.wild,
            reach=max(value.reach, default.reach),
        )  # fmt: skip

    def _groups(self, restart: ir.Expr, place: Place) -> ir.Expr:
        """How often a condition held up to each row."""
        return self._hoisted(
            ir.Window(
                "count_true", (restart,), _LONG, place.order, running=True, nullable=False, reach=2**53
            ),
            place,
        )

    def _row_number(self, node: tree.Call, args: list[ir.Expr], place: Place) -> ir.Expr:
        partition: tuple[ir.Expr, ...] = ()
        if len(args) > 1:
            if args[1].type is not _BOOL:
                self.fail("row_number() restarts on a bool", node.span)
            partition = (self._groups(args[1], place),)
        number = ir.Window("row_number", (), _LONG, place.order, partition, nullable=False, reach=2**53)
        if not args:
            return number
        shifted = self.arithmetic("+", self._hoisted(number, place), args[0], node.span)
        return self.arithmetic("-", shifted, ir.Const(_LONG, 1), node.span)

    def _cumulated(self, node: tree.Call, args: list[ir.Expr], place: Place) -> ir.Expr:
        if not args or (args[0].type not in NUMBERS and args[0].type is not KqlType.TIMESPAN):
            self.fail("row_cumsum() adds up a number", node.span)
        partition: tuple[ir.Expr, ...] = ()
        if len(args) > 1:
            partition = (self._groups(args[1], place),)
        value = args[0]
        kind = _LONG if value.type is KqlType.INT else value.type
        op = "kql_run_sum_real" if value.type is KqlType.REAL else "kql_run_sum_long"
        if value.type is KqlType.DECIMAL:
            self.unsupported("row_cumsum() of a decimal", node.span)
        return ir.Window(
            op,
            (value,),
            kind,
            place.order,
            partition,
            running=True,
            nullable=False,
            wild=kind is KqlType.REAL,
        )

    def _session(self, node: tree.Call, args: list[ir.Expr], place: Place) -> ir.Expr:
        kinds = [KqlType.DATETIME, KqlType.TIMESPAN, KqlType.TIMESPAN, _BOOL][: max(3, len(args))]
        if [arg.type for arg in args] != kinds:
            shown = ", ".join(arg.type for arg in args)
            self.fail(
                f"row_window_session() takes a datetime, two timespans and a bool, not ({shown})", node.span
            )
        restart = args[3] if len(args) > 3 else ir.Const(_BOOL, 0)  # noqa: PLR2004 - the last may be left out
        given = (*args[:3], restart)
        return ir.Window("kql_run_session", given, KqlType.DATETIME, place.order, running=True)

    def _rank(self, node: tree.Call, args: list[ir.Expr], place: Place) -> ir.Expr:
        if not args:
            self.fail(f"{node.name}() ranks a value", node.span)
        value = args[0]
        null = ir.Const(value.type, None)
        before = self._hoisted(
            ir.Window("lag", (value, ir.Const(_LONG, 1), null), value.type, place.order, wild=value.wild),
            place,
        )
        number = self._hoisted(
            ir.Window("row_number", (), _LONG, place.order, nullable=False, reach=2**53), place
        )
        first = self.compare("==", number, ir.Const(_LONG, 1), node.span)
        same = ir.Call("is", (value, before), _BOOL, nullable=False, reach=1)
        changed: ir.Expr = truth("or", first, truth("not", same))
        partition: tuple[ir.Expr, ...] = ()
        if len(args) > 1:
            changed = truth("or", truth("is_true", args[1]), changed)
            partition = (self._groups(args[1], place),)
        if node.name == "row_rank_dense":
            return ir.Window(
                "count_true",
                (changed,),
                _LONG,
                place.order,
                partition,
                running=True,
                nullable=False,
                reach=2**53,
            )
        local = number
        if partition:
            local = self._hoisted(
                ir.Window("row_number", (), _LONG, place.order, partition, nullable=False, reach=2**53), place
            )
        start = ir.Call("case", (changed, local, ir.Const(_LONG, None)), _LONG, reach=2**53)
        return ir.Window(
            "max", (start,), _LONG, place.order, partition, running=True, nullable=False, reach=2**53
        )
