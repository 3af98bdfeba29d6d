"""The adapter to deployments of the past: their settings are what was recorded, and nothing can be changed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import blake2b
from typing import Any, Final

from sentinel.clock import Clock
from sentinel.deploy.limits import CEILINGS, changed, refusal
from sentinel.errors import AdapterError, Conflict, TargetNotFound
from sentinel.model.settings import AZUREML_KNOBS, Change, Deployment, Knob, Settings
from sentinel.model.tables import DEPLOYMENT_STATE, SETTING_COLUMNS
from sentinel.model.target import Target, TargetKind, deployment
from sentinel.query.engine import Engine

_NEWEST: Final = (
    f"{DEPLOYMENT_STATE.name} | where TimeGenerated between (since .. now())"
    " and EndpointName == endpoint and DeploymentName == deployment"
    " | top 1 by TimeGenerated desc"
)
_KNOWN: Final = (
    f"{DEPLOYMENT_STATE.name} | where TimeGenerated <= now() | distinct EndpointName, DeploymentName"
    " | sort by EndpointName asc, DeploymentName asc"
)
_LOOKS: Final = (timedelta(minutes=5), timedelta(hours=6), timedelta(days=3650))
"""How far back the newest row is looked for, the near past first."""


@dataclass(frozen=True, slots=True)
class Wished:
    """A change that would have been made."""

    key: str
    at: datetime
    target: Target
    changes: tuple[Change, ...]


class RecordedAdapter:
    """Reads `SentinelDeploymentState_CL` as of a clock.

    A change is written down instead of made. Until it is forgotten the deployment reads as if it had been made, so
    that whoever asked for it learns that it would have been taken.
    """

    def __init__(self, engine: Engine, clock: Clock) -> None:
        self._engine = engine
        self._clock = clock
        self._rows: dict[Target, tuple[datetime, dict[str, Any] | None]] = {}
        self._pretended: dict[Target, Wished] = {}
        self.wishes: list[Wished] = []
        """Every change that would have been made, in order."""

    @property
    def name(self) -> str:
        """A short name for logs, metrics and rows."""
        return "recorded"

    @property
    def knobs(self) -> frozenset[Knob]:
        """All of them."""
        return AZUREML_KNOBS

    def targets(self) -> Sequence[Target]:
        """The deployments recorded by now."""
        found = self._engine.query(_KNOWN, now=self._clock.now()).rows
        return [deployment(endpoint, name) for endpoint, name in found]

    def describe(self, target: Target) -> Deployment:
        """The deployment as it was recorded last; raises as the port says."""
        row = self._row(target)
        settings = _settings(target, row)
        wished = self._pretended.get(target)
        revision = str(row["Revision"] or _digest(settings))
        if wished is not None:
            settings, revision = changed(settings, wished.changes), f"{revision}+{wished.key}"
        return Deployment(
            target=target,
            settings=settings,
            replicas=int(row["Replicas"] or 0),
            ready_replicas=int(row["ReadyReplicas"] or 0),
            revision=revision,
            updating=bool(row["UpdateInFlight"]),
            ceilings=tuple(CEILINGS.items()),
        )

    def apply(self, target: Target, changes: Sequence[Change], *, expect: str, key: str) -> Deployment:
        """Write the changes down if the revision is still `expect`; raises as the port says."""
        known = self._pretended.get(target)
        if known is None or known.key != key:
            before = self.describe(target)
            if before.revision != expect:
                raise Conflict(f"the revision of {target} is {before.revision}, not {expect}")
            if before.updating:
                raise Conflict(f"an update of {target} is in flight")
            refused = refusal(changed(before.settings, changes))
            if refused is not None:
                raise AdapterError(f"{target}: {refused}", permanent=True)
            wished = Wished(key, self._clock.now(), target, tuple(changes))
            self._pretended[target] = wished
            self.wishes.append(wished)
        return self.describe(target)

    def forget(self, target: Target) -> None:
        """From now on read the deployment as it was recorded."""
        self._pretended.pop(target, None)

    def _row(self, target: Target) -> dict[str, Any]:
        now = self._clock.now()
        known = self._rows.get(target)
        if known is None or known[0] != now:
            known = (now, self._read(target, now))
            self._rows[target] = known
        if known[1] is None:
            raise TargetNotFound(f"no row of {DEPLOYMENT_STATE.name} tells the settings of {target}")
        return known[1]

    def _read(self, target: Target, now: datetime) -> dict[str, Any] | None:
        if target.kind is not TargetKind.DEPLOYMENT:
            return None
        for look in _LOOKS:
            found = self._engine.query(
                _NEWEST, now=now, parameters={**target.parameters, "since": now - look}
            ).records()
            if found:
                return found[0]
        return None


def _settings(target: Target, row: dict[str, Any]) -> Settings:
    """The settings of a row; those of the scale must be recorded, the others have defaults."""
    recorded = {
        knob.value: row[column] for knob, column in SETTING_COLUMNS.items() if row[column] is not None
    }
    for knob in (Knob.MIN_REPLICAS, Knob.MAX_REPLICAS):
        if knob.value not in recorded:
            raise TargetNotFound(
                f"{DEPLOYMENT_STATE.name} does not tell the {SETTING_COLUMNS[knob]} of {target}"
            )
    return Settings(**{name: int(value) for name, value in recorded.items()})


def _digest(settings: Settings) -> str:
    return blake2b(repr(settings).encode(), digest_size=6).hexdigest()
