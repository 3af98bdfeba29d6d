from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest

from sentinel.clock import VirtualClock
from sentinel.collect.ingest import Ingester
from sentinel.detect import WindowEvaluator, load_rules
from sentinel.model.rule import Symptom
from sentinel.model.target import deployment
from sentinel.query.engine import Engine
from sentinel.store.telemetry import TelemetryStore
from tests.detect.rule_texts import small_pack

NOW = datetime(2026, 3, 4, 12, tzinfo=UTC)
BLUE, GREEN = deployment("chat", "blue"), deployment("chat", "green")


@pytest.fixture
def symptom(tmp_path: Path) -> Symptom:
    return load_rules([small_pack(tmp_path)]).symptoms[0]


@pytest.fixture
def store() -> Iterator[TelemetryStore]:
    with TelemetryStore.in_memory() as store:
        yield store


@pytest.fixture
def evaluator(store: TelemetryStore) -> Iterator[WindowEvaluator]:
    engine = Engine(store)
    yield WindowEvaluator(engine, store)
    engine.close()


def requests(name: str, *, refused: int, served: int = 0, ago: float = 10) -> list[dict[str, Any]]:
    codes = [503] * refused + [200] * served
    return [
        {
            "Type": "AmlOnlineEndpointTrafficLog",
            "TimeGenerated": (NOW - timedelta(seconds=ago, milliseconds=n)).isoformat(),
            "EndpointName": "chat",
            "DeploymentName": name,
            "ResponseCode": code,
        }
        for n, code in enumerate(codes)
    ]


def put(store: TelemetryStore, records: list[dict[str, Any]]) -> None:
    with Ingester(store, VirtualClock(NOW)) as ingester:
        ingester.submit(msgspec.json.encode(records), origin="test")


def test_a_target_beyond_the_threshold_is_found_with_its_row(
    store: TelemetryStore, evaluator: WindowEvaluator, symptom: Symptom
) -> None:
    put(store, requests("blue", refused=6, served=2))

    (finding,) = evaluator.evaluate(symptom, NOW).findings

    assert (finding.target, finding.at, finding.symptom) == (BLUE, NOW, "refused")
    assert (finding.measure, finding.sample) == (0.75, 8)
    assert finding.row == {"EndpointName": "chat", "DeploymentName": "blue", "Requests": 8, "Refused": 6}


def test_findings_come_in_the_order_of_their_targets(
    store: TelemetryStore, evaluator: WindowEvaluator, symptom: Symptom
) -> None:
    put(store, requests("green", refused=9) + requests("blue", refused=6))

    assert [f.target for f in evaluator.evaluate(symptom, NOW).findings] == [BLUE, GREEN]


def test_rows_before_the_window_and_after_now_do_not_count(
    store: TelemetryStore, evaluator: WindowEvaluator, symptom: Symptom
) -> None:
    put(store, requests("blue", refused=6, ago=121) + requests("green", refused=6, ago=-1))

    assert evaluator.evaluate(symptom, NOW).findings == ()


def test_the_newest_row_is_told_and_none_without_any(
    store: TelemetryStore, evaluator: WindowEvaluator, symptom: Symptom
) -> None:
    before = evaluator.evaluate(symptom, NOW).newest
    put(store, requests("blue", refused=1, ago=600))

    assert before is None
    assert evaluator.evaluate(symptom, NOW).newest == NOW - timedelta(seconds=600)


def test_a_healthy_target_has_a_measurement(
    store: TelemetryStore, evaluator: WindowEvaluator, symptom: Symptom
) -> None:
    put(store, requests("blue", refused=1, served=9) + requests("green", refused=9))

    seen = evaluator.measure(symptom, BLUE, NOW - timedelta(seconds=30), NOW)

    assert seen is not None
    assert (seen.measure, seen.sample, seen.holds) == (0.1, 10, False)


def test_a_target_without_rows_has_no_measurement(
    store: TelemetryStore, evaluator: WindowEvaluator, symptom: Symptom
) -> None:
    put(store, requests("green", refused=9) + requests("blue", refused=9, ago=60))

    assert evaluator.measure(symptom, BLUE, NOW - timedelta(seconds=30), NOW) is None
