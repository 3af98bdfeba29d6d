"""Writes what adapters say of their deployments as telemetry, so that evidence about settings is rows too."""

from __future__ import annotations

from datetime import datetime
from typing import Final

import msgspec
import structlog

from sentinel.clock import Clock
from sentinel.collect.ingest import Ingester
from sentinel.deploy.adapters import Adapters
from sentinel.model.settings import Deployment
from sentinel.model.tables import DEPLOYMENT_STATE, SETTING_COLUMNS
from sentinel.model.target import TargetKind

_log: Final = structlog.stdlib.get_logger("sentinel.observation")
_encoder: Final = msgspec.json.Encoder()


class Observation:
    """Asks every adapter and stores a row a deployment; what cannot be read is logged when it changes."""

    def __init__(self, adapters: Adapters, ingester: Ingester, clock: Clock) -> None:
        self._adapters = adapters
        self._ingester = ingester
        self._clock = clock
        self._problems: frozenset[str] = frozenset()

    def observe(self) -> int:
        """Store the settings of all deployments as they are now, and return how many there are."""
        deployments, errors = self._adapters.described()
        problems = frozenset(map(str, errors))
        for problem in problems - self._problems:
            _log.warning("settings not read", problem=problem)
        self._problems = problems
        now = self._clock.now()
        rows = [row_of(one, now) for one in deployments if one.target.kind is TargetKind.DEPLOYMENT]
        if rows:
            body = b"\n".join(map(_encoder.encode, rows))
            self._ingester.submit(body, origin="sentinel:adapters", table=DEPLOYMENT_STATE.name)
        return len(rows)


def row_of(deployment: Deployment, now: datetime) -> dict[str, object]:
    """The record of a deployment, in the columns of `SentinelDeploymentState_CL`."""
    endpoint, name = deployment.target.names
    known = {knob: deployment.settings.value(knob) for knob in deployment.known}
    return {
        "TimeGenerated": now,
        "Type": DEPLOYMENT_STATE.name,
        "EndpointName": endpoint,
        "DeploymentName": name,
        "Replicas": deployment.replicas,
        "ReadyReplicas": deployment.ready_replicas,
        **{column: known[knob] for knob, column in SETTING_COLUMNS.items() if knob in known},
        "UpdateInFlight": deployment.updating,
        "Revision": deployment.revision,
    }
