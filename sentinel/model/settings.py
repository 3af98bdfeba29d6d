"""The settings of a deployment that a remedy may change, under Azure ML's names."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final

from sentinel.model.target import Target


class Knob(StrEnum):
    """A setting a remedy may change; its value is the name of the field of `Settings`."""

    TARGET_UTILIZATION = "target_utilization"
    MIN_REPLICAS = "min_replicas"
    MAX_REPLICAS = "max_replicas"
    REQUEST_TIMEOUT_MS = "request_timeout_ms"
    MAX_CONCURRENCY = "max_concurrency"
    QUEUE_WAIT_MS = "queue_wait_ms"
    REPLICAS = "replicas"
    CPU_MILLICORES = "cpu_millicores"
    MEMORY_MIB = "memory_mib"
    RESTARTS = "restarts"


AZUREML_KNOBS: Final = frozenset(
    {
        Knob.TARGET_UTILIZATION,
        Knob.MIN_REPLICAS,
        Knob.MAX_REPLICAS,
        Knob.REQUEST_TIMEOUT_MS,
        Knob.MAX_CONCURRENCY,
        Knob.QUEUE_WAIT_MS,
    }
)
"""What Azure ML's own scale and request settings say of a deployment."""


@dataclass(frozen=True, slots=True)
class Settings:
    """How a deployment scales and how long it lets a request run.

    Defaults are those of AksWebservice
    (https://learn.microsoft.com/azure/machine-learning/v1/how-to-deploy-azure-kubernetes-service).
    """

    target_utilization: int = 70
    """Busy share, in percent, above which replicas are added."""
    min_replicas: int = 1
    max_replicas: int = 10
    request_timeout_ms: int = 60_000
    max_concurrency: int = 1
    """Requests one replica works on at a time."""
    queue_wait_ms: int = 500
    """How long a request may wait for a free replica before it is answered 503."""
    replicas: int = 1
    """The number of replicas where nothing scales them."""
    cpu_millicores: int = 100
    """The CPU each replica is given, in thousandths of a core."""
    memory_mib: int = 512
    """The memory each replica may use, in MiB."""
    restarts: int = 0
    """How often all replicas were restarted, one after the other. Lowering it takes no restart back."""

    def value(self, knob: Knob) -> int:
        """The value of one knob."""
        value: int = getattr(self, knob.value)
        return value

    def with_value(self, knob: Knob, value: int) -> Settings:
        """These settings with one knob changed."""
        return replace(self, **{knob.value: value})


@dataclass(frozen=True, slots=True)
class Change:
    """One knob, from one value to another."""

    knob: Knob
    before: int
    after: int

    @property
    def inverse(self) -> Change:
        """The change that takes this one back."""
        return Change(self.knob, self.after, self.before)

    def __str__(self) -> str:
        return f"{self.knob} {self.before} → {self.after}"


@dataclass(frozen=True, slots=True)
class Deployment:
    """A deployment as an adapter read it.

    `revision` changes with every change of the settings, whoever made it; a remedy is applied only if it is
    still the one that was read. `ceilings` are the largest values the platform accepts, where there is one.
    `known` are the settings the adapter could read; the others in `settings` say nothing. `withheld` are those it
    must not change, each with the reason.
    """

    target: Target
    settings: Settings
    replicas: int
    ready_replicas: int
    revision: str
    updating: bool = False
    ceilings: tuple[tuple[Knob, int], ...] = ()
    known: frozenset[Knob] = AZUREML_KNOBS
    withheld: tuple[tuple[Knob, str], ...] = ()

    def ceiling(self, knob: Knob) -> int | None:
        """The largest value the platform accepts for a knob, if it has one."""
        return dict(self.ceilings).get(knob)

    def why_not(self, knob: Knob) -> str | None:
        """Why a knob of this deployment cannot be changed, or None when it can."""
        if knob not in self.known:
            return f"{knob} is no setting of {self.target.label}"
        return dict(self.withheld).get(knob)
