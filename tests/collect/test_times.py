from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, strategies as some

from sentinel.clock import to_ticks
from sentinel.collect.times import ticks_of

NOON = to_ticks(datetime(2026, 3, 4, 12, tzinfo=UTC))


@pytest.mark.parametrize(
    ("stamp", "ticks"),
    [
        ("2026-03-04T12:00:00Z", 0),
        ("2026-03-04T12:00:00.1Z", 1_000_000),
        ("2026-03-04T12:00:00.123Z", 1_230_000),
        ("2026-03-04T12:00:00.1234567Z", 1_234_567),
        ("2026-03-04T12:00:00.123456789Z", 1_234_567),
        ("2026-03-04 12:00:00", 0),
        ("2026-03-04T12:00:01+00:00", 10_000_000),
        ("2026-03-04T14:00:00.5+02:00", 5_000_000),
        ("2026-03-04T12:00Z", 0),
    ],
)
def test_a_stamp_is_read_to_a_hundred_nanoseconds(stamp: str, ticks: int) -> None:
    assert ticks_of(stamp) - NOON == ticks


@pytest.mark.parametrize(
    "stamp",
    [
        "",
        "now",
        "2026-03-04",
        "2026-13-04T12:00:00Z",
        "2026-03-04T24:00:00Z",
        "2026-03-04T12:60:00Z",
        "2026-03-04T12:00:60Z",
        "2026-03-04T12:00:0 Z",
        "2026-03-04T12:00:00.-1Z",
        "2026-03-04T12:00:00.१Z",
        "0001-01-01T00:00:00+02:00",
        "0000-01-01T00:00:00Z",
    ],
)
def test_what_is_no_time_is_refused(stamp: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        ticks_of(stamp)


@given(some.datetimes(), some.integers(0, 9))
def test_any_instant_is_read_back(at: datetime, tenth: int) -> None:
    stamp = f"{at.isoformat(timespec='microseconds')}{tenth}Z"

    assert ticks_of(stamp) == (at - datetime(1, 1, 1)) // timedelta(microseconds=1) * 10 + tenth  # noqa: DTZ001
