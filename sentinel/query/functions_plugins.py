"""What the plugins of `evaluate` compute.

https://learn.microsoft.com/kusto/query/evaluate-operator
"""

from __future__ import annotations

import re
from typing import Any, Final

from sentinel.query.scalar import D, L, R, Scalar, Unanswerable

_WRITTEN: Final = re.compile(
    r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d|-?(\d+\.)?\d\d:\d\d:\d\d(\.\d+)?$|[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}"
)


def _kind(value: Any) -> str:
    match value:
        case None:
            return "null"
        case bool():
            return "bool"
        case int():
            return "long"
        case float():
            return "real"
        case str():
            return "written" if _WRITTEN.match(value) else "string"
        case _:
            return "dynamic"


def bag_shape(bag: Any) -> list[list[str]]:
    """The keys of a bag with the types of their values; a text that may be a time or an id is `written`."""
    return [[key, _kind(value)] for key, value in bag.items()] if isinstance(bag, dict) else []


def cell(value: float | None, rows: int) -> float | None:
    """An average in a cell of a turned table; nobody documents what stands where there are no rows."""
    if not rows:
        raise Unanswerable("a cell without rows, in a pivot with an average,")
    return value


def plugin_functions() -> tuple[Scalar, ...]:
    """The functions behind the plugins."""
    return (
        Scalar("op_bag_shape", (D,), D, bag_shape, never_null=True, strict=False),
        Scalar("op_cell", (R, L), R, cell, strict=False),
    )
