"""The deployments: their settings, what comes in, what is refused, and the open incident of each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from sentinel.model.incident import IncidentState
from sentinel.model.target import Target, TargetKind, deployment
from sentinel.report.incidents import IncidentRow, incident_list
from sentinel.store.state import State

if TYPE_CHECKING:
    from sentinel.query.engine import Engine

WINDOW: Final = timedelta(minutes=5)
"""The span traffic is shown for."""
TREND_STEPS: Final = 20
"""Points of the request rate over the window."""
_LOOK_BACK: Final = (timedelta(minutes=10), timedelta(days=1))
"""How far to look for settings: near first, because that is where a running daemon writes them."""

_SETTINGS: Final = """
SentinelDeploymentState_CL
| where TimeGenerated > since
| summarize arg_max(TimeGenerated, Replicas, ReadyReplicas, MinReplicas, MaxReplicas, TargetUtilization,
    RequestTimeoutMs, MaxConcurrency, QueueWaitMs, UpdateInFlight) by EndpointName, DeploymentName
"""
_TRAFFIC: Final = """
AmlOnlineEndpointTrafficLog
| where TimeGenerated > since
| summarize Requests = count(), Refused = countif(ResponseCode == 503), TimedOut = countif(ResponseCode == 504),
    P95 = percentile(TotalDurationMs, 95) by EndpointName, DeploymentName
"""
_TREND: Final = """
AmlOnlineEndpointTrafficLog
| where TimeGenerated > since
| summarize Requests = count() by EndpointName, DeploymentName, At = bin(TimeGenerated, step)
"""


@dataclass(frozen=True, slots=True)
class DeploymentSettings:
    """The settings of a deployment as its adapter read them last."""

    at: datetime
    replicas: int
    ready: int
    minimum: int
    maximum: int
    target_utilization: int
    request_timeout_ms: int
    max_concurrency: int
    queue_wait_ms: int
    updating: bool


@dataclass(frozen=True, slots=True)
class Traffic:
    """The requests of a deployment over the window."""

    requests: int
    refused: int
    timed_out: int
    p95_ms: float
    window: timedelta
    trend: tuple[int, ...] = ()
    """Requests in each step of the window, the oldest first."""

    @property
    def per_second(self) -> float:
        """Requests a second over the whole window."""
        return self.requests / self.window.total_seconds()

    @property
    def refused_share(self) -> float:
        """The share answered 503."""
        return self.refused / self.requests if self.requests else 0.0

    @property
    def timed_out_share(self) -> float:
        """The share answered 504."""
        return self.timed_out / self.requests if self.requests else 0.0


@dataclass(frozen=True, slots=True)
class FleetRow:
    """A deployment; a part nobody reported is `None`."""

    target: Target
    settings: DeploymentSettings | None = None
    traffic: Traffic | None = None
    incident: IncidentRow | None = None


def fleet(engine: Engine, state: State, now: datetime, *, window: timedelta = WINDOW) -> tuple[FleetRow, ...]:
    """Every deployment that has settings, traffic in the window or an open incident, by name."""
    rows: dict[Target, FleetRow] = {}
    for record in _newest_settings(engine, now):
        target = _named(record)
        rows[target] = FleetRow(target, settings=_settings(record))
    for target, traffic in _traffic(engine, now, window).items():
        rows[target] = replace(rows.get(target, FleetRow(target)), traffic=traffic)
    for incident in reversed(incident_list(state)):
        if incident.target.kind is TargetKind.DEPLOYMENT:
            known = rows.get(incident.target, FleetRow(incident.target))
            rows[incident.target] = replace(known, incident=_graver(known.incident, incident))
    return tuple(rows[target] for target in sorted(rows))


def _graver(known: IncidentRow | None, other: IncidentRow) -> IncidentRow:
    """Of two open incidents the one that needs a person, else the newer one."""
    asks = (IncidentState.ESCALATED, IncidentState.WAITING)
    return known if known is not None and known.state in asks and other.state not in asks else other


def _newest_settings(engine: Engine, now: datetime) -> list[dict[str, Any]]:
    for span in _LOOK_BACK:
        records = list(engine.query(_SETTINGS, now=now, parameters={"since": now - span}).records())
        if records:
            return records
    return []


def _traffic(engine: Engine, now: datetime, window: timedelta) -> dict[Target, Traffic]:
    since, step = now - window, window / TREND_STEPS
    result = engine.query(_TRAFFIC, now=now, parameters={"since": since})
    traffic = {
        _named(record): Traffic(
            record["Requests"], record["Refused"], record["TimedOut"], float(record["P95"] or 0), window
        )
        for record in result.records()
    }
    if not traffic:
        return traffic
    steps: dict[Target, list[int]] = {target: [0] * (TREND_STEPS + 1) for target in traffic}
    result = engine.query(_TREND, now=now, parameters={"since": since, "step": step})
    for record in result.records():
        place = TREND_STEPS - int((now - record["At"]) / step)
        if _named(record) in steps and 0 <= place <= TREND_STEPS:
            steps[_named(record)][place] += record["Requests"]
    # bins start on the clock, not at the window's edges: the first and the last are only partly filled
    return {target: replace(one, trend=tuple(steps[target][1:-1])) for target, one in traffic.items()}


def _named(record: Mapping[str, Any]) -> Target:
    return deployment(record["EndpointName"], record["DeploymentName"])


def _settings(record: Mapping[str, Any]) -> DeploymentSettings:
    return DeploymentSettings(
        at=record["TimeGenerated"],
        replicas=record["Replicas"],
        ready=record["ReadyReplicas"],
        minimum=record["MinReplicas"],
        maximum=record["MaxReplicas"],
        target_utilization=record["TargetUtilization"],
        request_timeout_ms=record["RequestTimeoutMs"],
        max_concurrency=record["MaxConcurrency"],
        queue_wait_ms=record["QueueWaitMs"],
        updating=record["UpdateInFlight"],
    )
