from __future__ import annotations

import threading

import pytest

from sentinel.clock import VirtualClock
from sentinel.collect.ingest import Ingester, Receipt
from sentinel.errors import IngestBusy, IngestError, StoreError
from sentinel.store.batch import Appended, Batch
from sentinel.store.preparation import Preparation
from sentinel.store.telemetry import TelemetryStore
from tests.collect.records import NOON, TRAFFIC, as_json, stored, traffic


class HeldStore(TelemetryStore):
    """A store whose disk can be held up, or fail."""

    def __init__(self, *args: object, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)  # type: ignore[arg-type]
        self.reached = threading.Event()
        self.released = threading.Event()
        self.broken = False
        self.groups: list[int] = []

    def append_all(self, batches: list[Batch | Preparation], **_: object) -> list[Appended]:  # type: ignore[override]
        self.groups.append(len(batches))
        self.reached.set()
        assert self.released.wait(10)
        if self.broken:
            raise StoreError("the disk is full")
        return super().append_all(batches)


def body(number: int) -> bytes:
    return as_json(traffic(number))


def test_deliveries_that_wait_are_committed_together() -> None:
    with HeldStore.in_memory() as store, Ingester(store) as ingester:
        first = ingester.submit_later(body(0), origin="test")
        assert store.reached.wait(10)
        others = [ingester.submit_later(body(number), origin="test") for number in range(1, 5)]

        store.released.set()

        assert [one.result(10) for one in (first, *others)] == [Receipt(accepted=1)] * 5
        assert store.groups == [1, 4]


def test_a_full_queue_takes_nothing_and_says_when_to_come_back() -> None:
    with HeldStore.in_memory() as store, Ingester(store, most_waiting=2) as ingester:
        ingester.submit_later(body(0), origin="test")
        assert store.reached.wait(10)
        waiting = [ingester.submit_later(body(number), origin="test") for number in (1, 2)]

        with pytest.raises(IngestBusy) as refused:
            ingester.submit_later(body(3), origin="test")

        assert refused.value.retry_after > 0
        assert ingester.counts().waiting == 2
        store.released.set()
        assert [one.result(10).accepted for one in waiting] == [1, 1]
        assert len(stored(store, TRAFFIC, "XRequestId")) == 3


def test_a_store_that_fails_is_told_to_whoever_waits_and_the_next_delivery_is_taken() -> None:
    with HeldStore.in_memory() as store, Ingester(store) as ingester:
        store.released.set()
        store.broken = True

        with pytest.raises(StoreError, match="the disk is full"):
            ingester.submit(body(0), origin="test")

        store.broken = False
        assert ingester.submit(body(0), origin="test") == Receipt(accepted=1)
        assert ingester.is_alive


def test_closing_writes_what_waits(store: TelemetryStore) -> None:
    ingester = Ingester(store)
    waiting = [ingester.submit_later(body(number), origin="test") for number in range(20)]

    ingester.close()
    ingester.close()

    assert [one.result(0).accepted for one in waiting] == [1] * 20
    with pytest.raises(IngestError, match="closed"):
        ingester.submit(body(0), origin="test")


def test_one_unreadable_delivery_does_not_stop_the_others(ingester: Ingester) -> None:
    bad = ingester.submit_later(b"\x1f\x8b?", origin="test")
    good = ingester.submit_later(body(0), origin="test")

    assert good.result(10) == Receipt(accepted=1)
    with pytest.raises(IngestError, match="damaged"):
        bad.result(10)


def test_counts_tell_what_went_through(ingester: Ingester) -> None:
    ingester.submit(body(0) + b"\nno\n", origin="test")
    ingester.submit(body(0), origin="test")

    counts = ingester.counts()

    assert (counts.accepted, counts.duplicates, counts.set_aside, counts.batches) == (1, 1, 1, 2)
    assert (counts.last_commit, counts.waiting) == (NOON, 0)


def test_the_time_of_ingestion_comes_from_the_clock(store: TelemetryStore) -> None:
    with Ingester(store, VirtualClock(NOON)) as ingester:
        ingester.submit(body(0), origin="test")

    assert stored(store, TRAFFIC, "_IngestionTime") == [(639082224000000000,)]
