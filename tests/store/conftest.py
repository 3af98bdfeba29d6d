from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from sentinel.store.reader import TelemetryReader
from sentinel.store.telemetry import TelemetryStore


@pytest.fixture(params=["on disk", "in memory"])
def telemetry(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[TelemetryStore]:
    opened = TelemetryStore.open(tmp_path) if request.param == "on disk" else TelemetryStore.in_memory()
    with opened:
        yield opened


@pytest.fixture
def reader(telemetry: TelemetryStore) -> Iterator[TelemetryReader]:
    opened = telemetry.reader()
    yield opened
    opened.close()
