from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from sentinel.clock import to_ticks
from sentinel.model.tables import Column, KqlType
from sentinel.report.series import Bar, Series, bars, series

NOW = datetime(2026, 1, 5, 10, 0, tzinfo=UTC)
AT = Column("TimeGenerated", KqlType.DATETIME)
NAME = Column("Code", KqlType.STRING)
COUNT = Column("Requests", KqlType.LONG)
SHARE = Column("Share", KqlType.REAL)


def at(seconds: int) -> int:
    return to_ticks(NOW - timedelta(seconds=seconds))


def drawn(columns: tuple[Column, ...], *rows: tuple[Any, ...]) -> tuple[Series, ...]:
    return series(columns, rows, since=NOW - timedelta(minutes=3), until=NOW, step=timedelta(minutes=1))


def test_a_step_without_rows_is_nothing() -> None:
    assert drawn((AT, COUNT), (at(170), 5), (at(10), 7)) == (Series("Requests", (5, 0, 7), 7),)


def test_rows_of_one_step_are_added() -> None:
    assert drawn((AT, COUNT), (at(50), 5), (at(10), 7)) == (Series("Requests", (0, 0, 12), 7),)


def test_a_bin_that_begins_before_the_window_counts_to_the_first_step() -> None:
    assert drawn((AT, COUNT), (at(200), 5)) == (Series("Requests", (5, 0, 0), 5),)


def test_rows_outside_the_window_are_left_out() -> None:
    assert drawn((AT, COUNT), (at(600), 5), (None, 5)) == ()


def test_each_text_and_each_number_is_a_line() -> None:
    found = drawn((NAME, AT, COUNT, SHARE), ("200", at(10), 4, 0.5))

    assert [(line.name, line.last) for line in found] == [("200 Requests", 4), ("200 Share", 0.5)]


def test_what_is_no_number_is_drawn_as_nothing() -> None:
    assert drawn((AT, SHARE), (at(10), float("nan"))) == (Series("Share", (0, 0, 0), 0),)


def test_without_a_time_or_a_number_there_is_no_line() -> None:
    assert drawn((NAME, COUNT), ("200", 1)) == ()
    assert drawn((AT, NAME), (at(1), "200")) == ()


def test_bars_keep_the_order_of_the_rows() -> None:
    assert bars((NAME, COUNT), [("503", 1), ("", 9)]) == (Bar("503", 1), Bar("(empty)", 9))
