"""Rows on standard output: as a table for people, as JSON, JSON Lines or CSV for programs.

Pure functions from columns and rows to lines. A cell is what a query answers: datetimes and timespans are ticks,
dynamic values are plain Python values, null is `None`.
"""

from __future__ import annotations

import csv
import io
import json
import math
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, timedelta, tzinfo
from enum import StrEnum
from typing import Any, Final

from sentinel.clock import TICKS_PER_SECOND, from_ticks
from sentinel.model.tables import Column, KqlType
from sentinel.report.text import cell

Row = Sequence[Any]

_RIGHT: Final = frozenset({KqlType.INT, KqlType.LONG, KqlType.REAL, KqlType.DECIMAL})
_GAP: Final = "  "


class Format(StrEnum):
    """How rows are written."""

    TABLE = "table"
    JSON = "json"
    JSONL = "jsonl"
    CSV = "csv"


def written(
    form: Format,
    columns: Sequence[Column],
    rows: Iterable[Row],
    *,
    zone: tzinfo = UTC,
    width: int | None = None,
    header: bool = True,
) -> Iterator[str]:
    """The lines of the rows in a format.

    A table is cut to `width` where one is given; `header` counts for tables and CSV.
    """
    match form:
        case Format.TABLE:
            return _table(columns, list(rows), zone, width, header=header)
        case Format.CSV:
            return _csv(columns, rows, zone, header=header)
        case Format.JSONL:
            return (_json(_record(columns, row, zone)) for row in rows)
        case Format.JSON:
            return _array(columns, rows, zone)


def instant(ticks: int, zone: tzinfo = UTC) -> str:
    """A datetime for programs, to the tick: `2026-03-04T15:07:42.118Z`."""
    local = from_ticks(ticks).astimezone(zone)
    fraction = f"{ticks % TICKS_PER_SECOND:07d}".rstrip("0")
    offset = local.utcoffset() or timedelta(0)
    suffix = "Z" if not offset else local.isoformat()[-6:]
    return f"{local:%Y-%m-%dT%H:%M:%S}{'.' if fraction else ''}{fraction}{suffix}"


def _machine(value: Any, kind: KqlType, zone: tzinfo) -> Any:
    if value is None:
        return None
    if kind is KqlType.DATETIME:
        return instant(value, zone)
    if kind is KqlType.TIMESPAN:
        return cell(value, kind)
    if isinstance(value, float) and not math.isfinite(value):
        return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
    return value


def _record(columns: Sequence[Column], row: Row, zone: tzinfo) -> dict[str, Any]:
    return {
        column.name: _machine(value, column.type, zone) for column, value in zip(columns, row, strict=True)
    }


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, default=str)


def _array(columns: Sequence[Column], rows: Iterable[Row], zone: tzinfo) -> Iterator[str]:
    opened, last = "[", ""
    for row in rows:
        if last:
            yield f"{opened}{last},"
            opened = " "
        last = _json(_record(columns, row, zone))
    yield f"{opened}{last}]"


def _csv(columns: Sequence[Column], rows: Iterable[Row], zone: tzinfo, *, header: bool) -> Iterator[str]:
    if header:
        yield _csv_line([column.name for column in columns])
    for row in rows:
        cells = zip(columns, row, strict=True)
        yield _csv_line([_csv_cell(_machine(value, column.type, zone)) for column, value in cells])


def _csv_cell(value: Any) -> str:
    if value is None:
        return ""
    return value if isinstance(value, str) else _json(value)


def _csv_line(cells: Sequence[str]) -> str:
    line = io.StringIO()
    csv.writer(line, lineterminator="").writerow(cells)
    return line.getvalue()


def _table(
    columns: Sequence[Column], rows: Sequence[Row], zone: tzinfo, width: int | None, *, header: bool
) -> Iterator[str]:
    cells = [
        [harmless(cell(value, column.type, zone)) for column, value in zip(columns, row, strict=True)]
        for row in rows
    ]
    names = [harmless(column.name) for column in columns]
    widths = [
        max([shown_width(name), *(shown_width(line[index]) for line in cells)])
        for index, name in enumerate(names)
    ]
    if width is not None:
        widths = _fitted(widths, [shown_width(name) for name in names], width)
    right = [column.type in _RIGHT for column in columns]
    if header:
        yield _line(names, widths, right)
        yield _GAP.join("─" * size for size in widths)
    for line in cells:
        yield _line(line, widths, right)


def _line(cells: Sequence[str], widths: Sequence[int], right: Sequence[bool]) -> str:
    padded = []
    for text, size, to_right in zip(cells, widths, right, strict=True):
        shown = _cut(text, size)
        blank = " " * (size - shown_width(shown))
        padded.append(blank + shown if to_right else shown + blank)
    return _GAP.join(padded).rstrip()


def _fitted(widths: list[int], names: list[int], width: int) -> list[int]:
    """The widths, with the widest column made narrower until the line fits or every column is as its name."""
    fitted = list(widths)
    while sum(fitted) + len(_GAP) * (len(fitted) - 1) > width:
        spare = [size - max(name, 3) for size, name in zip(fitted, names, strict=True)]
        if max(spare, default=0) <= 0:
            break
        widest = max(range(len(fitted)), key=lambda index: (spare[index] > 0, fitted[index]))
        fitted[widest] -= 1
    return fitted


def harmless(text: str) -> str:
    """The text with control characters written out, so that stored text cannot drive the terminal."""
    if text.isprintable():
        return text
    return "".join(one if one.isprintable() else one.encode("unicode_escape").decode("ascii") for one in text)


def shown_width(text: str) -> int:
    """How many columns of a terminal the text takes."""
    if text.isascii():
        return len(text)
    return sum(_character_width(one) for one in text)


def _character_width(one: str) -> int:
    if unicodedata.combining(one):
        return 0
    return 2 if unicodedata.east_asian_width(one) in "WF" else 1


def _cut(text: str, width: int) -> str:
    if shown_width(text) <= width:
        return text
    kept, used = "", 0
    for one in text:
        used += _character_width(one)
        if used > width - 1:
            break
        kept += one
    return kept + "…"
