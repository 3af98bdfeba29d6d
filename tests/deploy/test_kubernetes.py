"""The adapter to a Kubernetes cluster, on a real API server."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any, ClassVar

import pytest
import yaml

from sentinel.clock import SystemClock
from sentinel.deploy.kubernetes import KubernetesAdapter
from sentinel.deploy.kubernetes_access import access_of
from sentinel.deploy.kubernetes_api import Api
from sentinel.deploy.kubernetes_workload import AZUREML_LABEL, RESTARTED_AT, Options
from sentinel.errors import AdapterError, Conflict, TargetNotFound
from sentinel.model.settings import Change, Knob, Settings
from sentinel.model.target import Target
from tests.builders import CHAT_BLUE
from tests.parts.kubernetes_adapters import (
    OPTIONS,
    RAISE,
    MakeAdapter,
    autoscaler_of,
    changed,
    deployment_of,
    refusal_of,
)
from tests.parts.kubernetes_objects import Place, a_deployment, an_autoscaler


class TestAnAutoscaler:
    @pytest.mark.parametrize("version", ["v2beta2", "v1"])
    def test_it_is_changed_in_every_version_of_the_api(
        self, scaled: Place, make: MakeAdapter, version: str
    ) -> None:
        adapter = make(versions=(version,))

        applied = changed(
            adapter, RAISE, Change(Knob.TARGET_UTILIZATION, 70, 50), Change(Knob.MIN_REPLICAS, 1, 2)
        )

        assert applied.settings == Settings(min_replicas=2, max_replicas=9, target_utilization=50)
        spec = autoscaler_of(scaled)["spec"]
        assert (spec["minReplicas"], spec["maxReplicas"], spec["targetCPUUtilizationPercentage"]) == (
            2,
            9,
            50,
        )

    @pytest.mark.usefixtures("scaled")
    def test_a_cluster_that_serves_no_version_we_speak_is_named(self, make: MakeAdapter) -> None:
        adapter = make(versions=("v2",))

        with pytest.raises(
            AdapterError, match="serves autoscaling v1, v2beta1, v2beta2; this adapter speaks v2"
        ):
            adapter.describe(CHAT_BLUE)

    def test_other_metrics_stay_when_the_utilisation_is_changed(
        self, scaled: Place, make: MakeAdapter
    ) -> None:
        memory = {
            "type": "Resource",
            "resource": {"name": "memory", "target": {"type": "Utilization", "averageUtilization": 90}},
        }
        path = f"{scaled.autoscalers.replace('/v1/', '/v2beta2/', 1)}/chat-blue"
        metrics = [memory, *autoscaler_of(scaled, "v2beta2")["spec"]["metrics"]]
        scaled.cluster.merge(path, {"spec": {"metrics": metrics}})

        applied = changed(make(), Change(Knob.TARGET_UTILIZATION, 70, 50))

        found = autoscaler_of(scaled, "v2beta2")["spec"]["metrics"]
        aims = {one["resource"]["name"]: one["resource"]["target"]["averageUtilization"] for one in found}
        assert aims == {"memory": 90, "cpu": 50}
        assert applied.settings.target_utilization == 50

    @pytest.mark.usefixtures("scaled")
    def test_what_was_changed_before_stays_when_something_else_is(self, make: MakeAdapter) -> None:
        adapter = make()
        changed(adapter, RAISE, key="act-1")

        changed(adapter, Change(Knob.TARGET_UTILIZATION, 70, 50), key="act-2")

        after = changed(adapter, Change(Knob.MIN_REPLICAS, 1, 3), key="act-3")
        assert after.settings == Settings(min_replicas=3, max_replicas=9, target_utilization=50)

    @pytest.mark.usefixtures("scaled")
    def test_what_was_changed_in_one_version_stays_when_another_is_spoken(self, make: MakeAdapter) -> None:
        changed(make(versions=("v1",)), Change(Knob.TARGET_UTILIZATION, 70, 50), key="act-1")

        after = changed(make(versions=("v2beta2",)), RAISE, key="act-2")

        assert after.settings == Settings(max_replicas=9, target_utilization=50)

    def test_it_aims_at_something_else_than_cpu_and_the_utilisation_is_unknown(
        self, scaled: Place, make: MakeAdapter
    ) -> None:
        path = f"{scaled.autoscalers.replace('/v1/', '/v2beta2/', 1)}/chat-blue"
        pods = {
            "type": "Pods",
            "pods": {"metric": {"name": "queue"}, "target": {"type": "AverageValue", "averageValue": "2"}},
        }
        scaled.cluster.merge(path, {"spec": {"metrics": [pods]}})

        described = make().describe(CHAT_BLUE)

        assert Knob.TARGET_UTILIZATION not in described.known
        assert described.why_not(Knob.MAX_REPLICAS) is None


class TestADeploymentWithoutAutoscaler:
    def test_its_replicas_are_changed(self, place: Place, make: MakeAdapter) -> None:
        place.deploy(a_deployment(replicas=2))

        applied = changed(make(), Change(Knob.REPLICAS, 2, 3))

        place.settled(replicas=3)
        assert applied.settings.replicas == 3
        assert make().describe(CHAT_BLUE).replicas == 3

    def test_its_bounds_are_its_replicas_and_cannot_be_changed(self, place: Place, make: MakeAdapter) -> None:
        place.deploy(a_deployment(replicas=2))
        adapter = make()

        settings = adapter.describe(CHAT_BLUE).settings

        assert (settings.min_replicas, settings.max_replicas) == (2, 2)
        assert "no HorizontalPodAutoscaler" in refusal_of(adapter, Change(Knob.MAX_REPLICAS, 2, 3))


class TestPods:
    def test_cpu_and_memory_are_changed_and_taken_back_exactly(
        self, scaled: Place, make: MakeAdapter
    ) -> None:
        adapter = make()
        resources = [Change(Knob.CPU_MILLICORES, 100, 250), Change(Knob.MEMORY_MIB, 512, 1024)]
        before = deployment_of(scaled)["spec"]["template"]["spec"]["containers"][0]["resources"]

        applied = changed(adapter, *resources, key="act-1")
        scaled.rolled_out()
        undone = changed(adapter, *(one.inverse for one in resources), key="act-2")

        after = deployment_of(scaled)["spec"]["template"]["spec"]["containers"][0]["resources"]
        assert (applied.settings.cpu_millicores, applied.settings.memory_mib) == (250, 1024)
        assert (undone.settings.cpu_millicores, undone.settings.memory_mib) == (100, 512)
        assert after == before

    def test_a_limit_that_equals_the_request_goes_with_it(self, place: Place, make: MakeAdapter) -> None:
        equal = {"cpu": "1", "memory": "1Gi"}
        container = {"name": "serve", "image": "a", "resources": {"requests": equal, "limits": equal}}
        place.deploy(a_deployment(containers=[container]))

        changed(make(), Change(Knob.CPU_MILLICORES, 1000, 1500), Change(Knob.MEMORY_MIB, 1024, 2048))

        resources = deployment_of(place)["spec"]["template"]["spec"]["containers"][0]["resources"]
        assert resources["requests"] == resources["limits"] == {"cpu": "1500m", "memory": "2Gi"}

    def test_a_request_is_not_raised_to_a_limit_apart_from_it(self, place: Place, make: MakeAdapter) -> None:
        resources = {"requests": {"cpu": "100m"}, "limits": {"cpu": "200m"}}
        place.deploy(a_deployment(containers=[{"name": "serve", "image": "a", "resources": resources}]))

        assert "above 199" in refusal_of(make(), Change(Knob.CPU_MILLICORES, 100, 200))

    @pytest.mark.usefixtures("scaled")
    def test_a_memory_limit_stays_above_the_request(self, make: MakeAdapter) -> None:
        assert "not above the 256 MiB" in refusal_of(make(), Change(Knob.MEMORY_MIB, 512, 256))

    def test_all_replicas_are_restarted(self, scaled: Place, make: MakeAdapter) -> None:
        adapter = make()
        before = deployment_of(scaled)["metadata"]["generation"]

        restarted = changed(adapter, Change(Knob.RESTARTS, 0, 1))

        after = deployment_of(scaled)
        assert restarted.settings.restarts == 1
        assert RESTARTED_AT in after["spec"]["template"]["metadata"]["annotations"]
        assert after["metadata"]["generation"] > before

    def test_taking_a_restart_back_restarts_nothing(self, scaled: Place, make: MakeAdapter) -> None:
        adapter = make()
        changed(adapter, Change(Knob.RESTARTS, 0, 1), key="act-1")
        scaled.rolled_out()
        before = deployment_of(scaled)["spec"]["template"]

        undone = changed(adapter, Change(Knob.RESTARTS, 1, 0), key="act-2")

        assert undone.settings.restarts == 0
        assert deployment_of(scaled)["spec"]["template"] == before

    @pytest.mark.usefixtures("scaled")
    def test_a_change_during_a_rollout_is_a_conflict(self, make: MakeAdapter) -> None:
        adapter = make()
        rolling = changed(adapter, Change(Knob.RESTARTS, 0, 1), key="act-1")

        with pytest.raises(Conflict, match="a rollout of chat/blue is in flight"):
            changed(adapter, RAISE, key="act-2")

        assert rolling.updating

    @pytest.mark.usefixtures("scaled")
    def test_changes_of_two_objects_are_no_one_change(self, make: MakeAdapter) -> None:
        adapter = make()
        read = adapter.describe(CHAT_BLUE)

        with pytest.raises(AdapterError, match="not held by one object"):
            adapter.apply(
                CHAT_BLUE, [RAISE, Change(Knob.MEMORY_MIB, 512, 1024)], expect=read.revision, key="act-1"
            )

        assert adapter.describe(CHAT_BLUE).revision == read.revision


class TestAzureMl:
    LABELS: ClassVar = {
        AZUREML_LABEL: "true",
        OPTIONS.endpoint_label: "chat",
        OPTIONS.deployment_label: "blue",
    }

    def test_what_azure_ml_deployed_is_read_and_left_to_it(self, place: Place, make: MakeAdapter) -> None:
        place.deploy(a_deployment(labels=self.LABELS, replicas=2))

        described = make().describe(CHAT_BLUE)

        assert described.replicas == 2
        assert {Knob.MIN_REPLICAS, Knob.MAX_REPLICAS, Knob.TARGET_UTILIZATION}.isdisjoint(described.known)
        assert "azureml-fe scales it" in str(described.why_not(Knob.RESTARTS))

    def test_an_autoscaler_beside_azureml_fe_is_refused_as_a_second_controller(
        self, place: Place, make: MakeAdapter
    ) -> None:
        place.deploy(a_deployment(labels=self.LABELS))
        place.scale(an_autoscaler())

        assert "two controllers undo each other" in refusal_of(make(), RAISE)


class TestWhatIsThere:
    def test_labels_of_the_pods_are_enough(self, place: Place, make: MakeAdapter) -> None:
        marked = a_deployment(labels={})
        marked["spec"]["template"]["metadata"]["labels"] |= a_deployment()["metadata"]["labels"]
        place.deploy(marked)

        assert make().targets() == (CHAT_BLUE,)

    def test_other_labels_may_be_named(self, place: Place, make: MakeAdapter) -> None:
        place.deploy(
            a_deployment(labels={}, annotations={"team/endpoint": "chat", "team/deployment": "blue"})
        )

        adapter = make(Options(endpoint_label="team/endpoint", deployment_label="team/deployment"))

        assert adapter.targets() == (CHAT_BLUE,)

    def test_two_that_say_the_same_are_an_error_that_names_both(
        self, place: Place, make: MakeAdapter
    ) -> None:
        place.deploy(a_deployment())
        place.deploy(a_deployment("twin"))

        with pytest.raises(AdapterError, match=r"twin and test-\d+/chat-blue both say they are chat/blue"):
            make().targets()

    def test_one_that_is_gone_is_not_found_any_more(self, scaled: Place, make: MakeAdapter) -> None:
        adapter = make()
        adapter.describe(CHAT_BLUE)

        scaled.cluster.call("DELETE", f"{scaled.deployments}/chat-blue")

        with pytest.raises(TargetNotFound):
            adapter.describe(CHAT_BLUE)


class TestConnections:
    def test_the_name_in_the_certificate_may_be_given(self, place: Place, tmp_path: Path) -> None:
        named = edited(place, tmp_path, {"tls-server-name": "kubernetes.default.svc"})

        assert connected(named, place) == ()

    def test_a_certificate_of_another_name_is_not_accepted(self, place: Place, tmp_path: Path) -> None:
        named = edited(place, tmp_path, {"tls-server-name": "somebody.example"})

        with pytest.raises(AdapterError, match="CERTIFICATE_VERIFY_FAILED"):
            connected(named, place)

    def test_a_certificate_of_another_authority_is_not_accepted(self, place: Place, tmp_path: Path) -> None:
        named = edited(place, tmp_path, {"certificate-authority-data": None})

        with pytest.raises(AdapterError, match="CERTIFICATE_VERIFY_FAILED"):
            connected(named, place)

    def test_a_token_opens_it_as_a_certificate_does(self, place: Place) -> None:
        assert connected(place.cluster.folder / "kubeconfig-token", place) == ()


def edited(place: Place, folder: Path, cluster: Mapping[str, Any]) -> Path:
    """The administrator's kubeconfig with other settings of its cluster."""
    config = yaml.safe_load(place.cluster.kubeconfig.read_text())
    config["clusters"][0]["cluster"] |= cluster
    path = folder / "kubeconfig"
    path.write_text(yaml.safe_dump(config))
    return path


def connected(kubeconfig: Path, place: Place) -> Sequence[Target]:
    """The deployments that are found with a kubeconfig."""
    adapter = KubernetesAdapter(Api(access_of(kubeconfig, "")), [place.namespace], OPTIONS, SystemClock())
    with closing(adapter):
        return adapter.targets()
