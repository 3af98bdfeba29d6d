"""Prometheus' own linter reads our metrics (the part: Debian's package `prometheus`)."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

import pytest

from sentinel.collect.ingest import IngestCounts
from sentinel.instrument.metrics import Metrics
from sentinel.instrument.stored import IngestMetrics, StateMetrics, TelemetryMetrics
from sentinel.store.state import State
from sentinel.store.telemetry import TelemetryStore

PROMTOOL = shutil.which("promtool")


@pytest.mark.skipif(PROMTOOL is None, reason="promtool (package prometheus) is not installed")
def test_promtool_finds_nothing_to_complain_about() -> None:
    state, metrics = State.open(None), Metrics()

    @contextmanager
    def lend() -> Iterator[State]:
        yield state

    with TelemetryStore.in_memory() as store:
        metrics.add(StateMetrics(lend))
        metrics.add(IngestMetrics(IngestCounts))
        metrics.add(TelemetryMetrics(store.statistics, lambda: {"AmlComputeJobEvent": timedelta(seconds=90)}))
        metrics.deliveries.labels("accepted").inc()
        metrics.rule_evaluations.labels("requests-refused").observe(0.1)
        text = metrics.scrape()
    state.close()

    linted = subprocess.run([str(PROMTOOL), "check", "metrics"], input=text, capture_output=True, check=False)

    assert (linted.returncode, linted.stdout + linted.stderr) == (0, b"")
