from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest

from sentinel.clock import to_ticks
from sentinel.model.tables import KqlType
from sentinel.report.text import after, ago, cell, cut, moment, number, points, row_text, share

AT = datetime(2026, 1, 5, 10, 0, 0, 250_000, tzinfo=UTC)


@pytest.mark.parametrize(
    ("part", "text"),
    [(0, "0%"), (0.0004, "<0.1%"), (0.031, "3.1%"), (0.313, "31%"), (0.9999, ">99%"), (1, "100%")],
)
def test_a_share_is_never_rounded_to_none_or_all(part: float, text: str) -> None:
    assert share(part) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [(1030, "1,030"), (0.52, "0.52"), (18.204, "18.2"), (1234.56, "1,234.6"), (0.0001234, "0.000123")],
)
def test_a_number_keeps_three_digits_that_matter(value: float, text: str) -> None:
    assert number(value) == text


def test_a_difference_of_shares_carries_its_sign() -> None:
    assert (points(-0.313), points(0.02)) == ("−31.3 points", "+2.0 points")


def test_a_moment_is_utc_unless_a_zone_is_asked_for() -> None:
    assert moment(AT) == "2026-01-05 10:00:00Z"
    assert moment(AT, ZoneInfo("Europe/Berlin")) == "2026-01-05 11:00:00+0100"


def test_relative_times_look_both_ways() -> None:
    assert ago(AT - timedelta(seconds=125), AT) == "2m5s ago"
    assert ago(AT + timedelta(seconds=30), AT) == "in 30s"
    assert ago(AT, AT) == "now"
    assert after(125.4) == "+2m5s"


def test_a_cut_text_shows_that_something_is_missing() -> None:
    assert cut("requests-refused", 9) == "requests…"
    assert cut("short", 9) == "short"


@pytest.mark.parametrize(
    ("value", "kind", "text"),
    [
        (to_ticks(AT), KqlType.DATETIME, "2026-01-05 10:00:00.250Z"),
        (26 * 36_000_000_000 + 5_000_000, KqlType.TIMESPAN, "1.02:00:00.5"),
        (True, KqlType.BOOL, "true"),
        (None, KqlType.INT, ""),
        (0.1 + 0.2, KqlType.REAL, "0.3"),
        (float("nan"), KqlType.REAL, "NaN"),
        (float("-inf"), KqlType.REAL, "-Infinity"),
        (Decimal("1.50"), KqlType.DECIMAL, "1.5"),
        ({"a": [1, None]}, KqlType.DYNAMIC, '{"a": [1, null]}'),
        ("line one\n  line two", KqlType.STRING, "line one line two"),
    ],
)
def test_a_cell_is_written_as_its_column_wants_it(value: object, kind: KqlType, text: str) -> None:
    assert cell(value, kind) == text


def test_a_row_is_one_line() -> None:
    assert row_text({"Replicas": 4, "Busy": 0.975, "Note": None}) == "Replicas=4  Busy=0.975  Note=null"
