"""The hot store of telemetry: durable appends, and readers of their own."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Final, Self

import apsw

from sentinel.clock import SystemClock, from_ticks, to_ticks
from sentinel.errors import StoreError
from sentinel.model.tables import UNKNOWN
from sentinel.store.batch import Appended, Batch
from sentinel.store.current import FEEDS, CurrentState, SetAsideLine
from sentinel.store.identity import DayRows
from sentinel.store.layout import Layout, layouts
from sentinel.store.partition import PartitionWriter
from sentinel.store.place import CURRENT, Directory, Memory, Place, day_name, day_number
from sentinel.store.preparation import Identifiers, Preparation
from sentinel.store.reader import TelemetryReader
from sentinel.store.repair import repair_current

_MOST_OPEN: Final = 6
"""Days open for writing at a time."""


@dataclass(frozen=True, slots=True)
class Statistics:
    """What the store holds."""

    bytes: int
    rows: int
    days: int
    oldest: datetime | None
    newest: datetime | None
    unknown: Mapping[str, int]
    """Records of unknown categories, by category."""
    set_aside: int


@dataclass(slots=True)
class _Portion:
    """What one batch brings to one table on one day."""

    batch: int
    layout: Layout
    rows: DayRows


class TelemetryStore:
    """One database a day, written by one thread at a time and read by many.

    Several processes may open the same directory and write to it.
    """

    def __init__(self, place: Place) -> None:
        self._place = place
        self._lock = threading.RLock()
        self._writers: dict[int, PartitionWriter] = {}
        self._identifiers = Identifiers()
        self._current = CurrentState(place)
        self._own_reader = TelemetryReader(place)
        try:
            repair_current(place, self._current, self._own_reader)
        except BaseException:
            self.close()
            raise

    @classmethod
    def open(cls, directory: Path) -> Self:
        """Open the store in a directory, which is made if it is not there.

        Raises:
            StoreError: The directory or a file in it cannot be used.
        """
        return cls(Directory(directory))

    @classmethod
    def in_memory(cls) -> Self:
        """A store that is gone when it is closed."""
        return cls(Memory())

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close every file this store opened; readers are closed by those who asked for them."""
        with self._lock:
            for writer in self._writers.values():
                writer.close()
            self._writers.clear()
            self._own_reader.close()
            self._current.close()

    def reader(self) -> TelemetryReader:
        """A reader with a connection of its own, for one thread at a time."""
        return TelemetryReader(self._place)

    def append(self, batch: Batch, *, at: datetime | None = None) -> Appended:
        """Store a batch; when this returns it is on disk. See `append_all`."""
        return self.append_all([batch], at=at)[0]

    def prepare(self, at: datetime | None = None) -> Preparation:
        """A batch to be filled while it is decoded, for `append_all`; `at` is the time of ingestion."""
        return Preparation(self._identifiers, to_ticks(at or SystemClock().now()))

    def append_all(
        self, batches: Sequence[Batch | Preparation], *, at: datetime | None = None
    ) -> list[Appended]:
        """Store batches in one commit a day; when this returns they are on disk.

        Storing a record again changes nothing, so a batch may be repeated after an error. `at` is the time of
        ingestion of those that are not prepared, by default this machine's.

        Raises:
            StoreError: SQLite failed; some of the records may be stored.
        """
        prepared = [
            batch if isinstance(batch, Preparation) else self.prepare(at).add_all(batch) for batch in batches
        ]
        portions: dict[int, list[_Portion]] = {}
        for number, batch in enumerate(prepared):
            for table, days in batch.days.items():
                for day, rows in days.items():
                    portions.setdefault(day, []).append(_Portion(number, layouts()[table], rows))
        counts = [Counter[str]() for _ in batches]
        unknown: list[Counter[str]] = [Counter() for _ in batches]
        with self._lock:
            try:
                touched = [
                    day for day in sorted(portions) if self._write_day(day, portions[day], counts, unknown)
                ]
                self._write_current(prepared, touched, unknown)
            except (apsw.Error, OSError) as error:
                raise StoreError(f"cannot write telemetry: {error}") from error
        return [
            Appended(count["new"], count["duplicates"], dict(by_category))
            for count, by_category in zip(counts, unknown, strict=True)
        ]

    def _write_day(
        self,
        day: int,
        portions: list[_Portion],
        counts: list[Counter[str]],
        unknown: list[Counter[str]],
    ) -> bool:
        """Commit one day; whether the current state must learn of it."""
        writer = self._begin(day)
        touches_current = any(portion.layout.table in FEEDS for portion in portions)
        try:
            for portion in portions:
                stored = writer.insert(portion.layout, portion.rows)
                count = counts[portion.batch]
                count["new"] += len(stored)
                count["duplicates"] += len(portion.rows[0]) - len(stored)
                if portion.layout.table == UNKNOWN.name:
                    at = [column.name for column in portion.layout.labels].index("Category")
                    unknown[portion.batch].update(portion.rows[1][row[2]].values[at] for row in stored)
            writer.commit(touches_current=touches_current)
        except BaseException:
            writer.roll_back()
            raise
        writer.bound_log()
        return touches_current

    def _begin(self, day: int) -> PartitionWriter:
        while True:
            writer = self._writers.pop(day, None)
            if writer is None:
                while len(self._writers) >= _MOST_OPEN and self._place.durable:
                    self._writers.pop(next(iter(self._writers))).close()
                writer = PartitionWriter(self._place, day)
            writer.begin()
            if not writer.is_stale:
                self._writers[day] = writer
                return writer
            writer.roll_back()
            writer.close()

    def _write_current(
        self, batches: Sequence[Preparation], touched: list[int], unknown: list[Counter[str]]
    ) -> None:
        counted = sum(unknown, Counter[str]())
        if not (touched or counted or any(batch.set_aside or batch.cursors for batch in batches)):
            return
        with self._current as current:
            for batch in batches:
                for source, records in batch.fed.items():
                    current.take(source, records, batch.ingested)
                current.set_aside(batch.set_aside, batch.ingested)
                current.move_cursors(batch.cursors)
            current.count_unknown(counted)
            current.saw(touched)

    def newest(self, table: str) -> int | None:
        """The ticks of the newest `TimeGenerated` of a table, `None` if it has no rows."""
        with self._lock:
            try:
                return self._own_reader.newest(table)
            finally:
                self._own_reader.release()

    def cursors(self, prefix: str = "") -> dict[str, str]:
        """How far sources were read: the cursors whose name begins with `prefix`."""
        with self._lock:
            return self._current.cursors(prefix)

    def set_aside(self, *, after: int = 0, limit: int = 1000) -> list[SetAsideLine]:
        """What could not be stored, in the order it came, from the first id above `after`."""
        with self._lock:
            return self._current.listed(after, limit)

    def drop_set_aside(self, ids: Iterable[int]) -> None:
        """Forget pieces that were set aside, because they were mended or are of no use."""
        with self._lock, self._current as current:
            current.drop(ids)

    def expire(self, before: date, *, untouched_since: datetime | None = None) -> int:
        """Remove the days before a date, and return how many there were.

        With `untouched_since` a day also stays while something was written to it after that, so that history taken in
        today is kept as long as what happens today.
        """
        removed: list[int] = []
        with self._lock:
            first_kept = day_number(before)
            for day in sorted(self._place.days()):
                written = self._place.written(day_name(day))
                if day < first_kept and (untouched_since is None or written < untouched_since.timestamp()):
                    writer = self._begin(day)  # whoever writes it waits, and then sees that it is gone
                    del self._writers[day]
                    self._place.unlink(day_name(day))
                    writer.roll_back()
                    writer.close()
                    removed.append(day)
            if removed:
                with self._current as current:
                    current.forget_days(removed)
        return len(removed)

    def statistics(self) -> Statistics:
        """What the store holds; costs a few look-ups a day kept."""
        with self._lock:
            days = sorted(self._place.days())
            sizes = [sum(self._place.size(name)) for name in (CURRENT, *map(day_name, days))]
            facts = [self._own_reader.day_facts(day) for day in days]
            self._own_reader.release()
            return Statistics(
                bytes=sum(sizes),
                rows=sum(fact.rows for fact in facts),
                days=len(days),
                oldest=min((from_ticks(fact.oldest) for fact in facts if fact.oldest), default=None),
                newest=max((from_ticks(fact.newest) for fact in facts if fact.newest), default=None),
                unknown=self._current.unknown(),
                set_aside=self._current.set_aside_count(),
            )
