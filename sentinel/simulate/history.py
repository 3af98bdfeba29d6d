"""What telemetry tells of a deployment's recent past: its requests, runs, replicas and settings."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from sentinel.clock import TICKS_PER_SECOND, to_ticks
from sentinel.model.settings import Settings
from sentinel.model.target import Target
from sentinel.query.engine import Engine, Parameter

_REQUESTS: Final = """
AmlOnlineEndpointTrafficLog
| where TimeGenerated between (since .. now()) and EndpointName == endpoint and DeploymentName == deployment
| project TimeGenerated, ResponseCode, ModelStatusCode, TotalDurationMs
| sort by TimeGenerated asc
"""
_RUNS: Final = """
AmlOnlineEndpointConsoleLog
| where TimeGenerated between (since .. now()) and DeploymentName == deployment
| extend Ms = todouble(extract(@"azmlinfsrv - POST \\S+ \\d+ ([0-9.]+)ms", 1, Message))
| where isnotnull(Ms) and _ResourceId endswith strcat("/onlineendpoints/", endpoint)
| project Ms
"""
_STATES: Final = """
SentinelDeploymentState_CL
| where TimeGenerated between (since .. now()) and EndpointName == endpoint and DeploymentName == deployment
| project TimeGenerated, Replicas, ReadyReplicas, MinReplicas, MaxReplicas, TargetUtilization, RequestTimeoutMs,
    MaxConcurrency, QueueWaitMs
| where isnotnull(MinReplicas) and isnotnull(MaxReplicas) and isnotnull(TargetUtilization)
| sort by TimeGenerated asc
"""
_STARTS: Final = """
let created = AmlOnlineEndpointEventLog
    | where TimeGenerated between (since .. now()) and DeploymentName == deployment and Name == "Created"
    | where _ResourceId endswith strcat("/onlineendpoints/", endpoint)
    | summarize Created = max(TimeGenerated) by InstanceId;
AmlOnlineEndpointConsoleLog
| where TimeGenerated between (since .. now()) and DeploymentName == deployment
| where Message has "ready for serving traffic" and _ResourceId endswith strcat("/onlineendpoints/", endpoint)
| summarize Ready = min(TimeGenerated) by InstanceId
| join kind=inner created on InstanceId
| where Ready > Created
| project Seconds = (Ready - Created) / 1s
| sort by Seconds asc
"""
_REFUSED: Final = frozenset({503, 429})
_TIMED_OUT: Final = frozenset({504, 408})
_NOT_REPLIED: Final = (424, 504)
"""A managed endpoint's answer when the model behind it timed out."""


@dataclass(frozen=True, slots=True)
class Seen:
    """One request as the router logged it; times in seconds, `at` from the begin of the window."""

    at: float
    took: float
    refused: bool
    timed_out: bool


@dataclass(frozen=True, slots=True)
class State:
    """The replicas and settings of a deployment from a moment on, in seconds from the begin of the window."""

    at: float
    replicas: int
    ready: int
    settings: Settings


@dataclass(frozen=True, slots=True)
class History:
    """The recent past of one deployment; times are seconds from `begin`, and may be negative before it."""

    target: Target
    begin: datetime
    seconds: float
    requests: tuple[Seen, ...]
    runs: tuple[float, ...]
    """How long replicas worked on requests, in seconds, as their consoles tell it."""
    states: tuple[State, ...]
    starts: tuple[float, ...]
    """How long replicas took from their creation until they were ready."""

    @property
    def refused_share(self) -> float:
        """The share of requests answered 503 or 429."""
        return sum(one.refused for one in self.requests) / len(self.requests) if self.requests else 0.0

    @property
    def timed_out_share(self) -> float:
        """The share of requests answered 504 or 408."""
        return sum(one.timed_out for one in self.requests) / len(self.requests) if self.requests else 0.0


def history(
    engine: Engine, target: Target, now: datetime, window: timedelta, *, most: int | None = None
) -> History:
    """The past of a deployment within `window` before `now`.

    States and starts are looked for in as long a time before it too. The window shrinks to the newest `most`
    requests, if there are more.

    Raises:
        QueryError: The telemetry could not be read.
    """
    endpoint, deployment = target.names
    begin = now - window

    def ask(query: str, since: datetime) -> Sequence[Sequence[Any]]:
        parameters: dict[str, Parameter] = {"since": since, "endpoint": endpoint, "deployment": deployment}
        return engine.query(query, now=now, parameters=parameters).rows

    rows = ask(_REQUESTS, begin)
    if most is not None and len(rows) > most:
        rows = rows[-most:]
        begin += timedelta(seconds=(rows[0][0] - to_ticks(begin)) / TICKS_PER_SECOND)
    first = to_ticks(begin)
    return History(
        target=target,
        begin=begin,
        seconds=(now - begin).total_seconds(),
        requests=tuple(_seen(row, first) for row in rows),
        runs=tuple(row[0] / 1000 for row in ask(_RUNS, begin)),
        states=tuple(_state(row, first) for row in ask(_STATES, begin - window)),
        starts=tuple(row[0] for row in ask(_STARTS, begin - window)),
    )


def _seen(row: Sequence[Any], first: int) -> Seen:
    at, code, model, milliseconds = row
    return Seen(
        at=(at - first) / TICKS_PER_SECOND,
        took=(milliseconds or 0) / 1000,
        refused=code in _REFUSED,
        timed_out=code in _TIMED_OUT or (code, model) == _NOT_REPLIED,
    )


def _state(row: Sequence[Any], first: int) -> State:
    at, replicas, ready, minimum, maximum, utilization, timeout, concurrency, wait = row
    settings = Settings(
        target_utilization=utilization,
        min_replicas=minimum,
        max_replicas=maximum,
        request_timeout_ms=timeout,
        max_concurrency=concurrency,
        queue_wait_ms=wait,
    )
    return State((at - first) / TICKS_PER_SECOND, replicas, ready, settings)
