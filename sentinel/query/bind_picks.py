"""Binding the aggregates that pick values of one row: `arg_max`, `arg_min` and `take_any`.

https://learn.microsoft.com/kusto/query/arg-max-aggregation-function
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from sentinel.model.tables import KqlType
from sentinel.query import ir, tree
from sentinel.query.bind_calls import CallBinder
from sentinel.query.bind_context import Aggregates, Place
from sentinel.query.naming import argument_name

ORDERABLE: Final = frozenset(
    {
        KqlType.INT, KqlType.LONG, KqlType.REAL, KqlType.DECIMAL, KqlType.DATETIME, KqlType.TIMESPAN,
        KqlType.BOOL,
    }
)  # fmt: skip
Pick = tuple[str, ir.Expr, ir.Aggregation]
"""The name of a column unless the query gives it one, its value in a row, and what picks the row."""


class PickBinder(CallBinder):
    """Binds aggregates that pick a row."""

    def own_name(self, value: tree.Expression, place: Place) -> str | None:
        """The name of an unnamed column, if its value has one: that of a column asked for by its text too."""
        match value:
            case tree.Call(
                name="column_ifexists" | "columnifexists",
                arguments=(tree.Argument(value=asked), *_),
            ):
                name = self.expression(asked, place)
                column = place.column(str(name.value)) if isinstance(name, ir.Const) else None
                return None if column is None else column.name
            case _:
                return argument_name(value)

    def picks(self, name: str, call: tree.Call, found: Aggregates, keys: set[int]) -> list[Pick] | None:
        """What an aggregate picks that may give several columns; nothing if it is another aggregate."""
        if name in {"arg_max", "arg_min"}:
            return self._arg(call, name, found, keys)
        several = len(call.arguments) > 1 or any(isinstance(a.value, tree.Star) for a in call.arguments)
        if name != "take_any" or not several:
            return None
        prefix = "any_" if call.name == "any" else ""
        unnamed = "any_arg{}" if not prefix else "arg{}"
        return [
            (f"{prefix}{shown or unnamed.format(at)}", value, ir.Aggregation("kql_agg_first", (value,)))
            for at, shown, value in self._wanted(call.arguments, 0, found, keys, set())
        ]

    def _arg(self, call: tree.Call, name: str, found: Aggregates, keys: set[int]) -> list[Pick]:
        """`arg_max(by, a, b)`: the columns `by`, `a`, `b` of the row where `by` is largest."""
        if not call.arguments:
            self.fail(f"{name}() takes what to compare and what to give", call.span)
        first = call.arguments[0]
        by = self.expression(first.value, found.place)
        if by.type not in ORDERABLE | {KqlType.STRING} or by.type is KqlType.DECIMAL:
            self.fail(f"{name}() cannot compare a {by.type}", first.value.span)
        prefix = name.removeprefix("arg_")
        inner = first.name or argument_name(first.value) or ""
        old = call.name in {"argmax", "argmin"}
        auto = f"{prefix}_{inner}" if old else inner or f"{prefix}_"
        best = ir.Aggregation(f"kql_agg_{prefix}_real" if by.wild else prefix, (by,))
        picks: list[Pick] = [(auto, by, best)]
        given = {by.col.id} if isinstance(by, ir.Ref) else set()
        for at, shown, value in self._wanted(call.arguments[1:], 1, found, keys, given):
            unnamed = f"arg{at}" if old else f"{prefix}_{inner}_arg{at}"
            auto = f"{prefix}_{inner}_{shown or unnamed}" if old else shown or unnamed
            picks.append((auto, value, ir.Aggregation(f"kql_agg_{name}", (by, value))))
        return picks

    def _wanted(
        self,
        arguments: tuple[tree.Argument, ...],
        start: int,
        found: Aggregates,
        keys: set[int],
        given: set[int],
    ) -> Iterator[tuple[int, str | None, ir.Expr]]:
        """The place, name and value of each column; where there is a star none of a column that is there already."""
        starred = any(isinstance(argument.value, tree.Star) for argument in arguments)
        hidden = keys | given if starred else set()
        for at, argument in enumerate(arguments, start):
            wanted: list[tuple[str | None, ir.Expr]] = [(c.name, ir.Ref(c)) for c in found.place.columns]
            if not isinstance(argument.value, tree.Star):
                name = argument.name or argument_name(argument.value)
                wanted = [(name, self.expression(argument.value, found.place))]
            for shown, value in wanted:
                if starred and isinstance(value, ir.Ref):
                    if value.col.id in hidden:
                        continue
                    hidden.add(value.col.id)
                yield at, shown, value
