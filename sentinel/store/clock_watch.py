"""The latest time the daemon has seen, kept over restarts: a clock that steps back is noticed."""

from __future__ import annotations

from datetime import datetime, timedelta

from sentinel.clock import from_ticks, to_ticks
from sentinel.store.state import State


class ClockWatch:
    """Remembers the latest instant, and until when a clock that stepped back is not trusted."""

    def __init__(self, state: State) -> None:
        self._state = state
        self._db = state.database
        row = self._db.execute("SELECT latest, frozen_until FROM clock").fetchone()
        self._latest: int = row[0] if row else 0
        self._stored = self._latest
        self._frozen_until: int = row[1] if row else 0

    def look(self, now: datetime, *, tolerance: timedelta, rest: timedelta) -> timedelta:
        """Note the time, and return how far it stepped back; nothing if by no more than `tolerance`.

        After a step the clock is not trusted for `rest`. The time is stored as often as a third of the tolerance.
        """
        ticks = to_ticks(now)
        back = timedelta(microseconds=(self._latest - ticks) // 10)
        stepped = back > tolerance
        if stepped:
            self._latest, self._frozen_until = ticks, to_ticks(now + rest)
        self._latest = max(self._latest, ticks)
        if stepped or self._latest - self._stored >= to_ticks(now + tolerance / 3) - ticks:
            self._db.execute(
                "INSERT INTO clock(id, latest, frozen_until) VALUES (1, ?, ?) ON CONFLICT(id) DO UPDATE"
                " SET latest = excluded.latest, frozen_until = excluded.frozen_until",
                [self._latest, self._frozen_until],
            )
            self._stored = self._latest
        return back if stepped else timedelta(0)

    def frozen_until(self, now: datetime) -> datetime | None:
        """Until when the clock is not trusted; `None` if it is."""
        return from_ticks(self._frozen_until) if to_ticks(now) < self._frozen_until else None
