"""Mends `current.db` after a crash between the commit of a day and the commit of the current state.

Each day counts the commits the current state must learn of, and `current.db` counts those it learned of. Where
the two differ, the day's events are taken again, which is harmless for those it knows.
"""

from __future__ import annotations

from sentinel.clock import TICKS_PER_DAY
from sentinel.store.current import FEEDS, CurrentState
from sentinel.store.layout import TIME
from sentinel.store.place import Place
from sentinel.store.reader import TelemetryReader
from sentinel.store.scan import Scan


def repair_current(place: Place, current: CurrentState, reader: TelemetryReader) -> list[int]:
    """Bring the current state up to date with every day, and return the days that needed it."""
    seen = current.seen()
    behind = {
        day: commits
        for day in sorted(place.days())
        if (commits := reader.day_facts(day).commits) != seen.get(day, 0)
    }
    if behind:
        with current:
            for day, commits in behind.items():
                _take_again(day, current, reader)
                current.set_seen(day, commits)
    reader.release()
    return list(behind)


def _take_again(day: int, current: CurrentState, reader: TelemetryReader) -> None:
    begin = day * TICKS_PER_DAY
    for source in FEEDS:
        names = current.state_columns(source)
        scan = Scan(source, (TIME, "_Extra", "_IngestionTime", *names), begin, begin + TICKS_PER_DAY - 1)
        rows = reader.connection.execute(reader.scan_sql(scan))
        current.take_named(
            source, ((row[0], dict(zip(names, row[3:], strict=True)), row[1], row[2]) for row in rows)
        )
