"""When a symptom of the past is worth asking: not while no row lies where its query looks."""

from __future__ import annotations

from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Final

from sentinel.clock import TICKS_PER_SECOND, from_ticks, to_ticks
from sentinel.model.rule import Symptom
from sentinel.store.as_of import AsOf, Looked

_SLACK: Final = 2
"""Seconds by which a span is taken longer than it was seen to be."""


class Rows:
    """The seconds in which the tables have rows, over the history a backtest may look at."""

    def __init__(self, view: AsOf, begin: datetime, end: datetime) -> None:
        self._view = view
        self._begin, self._end = begin, end
        self._seconds: dict[str, array[int]] = {}

    def between(self, table: str, start: int | None, end: int) -> bool:
        """Whether a table may have rows between two seconds; also true where it is not known."""
        if start is None or start < to_ticks(self._begin) // TICKS_PER_SECOND:
            return True
        seconds = self._of(table)
        at = bisect_left(seconds, start)
        return at < len(seconds) and seconds[at] <= end

    def next_after(self, table: str, second: int) -> int | None:
        """The first second after this one in which a table has rows."""
        seconds = self._of(table)
        at = bisect_right(seconds, second)
        return seconds[at] if at < len(seconds) else None

    def _of(self, table: str) -> array[int]:
        if table not in self._seconds:
            self._seconds[table] = array("q", self._view.seconds_with_rows(table, self._begin, self._end))
        return self._seconds[table]


class Occasions:
    """The next instant each symptom is worth asking at, on the grid of its interval.

    A query that looked where no row was found nothing, and will find nothing until a row comes; that it looks at the
    same spans before each instant is learned from its first run. A symptom that held is asked until it does not.
    """

    def __init__(self, symptoms: Iterable[Symptom], rows: Rows, begin: datetime) -> None:
        self._rows = rows
        self._begin = begin
        self._looks: dict[str, frozenset[tuple[str, int | None]]] = {}
        self._next: dict[str, datetime | None] = {symptom.id: begin for symptom in symptoms}
        self._symptoms = {symptom.id: symptom for symptom in symptoms}

    @property
    def next(self) -> datetime | None:
        """The next instant at which a symptom is worth asking."""
        return min((at for at in self._next.values() if at is not None), default=None)

    def due(self, now: datetime) -> tuple[Symptom, ...]:
        """The symptoms worth asking at an instant."""
        return tuple(self._symptoms[name] for name, at in self._next.items() if at is not None and at <= now)

    def asked(self, symptom: Symptom, now: datetime, looked: Iterable[Looked], *, holds: bool) -> None:
        """Note where a symptom's query looked and whether it held, and find out when it is worth asking next."""
        if symptom.id not in self._looks:
            self._looks[symptom.id] = frozenset(
                (one.table, None if one.start is None else to_ticks(now) - one.start) for one in looked
            )
        following = now + symptom.every
        if holds or not self._looks[symptom.id] or self._sees(symptom, following):
            self._next[symptom.id] = following
            return
        second = to_ticks(following) // TICKS_PER_SECOND
        coming = [self._rows.next_after(table, second) for table, _ in self._looks[symptom.id]]
        first = min((one for one in coming if one is not None), default=None)
        self._next[symptom.id] = None if first is None else self._on_grid(symptom.every, first)

    def _sees(self, symptom: Symptom, at: datetime) -> bool:
        end = to_ticks(at) // TICKS_PER_SECOND
        return any(
            self._rows.between(table, None if back is None else end - back // TICKS_PER_SECOND - _SLACK, end)
            for table, back in self._looks[symptom.id]
        )

    def _on_grid(self, every: timedelta, second: int) -> datetime:
        """The first instant of the grid not before a second."""
        since = from_ticks(second * TICKS_PER_SECOND) - self._begin
        return self._begin + -(-since // every) * every
