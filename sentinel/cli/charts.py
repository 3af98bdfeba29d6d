"""What `render` draws on a terminal: bars by ourselves, lines over time by plotext.

https://learn.microsoft.com/kusto/query/render-operator
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import UTC, tzinfo
from typing import Any, Final

from sentinel.cli.formats import Row
from sentinel.clock import TICKS_PER_SECOND, from_ticks
from sentinel.model.tables import Column, KqlType
from sentinel.report.text import cell

_BARS: Final = frozenset({"barchart", "columnchart", "piechart"})
_LINES: Final = frozenset({"timechart", "linechart", "areachart"})
_NUMBERS: Final = frozenset({KqlType.INT, KqlType.LONG, KqlType.REAL, KqlType.DECIMAL})
_EIGHTHS: Final = " ▏▎▍▌▋▊▉"
_MARKERS: Final = "*+ox#@%&"
_HEIGHT: Final = 18
_LONGEST_LABEL: Final = 30
_MOST_BARS: Final = 60
_TICKS: Final = 4
_ONE_DAY: Final = 86_400 * TICKS_PER_SECOND


def drawn(
    visualization: str | None,
    columns: Sequence[Column],
    rows: Sequence[Row],
    *,
    width: int,
    zone: tzinfo = UTC,
) -> list[str] | None:
    """The lines of a chart, `None` where rows of this shape, or this kind of chart, are better read as a table.

    The first column of a bar chart names the bars; the first datetime (or the first number) of a line chart is its
    axis, its texts part the lines.
    """
    numbers = [at for at, column in enumerate(columns) if column.type in _NUMBERS]
    if not rows or not numbers:
        return None
    if visualization in _BARS:
        return _bars(columns, rows, numbers, width, zone, share=visualization == "piechart")
    if visualization in _LINES:
        return _lines(columns, rows, numbers, width, zone)
    return None


def _label(row: Row, columns: Sequence[Column], places: Sequence[int], zone: tzinfo) -> str:
    text = " ".join(cell(row[at], columns[at].type, zone) for at in places)
    return text if len(text) <= _LONGEST_LABEL else text[: _LONGEST_LABEL - 1] + "…"


def _bars(
    columns: Sequence[Column],
    rows: Sequence[Row],
    numbers: list[int],
    width: int,
    zone: tzinfo,
    *,
    share: bool,
) -> list[str]:
    values = [at for at in numbers if at > 0] or numbers
    named = [at for at in range(len(columns)) if at not in values]
    bars = [
        (
            " ".join(
                filter(None, [_label(row, columns, named, zone), columns[at].name if len(values) > 1 else ""])
            ),
            row[at],
        )
        for row in rows
        for at in values
    ]
    shown = bars[:_MOST_BARS]
    total = sum(value for _, value in bars if _is_finite(value)) or 1
    longest = max((abs(value) for _, value in shown if _is_finite(value)), default=0) or 1
    labels = max(len(label) for label, _ in shown)
    room = max(10, width - labels - 22)
    lines = []
    for label, value in shown:
        size = abs(float(value)) / float(longest) * room if _is_finite(value) else 0.0
        part = f" {float(value) / float(total):.1%}" if share and _is_finite(value) else ""
        text = cell(value, KqlType.REAL if isinstance(value, float) else KqlType.LONG, zone)
        lines.append(f"{label:<{labels}} {'█' * int(size)}{_EIGHTHS[int(size % 1 * 8)].strip()} {text}{part}")
    if len(bars) > len(shown):
        lines.append(f"… {len(bars) - len(shown)} more")
    return lines


def _is_finite(value: Any) -> bool:
    return value is not None and math.isfinite(value)


def _lines(
    columns: Sequence[Column], rows: Sequence[Row], numbers: list[int], width: int, zone: tzinfo
) -> list[str] | None:
    moments = [at for at, column in enumerate(columns) if column.type is KqlType.DATETIME]
    axis = moments[0] if moments else numbers[0]
    parts = [at for at, column in enumerate(columns) if column.type is KqlType.STRING]
    series: dict[str, list[tuple[float, float]]] = {}
    for row in rows:
        for at in numbers:
            if at != axis and row[axis] is not None and _is_finite(row[at]):
                names = [_label(row, columns, parts, zone)] if parts else []
                if len(numbers) - (axis in numbers) > 1 or not parts:
                    names.append(columns[at].name)
                series.setdefault(" ".join(names), []).append((float(row[axis]), float(row[at])))
    if not series:
        return None
    return _plotted(series, width, zone if moments else None)


def _plotted(series: dict[str, list[tuple[float, float]]], width: int, zone: tzinfo | None) -> list[str]:
    import plotext

    figure = plotext.figure
    figure.clear()
    figure.theme("colorless")
    figure.plot_size(width, _HEIGHT)
    for number, (name, points) in enumerate(series.items()):
        along = sorted(points)
        signal = figure.signal(
            [x for x, _ in along], [y for _, y in along], marker=_MARKERS[number % len(_MARKERS)]
        )
        signal.lines()
        signal.label(name)
        figure.draw(signal)
    if zone is not None:
        edges = [x for points in series.values() for x, _ in points]
        low, high = min(edges), max(edges)
        places = sorted({low + (high - low) * step / _TICKS for step in range(_TICKS + 1)})
        form = "%H:%M:%S" if high - low < _ONE_DAY else "%m-%d %H:%M"
        labels = [from_ticks(int(place)).astimezone(zone).strftime(form) for place in places]
        figure.ruler("x").ticks(places, labels)
    return str(plotext.uncolorize(str(figure.build()))).rstrip("\n").split("\n")
