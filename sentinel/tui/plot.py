"""The rows of a query as lines of text: a time chart, bars, one number or a table."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from rich.cells import cell_len, set_cell_size

from sentinel.model.tables import Column, KqlType
from sentinel.report.charts import bar, columns as stacked, sparkline, stretched
from sentinel.report.panels import PanelKind
from sentinel.report.series import Series, bars, series
from sentinel.report.text import cell, number

_NUMBERS: Final = (KqlType.INT, KqlType.LONG, KqlType.REAL, KqlType.DECIMAL)
_NO_ROWS: Final = "no rows"
_MOST_SERIES: Final = 8
_MOST_BARS: Final = 10
_MOST_ROWS: Final = 8
_WIDEST_CELL: Final = 120
_NARROWEST: Final = 8


@dataclass(frozen=True, slots=True)
class Answer:
    """What a query answered, with the span it was asked for."""

    columns: tuple[Column, ...]
    rows: Sequence[Sequence[Any]]
    since: datetime
    until: datetime
    step: timedelta


def plot(answer: Answer, kind: PanelKind, width: int) -> list[str]:
    """The lines of a chart, each at most `width` wide."""
    if not answer.rows:
        return [_NO_ROWS]
    draw = {
        PanelKind.TIMECHART: _timechart,
        PanelKind.BARCHART: _barchart,
        PanelKind.STAT: _stat,
        PanelKind.TABLE: _table,
    }[kind]
    return [_cut(line, width) for line in draw(answer, width)]


def _timechart(answer: Answer, width: int) -> list[str]:
    found = series(answer.columns, answer.rows, since=answer.since, until=answer.until, step=answer.step)
    if not found:
        return _table(answer, width)
    if len(found) == 1:
        return _one_series(answer, found[0], width)
    named = max(min(max(len(one.name) for one in found), width // 3), 6)
    room = max(8, width - named - 23)
    top = max(one.most for one in found)
    lines = [
        f"{_cut(one.name, named):<{named}} {sparkline(stretched(one.values, room), room, top=top):<{room}}"
        f" {number(round(one.last, 2)):>9} {'max ' + number(round(one.most, 2)):>11}"
        for one in found[:_MOST_SERIES]
    ]
    lines.append(f"{'':<{named}} {_axis(answer, room)}")
    return lines + ([f"and {len(found) - _MOST_SERIES} more"] if len(found) > _MOST_SERIES else [])


def _axis(answer: Answer, width: int) -> str:
    """Where the chart begins and ends, in UTC."""
    form = "%H:%M" if answer.until - answer.since < timedelta(days=1) else "%m-%d %H:%M"
    start, end = f"{answer.since:{form}}", f"{answer.until:{form}}"
    return f"{start}{end:>{max(len(end) + 1, width - len(start))}}"


def _one_series(answer: Answer, one: Series, width: int) -> list[str]:
    most = number(round(one.most, 2))
    gutter = max(len(most), len("0"))
    room = max(8, width - gutter - 2)
    height = 4
    labels = [most, *([""] * (height - 2)), "0"]
    drawn = stacked(stretched(one.values, room), room, height)
    lines = [f"{label:>{gutter}} ┤{line}" for label, line in zip(labels, drawn, strict=True)]
    news = f"{one.name} {number(round(one.last, 2))} at the end, {most} at most"
    return [*lines, f"{'':>{gutter}}  {_axis(answer, room)}", news]


def _barchart(answer: Answer, width: int) -> list[str]:
    found = bars(answer.columns, answer.rows)
    if not found:
        return _table(answer, width)
    shown = found[:_MOST_BARS]
    named = max(min(max(cell_len(one.name) for one in shown), width // 2), 4)
    numbers = [number(round(one.value, 2)) for one in shown]
    figures = max(map(len, numbers))
    most = max(one.value for one in shown)
    room = max(4, width - named - figures - 2)
    lines = [
        f"{set_cell_size(_cut(one.name, named), named)} {figure:>{figures}} {bar(one.value, most, room)}"
        for one, figure in zip(shown, numbers, strict=True)
    ]
    return lines + ([f"and {len(found) - _MOST_BARS} more"] if len(found) > _MOST_BARS else [])


def _stat(answer: Answer, _width: int) -> list[str]:
    value, kind = answer.rows[0][0], answer.columns[0].type
    if value is None:
        return [_NO_ROWS]
    return [number(round(float(value), 3)) if kind in _NUMBERS else cell(value, kind)]


def _table(answer: Answer, width: int) -> list[str]:
    texts = [
        [
            _cut(cell(value, column.type), _WIDEST_CELL)
            for value, column in zip(row, answer.columns, strict=True)
        ]
        for row in answer.rows[:_MOST_ROWS]
    ]
    titles, kinds = [column.name for column in answer.columns], [column.type for column in answer.columns]
    wanted = [max(map(cell_len, place)) for place in zip(titles, *texts, strict=True)]
    widths = _narrowed(wanted, width - 2 * (len(wanted) - 1))
    lines = [
        "  ".join(
            _right(text, size) if kind in _NUMBERS else set_cell_size(_cut(text, size), size)
            for text, size, kind in zip(line, widths, kinds, strict=True)
        )
        for line in (titles, *texts)
    ]
    more = len(answer.rows) - _MOST_ROWS
    return [_cut(line, width) for line in lines] + ([f"and {more} more"] if more > 0 else [])


def _narrowed(widths: list[int], room: int) -> list[int]:
    """The widths with the widest made narrower until they fit, but none below `_NARROWEST`."""
    widths = list(widths)
    while sum(widths) > room and max(widths) > _NARROWEST:
        widths[widths.index(max(widths))] -= 1
    return widths


def _cut(text: str, width: int) -> str:
    text = text.rstrip()
    return text if cell_len(text) <= width else set_cell_size(text, max(0, width - 1)) + "…"


def _right(text: str, width: int) -> str:
    text = _cut(text, width)
    return " " * (width - cell_len(text)) + text
