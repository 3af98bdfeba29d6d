from __future__ import annotations

from datetime import UTC, datetime, timedelta

from sentinel.clock import to_ticks
from sentinel.config.settings import HealthSettings
from sentinel.daemon.freshness import Freshness

TABLE = "AmlComputeJobEvent"
NOON = datetime(2026, 5, 1, 12, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)


class Newest:
    """The newest record of one table, to be moved about."""

    def __init__(self, at: datetime | None) -> None:
        self.at = at

    def __call__(self, table: str) -> int | None:
        return to_ticks(self.at) if table == TABLE and self.at else None


def watching(newest: Newest, settings: HealthSettings | None = None) -> Freshness:
    return Freshness(newest, [TABLE, "Empty"], settings or HealthSettings(), NOON)


def test_a_table_that_stops_delivering_is_silent() -> None:
    newest = Newest(None)
    freshness = watching(newest)
    newest.at = NOON

    while_fresh = freshness.silent(NOON + MINUTE)
    later = freshness.silent(NOON + 20 * MINUTE)

    assert while_fresh == []
    assert later == [f"{TABLE} is silent: its newest record is 20m old, allowed are 15m"]


def test_it_is_well_again_when_records_arrive_again() -> None:
    newest = Newest(NOON)
    freshness = watching(newest)
    newest.at = NOON + 20 * MINUTE

    assert freshness.silent(NOON + 21 * MINUTE) == []


def test_a_table_that_delivered_lately_is_expected_to_go_on_after_a_restart() -> None:
    assert len(watching(Newest(NOON - HOUR)).silent(NOON)) == 1


def test_old_records_make_nobody_expect_more() -> None:
    assert watching(Newest(NOON - timedelta(days=3))).silent(NOON) == []


def test_an_import_of_old_records_makes_nobody_expect_more() -> None:
    newest = Newest(None)
    freshness = watching(newest)
    newest.at = NOON - HOUR

    assert freshness.silent(NOON) == []


def test_a_table_may_have_a_patience_of_its_own() -> None:
    settings = HealthSettings(tables={TABLE: timedelta(days=1)})

    assert watching(Newest(NOON - HOUR), settings).silent(NOON) == []


def test_no_span_never_complains() -> None:
    settings = HealthSettings(stale_after=timedelta())

    assert watching(Newest(NOON - HOUR), settings).silent(NOON) == []
