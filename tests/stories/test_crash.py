"""`kill -9` at random moments: nothing acknowledged is lost, nothing doubled, nothing done twice, nothing stuck.

The moments are random but seeded: SENTINEL_CRASH_SEED=N runs other ones.
"""

from __future__ import annotations

import random
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import IO, Any, Final

import pytest

from sentinel.model.incident import IncidentState
from sentinel.model.plan import ActionKind, ActionState
from sentinel.model.settings import Settings
from sentinel.query.engine import Engine
from sentinel.store.actions import Actions
from sentinel.store.incidents import Incidents
from sentinel.store.state import State
from sentinel.store.telemetry import TelemetryStore
from tests.stories.control_plane import ControlPlane, goes_on
from tests.stories.doomed_daemon import DoomedDaemon, Lost, seed, settings

KILLS_WHILE_INGESTING: Final = 28
KILLS_WHILE_HEALING: Final = 22
BATCH: Final = 40
SENDERS: Final = 2
HEALED_SECONDS: Final = 120.0
BEGINNING: Final = datetime.now(UTC)
"""Not a fixed date: the daemon drops what is older than its retention."""


@pytest.fixture
def log(tmp_path: Path) -> Iterator[IO[bytes]]:
    with (tmp_path / "daemon.log").open("ab") as file:
        yield file


# ── while telemetry comes in ──


class Sender:
    """Delivers numbered records; what was not acknowledged is delivered again, as real senders do."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.acknowledged: set[str] = set()
        self.lost = 0
        self._next = 0
        self._in_doubt: list[dict[str, Any]] = []

    def send(self, daemon: DoomedDaemon) -> None:
        """Deliver batch after batch until the daemon goes away."""
        try:
            while True:
                batch = self._in_doubt or self._fresh()
                self._in_doubt = batch
                if daemon.post(batch):
                    self.acknowledged.update(record["JobId"] for record in batch)
                    self._in_doubt = []
        except Lost:
            self.lost += 1
        finally:
            daemon.hang_up()

    def _fresh(self) -> list[dict[str, Any]]:
        first, self._next = self._next, self._next + BATCH
        return [job_event(f"{self.name}-{number}", number) for number in range(first, self._next)]


def job_event(job: str, number: int) -> dict[str, Any]:
    """A job's event, on one of the last three days: records come late, and each day is a file of its own."""
    at = BEGINNING - timedelta(days=number % 3) + timedelta(milliseconds=number)
    return {
        "Type": "AmlComputeJobEvent",
        "TimeGenerated": at.isoformat(),
        "JobId": job,
        "JobName": job,
        "ExecutionState": "Running",
        "EventType": "JobRunning",
    }


def test_what_was_acknowledged_is_there_once_after_kills_at_random_moments(
    tmp_path: Path, log: IO[bytes]
) -> None:
    home = a_home(tmp_path)
    moments = random.Random(seed())
    senders = [Sender(f"sender{number}") for number in range(SENDERS)]

    for life in range(KILLS_WHILE_INGESTING):
        with DoomedDaemon(home, log) as daemon:
            if life % 5 == 4:
                time.sleep(moments.uniform(0.0, 0.8))  # killed while it starts and repairs
                continue
            daemon.wait_until_ready()
            threads = [threading.Thread(target=sender.send, args=(daemon,)) for sender in senders]
            for thread in threads:
                thread.start()
            time.sleep(moments.uniform(0.02, 0.35))
            daemon.kill()
            for thread in threads:
                thread.join()

    stored = counted(home, "AmlComputeJobEvent | summarize N = count() by JobId")
    states = counted(home, "SentinelJobState_CL | summarize N = count() by JobId")
    acknowledged = set().union(*(sender.acknowledged for sender in senders))
    assert len(acknowledged) > KILLS_WHILE_INGESTING * BATCH / 2
    assert sum(sender.lost for sender in senders) > KILLS_WHILE_INGESTING / 2
    assert acknowledged - stored.keys() == set()
    assert [job for job, times in stored.items() if times > 1] == []
    assert states.keys() == stored.keys()


def counted(home: Path, kql: str) -> dict[str, int]:
    with TelemetryStore.open(home / "telemetry") as store, closing(Engine(store)) as engine:
        return {row[0]: row[1] for row in engine.query(kql, now=datetime.now(UTC)).rows}


# ── while deployments are healed ──

REFUSED = """
title: Requests are refused
severity: error
target: deployment
every: 2s
window: 30s
for: 1s
keep-firing-for: 10s
query: |
  AmlOnlineEndpointTrafficLog
  | where TimeGenerated between (since .. now())
  | summarize Requests = count(), Refused = countif(ResponseCode == 503) by EndpointName, DeploymentName
when: Refused >= 5 and Refused >= 0.05 * Requests
measure: todouble(Refused) / Requests
sample: Requests
"""
FULL = """
title: The maximum is too low
explains: [refused]
requires:
  - says: requests are refused
    query: |
      AmlOnlineEndpointTrafficLog
      | where TimeGenerated between (since .. now()) and EndpointName == endpoint and DeploymentName == deployment
      | where ResponseCode == 503
facts: |
  print rps = 56.0, seconds = 0.05
because: "{endpoint}/{deployment} received {rps} requests/s"
remedies:
  - raise: max_replicas
    to: replicas_for(rps, seconds, target_utilization, max_concurrency)
    verify: {after: 5s, within: 100m}
  - escalate: a person has to look
"""
ILL_BELOW: Final = 4
REQUESTS: Final = 6
"""Requests a deployment gets in each round of the traffic."""
ROUND_SECONDS: Final = 0.15


class Traffic:
    """Requests to every deployment, of which the ill ones refuse half until their maximum is raised."""

    def __init__(self, plane: ControlPlane) -> None:
        self.plane = plane
        self.ill: set[str] = set()
        self.refusals: list[str] = []
        """What the daemon said when it lived and did not take the records."""
        self._sent = 0

    def flow(self, daemon: DoomedDaemon, ended: threading.Event) -> None:
        """Report traffic until told to end or the daemon goes away."""
        try:
            while not ended.wait(ROUND_SECONDS):
                daemon.post([record for name in self.plane.served for record in self._round(name)])
        except Lost:
            return
        except AssertionError as refusal:
            self.refusals.append(str(refusal))
        finally:
            daemon.hang_up()

    def _round(self, name: str) -> Iterator[dict[str, Any]]:
        refuses = name in self.ill and self.plane.settings(name).max_replicas < ILL_BELOW
        now = datetime.now(UTC)
        for number in range(REQUESTS):
            self._sent += 1
            yield {
                "Type": "AmlOnlineEndpointTrafficLog",
                "TimeGenerated": (now - timedelta(milliseconds=10 * number)).isoformat(),
                "EndpointName": self.plane.endpoint,
                "DeploymentName": name,
                "ResponseCode": 503 if refuses and number % 2 else 200,
                "TotalDurationMs": 50,
                "XRequestId": f"request-{self._sent}",
            }


@contextmanager
def flowing(traffic: Traffic, daemon: DoomedDaemon) -> Iterator[None]:
    ended = threading.Event()
    thread = threading.Thread(target=traffic.flow, args=(daemon, ended))
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


def doom(daemon: DoomedDaemon, plane: ControlPlane, moments: random.Random) -> None:
    """Kill the daemon: before or after a change it asked for was made, or at any moment."""
    wanted, hit = moments.choice(["before", "after", "any"]), threading.Event()

    def strike(moment: str) -> bool:
        if moment != wanted or hit.is_set():
            return True
        daemon.kill()
        hit.set()
        return False

    plane.on_patch = strike
    hit.wait(moments.uniform(0.1, 1.6) if wanted == "any" else 2.5)
    plane.on_patch = goes_on
    daemon.kill()


def test_no_change_is_made_twice_and_no_incident_is_stuck_after_kills_at_random_moments(
    tmp_path: Path, log: IO[bytes]
) -> None:
    moments = random.Random(seed() + 1)
    names = [f"d{number:02d}" for number in range(KILLS_WHILE_HEALING)]
    with ControlPlane({name: Settings(max_replicas=2) for name in names}) as plane:
        home = a_home(tmp_path, healing(plane.url))
        write_rules(home)
        traffic = Traffic(plane)

        for name in names:
            with DoomedDaemon(home, log) as daemon:
                daemon.wait_until_ready()
                traffic.ill.add(name)
                with flowing(traffic, daemon):
                    doom(daemon, plane, moments)
        with DoomedDaemon(home, log) as daemon:
            daemon.wait_until_ready()
            with flowing(traffic, daemon):
                wait_until_all_are_resolved(home, len(names), traffic)

        applied = {
            action.id: (action.target.names[1], action.kind)
            for action in actions(home)
            if action.state is ActionState.APPLIED
        }
    assert traffic.refusals == []
    made = [(key, name) for name, served in plane.served.items() for key, *_ in served.changes]
    assert Counter(key for key, _ in made).most_common(1)[0][1] == 1
    assert {key: (name, ActionKind.APPLY) for key, name in made} == applied
    assert {name: plane.settings(name).max_replicas for name in names} == dict.fromkeys(names, ILL_BELOW)
    assert [action.id for action in actions(home) if action.state is ActionState.CLAIMED] == []


def healing(url: str) -> str:
    return f"""
mode = "autonomous"
pace = 0.1
[rules]
builtin = false
paths = ["rules"]
[limits]
per_hour = 1000
per_target_per_hour = 10
blast_share = 1.0
storm_share = 1.0
[[adapters]]
kind = "local"
url = "{url}"
"""


def a_home(tmp_path: Path, more: str = "") -> Path:
    home = tmp_path / "home"
    home.mkdir()
    (home / "sentinel.toml").write_text(settings(more))
    return home


def write_rules(home: Path) -> None:
    for path, text in (("symptoms/refused.yaml", REFUSED), ("causes/full.yaml", FULL)):
        (home / "rules" / path).parent.mkdir(parents=True)
        (home / "rules" / path).write_text(text)


def wait_until_all_are_resolved(home: Path, expected: int, traffic: Traffic) -> None:
    """Wait until the incident of every deployment is resolved, and no other is open."""
    deadline = time.monotonic() + HEALED_SECONDS
    with closing(State.open(home / "state.db")) as state:
        while time.monotonic() < deadline and not traffic.refusals:
            incidents = Incidents(state).listed(closed=True, limit=1000)
            resolved = {one.target for one in incidents if one.state is IncidentState.RESOLVED}
            if len(resolved) == expected and all(one.state is IncidentState.RESOLVED for one in incidents):
                return
            time.sleep(0.1)
        stuck = [
            f"{one.id} {one.target} {one.state}: {one.why}" for one in incidents if not one.state.is_closed
        ]
    raise AssertionError(f"{len(resolved)} of {expected} healed; stuck: {stuck}; refused: {traffic.refusals}")


def actions(home: Path) -> list[Any]:
    with closing(State.open(home / "state.db")) as state:
        return Actions(state).listed(limit=1000)
