from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest

from sentinel.model.incident import IncidentState
from sentinel.model.target import deployment
from sentinel.query.engine import Engine
from sentinel.report.fleet import fleet
from sentinel.report.jobs import JobFilter, job_list, jobs_by_state
from sentinel.store.incidents import Incidents
from sentinel.store.state import State
from sentinel.store.telemetry import TelemetryStore
from tests.report.incident_samples import a_waiting_incident, after, an_incident
from tests.report.telemetry_samples import fill

NOW = after(200)


@pytest.fixture(scope="module")
def engine() -> Iterator[Engine]:
    with TelemetryStore.in_memory() as store:
        fill(store)
        engine = Engine(store)
        yield engine
        engine.close()


@pytest.fixture
def state() -> Iterator[State]:
    state = State.open(None)
    yield state
    state.close()


def test_jobs_are_counted_by_state_those_that_matter_first(engine: Engine) -> None:
    counts = jobs_by_state(engine, NOW)

    assert [(count.state, count.jobs) for count in counts] == [
        ("Running", 2),
        ("Failed", 2),
        ("Succeeded", 8),
    ]


def test_the_newest_events_stand_first(engine: Engine) -> None:
    rows = job_list(engine, NOW, limit=2)

    assert [(row.name, row.at) for row in rows] == [("train-9", after(99)), ("train-8", after(98))]


def test_a_failed_job_carries_its_error(engine: Engine) -> None:
    rows = job_list(engine, NOW, JobFilter(state="failed"))

    assert [row.name for row in rows] == ["train-5", "train-0"]
    assert rows[0].error == "AzureMLCompute job failed: ExecutionFailed, exit code 137"


@pytest.mark.parametrize(
    ("wanted", "names"),
    [
        (JobFilter(cluster="GPU-*", state="Running"), ["train-11"]),
        (JobFilter(cluster="cpu-d4", state="Running"), ["train-10"]),
        (JobFilter(name="*-1*", cluster="*a100"), ["train-1", "train-11"]),
        (JobFilter(name="t*n-1"), ["train-1"]),
        (JobFilter(name="train-3"), ["train-3"]),
        (JobFilter(name="train.3"), []),
        (JobFilter(since=timedelta(seconds=103)), ["train-9", "train-8"]),
        (JobFilter(name="' or true"), []),
    ],
)
def test_jobs_are_filtered(engine: Engine, wanted: JobFilter, names: list[str]) -> None:
    assert [row.name for row in job_list(engine, NOW, wanted)] == names


def test_a_deployment_shows_its_settings_and_its_traffic(engine: Engine, state: State) -> None:
    blue, green = fleet(engine, state, NOW)

    assert (blue.target, green.target) == (deployment("chat", "blue"), deployment("chat", "green"))
    assert blue.settings is not None
    assert (blue.settings.replicas, blue.settings.maximum, blue.settings.at) == (4, 4, after(180))
    assert blue.traffic is not None
    assert (blue.traffic.requests, blue.traffic.refused, blue.traffic.timed_out) == (2000, 500, 40)
    assert blue.traffic.p95_ms == 500


def test_the_trend_covers_the_window_in_equal_steps(engine: Engine, state: State) -> None:
    blue, _ = fleet(engine, state, NOW)

    assert blue.traffic is not None
    assert blue.traffic.trend[-3:] == (150, 150, 150)
    assert blue.traffic.trend[:3] == (0, 0, 0)


def test_traffic_outside_the_window_is_not_counted(engine: Engine, state: State) -> None:
    rows = fleet(engine, state, NOW + timedelta(minutes=30))

    assert [row.traffic for row in rows] == [None, None]
    assert [row.settings is not None for row in rows] == [True, True]


def test_an_open_incident_stands_at_its_deployment(engine: Engine, state: State) -> None:
    a_waiting_incident(state, "i1")
    Incidents(state).create(an_incident("i2", deployment("embed", "blue")))

    rows = {row.target.label: row for row in fleet(engine, state, NOW)}

    blue, embed = rows["chat/blue"].incident, rows["embed/blue"].incident
    assert blue is not None
    assert blue.state is IncidentState.WAITING
    assert embed is not None
    assert rows["embed/blue"].traffic is None
