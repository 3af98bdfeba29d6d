"""Adapters to a namespace of a Kubernetes cluster, into whose calls a test may meddle."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pytest

from sentinel.deploy.kubernetes import KubernetesAdapter
from sentinel.deploy.kubernetes_api import Api
from sentinel.deploy.kubernetes_workload import Options
from sentinel.errors import AdapterError
from sentinel.model.settings import Change, Deployment, Knob
from tests.builders import CHAT_BLUE
from tests.parts.kubernetes_objects import Place

RAISE = Change(Knob.MAX_REPLICAS, 4, 9)
OPTIONS = Options()

MakeAdapter = Callable[..., KubernetesAdapter]


class InterruptedApi(Api):
    """An API server at which somebody acts between our rehearsal and our change, or a webhook alters it."""

    act: Callable[[], object] = staticmethod(lambda: None)
    admit: Callable[[dict[str, Any]], dict[str, Any]] = staticmethod(lambda rehearsed: rehearsed["spec"])

    def apply(self, path: str, body: Mapping[str, Any], *, dry_run: bool, force: bool) -> dict[str, Any]:
        if not dry_run:
            act, self.act = self.act, lambda: None
            act()
        answer = super().apply(path, body, dry_run=dry_run, force=force)
        return {**answer, "spec": self.admit(answer)}


def changed(adapter: KubernetesAdapter, *changes: Change, key: str = "act-1") -> Deployment:
    """The deployment after changes of it as it is now."""
    return adapter.apply(CHAT_BLUE, changes, expect=adapter.describe(CHAT_BLUE).revision, key=key)


def refusal_of(adapter: KubernetesAdapter, change: Change) -> str:
    """Why a change is refused for good."""
    with pytest.raises(AdapterError) as refused:
        changed(adapter, change)
    assert refused.value.permanent
    return str(refused.value)


def autoscaler_of(place: Place, version: str = "v1") -> dict[str, Any]:
    path = place.autoscalers.replace("/v1/", f"/{version}/", 1)
    found: dict[str, Any] = place.cluster.call("GET", f"{path}/chat-blue")
    return found


def deployment_of(place: Place) -> dict[str, Any]:
    found: dict[str, Any] = place.cluster.call("GET", f"{place.deployments}/chat-blue")
    return found
