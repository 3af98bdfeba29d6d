"""What fixed advice and Sentinel would have done on a recorded history."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta

import pytest

from sentinel.clock import VirtualClock
from sentinel.collect.ingest import Ingester
from sentinel.model.settings import Settings
from sentinel.query.engine import Engine
from sentinel.rehearse.contest import played
from sentinel.rehearse.policy_backtest import Contested, contest_lines, contest_values, contests
from sentinel.remediate.policy import Policy
from sentinel.simulate.replay import Demand, Timing
from sentinel.store.telemetry import TelemetryStore
from tests.parts.two_busy_replicas import NOON, records, request

BEGIN = NOON - timedelta(seconds=250)


def quiet(number: int) -> dict[str, object]:
    """A request to a deployment of which nothing else is known."""
    return {
        **request(number),
        "DeploymentName": "green",
        "ResponseCode": 200,
        "XRequestId": f"green-{number}",
    }


@pytest.fixture
def engine() -> Iterator[Engine]:
    rows = [*records(), *map(quiet, range(20))]
    with TelemetryStore.in_memory() as store:
        with Ingester(store, VirtualClock(NOON)) as ingester:
            ingester.submit("\n".join(map(json.dumps, rows)).encode(), origin="test")
        engine = Engine(store)
        yield engine
        engine.close()


@pytest.fixture
def found(engine: Engine) -> tuple[Contested, ...]:
    return contests(engine, Policy(), BEGIN, NOON)


def test_every_policy_is_listed_with_what_it_would_have_done_and_its_effect(
    found: tuple[Contested, ...],
) -> None:
    blue = contest_values(found)[0]

    assert (blue["target"], blue["calibrated"]) == ("deployment:chat/blue", True)
    told = {one["policy"]: one for one in blue["policies"]}
    assert list(told) == ["defaults", "utilization-30", "max-40", "hpa", "sentinel"]
    assert told["defaults"]["did"] == []
    assert [one["changes"] for one in told["utilization-30"]["did"]] == ["target_utilization 70 → 30"]
    assert [one["changes"] for one in told["max-40"]["did"]] == ["max_replicas 2 → 40"]
    assert [one["changes"] for one in told["sentinel"]["did"]] == [
        "min_replicas 1 → 6, max_replicas 2 → 16, target_utilization 70 → 90"
    ]
    assert told["sentinel"]["refused_share"] < told["defaults"]["refused_share"] / 5
    assert told["utilization-30"]["refused_share"] > 0.2


def test_a_deployment_that_no_model_reproduces_is_said_to_be_not_calibrated(
    found: tuple[Contested, ...],
) -> None:
    green = contest_values(found)[1]

    assert (green["target"], green["calibrated"], green["policies"]) == ("deployment:chat/green", False, [])
    assert green["note"] == "not calibrated: nothing is known of its settings and replicas"


def test_the_same_history_gives_the_same_lines_twice(engine: Engine) -> None:
    first, second = (list(contest_lines(contests(engine, Policy(), BEGIN, NOON))) for _ in range(2))

    assert first == second
    assert first[0] == "Policies, simulated on what came: 2 deployments with requests"
    assert sum(line.startswith("      ") for line in first) == 6


def test_a_demand_that_is_served_makes_nobody_react() -> None:
    easy = Demand([float(second) for second in range(300)], [0.1] * 300)

    scores = played(easy, Timing(), Policy(), Settings())

    assert scores[-1].policy == "sentinel"
    assert scores[-1].did == ()
    assert [one.refused_share for one in scores] == [0.0] * 5
