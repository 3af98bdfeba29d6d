"""Rows written compactly: when they happen, how often, and how their numbers run.

`at: 0s..60s` with `every: 1s` is 61 instants, `times: 3` puts three rows at each, spread evenly up to the next.
A column takes one value for all rows, a list it goes through again and again (`[200, 200, 503]`), or for a number
the series notation of promtool (https://prometheus.io/docs/prometheus/latest/configuration/unit_testing_rules/):
`100+10x3` is 100 110 120 130, `7x2` is 7 7 7, `_` leaves the column out, and several may follow one another.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

MOST_ROWS: Final = 100_000
"""Rows one entry may stand for; a slip of the pen should not fill the memory."""
_MOMENT: Final = timedelta(milliseconds=1)
_PIECE: Final = re.compile(r"(?:(_)|(-?\d+(?:\.\d+)?)([+-]\d+(?:\.\d+)?)?)(?:x(\d+))?")


@dataclass(frozen=True, slots=True)
class Left:
    """The mark for a column that a row leaves out."""


LEFT_OUT: Final = Left()


@dataclass(frozen=True, slots=True)
class Row:
    """One record of a case: its table, when it happens and its columns."""

    table: str
    at: timedelta
    columns: Mapping[str, Any]


def expand_series(text: str) -> tuple[float | int | Left, ...]:
    """The values of a series.

    Raises:
        ValueError: It is not a series, or a very long one.
    """
    values: list[float | int | Left] = []
    for piece in text.split():
        match = _PIECE.fullmatch(piece)
        if match is None or (match[3] and not match[4]):
            raise ValueError(f"{piece!r} is not a number or a series such as 100+10x30, 7x2 or _x3")
        repeats = int(match[4] or 0)
        if repeats > MOST_ROWS:
            raise ValueError(f"{piece!r} is longer than {MOST_ROWS} values")
        if match[1]:
            values += [LEFT_OUT] * max(repeats, 1)
            continue
        start, step = _number(match[2]), _number(match[3] or "0")
        values += [start + step * i for i in range(repeats + 1)]
    if not values:
        raise ValueError("the series is empty")
    return tuple(values)


def _number(text: str) -> float | int:
    return float(text) if "." in text else int(text)


def instants(first: timedelta, last: timedelta, every: timedelta | None, times: int) -> tuple[timedelta, ...]:
    """When each row of an entry happens.

    Raises:
        ValueError: The span ends before it begins, needs an `every`, or holds too many rows.
    """
    if last < first:
        raise ValueError("the span ends before it begins")
    if last > first and every is None:
        raise ValueError("a span needs `every`")
    steps = (last - first) // every if every else 0
    if (steps + 1) * times > MOST_ROWS:
        raise ValueError(f"more than {MOST_ROWS} rows")
    gap = every / times if every else _MOMENT
    return tuple(
        first + step * (every or _MOMENT) + n * gap for step in range(steps + 1) for n in range(times)
    )


def rows(table: str, at: Sequence[timedelta], columns: Mapping[str, Sequence[Any]]) -> tuple[Row, ...]:
    """A row for each instant, every column going through its values again and again."""
    made = []
    for number, instant in enumerate(at):
        values = {name: listed[number % len(listed)] for name, listed in columns.items()}
        made.append(Row(table, instant, {k: v for k, v in values.items() if v is not LEFT_OUT}))
    return tuple(made)
