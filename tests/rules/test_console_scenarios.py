"""Real output of the Azure ML inference server, as its console log brings it, and the cause that must come first."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest

from sentinel.clock import VirtualClock
from sentinel.collect.ingest import Ingester
from sentinel.detect import WindowEvaluator, default_rule_paths, load_rules
from sentinel.diagnose import diagnose
from sentinel.model.diagnosis import CauseVerdict
from sentinel.query.engine import Engine
from sentinel.simulate.records import Record, RecordMaker, Request
from sentinel.store.telemetry import TelemetryStore

NOW = datetime(2026, 3, 4, 12, tzinfo=UTC)
RULES = load_rules(default_rule_paths())
MAKER = RecordMaker("chat", "blue")
REFERENCE = Path(__file__).parents[3] / "shared" / "reference" / "inference-server-logs.json"
TOP = {
    "missing-module": ("script/module-missing", "notinstalled_pkg"),
    "syntax-error": ("script/syntax-error", "SyntaxError: invalid syntax"),
    "no-init-function": ("script/function-missing", "no init()"),
    "model-path-not-found": ("script/model-file-missing", "./mdl/model/sklearn_regression_model.pkl"),
    "cuda-not-available": ("script/no-gpu", "Found no NVIDIA driver on your system"),
    "init-memory-error": ("script/memory-error", "MemoryError"),
    "worker-sigkill": ("container/out-of-memory", "killed by SIGKILL"),
    "run-exceptions": ("script/run-raised", "because run() raised"),
    "worker-timeout": ("script/worker-timeout", "WORKER_TIMEOUT"),
}
"""The cause each scenario is an example of, and what its sentence must say."""


def scenarios() -> list[dict[str, Any]]:
    if not REFERENCE.is_file():
        return []
    listed: list[dict[str, Any]] = json.loads(REFERENCE.read_text("utf-8"))["scenarios"]
    return listed


def console(log: str, *, by_line: bool) -> Iterator[Record]:
    """The log once a minute, as one row or as one row a line, as collectors do either."""
    for minute in range(1, 5):
        at = NOW - timedelta(minutes=minute)
        for number, message in enumerate(log.splitlines() if by_line else [log]):
            yield MAKER.console(at + timedelta(milliseconds=number), "blue-1", message)


def top_of(symptom: str, records: list[Record]) -> CauseVerdict | None:
    rule = RULES.symptom(symptom)
    assert rule is not None
    with TelemetryStore.in_memory() as store, Ingester(store, VirtualClock(NOW)) as ingester:
        ingester.submit(msgspec.json.encode(records), origin="test")
        engine = Engine(store)
        findings = WindowEvaluator(engine, store).evaluate(rule, NOW).findings
        top = diagnose(findings[0], rule, RULES, engine, NOW).top if findings else None
        engine.close()
    return top


def requests(status: int) -> list[Record]:
    return [MAKER.traffic(Request(NOW - timedelta(seconds=s), f"r{s}", status, 2)) for s in range(1, 110)]


if REFERENCE.is_file():

    @pytest.mark.parametrize("by_line", [False, True], ids=["one row", "row by row"])
    @pytest.mark.parametrize("scenario", scenarios(), ids=lambda scenario: scenario["id"])
    def test_real_output_leads_to_its_cause(scenario: dict[str, Any], *, by_line: bool) -> None:
        cause, words = TOP[scenario["id"]]
        symptom, status = (
            ("requests-failing", 500) if cause == "script/run-raised" else ("requests-refused", 503)
        )
        if cause == "script/worker-timeout":
            symptom, status = "requests-failing", 502

        top = top_of(symptom, [*console(scenario["log"], by_line=by_line), *requests(status)])

        assert top is not None
        assert top.cause == cause
        assert words in top.reason

    @pytest.mark.parametrize("scenario", scenarios(), ids=lambda scenario: scenario["id"])
    def test_real_output_alone_is_a_crash_or_none(scenario: dict[str, Any]) -> None:
        cause, words = TOP[scenario["id"]]

        top = top_of("replicas-crashing", list(console(scenario["log"], by_line=False)))

        assert (top.cause if top else "script/run-raised") == cause
        assert top is None or words in top.reason
