"""What a daemon needs of a Kubernetes cluster, and what it says when it does not get it."""

from __future__ import annotations

import re
import shutil
import socket
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
from sentinel.deploy.kubernetes import KubernetesAdapter
from sentinel.deploy.kubernetes_access import access_of
from sentinel.deploy.kubernetes_api import Api
from sentinel.deploy.kubernetes_workload import Options
from sentinel.errors import AdapterError, ConfigError
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


USER = {"kind": "User", "name": "limited", "apiGroup": "rbac.authorization.k8s.io"}
"""That of the limited kubeconfig."""


def allow(place: Place, subject: dict[str, str] = USER, *, verbs: list[str] | None = None) -> None:
    """Give the documented rights, or fewer verbs, to a user or a service account."""
    (documented,) = re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)
    role, binding = yaml.safe_load_all(documented)
    for one in (role, binding):
        one["metadata"]["namespace"] = place.namespace
    for rule in role["rules"]:
        rule["verbs"] = verbs or rule["verbs"]
    binding["subjects"] = [subject]
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


def test_a_pod_uses_its_service_account(
    place: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, closing: ExitStack
) -> None:
    place.deploy(a_deployment())
    accounts = f"/api/v1/namespaces/{place.namespace}/serviceaccounts"
    place.cluster.call("POST", accounts, {"metadata": {"name": "sentinel"}})
    granted = place.cluster.call("POST", f"{accounts}/sentinel/token", {"spec": {}})
    allow(place, {"kind": "ServiceAccount", "name": "sentinel", "namespace": place.namespace})
    (tmp_path / "token").write_text(granted["status"]["token"])
    shutil.copy(place.cluster.folder / "pki" / "ca.crt", tmp_path)
    monkeypatch.setenv("KUBERNETES_SERVICE_HOST", place.cluster.client.base_url.host)
    monkeypatch.setenv("KUBERNETES_SERVICE_PORT", str(place.cluster.client.base_url.port))
    access = access_of(None, "", service_account=tmp_path)

    adapter = KubernetesAdapter(Api(access), [place.namespace], Options(), SystemClock())
    closing.callback(adapter.close)

    assert adapter.targets() == (CHAT_BLUE,)


def test_a_daemon_starts_while_the_cluster_does_not_answer(tmp_path: Path, closing: ExitStack) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        server = f"http://127.0.0.1:{probe.getsockname()[1]}"
    config = {
        "current-context": "c",
        "clusters": [{"name": "c", "cluster": {"server": server}}],
        "contexts": [{"name": "c", "context": {"cluster": "c"}}],
    }
    (tmp_path / "kubeconfig").write_text(yaml.safe_dump(config))
    settings = KubernetesAdapterSettings(namespaces=("models",), kubeconfig=Path("kubeconfig"))

    adapter = started(Config(adapters=(settings,)), tmp_path, closing)

    with pytest.raises(AdapterError) as silent:
        adapter.targets()
    assert not silent.value.permanent
