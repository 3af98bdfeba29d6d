"""The way in: deliveries queue up, one thread writes them, and each is acknowledged after its commit."""

from __future__ import annotations

import threading
from collections import Counter, deque
from collections.abc import Iterable, Mapping
from concurrent.futures import Future
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Final, Self

from sentinel.clock import Clock, SystemClock
from sentinel.collect.decode import decode
from sentinel.collect.framing import unpacked
from sentinel.collect.shapes import Shapes
from sentinel.errors import IngestBusy, IngestError
from sentinel.store.batch import Appended
from sentinel.store.preparation import Preparation
from sentinel.store.telemetry import TelemetryStore

MOST_WAITING: Final = 512
"""Deliveries that may wait for the writer."""
MOST_WAITING_BYTES: Final = 64 << 20
_GROUP_BYTES: Final = 2 << 20
_RETRY_AFTER: Final = 1.0


@dataclass(frozen=True, slots=True)
class Receipt:
    """What came of a delivery that is now on disk.

    `accepted` records are new, `duplicates` were stored before, `set_aside` pieces could not be stored, and
    `unknown` of the accepted ones belong to a category no table is known for.
    """

    accepted: int = 0
    duplicates: int = 0
    set_aside: int = 0
    unknown: int = 0

    def __add__(self, other: Receipt) -> Receipt:
        return Receipt(
            self.accepted + other.accepted,
            self.duplicates + other.duplicates,
            self.set_aside + other.set_aside,
            self.unknown + other.unknown,
        )


@dataclass(frozen=True, slots=True)
class IngestCounts:
    """What went through since the start."""

    accepted: int = 0
    duplicates: int = 0
    set_aside: int = 0
    unknown: Mapping[str, int] = field(default_factory=dict)
    """New records of categories no table is known for, by category."""
    batches: int = 0
    """Deliveries that were committed."""
    last_commit: datetime | None = None
    waiting: int = 0
    """Deliveries in the queue."""


@dataclass(frozen=True, slots=True)
class _Delivery:
    body: bytes
    origin: str
    encoding: str | None
    table: str | None
    first_line: int
    cursors: Mapping[str, str]
    receipt: Future[Receipt]

    @property
    def size(self) -> int:
        return len(self.body) + 256

    def prepare(self, into: Preparation, shapes: Shapes) -> Preparation:
        into.set_aside = decode(
            unpacked(self.body, self.encoding),
            origin=self.origin,
            add=into.add,
            shapes=shapes,
            table=self.table,
            first_line=self.first_line,
        )
        into.cursors = self.cursors
        return into


class Ingester:
    """Takes deliveries from any thread and writes them in one; close it to stop the thread.

    What waits when the writer is free is committed together, so that many small deliveries share one sync.
    """

    def __init__(
        self,
        store: TelemetryStore,
        clock: Clock | None = None,
        *,
        most_waiting: int = MOST_WAITING,
        most_waiting_bytes: int = MOST_WAITING_BYTES,
    ) -> None:
        self._store = store
        self._clock = clock or SystemClock()
        self._most_waiting = most_waiting
        self._most_bytes = most_waiting_bytes
        self._waiting: deque[_Delivery] = deque()
        self._bytes = 0
        self._changed = threading.Condition()
        self._closed = False
        self._counts = IngestCounts()
        self._shapes = Shapes()
        self._thread = threading.Thread(target=self._run, name="ingest-writer", daemon=True)
        self._thread.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def submit(
        self,
        body: bytes,
        *,
        origin: str,
        encoding: str | None = None,
        table: str | None = None,
        first_line: int = 1,
        cursors: Mapping[str, str] | None = None,
    ) -> Receipt:
        """Take a delivery and wait until it is on disk. See `submit_later`.

        Raises:
            IngestBusy: The queue is full; nothing was taken.
            IngestError: The body as a whole cannot be taken.
            StoreError: It could not be written; taking it again is harmless.
        """
        return self.submit_later(
            body, origin=origin, encoding=encoding, table=table, first_line=first_line, cursors=cursors
        ).result()

    def submit_later(
        self,
        body: bytes,
        *,
        origin: str,
        encoding: str | None = None,
        table: str | None = None,
        first_line: int = 1,
        cursors: Mapping[str, str] | None = None,
    ) -> Future[Receipt]:
        """Take a delivery; the future is done when it is on disk, or fails as `submit` does.

        `origin` says where it came from and is shown with what is set aside. `table` is the table it is known to
        be for, `first_line` the number its first line has there, `cursors` move with it.

        Raises:
            IngestBusy: The queue is full; nothing was taken.
            IngestError: The ingester is closed.
        """
        delivery = _Delivery(body, origin, encoding, table, first_line, cursors or {}, Future())
        with self._changed:
            if self._closed:
                raise IngestError("the ingester is closed")
            full = self._bytes + delivery.size > self._most_bytes and self._waiting
            if full or len(self._waiting) >= self._most_waiting:
                raise IngestBusy(_RETRY_AFTER)
            self._waiting.append(delivery)
            self._bytes += delivery.size
            self._changed.notify()
        return delivery.receipt

    def counts(self) -> IngestCounts:
        """What went through since the start, and how much waits."""
        with self._changed:
            return replace(self._counts, waiting=len(self._waiting))

    @property
    def is_alive(self) -> bool:
        """Whether the writer runs, so that what is taken will be written."""
        return self._thread.is_alive()

    def close(self) -> None:
        """Write what waits, then stop. Calling it again is harmless."""
        with self._changed:
            self._closed = True
            self._changed.notify()
        self._thread.join()

    def _run(self) -> None:
        while group := self._next_group():
            self._write(group)

    def _next_group(self) -> list[_Delivery]:
        """What is written next; nothing when the ingester is closed and empty."""
        with self._changed:
            while not self._waiting and not self._closed:
                self._changed.wait()
            group: list[_Delivery] = []
            size = 0
            while self._waiting and (not group or size + self._waiting[0].size <= _GROUP_BYTES):
                delivery = self._waiting.popleft()
                size += delivery.size
                if delivery.receipt.set_running_or_notify_cancel():
                    group.append(delivery)
                self._bytes -= delivery.size
            return group or (self._next_group() if self._waiting or not self._closed else [])

    def _write(self, group: list[_Delivery]) -> None:
        now = self._clock.now()
        readable: list[tuple[_Delivery, Preparation]] = []
        for delivery in group:
            try:
                readable.append((delivery, delivery.prepare(self._store.prepare(now), self._shapes)))
            except IngestError as error:
                delivery.receipt.set_exception(error)
            except Exception as error:  # noqa: BLE001 - one delivery must not stop the others
                delivery.receipt.set_exception(IngestError(f"cannot read {delivery.origin}: {error!r}"))
        if not readable:
            return
        try:
            appended = self._store.append_all([batch for _, batch in readable])
        except Exception as error:  # noqa: BLE001 - whoever waits has to learn of it
            for delivery, _ in readable:
                delivery.receipt.set_exception(error)
            return
        self._count([batch for _, batch in readable], appended, now)
        for (delivery, batch), stored in zip(readable, appended, strict=True):
            delivery.receipt.set_result(
                Receipt(stored.new, stored.duplicates, len(batch.set_aside), sum(stored.unknown.values()))
            )

    def _count(self, batches: Iterable[Preparation], appended: list[Appended], now: datetime) -> None:
        with self._changed:
            before = self._counts
            unknown = Counter(before.unknown)
            for stored in appended:
                unknown.update(stored.unknown)
            self._counts = IngestCounts(
                accepted=before.accepted + sum(stored.new for stored in appended),
                duplicates=before.duplicates + sum(stored.duplicates for stored in appended),
                set_aside=before.set_aside + sum(len(batch.set_aside) for batch in batches),
                unknown=dict(unknown),
                batches=before.batches + len(appended),
                last_commit=now,
            )


def take_again(ingester: Ingester, store: TelemetryStore, ids: Iterable[int] | None = None) -> Receipt:
    """Ingest what was set aside once more; what can be stored now is set aside no longer.

    `ids` names some of it; by default it is all.
    """
    wanted = None if ids is None else set(ids)
    total, after = Receipt(), 0
    while listed := store.set_aside(after=after):
        after = listed[-1].id
        mended = []
        for line in listed:
            if wanted is None or line.id in wanted:
                what = line.what
                receipt = ingester.submit(
                    what.raw, origin=what.origin, table=what.table or None, first_line=what.line
                )
                total += receipt
                if not receipt.set_aside:
                    mended.append(line.id)
        store.drop_set_aside(mended)
    return total
