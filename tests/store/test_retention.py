from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

from sentinel.store.batch import Appended
from sentinel.store.reader import TelemetryReader
from sentinel.store.telemetry import TelemetryStore
from tests.store.events import NOON, TRAFFIC, requests, rows

DAY = timedelta(days=1)

DAY = timedelta(days=1)


class TestRetention:
    """Days leave as a whole."""

    def test_days_before_a_date_are_removed(self, telemetry: TelemetryStore, reader: TelemetryReader) -> None:
        telemetry.append(requests(3, step=DAY))
        before = rows(reader, TRAFFIC, "ResponseCode")

        removed = telemetry.expire((NOON + 2 * DAY).date())

        assert removed == 2
        assert len(before) == 3
        assert rows(reader, TRAFFIC, "ResponseCode") == [(202,)]

    def test_old_days_that_were_taken_in_lately_are_kept(self, tmp_path: Path) -> None:
        with TelemetryStore.open(tmp_path) as store:
            store.append(requests(3, step=DAY))

            removed = store.expire((NOON + 2 * DAY).date(), untouched_since=datetime.now(UTC) - DAY)

            assert (removed, store.statistics().days) == (0, 3)

    def test_a_day_that_was_removed_can_come_back(
        self, telemetry: TelemetryStore, reader: TelemetryReader
    ) -> None:
        telemetry.append(requests(2))
        rows(reader, TRAFFIC, "ResponseCode")
        telemetry.expire((NOON + DAY).date())

        appended = telemetry.append(requests(1))

        assert appended == Appended(new=1)
        assert rows(reader, TRAFFIC, "ResponseCode") == [(200,)]

    def test_another_process_that_writes_the_day_loses_nothing(self, tmp_path: Path) -> None:
        with TelemetryStore.open(tmp_path) as daemon, TelemetryStore.open(tmp_path) as beside:
            beside.append(requests(1))
            daemon.expire((NOON + DAY).date())

            appended = beside.append(requests(2))
            reader = daemon.reader()
            found = rows(reader, TRAFFIC, "ResponseCode")
            reader.close()

        assert appended == Appended(new=2)
        assert found == [(200,), (201,)]
