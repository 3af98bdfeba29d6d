"""Where deployments are read and changed: the settings of each kind of adapter."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Final, Literal

from sentinel.deploy.kubernetes_workload import Options
from sentinel.model.settings import Settings
from sentinel.model.target import Target

_SETTINGS: Final = Settings()
_KUBERNETES: Final = Options()


def check_url(url: str) -> None:
    """Refuse an address that is none of HTTP, with ValueError."""
    if not url.startswith(("http://", "https://")):
        raise ValueError("url must begin with http:// or https://")


@dataclass(frozen=True, slots=True, kw_only=True)
class LocalAdapterSettings:
    """Deployments behind the control address of a router on this machine."""

    kind: Literal["local"] = "local"
    url: str

    def __post_init__(self) -> None:
        check_url(self.url)


@dataclass(frozen=True, slots=True, kw_only=True)
class SimulatedAdapterSettings:
    """One deployment that exists only in Sentinel, to rehearse on."""

    kind: Literal["simulated"] = "simulated"
    target: str
    target_utilization: int = _SETTINGS.target_utilization
    min_replicas: int = _SETTINGS.min_replicas
    max_replicas: int = _SETTINGS.max_replicas
    request_timeout_ms: int = _SETTINGS.request_timeout_ms
    max_concurrency: int = _SETTINGS.max_concurrency
    queue_wait_ms: int = _SETTINGS.queue_wait_ms

    def __post_init__(self) -> None:
        Target.parse(self.target)


@dataclass(frozen=True, slots=True, kw_only=True)
class KubernetesAdapterSettings:
    """Deployments in namespaces of a Kubernetes cluster."""

    kind: Literal["kubernetes"] = "kubernetes"
    namespaces: tuple[str, ...]
    kubeconfig: Path | None = None
    context: str = ""
    endpoint_label: str = _KUBERNETES.endpoint_label
    deployment_label: str = _KUBERNETES.deployment_label
    """The label or annotation that names the endpoint's deployment, on a Deployment or on its pods."""
    container: str = ""
    allow_gitops: bool = False
    take_over: tuple[str, ...] = ()
    """Field managers whose declared fields may be changed all the same."""
    timeout: timedelta = timedelta(seconds=10)
    request_timeout_ms: int = _SETTINGS.request_timeout_ms
    max_concurrency: int = _SETTINGS.max_concurrency
    queue_wait_ms: int = _SETTINGS.queue_wait_ms

    def __post_init__(self) -> None:
        if not self.namespaces:
            raise ValueError("namespaces must name one at least")
        for name in self.namespaces:
            if not re.fullmatch(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?", name):
                raise ValueError(f"{name!r} cannot be the name of a namespace")
        if len(set(self.namespaces)) < len(self.namespaces):
            raise ValueError("a namespace is named twice")
        if self.timeout <= timedelta(0):
            raise ValueError("timeout must be above 0s")
        if min(self.request_timeout_ms, self.max_concurrency) < 1 or self.queue_wait_ms < 0:
            raise ValueError("request_timeout_ms and max_concurrency must be at least 1, queue_wait_ms 0")


AdapterSettings = LocalAdapterSettings | SimulatedAdapterSettings | KubernetesAdapterSettings
