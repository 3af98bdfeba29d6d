"""The cells of an answer as Microsoft's services write them in JSON.

A datetime is ISO text without trailing zeros, a timespan text such as `1.02:03:04`, a decimal and a guid text,
NaN and the infinities text, a dynamic its JSON text; a dynamic that is a text stands as it is.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any, Final

from sentinel.model.tables import Column, KqlType
from sentinel.query.values import dump_json, format_datetime_iso, format_decimal, format_timespan


def cells_of(columns: Sequence[Column], rows: Sequence[Sequence[Any]]) -> list[list[Any]]:
    """The rows of a result as JSON values."""
    writers = [(at, _WRITERS[column.type]) for at, column in enumerate(columns) if column.type in _WRITERS]
    written = []
    for row in rows:
        cells = list(row)
        for at, write in writers:
            if cells[at] is not None:
                cells[at] = write(cells[at])
        written.append(cells)
    return written


def iso(ticks: int) -> str:
    """A datetime as ISO text without trailing zeros."""
    return format_datetime_iso(ticks)[:-1].rstrip("0").rstrip(".") + "Z"


def _real(value: float) -> float | str:
    if math.isfinite(value):
        return value
    return "NaN" if math.isnan(value) else ("Infinity" if value > 0 else "-Infinity")


def _dynamic(value: Any) -> str:
    return value if isinstance(value, str) else dump_json(value)


_WRITERS: Final[dict[KqlType, Callable[[Any], Any]]] = {
    KqlType.DATETIME: iso,
    KqlType.TIMESPAN: format_timespan,
    KqlType.REAL: _real,
    KqlType.DECIMAL: format_decimal,
    KqlType.DYNAMIC: _dynamic,
}
