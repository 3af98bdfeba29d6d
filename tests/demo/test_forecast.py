"""What the simulation foretold of a change, beside what was measured."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console

from sentinel.clock import VirtualClock
from sentinel.collect.ingest import Ingester
from sentinel.demo.acts import run_demo
from sentinel.demo.forecast import Forecast, forecast, forecast_lines
from sentinel.model.outlook import Outcome
from sentinel.model.plan import RunMode
from sentinel.model.settings import Change, Knob
from sentinel.query.engine import Engine
from sentinel.store.telemetry import TelemetryStore
from tests.builders import NOON, a_plan
from tests.parts.two_busy_replicas import request, state

MINUTE = timedelta(minutes=1)
PLAN = a_plan(changes=(Change(Knob.MAX_REPLICAS, 2, 6),), created=NOON)


def foretold(failed: float, hours: float) -> Outcome:
    return Outcome(1000, failed, 0.0, 100, 200, 300, hours, 6)


def measured(failed: float, hours: float, told: Outcome) -> Forecast:
    return Forecast(60.0, foretold(0.5, 0.01), told, failed, 0.0, hours)


@pytest.mark.parametrize(
    ("failed", "hours", "told", "agrees"),
    [
        (0.0, 0.10, foretold(0.0, 0.10), True),
        (0.02, 0.10, foretold(0.0, 0.10), True),
        (0.02, 0.13, foretold(0.0, 0.10), False),
        (0.22, 0.10, foretold(0.20, 0.10), True),
        (0.30, 0.10, foretold(0.20, 0.10), False),
        (0.30, 0.10, foretold(0.0, 0.10), False),
        (0.0, 0.10, foretold(0.30, 0.10), False),
    ],
    ids=["alike", "hardly any fail", "replicas", "both fail", "more fail", "none was to fail", "none fails"],
)
def test_shares_and_replica_hours_must_be_within_a_fifth(
    failed: float, hours: float, told: Outcome, *, agrees: bool
) -> None:
    assert measured(failed, hours, told).agrees is agrees


def test_it_is_told_what_was_compared() -> None:
    lines = list(forecast_lines(measured(0.02, 0.05, foretold(0.0, 0.05))))

    assert lines == [
        "0.0% refused or timed out, 180 replica-seconds (50.0% and 36 without the change)",
        "2.0% and 180 measured over 1000 requests in 60 s",
        "the shares served and the replicas agree within 20%",
    ]


def later(record: dict[str, object], **changes: object) -> dict[str, object]:
    """The record four minutes later."""
    at = datetime.fromisoformat(str(record["TimeGenerated"])) + 4 * MINUTE
    return {**record, "TimeGenerated": at.isoformat(), **changes}


@pytest.fixture
def engine() -> Iterator[Engine]:
    """Four minutes at two replicas, of whose requests a third is refused, and four at six, of which none is."""
    six = {"Replicas": 6, "ReadyReplicas": 6, "MaxReplicas": 6, "Revision": "8"}
    served = {"ResponseCode": 200, "TotalDurationMs": 1000}
    rows = [
        *map(state, range(250, 0, -10)),
        *map(request, range(700)),
        *(later(state(seconds), **six) for seconds in range(239, 0, -1)),
        *(later(request(number), **served, XRequestId=f"later-{number}") for number in range(1, 700)),
    ]
    with TelemetryStore.in_memory() as store:
        with Ingester(store, VirtualClock(NOON)) as ingester:
            ingester.submit("\n".join(map(json.dumps, rows)).encode(), origin="test")
        engine = Engine(store)
        yield engine
        engine.close()


def test_the_requests_that_came_are_replayed_with_the_model_of_before(engine: Engine) -> None:
    found = forecast(engine, PLAN, 4 * MINUTE, NOON + 3 * MINUTE)

    assert isinstance(found, Forecast)
    assert found.without.refused_share > 0.25
    assert found.foretold.refused_share < 0.1
    assert found.failed_share == 0.0
    assert found.replica_hours == pytest.approx(6 * 180 / 3600, rel=0.05)


def test_too_few_requests_cannot_be_compared(engine: Engine) -> None:
    found = forecast(engine, PLAN, 4 * MINUTE, NOON + timedelta(seconds=10))

    assert isinstance(found, str)
    assert found.endswith("requests since the change are too few, it takes 50")


def test_what_cannot_be_replayed_was_not_foretold(engine: Engine) -> None:
    found = forecast(engine, replace(PLAN, created=NOON - 10 * MINUTE), MINUTE, NOON)

    assert found == "not calibrated: nothing is known of its settings and replicas"


def test_what_was_foretold_holds_of_real_processes_under_real_arrivals(tmp_path: Path) -> None:
    told = StringIO()

    code = run_demo(
        tmp_path / "home",
        ["a"],
        RunMode.AUTONOMOUS,
        keep=False,
        console=Console(file=told, width=200, color_system=None),
    )

    assert code == 0, told.getvalue()
    assert "and the replicas agree within 20%" in told.getvalue(), told.getvalue()
