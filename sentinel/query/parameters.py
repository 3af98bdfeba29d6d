"""The values a query is given from outside."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from sentinel.clock import span_ticks, to_ticks
from sentinel.model.tables import KqlType

Parameter = str | int | float | bool | datetime | timedelta
"""A value a query sees as a scalar let."""

_Answer = tuple[list[tuple[Any, ...]], str]


def kind_of(value: Parameter) -> KqlType:
    """The type a parameter has in a query."""
    if isinstance(value, bool):
        return KqlType.BOOL
    kinds: list[tuple[type, KqlType]] = [
        (str, KqlType.STRING),
        (int, KqlType.LONG),
        (float, KqlType.REAL),
        (datetime, KqlType.DATETIME),
        (timedelta, KqlType.TIMESPAN),
    ]
    return next(kind for python, kind in kinds if isinstance(value, python))


def stored_value(value: Parameter) -> Any:
    """A parameter as the store keeps such a value."""
    if isinstance(value, datetime):
        return to_ticks(value)
    if isinstance(value, timedelta):
        return span_ticks(value)
    if isinstance(value, bool):
        return int(value)
    if isinstance(value, float) and value != value:  # noqa: PLR0124 - only NaN differs from itself
        return b"NaN"
    return value
