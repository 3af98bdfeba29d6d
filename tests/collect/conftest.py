from __future__ import annotations

from collections.abc import Iterator

import pytest

from sentinel.clock import VirtualClock
from sentinel.collect.ingest import Ingester
from sentinel.store.telemetry import TelemetryStore
from tests.collect.records import NOON


@pytest.fixture
def store() -> Iterator[TelemetryStore]:
    with TelemetryStore.in_memory() as opened:
        yield opened


@pytest.fixture
def ingester(store: TelemetryStore) -> Iterator[Ingester]:
    with Ingester(store, VirtualClock(NOON)) as opened:
        yield opened
