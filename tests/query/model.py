"""KQL's meaning of a few operators, written once more and as plainly as can be, over rows in a list.

What random queries answer is compared with it. A row is a tuple of the columns in `COLUMNS`; datetimes and timespans
are ticks. The sources are the answers of the engine and the pages https://learn.microsoft.com/kusto/query/.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Final

from sentinel.query.values import format_datetime_iso, format_timespan

COLUMNS: Final = ("id", "k", "s", "r", "d", "t")
TYPES: Final = ("long", "long", "string", "real", "datetime", "timespan")
TICKS_PER_SECOND: Final = 10**7
Row = tuple[Any, ...]
Truth = bool | None
"""Null is neither true nor false."""


def datatable(rows: Iterable[Row]) -> str:
    """The rows as a KQL source."""
    columns = ", ".join(f"{name}: {kind}" for name, kind in zip(COLUMNS, TYPES, strict=True))
    cells = ", ".join(literal(cell, kind) for row in rows for cell, kind in zip(row, TYPES, strict=True))
    return f"datatable({columns})[{cells}]"


def literal(value: Any, kind: str) -> str:
    """A value as a KQL literal."""
    if value is None:
        return f"{kind}(null)"
    match kind:
        case "string":
            return '"' + str(value).replace("\\", "\\\\").replace('"', '\\"') + '"'
        case "datetime":
            return f"datetime({format_datetime_iso(value)})"
        case "timespan":
            return f"timespan({format_timespan(value)})"
        case "real":
            special = {math.inf: "+inf", -math.inf: "-inf"}
            return f"real({'nan' if math.isnan(value) else special.get(value, repr(value))})"
        case _:
            return f"long({value})"


def compared(operator: str, left: Any, right: Any) -> Truth:
    """`left operator right`; with one null `==` is false, `!=` is true, and order is null."""
    if left is None or right is None:
        both = left is None and right is None
        if operator in {"==", "!="} and not both:
            return operator == "!="
        return None
    tests: dict[str, Callable[[], bool]] = {
        "==": lambda: left == right,
        "!=": lambda: left != right,
        "<": lambda: left < right,
        "<=": lambda: left <= right,
        ">": lambda: left > right,
        ">=": lambda: left >= right,
    }
    return bool(tests[operator]())


def text_holds(operator: str, text: str, needle: str) -> bool:
    """`text operator needle` for the operators over texts."""
    if operator.startswith("!"):
        return not text_holds(operator[1:], text, needle)
    if operator.endswith("_cs"):
        operator = operator.removesuffix("_cs")
    else:
        text, needle = text.lower(), needle.lower()
    match operator:
        case "contains":
            return needle in text
        case "startswith":
            return text.startswith(needle)
        case "endswith":
            return text.endswith(needle)
        case "=~":
            return text == needle
        case "~":
            return text == needle
        case _:
            return any(
                _is_term(text, needle, at.start()) for at in re.finditer(f"(?={re.escape(needle)})", text)
            )


def _is_term(text: str, needle: str, at: int) -> bool:
    """Whether what is found there begins and ends where a run of letters and digits does."""
    end = at + len(needle)
    left = at == 0 or not needle or not needle[0].isalnum() or not text[at - 1].isalnum()
    right = end == len(text) or not needle or not needle[-1].isalnum() or not text[end].isalnum()
    return left and right


def both(left: Truth, right: Truth) -> Truth:
    """`left and right`."""
    if left is False or right is False:
        return False
    return None if left is None or right is None else True


def either(left: Truth, right: Truth) -> Truth:
    """`left or right`."""
    if left or right:
        return True
    return None if left is None or right is None else False


def negated(value: Truth) -> Truth:
    """`not(value)`."""
    return None if value is None else not value


def wrapped(value: int) -> int:
    """A whole number as 64 bits hold it."""
    return (value + 2**63) % 2**64 - 2**63


def calculated(operator: str, left: int | None, right: int | None) -> int | None:
    """`left operator right` for whole numbers."""
    if left is None or right is None or (operator in "/%" and right == 0):
        return None
    match operator:
        case "+":
            return wrapped(left + right)
        case "-":
            return wrapped(left - right)
        case "*":
            return wrapped(left * right)
        case "/":
            whole = abs(left) // abs(right)
            return wrapped(whole if (left < 0) == (right < 0) else -whole)
        case _:
            return left % abs(right)


def floored(value: int | None, size: int) -> int | None:
    """`bin(value, size)`."""
    return None if value is None else value // size * size


def grouped(rows: Iterable[Row], key: Callable[[Row], Any]) -> dict[Any, list[Row]]:
    """The rows by a key; nulls are one group."""
    groups: dict[Any, list[Row]] = {}
    for row in rows:
        groups.setdefault(key(row), []).append(row)
    return groups


def nearest_rank(values: Sequence[Any], percent: float) -> Any:
    """`percentile(values, percent)`, null if there are none."""
    known = sorted(value for value in values if value is not None)
    if not known:
        return None
    return known[max(math.ceil(percent / 100 * len(known)), 1) - 1]


def average(values: Sequence[int | None]) -> float:
    """`avg(values)`, NaN if there are none."""
    known = [value for value in values if value is not None]
    return sum(known) / len(known) if known else math.nan


def joined(kind: str, left: Sequence[Row], right: Sequence[Row]) -> list[Row]:
    """The ids of the rows that `join kind=... on k` brings together, null for none; nulls are equal here."""
    pairs = [(a[0], b[0]) for a in left for b in right if a[1] == b[1]]
    met_left, met_right = {a for a, _ in pairs}, {b for _, b in pairs}
    lone_left = [(row[0], None) for row in left if row[0] not in met_left]
    lone_right = [(None, row[0]) for row in right if row[0] not in met_right]
    match kind:
        case "inner":
            return pairs
        case "leftouter":
            return [*pairs, *lone_left]
        case "rightouter":
            return [*pairs, *lone_right]
        case "fullouter":
            return [*pairs, *lone_left, *lone_right]
        case "leftsemi":
            return [(row[0],) for row in left if row[0] in met_left]
        case "rightsemi":
            return [(row[0],) for row in right if row[0] in met_right]
        case "leftanti":
            return [(row[0],) for row in left if row[0] not in met_left]
        case _:
            return [(row[0],) for row in right if row[0] not in met_right]


def ordered(rows: Iterable[Row], at: int, *, descending: bool, nulls_first: bool) -> list[int]:
    """The ids in the order of a column; what is equal comes by id."""
    listed = list(rows)
    nulls = sorted(row[0] for row in listed if row[at] is None)
    known = sorted((row for row in listed if row[at] is not None), key=lambda row: int(row[0]))
    known.sort(key=lambda row: row[at], reverse=descending)
    ids = [row[0] for row in known]
    return [*nulls, *ids] if nulls_first else [*ids, *nulls]
