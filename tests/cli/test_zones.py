from __future__ import annotations

import time
from datetime import UTC, datetime

import pytest

from sentinel.cli.local_zone import LocalZone
from sentinel.report.text import moment


@pytest.mark.parametrize(
    ("at", "shown"),
    [
        (datetime(2026, 1, 15, 12, tzinfo=UTC), "2026-01-15 13:00:00+0100"),
        (datetime(2026, 7, 15, 12, tzinfo=UTC), "2026-07-15 14:00:00+0200"),
    ],
    ids=["winter", "summer"],
)
def test_the_local_zone_knows_summer_time_at_each_instant(
    monkeypatch: pytest.MonkeyPatch, at: datetime, shown: str
) -> None:
    monkeypatch.setenv("TZ", "Europe/Berlin")
    time.tzset()

    written = moment(at, LocalZone())

    monkeypatch.undo()
    time.tzset()
    assert written == shown
