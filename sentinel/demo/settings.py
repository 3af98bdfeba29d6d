"""What a demo router is told at its start, as a JSON file between processes."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from sentinel.model.settings import Settings

MODELS = Path(__file__).parent / "models"
SCORE = MODELS / "score.py"
BROKEN_SCORE = MODELS / "broken_score.py"


@dataclass(frozen=True, slots=True)
class ServiceTime:
    """How long the stand-in model takes: a base, and so much for each generated token."""

    base_ms: float = 20
    per_token_ms: float = 0.5


@dataclass(frozen=True, slots=True)
class DeploymentPlan:
    """A deployment to begin with."""

    name: str
    settings: Settings = field(default_factory=Settings)
    score_file: str = str(SCORE)
    service_time: ServiceTime = field(default_factory=ServiceTime)
    load_seconds: float = 0
    """How long a replica takes to load its model."""


@dataclass(frozen=True, slots=True)
class RouterPlan:
    """A router's endpoint, its deployments, and how fast it does things.

    The defaults are azureml-fe's: it scales out every second and in after about a minute. Records go to
    `sentinel`, the address of a daemon or the home directory of one on this machine, with the key in `key_file`;
    or to `records_file` as JSON Lines.
    """

    work_dir: str
    endpoint: str = "chat"
    deployments: tuple[DeploymentPlan, ...] = (DeploymentPlan("blue"),)
    score_port: int = 0
    admin_port: int = 0
    refresh_seconds: float = 1
    scale_in_seconds: float = 60
    backoff_seconds: float = 1
    """The first wait before a crashed replica is started again; it doubles up to `backoff_limit_seconds`."""
    backoff_limit_seconds: float = 300
    probe_seconds: float = 10
    replica_quota: int = 32
    """The largest `max_replicas` it accepts: every replica is a process of this machine."""
    sentinel: str = ""
    key_file: str = ""
    records_file: str = ""

    def to_json(self) -> str:
        """The plan as JSON text."""
        return json.dumps(asdict(self))

    @classmethod
    def of_json(cls, text: str) -> RouterPlan:
        """The plan that `to_json` wrote; what it does not name has its default.

        Raises:
            TypeError: A key is unknown, or `work_dir` is missing.
        """
        given: dict[str, Any] = json.loads(text)
        if "deployments" in given:
            given["deployments"] = tuple(_deployment(listed) for listed in given["deployments"])
        return cls(**given)


def _deployment(listed: Mapping[str, Any]) -> DeploymentPlan:
    settings = Settings(**listed.get("settings", {}))
    service_time = ServiceTime(**listed.get("service_time", {}))
    return DeploymentPlan(**{**listed, "settings": settings, "service_time": service_time})
