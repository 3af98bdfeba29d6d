from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from sentinel.clock import to_ticks
from sentinel.query.values import MAX_DATETIME
from sentinel.web.timespan import ticks_within

NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)
EIGHT = datetime(2026, 5, 1, 8, tzinfo=UTC)
HOUR = timedelta(hours=1)


@pytest.mark.parametrize(
    ("text", "first", "last"),
    [
        ("PT1H", NOW - HOUR, NOW),
        ("P1D", NOW - 24 * HOUR, NOW),
        ("P1W", NOW - 168 * HOUR, NOW),
        ("P1DT2H30M", NOW - 26.5 * HOUR, NOW),
        ("PT3600.5S", NOW - HOUR - timedelta(milliseconds=500), NOW),
        ("PT0.5H", NOW - HOUR / 2, NOW),
        ("2026-05-01T08:00:00Z/2026-05-01T09:00:00Z", EIGHT, EIGHT + HOUR),
        ("2026-05-01T08:00:00.000Z/PT1H", EIGHT, EIGHT + HOUR),
        ("PT1H/2026-05-01T09:00:00Z", EIGHT, EIGHT + HOUR),
        ("2026-05-01T10:00:00+02:00/PT1H", EIGHT, EIGHT + HOUR),
        ("2026-05-01/2026-05-01T08:00:00Z", EIGHT - 8 * HOUR, EIGHT),
    ],
)
def test_a_span_of_time_has_two_ends(text: str, first: datetime, last: datetime) -> None:
    assert ticks_within(text, to_ticks(NOW)) == (to_ticks(first), to_ticks(last))


def test_a_span_ends_where_time_does() -> None:
    assert ticks_within("P99999999D", to_ticks(NOW)) == (0, to_ticks(NOW))
    assert ticks_within("2026-05-01/P99999999D", to_ticks(NOW))[1] == MAX_DATETIME


@pytest.mark.parametrize(
    "text",
    [
        "",
        "P",
        "PT",
        "P1Y",
        "P1M",
        "PT1",
        "1h",
        "-PT1H",
        "today",
        "PT1H/PT1H",
        "PT1H/",
        "/PT1H",
        "1/2",
        "P1D/P1D/P1D",
    ],
)
def test_what_is_no_span_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is no ISO 8601"):
        ticks_within(text, to_ticks(NOW))


def test_a_span_that_ends_before_it_starts_is_refused() -> None:
    with pytest.raises(ValueError, match="ends before it starts"):
        ticks_within("2026-05-02/2026-05-01", to_ticks(NOW))
