"""What the acts play on: a daemon, a router and a crowd, each a process of its own."""

from __future__ import annotations

import http.client
import json
import secrets
import sys
import threading
import time
from collections import Counter, deque
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import asdict
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final, Self
from urllib.parse import urlsplit

from sentinel.clock import SystemClock, to_ticks
from sentinel.demo.forecast import Forecast, forecast
from sentinel.demo.processes import Process, Router
from sentinel.demo.settings import DeploymentPlan, RouterPlan, ServiceTime
from sentinel.errors import ConfigError, SentinelError
from sentinel.model.plan import ActionKind, RunMode
from sentinel.model.tables import DEPLOYMENT_STATE
from sentinel.model.target import Target, deployment
from sentinel.query.engine import Engine
from sentinel.remediate.decisions import Decisions
from sentinel.remediate.planner import PAST_WINDOWS
from sentinel.report.incidents import IncidentDetail, incident_detail, incident_list
from sentinel.store.state import State
from sentinel.store.telemetry import TelemetryStore

ENDPOINT: Final = "chat"
PACE: Final = 0.1
"""Ten times as fast as in production: what is watched for two minutes there is watched for twelve seconds here."""

_START_SECONDS: Final = 20.0
_RECORDS_SECONDS: Final = 10.0
_ANSWERED_WITHIN: Final = timedelta(seconds=1)
"""Requests that came later may not be answered and logged yet."""
_LOOK_SECONDS: Final = 0.05
_ADDRESS_FILE: Final = "http.json"
_QUOTA: Final = 24
_CONFIG: Final = """\
mode = "{mode}"
pace = {pace}

[limits]
blast_window = "4m"  # the acts follow each other so fast that the second would wait for the first

[http]
port = 0
keys = [{{ name = "demo", role = "admin", value_file = "demo.key" }}]

[[adapters]]
kind = "local"
url = "{router}"
"""


class Crowd:
    """The callers of one deployment: a load process, and what it was answered."""

    def __init__(self, url: str, name: str) -> None:
        self._process = Process([sys.executable, "-m", "sentinel.demo.load", url, name])
        self._samples: deque[tuple[float, Counter[int]]] = deque(maxlen=1000)
        self._reader = threading.Thread(target=self._read, name=f"load of {name}", daemon=True)
        self._reader.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.stop(reader=self._reader)

    def come(self, rate: float) -> None:
        """Send so many requests per second from now on.

        Raises:
            SentinelError: The load process has ended.
        """
        try:
            self._process.tell(str(rate))
        except OSError as error:
            raise SentinelError(f"the load has ended: {error}") from error

    def recent(self, seconds: float) -> Counter[int]:
        """The answers of the last seconds by status code; 0 stands for none."""
        samples = list(self._samples)
        if not samples:
            return Counter()
        newest = samples[-1][1]
        before = (counts for at, counts in reversed(samples) if at <= time.monotonic() - seconds)
        return newest - next(before, Counter())

    def _read(self) -> None:
        for line in self._process.stdout:
            if not line.endswith("\n"):
                return  # it was ended in the middle of a line
            counts = Counter({int(status): count for status, count in json.loads(line).items()})
            self._samples.append((time.monotonic(), counts))


class Stage:
    """A running daemon and router, and what there is to see of them."""

    def __init__(self, home: Path, router: Router, daemon: Process) -> None:
        self.home = home
        self._router = router
        self._daemon = daemon

    def crowd(self, name: str) -> Crowd:
        """Callers of a deployment; none come before they are told to."""
        return Crowd(self._router.score_url, name)

    def describe(self, name: str) -> dict[str, Any]:
        """A deployment as the router's control plane says it is."""
        return self._control("GET", f"/{ENDPOINT}/{name}")

    def slow_down(self, name: str, service_time: ServiceTime) -> None:
        """Make the model of a deployment take this long."""
        self._control("PUT", f"/{ENDPOINT}/{name}/service-time", asdict(service_time))

    def roll(self, name: str, score_file: Path) -> None:
        """Deploy another scoring script."""
        self._control("POST", f"/{ENDPOINT}/{name}/score-file", {"path": str(score_file)})

    def incidents(self, name: str) -> tuple[IncidentDetail, ...]:
        """The incidents of a deployment with all that happened to them, the oldest first."""
        path, target = self.home / "state.db", deployment(ENDPOINT, name)
        if not path.exists():
            return ()
        with closing(State.open_read_only(path)) as state:
            found = (incident_detail(state, row.id) for row in _of(target, state))
            return tuple(sorted((one for one in found if one), key=lambda one: one.incident.opened))

    def forecast(self, detail: IncidentDetail, ended: datetime) -> Forecast | str:
        """The change of an incident as it was foretold and as it was measured until the load ended.

        Empty if nothing was changed; a reason if the two cannot be compared.
        """
        plan, diagnosis = detail.plan, detail.diagnosis
        applied = [one for one in detail.actions if one.kind is ActionKind.APPLY and one.finished]
        if plan is None or diagnosis is None or not applied or applied[-1].plan != plan.id:
            return ""
        until, window = ended - _ANSWERED_WITHIN, (diagnosis.at - diagnosis.window_start) * PAST_WINDOWS
        with TelemetryStore.open(self.home / "telemetry") as store, closing(Engine(store)) as engine:
            self._wait_for_records(store, until)
            return forecast(engine, plan, window, until)

    def _wait_for_records(self, store: TelemetryStore, until: datetime) -> None:
        """Give the records of the last requests time to arrive."""
        give_up = time.monotonic() + _RECORDS_SECONDS
        while (store.newest(DEPLOYMENT_STATE.name) or 0) < to_ticks(until) and time.monotonic() < give_up:
            time.sleep(_LOOK_SECONDS)

    def decide(self, incident: str, *, approve: bool) -> None:
        """Say yes or no to the plan of an incident.

        Raises:
            DecisionError: It does not wait for a decision any more.
        """
        with closing(State.open(self.home / "state.db")) as state:
            decisions = Decisions(state, SystemClock())
            (decisions.approve if approve else decisions.deny)(incident, by="you")

    def check(self) -> None:
        """Make sure that everything still runs.

        Raises:
            SentinelError: Something has ended; its log says why.
        """
        for process, name in ((self._daemon, "daemon"), (self._router, "router")):
            if not process.running:
                raise SentinelError(f"the {name} has ended:\n{_tail(self.home / f'{name}.log')}")

    def _control(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> dict[str, Any]:
        address = urlsplit(self._router.admin_url)
        with closing(
            http.client.HTTPConnection(address.hostname or "", address.port, timeout=5)
        ) as connection:
            sent = json.dumps(body).encode() if body is not None else None
            try:
                connection.request(method, f"/deployments{path}", sent, {"content-type": "application/json"})
                response = connection.getresponse()
                answer: dict[str, Any] = json.loads(response.read())
            except OSError as error:
                raise SentinelError(f"{method} {path}: the router does not answer: {error}") from error
        if response.status != http.HTTPStatus.OK:
            raise SentinelError(f"{method} {path}: the router answered {response.status}: {answer}")
        return answer


@contextmanager
def set_stage(home: Path, mode: RunMode, deployments: Sequence[DeploymentPlan]) -> Iterator[Stage]:
    """Start a daemon and a router on a home directory, and end them in the end.

    Raises:
        ConfigError: The home directory is somebody's already.
        SentinelError: The daemon does not start; its log says why.
    """
    home.mkdir(parents=True, exist_ok=True)
    if any(home.iterdir()):
        raise ConfigError(f"{home} is not empty; the demo wants a home of its own")
    key = home / "demo.key"
    key.touch(mode=0o600)
    key.write_text(secrets.token_urlsafe(24), "utf-8")
    plan = RouterPlan(
        str(home),
        ENDPOINT,
        tuple(deployments),
        scale_in_seconds=30,
        backoff_limit_seconds=8,
        probe_seconds=2,
        replica_quota=_QUOTA,
        sentinel=str(home),
        key_file=str(key),
    )
    with ExitStack() as started:
        router_log = started.enter_context((home / "router.log").open("w", encoding="utf-8"))
        daemon_log = started.enter_context((home / "daemon.log").open("w", encoding="utf-8"))
        router = started.enter_context(Router(plan, errors=router_log))
        config = _CONFIG.format(mode=mode.value, pace=PACE, router=router.admin_url)
        (home / "sentinel.toml").write_text(config, "utf-8")
        command = [sys.executable, "-m", "sentinel", "--home", str(home), "up"]
        daemon = started.enter_context(Process(command, output=daemon_log, errors=daemon_log))
        _wait_for(home / _ADDRESS_FILE, daemon, home)
        yield Stage(home, router, daemon)


def _of(target: Target, state: State) -> list[Any]:
    return [row for row in incident_list(state, closed=True) if row.target == target]


def _wait_for(path: Path, daemon: Process, home: Path) -> None:
    until = time.monotonic() + _START_SECONDS
    while not path.exists():
        if not daemon.running or time.monotonic() > until:
            raise SentinelError(f"the daemon did not start:\n{_tail(home / 'daemon.log')}")
        time.sleep(_LOOK_SECONDS)


def _tail(log: Path, lines: int = 15) -> str:
    return "\n".join(log.read_text("utf-8", "replace").splitlines()[-lines:])
