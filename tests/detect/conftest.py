from __future__ import annotations

from collections.abc import Iterator

import pytest

from sentinel.query.engine import Engine
from sentinel.store.telemetry import TelemetryStore


@pytest.fixture(scope="session")
def engine() -> Iterator[Engine]:
    with TelemetryStore.in_memory() as store:
        engine = Engine(store)
        yield engine
        engine.close()
