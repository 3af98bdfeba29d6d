"""What a daemon needs of a Kubernetes cluster, and what it says when it does not get it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
import yaml

from sentinel.clock import SystemClock
from sentinel.config import Config
from sentinel.config.adapters import KubernetesAdapterSettings
from sentinel.daemon.adapters import adapters_of
from sentinel.daemon.wiring import build
from sentinel.deploy.adapter import Adapter
from sentinel.errors import ConfigError
from sentinel.model.plan import RunMode
from sentinel.model.settings import Change, Knob
from tests.builders import CHAT_BLUE
from tests.parts.kubernetes_objects import Place, a_deployment, an_autoscaler

PAGE = (Path(__file__).parents[2] / "docs" / "kubernetes.md").read_text("utf-8")
READ_ONLY = ["get", "list"]


def settings_of(place: Place, mode: RunMode) -> Config:
    """The settings of somebody who may do nothing so far."""
    adapter = KubernetesAdapterSettings(
        namespaces=(place.namespace,), kubeconfig=place.cluster.limited_kubeconfig
    )
    return Config(mode=mode, adapters=(adapter,))


def allow(place: Place, *, verbs: list[str] | None = None) -> None:
    """Give the documented rights, or fewer verbs, to the user of the limited kubeconfig."""
    (documented,) = re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)
    role, binding = yaml.safe_load_all(documented)
    for one in (role, binding):
        one["metadata"]["namespace"] = place.namespace
    for rule in role["rules"]:
        rule["verbs"] = verbs or rule["verbs"]
    binding["subjects"] = [{"kind": "User", "name": "limited", "apiGroup": "rbac.authorization.k8s.io"}]
    path = f"/apis/rbac.authorization.k8s.io/v1/namespaces/{place.namespace}"
    place.cluster.call("POST", f"{path}/roles", role)
    place.cluster.call("POST", f"{path}/rolebindings", binding)


@pytest.fixture
def closing() -> Iterator[ExitStack]:
    with ExitStack() as stack:
        yield stack


def started(config: Config, home: Path, closing: ExitStack) -> Adapter:
    """The one adapter of a daemon that could start."""
    (adapter,) = adapters_of(config, home, SystemClock(), closing)
    return adapter


def test_a_daemon_without_rights_does_not_start_and_names_every_right_it_lacks(
    place: Place, tmp_path: Path
) -> None:
    with pytest.raises(ConfigError) as refused:
        build(tmp_path, settings_of(place, RunMode.AUTONOMOUS))

    said = str(refused.value)
    lacking = re.findall(r"(get|list|patch) (deployments\.apps|horizontalpodautoscalers\.autoscaling)", said)
    assert len(set(lacking)) == 6
    assert f"in namespace {place.namespace}" in said
    assert "Bind the Role in docs/kubernetes.md" in said


def test_the_documented_role_is_enough_to_change_something(
    place: Place, tmp_path: Path, closing: ExitStack
) -> None:
    place.deploy(a_deployment())
    place.scale(an_autoscaler())
    allow(place)

    adapter = started(settings_of(place, RunMode.REVIEW), tmp_path, closing)

    read = adapter.describe(CHAT_BLUE)
    applied = adapter.apply(CHAT_BLUE, [Change(Knob.MAX_REPLICAS, 4, 9)], expect=read.revision, key="act-1")
    assert applied.settings.max_replicas == 9


def test_without_the_right_to_change_only_a_daemon_that_changes_nothing_starts(
    place: Place, tmp_path: Path, closing: ExitStack
) -> None:
    place.deploy(a_deployment())
    allow(place, verbs=READ_ONLY)

    adapter = started(settings_of(place, RunMode.READONLY), tmp_path, closing)

    assert adapter.targets() == (CHAT_BLUE,)
    with pytest.raises(ConfigError, match=r"to patch deployments\.apps in namespace .*; patch horizontalpod"):
        started(settings_of(place, RunMode.REVIEW), tmp_path, closing)
