"""The rules at a tenth of their durations: windows of twelve seconds, arrivals at random, consoles line by line."""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

import msgspec
import pytest

from sentinel.clock import VirtualClock
from sentinel.collect.ingest import Ingester
from sentinel.detect import WindowEvaluator, default_rule_paths, load_rules
from sentinel.diagnose import diagnose
from sentinel.model.diagnosis import Diagnosis
from sentinel.model.settings import Settings
from sentinel.query.engine import Engine
from sentinel.simulate.records import Record, RecordMaker, Request
from sentinel.store.telemetry import TelemetryStore

START = datetime(2026, 3, 4, 12, tzinfo=UTC)
RULES = load_rules(default_rule_paths(), pace=0.1)
MAKER = RecordMaker("chat", "blue")


def at(seconds: float) -> datetime:
    return START + timedelta(seconds=seconds)


def state(seconds: float, replicas: int, ready: int, settings: Settings) -> Record:
    return {
        "Type": "SentinelDeploymentState_CL",
        "TimeGenerated": at(seconds).isoformat(),
        "EndpointName": "chat",
        "DeploymentName": "blue",
        "Replicas": replicas,
        "ReadyReplicas": ready,
        "MinReplicas": settings.min_replicas,
        "MaxReplicas": settings.max_replicas,
        "TargetUtilization": settings.target_utilization,
        "RequestTimeoutMs": settings.request_timeout_ms,
        "MaxConcurrency": settings.max_concurrency,
        "QueueWaitMs": settings.queue_wait_ms,
        "UpdateInFlight": False,
    }


def request(seconds: float, status: int, ms: float) -> Record:
    return MAKER.traffic(Request(at(seconds), f"r{seconds:.6f}", status, ms))


def run(seconds: float, ms: float) -> Record:
    return MAKER.console(at(seconds), "blue-1", f"2026 I [9] azmlinfsrv - POST /score 200 {ms:.3f}ms 24")


def a_load(
    chance: random.Random, *, rps: float, seconds: float, served: float, until: float, limit: float = 60
) -> Iterator[Record]:
    """Random arrivals of which a share is served, the rest refused; runs beyond the limit are cut."""
    now = 0.0
    while now < until:
        now += chance.expovariate(rps)
        if chance.random() > served:
            yield request(now, 503, 500)
            continue
        took = chance.uniform(0.5, 1.5) * seconds
        cut = took > limit
        yield request(now, 504 if cut else 200, (limit if cut else took) * 1000)
        yield run(now + took, took * 1000)


@contextmanager
def asked(records: list[Record], symptom: str, now: float) -> Iterator[Diagnosis]:
    rule = next(s for s in RULES.symptoms if s.id == symptom)
    known = [record for record in records if datetime.fromisoformat(record["TimeGenerated"]) <= at(now)]
    with TelemetryStore.in_memory() as store, Ingester(store, VirtualClock(at(now))) as ingester:
        ingester.submit(msgspec.json.encode(known), origin="test")
        engine = Engine(store)
        (finding,) = WindowEvaluator(engine, store).evaluate(rule, at(now)).findings
        yield diagnose(finding, rule, RULES, engine, at(now))
        engine.close()


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_demand_beyond_the_maximum_is_seen_and_measured(seed: int) -> None:
    settings = Settings(max_replicas=4)
    records = [state(s / 2, 4, 4, settings) for s in range(40)]
    records += a_load(random.Random(seed), rps=40, seconds=0.2, served=0.5, until=20)

    with asked(records, "requests-refused", 20) as diagnosis:
        top = diagnosis.top

    assert top is not None
    assert top.cause == "capacity/saturated-at-maximum"
    assert top.facts["peak_rps"] == pytest.approx(45, rel=0.2)
    assert top.facts["seconds"] == pytest.approx(0.2, rel=0.1)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_a_slower_model_is_a_matter_of_time_and_the_replicas_are_ruled_out(seed: int) -> None:
    settings = Settings(max_replicas=10, request_timeout_ms=1000)
    records = [state(s / 2, 10, 10, settings) for s in range(80)]
    records += a_load(random.Random(seed), rps=8, seconds=1.2, served=0.98, until=40, limit=1)

    with asked(records, "requests-timed-out", 40) as diagnosis:
        top, ruled_out = (
            diagnosis.top,
            {v.cause for v in diagnosis.others if v.reason.startswith("ruled out")},
        )

    assert top is not None
    assert top.cause == "time/finishing-after-the-limit"
    assert top.facts["p99_ms"] == pytest.approx(1790, rel=0.03)
    assert {"capacity/saturated-at-maximum", "capacity/busy-below-maximum"} <= ruled_out


def test_a_broken_script_is_named_before_the_crash_loop_it_makes_and_nothing_else_is() -> None:
    records = [state(s / 2, 3, 0, Settings(max_replicas=4)) for s in range(40)]
    records += [request(n / 40, 503, 2) for n in range(800)]
    for crash in (2, 3, 5, 9, 17):
        for instance in ("blue-1", "blue-2", "blue-3"):
            lines = (
                '  File "/srv/score.py", line 7, in <module>',
                "ModuleNotFoundError: No module named 'lightgbm'",
                "2026 E [8] gunicorn.error - Reason: Worker failed to boot.",
            )
            records += [MAKER.console(at(crash), instance, line) for line in lines]
            records.append(
                MAKER.event(at(crash), instance, "BackOff", "Back-off restarting failed container")
            )

    with asked(records, "requests-refused", 20) as diagnosis:
        ranked = diagnosis.ranked

    assert [verdict.cause for verdict in ranked] == ["script/module-missing", "container/crash-loop"]
    missing, crashing = ranked
    assert missing.facts["module"] == "lightgbm"
    assert (crashing.facts["module"], crashing.facts["crashes"]) == ("lightgbm", 15)
    assert crashing.facts["frame"] == 'File "/srv/score.py", line 7'
