"""Rows of a query as the series and bars a chart draws."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from sentinel.clock import span_ticks, to_ticks
from sentinel.model.tables import Column, KqlType
from sentinel.report.text import cell

_NUMBERS: Final = (KqlType.INT, KqlType.LONG, KqlType.REAL, KqlType.DECIMAL)
_NAMES: Final = (KqlType.STRING, KqlType.BOOL, KqlType.GUID, KqlType.DYNAMIC)


@dataclass(frozen=True, slots=True)
class Series:
    """One line of a time chart: a value for each step, 0 where no row was."""

    name: str
    values: tuple[float, ...]
    last: float
    """The value of its newest row."""

    @property
    def most(self) -> float:
        """Its largest value."""
        return max(self.values, default=0.0)


@dataclass(frozen=True, slots=True)
class Bar:
    """One bar of a bar chart."""

    name: str
    value: float


def series(
    columns: Sequence[Column],
    rows: Sequence[Sequence[Any]],
    *,
    since: datetime,
    until: datetime,
    step: timedelta,
) -> tuple[Series, ...]:
    """The series of a time chart, the ones with the largest values first.

    The first datetime column is the time. Each number column is a series for each combination of the text columns.
    Rows of the same step are added. Without a datetime or a number column there is no series.
    """
    times = [place for place, column in enumerate(columns) if column.type is KqlType.DATETIME]
    numbers = [place for place, column in enumerate(columns) if column.type in _NUMBERS]
    names = [place for place, column in enumerate(columns) if column.type in _NAMES]
    if not times or not numbers:
        return ()
    start, width = to_ticks(since), max(1, span_ticks(step))
    count = max(1, -(-(to_ticks(until) - start) // width))
    found: dict[str, list[float]] = {}
    newest: dict[str, tuple[int, float]] = {}
    for row in rows:
        at = row[times[0]]
        place = None if at is None else _place(at, start, width, count)
        if place is None:
            continue
        for column in numbers:
            name = _name(columns, row, names, column if len(numbers) > 1 or not names else None)
            value = _number(row[column])
            found.setdefault(name, [0.0] * count)[place] += value
            newest[name] = max(newest.get(name, (at, value)), (at, value), key=lambda one: one[0])
    made = (Series(name, tuple(values), newest[name][1]) for name, values in found.items())
    return tuple(sorted(made, key=lambda one: (-one.most, one.name)))


def bars(columns: Sequence[Column], rows: Sequence[Sequence[Any]]) -> tuple[Bar, ...]:
    """The bars of a bar chart in the order of the rows: text columns name it, the first number is its length."""
    numbers = [place for place, column in enumerate(columns) if column.type in _NUMBERS]
    if not numbers:
        return ()
    names = [place for place in range(len(columns)) if place not in numbers]
    return tuple(Bar(_name(columns, row, names, None), _number(row[numbers[0]])) for row in rows)


def _number(value: Any) -> float:
    """A value that can be drawn; what is no number stands at 0."""
    made = float(value or 0)
    return made if math.isfinite(made) else 0.0


def _place(at: int, start: int, width: int, count: int) -> int | None:
    """The step a time falls into; bins begin on the clock, so the first may begin before the window."""
    place = (at - start) // width
    if place == -1:
        return 0
    return place if 0 <= place < count else None


def _name(columns: Sequence[Column], row: Sequence[Any], names: Sequence[int], number: int | None) -> str:
    parts = [cell(row[place], columns[place].type) or "(empty)" for place in names]
    if number is not None:
        parts.append(columns[number].name)
    return " ".join(parts)
