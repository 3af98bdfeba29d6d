from __future__ import annotations

from sentinel.report.charts import bar, columns, sparkline


def test_a_sparkline_reaches_from_blank_to_full() -> None:
    assert sparkline([0, 1, 4, 8], 10) == " ▂▅█"


def test_more_values_than_room_keep_their_peaks() -> None:
    assert sparkline([0, 9, 0, 0, 3, 0], 3, top=9) == "█ ▃"


def test_columns_stack_the_upper_line_first() -> None:
    assert columns([1, 2, 4], 3, 2) == ["  █", "▄██"]


def test_what_is_not_nothing_is_seen() -> None:
    assert bar(1, 10_000, 20) == "▏"
    assert columns([1, 10_000], 2, 2) == [" █", "▁█"]


def test_nothing_is_drawn_of_nothing() -> None:
    assert (sparkline([], 5), bar(0, 10, 5), columns([], 5, 1)) == ("", "", [""])
