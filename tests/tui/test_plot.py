from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from sentinel.clock import to_ticks
from sentinel.model.tables import Column, KqlType
from sentinel.report.panels import PanelKind
from sentinel.tui.plot import Answer, plot

NOW = datetime(2026, 1, 5, 10, 0, tzinfo=UTC)
NAME, AT, COUNT = (
    Column("Code", KqlType.STRING),
    Column("TimeGenerated", KqlType.DATETIME),
    Column("Requests", KqlType.LONG),
)


def an_answer(columns: tuple[Column, ...], *rows: tuple[Any, ...]) -> Answer:
    return Answer(columns, rows, NOW - timedelta(minutes=4), NOW, timedelta(minutes=1))


def at(minutes: int) -> int:
    return to_ticks(NOW - timedelta(minutes=minutes))


def test_each_name_is_a_line_with_its_newest_and_its_largest_value() -> None:
    answer = an_answer((NAME, AT, COUNT), ("200", at(4), 8), ("200", at(1), 4), ("503", at(2), 2))

    lines = plot(answer, PanelKind.TIMECHART, 37)

    assert lines == [
        "200    ██    ▅▅         4       max 8",
        "503        ▃▃           2       max 2",
        "       09:56 10:00",
    ]


def test_one_line_is_drawn_in_columns_with_its_scale() -> None:
    answer = an_answer((AT, COUNT), (at(4), 8), (at(3), 4), (at(1), 2))

    lines = plot(answer, PanelKind.TIMECHART, 35)

    assert lines == [
        "8 ┤████████",
        "  ┤████████",
        "  ┤████████████████",
        "0 ┤████████████████        ████████",
        "   09:56                      10:00",
        "Requests 2 at the end, 8 at most",
    ]


def test_a_bar_chart_names_its_bars() -> None:
    answer = an_answer((NAME, COUNT), ("200", 1000), ("503", 250))

    lines = plot(answer, PanelKind.BARCHART, 20)

    assert lines == ["200  1,000 █████████", "503    250 ██▎"]


def test_a_stat_is_one_number() -> None:
    assert plot(an_answer((COUNT,), (12345,)), PanelKind.STAT, 40) == ["12,345"]


def test_a_table_is_cut_to_the_width_and_counts_what_it_leaves_out() -> None:
    answer = an_answer((NAME, COUNT), *((f"code-{n}", n) for n in range(12)))

    lines = plot(answer, PanelKind.TABLE, 12)

    assert lines[:2] == ["Code    Req…", "code-0     …"]
    assert lines[-1] == "and 4 more"


def test_what_cannot_be_charted_is_a_table() -> None:
    assert plot(an_answer((NAME,), ("200",)), PanelKind.TIMECHART, 20) == ["Code", "200"]


def test_no_rows_are_called_so() -> None:
    assert plot(an_answer((NAME,)), PanelKind.TABLE, 20) == ["no rows"]
