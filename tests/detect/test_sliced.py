"""Counting slice by slice finds what counting whole windows finds, and reads a row once."""

from __future__ import annotations

import json
from collections.abc import Iterable
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings, strategies as st

from sentinel.clock import VirtualClock, to_ticks
from sentinel.collect.ingest import Ingester
from sentinel.detect.evaluate import WindowEvaluator
from sentinel.detect.ruleset import default_rule_paths, load_rules
from sentinel.detect.sliced import SlicedEvaluator
from sentinel.model.rule import RuleSet, Symptom
from sentinel.query.engine import Engine
from sentinel.store.as_of import AsOf, Looked
from sentinel.store.telemetry import TelemetryStore
from tests.detect.rule_texts import SYMPTOM, small_pack

NOON = datetime(2026, 3, 4, 12, tzinfo=UTC)
EVERY = timedelta(seconds=10)
COUNTED = (
    "summarize Requests = count(), Refused = countif(ResponseCode == 503) by EndpointName, DeploymentName"
)
Request = tuple[float, str, int]
"""When, in seconds after noon, of which deployment and how it was answered."""


@pytest.fixture(scope="module")
def shipped() -> RuleSet:
    return load_rules(default_rule_paths())


def one_symptom(folder: Path, text: str = SYMPTOM) -> Symptom:
    return load_rules([small_pack(folder, symptom=text)]).symptoms[0]


def put(store: TelemetryStore, requests: Iterable[Request]) -> None:
    lines = [
        json.dumps(
            {
                "Type": "AmlOnlineEndpointTrafficLog",
                "TimeGenerated": (NOON + timedelta(seconds=second)).isoformat(),
                "EndpointName": "chat",
                "DeploymentName": name,
                "ResponseCode": code,
                "XRequestId": str(number),
            }
        )
        for number, (second, name, code) in enumerate(requests)
    ]
    with Ingester(store, VirtualClock(NOON)) as ingester:
        ingester.submit("\n".join(lines).encode(), origin="test")


REQUESTS = st.lists(
    st.tuples(
        st.integers(0, 480).map(lambda halves: halves / 2), st.sampled_from("ab"), st.sampled_from([200, 503])
    ),
    max_size=60,
)
STEPS = st.lists(st.sampled_from([10, 10, 10, 20, 3, 130]), min_size=1, max_size=12)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(requests=REQUESTS, steps=STEPS)
def test_it_finds_what_whole_windows_say(tmp_path: Path, requests: list[Request], steps: list[int]) -> None:
    symptom = one_symptom(tmp_path, SYMPTOM.replace("Refused >= 5", "Refused >= 2"))
    with TelemetryStore.in_memory() as store, closing(Engine(store)) as engine:
        put(store, requests)
        sliced, whole = SlicedEvaluator(engine, store), WindowEvaluator(engine, store)
        now = NOON
        for step in steps:
            now += timedelta(seconds=step)
            assert sliced.evaluate(symptom, now) == whole.evaluate(symptom, now)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (COUNTED, COUNTED.replace("count()", "dcount(XRequestId)")),
        (
            COUNTED,
            COUNTED.replace(
                "Refused = countif", "Half = countif(TimeGenerated > now() - 1m), Refused = countif"
            ),
        ),
        (COUNTED, COUNTED.replace("by EndpointName", "by tostring(ResponseCode), EndpointName")),
        ("(since .. now())", "(since - 1m .. now())"),
        ("every: 10s", "every: 50s"),
    ],
    ids=["no count", "looks at the time", "a computed key", "another span", "no whole slices"],
)
def test_a_query_that_is_no_sum_of_slices_is_asked_whole(tmp_path: Path, old: str, new: str) -> None:
    assert old in SYMPTOM
    symptom = one_symptom(tmp_path, SYMPTOM.replace(old, new))
    with TelemetryStore.in_memory() as store, closing(Engine(store)) as engine:
        put(store, [(second, "a", 503) for second in range(120)])
        sliced, whole = SlicedEvaluator(engine, store), WindowEvaluator(engine, store)
        for seconds in (60, 110, 160):
            now = NOON + timedelta(seconds=seconds)
            assert sliced.evaluate(symptom, now) == whole.evaluate(symptom, now)


@pytest.mark.parametrize(
    "name",
    ["requests-refused", "requests-timed-out", "requests-failing", "requests-rejected", "requests-throttled",
     "requests-unauthorised"],
)  # fmt: skip
def test_of_the_shipped_symptoms_of_requests_a_row_is_read_once(shipped: RuleSet, name: str) -> None:
    symptom = shipped.symptom(name)
    assert symptom is not None
    looked: list[Looked] = []
    with (
        TelemetryStore.in_memory() as store,
        closing(AsOf(store, NOON)) as view,
        closing(Engine(view)) as engine,
    ):
        put(store, [(second, "a", 200) for second in range(30)])
        evaluator = SlicedEvaluator(engine, view)
        view.move(NOON + EVERY)
        evaluator.evaluate(symptom, NOON + EVERY)
        view.watch = looked.append
        view.move(NOON + 2 * EVERY)
        evaluator.evaluate(symptom, NOON + 2 * EVERY)

    assert [one.start for one in looked] == [to_ticks(NOON + EVERY)]
