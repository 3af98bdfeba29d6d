"""Whether telemetry still arrives."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timedelta
from typing import Final

from sentinel.clock import format_span, from_ticks
from sentinel.config.settings import HealthSettings

_LATELY: Final = timedelta(days=1)
"""A table whose newest record is older than this at the start is history, not a stream."""


class Freshness:
    """Watches the newest record of each table.

    A table is expected to deliver once its records were seen to be fresh, or if it delivered within a day before
    the start. An import of old records makes nobody expect more of them.
    """

    def __init__(
        self,
        newest: Callable[[str], int | None],
        tables: Iterable[str],
        settings: HealthSettings,
        now: datetime,
    ) -> None:
        self._newest = newest
        self._tables = tuple(tables)
        self._settings = settings
        self._lock = threading.Lock()
        self._expected = {table for table, age in self.ages(now).items() if age <= _LATELY}

    def ages(self, now: datetime) -> Mapping[str, timedelta]:
        """How old the newest record of each table is; tables without records are left out."""
        found = ((table, self._newest(table)) for table in self._tables)
        return {table: now - from_ticks(ticks) for table, ticks in found if ticks is not None}

    def silent(self, now: datetime) -> list[str]:
        """A sentence for each table that used to deliver and does not any more; also notes those that do."""
        sentences = []
        for table, age in self.ages(now).items():
            limit = self._settings.tables.get(table, self._settings.stale_after)
            if age <= limit:
                with self._lock:
                    self._expected.add(table)
            elif limit and table in self._expected:
                sentences.append(
                    f"{table} is silent: its newest record is {format_span(age)} old, allowed are {format_span(limit)}"
                )
        return sentences
