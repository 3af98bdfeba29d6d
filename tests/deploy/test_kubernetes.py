"""The adapter to a Kubernetes cluster, on a real API server."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any, ClassVar

import pytest
import yaml

from sentinel.clock import SystemClock
from sentinel.deploy.kubernetes import VERSIONS, KubernetesAdapter
from sentinel.deploy.kubernetes_access import access_of
from sentinel.deploy.kubernetes_api import Api
from sentinel.deploy.kubernetes_owners import FIELD_MANAGER
from sentinel.deploy.kubernetes_workload import APPLIED, AZUREML_LABEL, RESTARTED_AT, Options
from sentinel.errors import AdapterError, Conflict, TargetNotFound
from sentinel.model.settings import Change, Deployment, Knob, Settings
from sentinel.model.target import Target
from tests.builders import CHAT_BLUE
from tests.parts.kubernetes_objects import Place, a_deployment, an_autoscaler

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


@pytest.fixture
def make(place: Place) -> Iterator[MakeAdapter]:
    """Adapters to the namespace of the test."""
    with ExitStack() as opened:

        def made(
            options: Options = OPTIONS,
            versions: tuple[str, ...] = VERSIONS,
            **meddling: Callable[..., Any],
        ) -> KubernetesAdapter:
            api = InterruptedApi(access_of(place.cluster.kubeconfig, ""))
            for name, meddle in meddling.items():
                setattr(api, name, meddle)
            adapter = KubernetesAdapter(api, [place.namespace], options, SystemClock(), versions=versions)
            opened.callback(adapter.close)
            return adapter

        yield made


@pytest.fixture
def scaled(place: Place) -> Place:
    """A Deployment with an autoscaler from 1 to 4 replicas."""
    place.deploy(a_deployment())
    place.scale(an_autoscaler())
    return place


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


class TestTheRevision:
    def test_a_controller_at_work_does_not_change_it(self, scaled: Place, make: MakeAdapter) -> None:
        adapter = make()
        read = adapter.describe(CHAT_BLUE)

        scaled.cluster.merge(f"{scaled.deployments}/chat-blue/scale", {"spec": {"replicas": 3}}, "horizontal")
        scaled.settled(replicas=3)
        now = adapter.describe(CHAT_BLUE)

        assert (now.revision, now.replicas) == (read.revision, 3)

    def test_an_edit_of_what_it_runs_changes_it(self, scaled: Place, make: MakeAdapter) -> None:
        adapter = make()
        read = adapter.describe(CHAT_BLUE)
        containers = [{"name": "serve", "image": "example.invalid/serve:2"}]

        scaled.cluster.apply(
            f"{scaled.deployments}/chat-blue",
            {
                "apiVersion": "apps/v1",
                "kind": "Deployment",
                "metadata": {"name": "chat-blue"},
                "spec": {"template": {"spec": {"containers": containers}}},
            },
            "ci",
        )

        assert adapter.describe(CHAT_BLUE).revision != read.revision

    def test_an_edit_that_sets_the_old_value_again_changes_it(self, scaled: Place, make: MakeAdapter) -> None:
        adapter, path = make(), f"{scaled.autoscalers}/chat-blue"
        read = adapter.describe(CHAT_BLUE)

        scaled.cluster.merge(path, {"spec": {"maxReplicas": 5}})
        scaled.cluster.merge(path, {"spec": {"maxReplicas": 4}})

        now = adapter.describe(CHAT_BLUE)
        assert (now.settings == read.settings, now.revision == read.revision) == (True, False)

    def test_an_edit_between_rehearsal_and_change_wins_and_is_named(
        self, scaled: Place, make: MakeAdapter
    ) -> None:
        path = f"{scaled.autoscalers}/chat-blue"
        adapter = make(act=lambda: scaled.cluster.merge(path, {"spec": {"minReplicas": 2}}))

        with pytest.raises(Conflict, match="changed since it was read, last by kubectl-edit at 20"):
            changed(adapter, RAISE)

        spec = autoscaler_of(scaled)["spec"]
        assert (spec["minReplicas"], spec["maxReplicas"]) == (2, 4)

    def test_a_new_label_between_rehearsal_and_change_does_not_hinder_it(
        self, scaled: Place, make: MakeAdapter
    ) -> None:
        path = f"{scaled.autoscalers}/chat-blue"
        adapter = make(act=lambda: scaled.cluster.merge(path, {"metadata": {"labels": {"seen": "now"}}}))

        assert changed(adapter, RAISE).settings.max_replicas == 9

    def test_an_autoscaler_removed_between_rehearsal_and_change_is_not_made_again(
        self, scaled: Place, make: MakeAdapter
    ) -> None:
        path = f"{scaled.autoscalers}/chat-blue"
        adapter = make(act=lambda: scaled.cluster.call("DELETE", path))

        with pytest.raises(Conflict):
            changed(adapter, RAISE)

        assert scaled.cluster.call("GET", scaled.autoscalers)["items"] == []

    @pytest.mark.usefixtures("scaled")
    def test_what_the_cluster_makes_something_else_of_is_not_changed(self, make: MakeAdapter) -> None:
        adapter = make(admit=lambda rehearsed: rehearsed["spec"] | {"maxReplicas": 6})

        assert "makes something else of chat/blue: max_replicas 6" in refusal_of(adapter, RAISE)
        assert adapter.describe(CHAT_BLUE).settings.max_replicas == 4


class TestOthersWhoSetIt:
    def test_what_was_set_by_an_update_is_taken_over(self, scaled: Place, make: MakeAdapter) -> None:
        changed(make(), RAISE)

        metadata = autoscaler_of(scaled)["metadata"]
        ours = [one for one in metadata["managedFields"] if one["manager"] == FIELD_MANAGER]
        assert [one["operation"] for one in ours] == ["Apply"]
        assert metadata["annotations"][APPLIED] == "act-1"

    def test_what_another_manager_declared_is_refused_by_its_name(
        self, scaled: Place, make: MakeAdapter
    ) -> None:
        declared = {**an_autoscaler(), "metadata": {"name": "chat-blue"}}
        scaled.cluster.apply(f"{scaled.autoscalers}/chat-blue", declared, "platform-team")

        why = refusal_of(make(), RAISE)

        assert (
            "spec.maxReplicas of HorizontalPodAutoscaler chat-blue is declared by field manager platform-team"
            in why
        )

    def test_a_manager_named_in_take_over_gives_way(self, scaled: Place, make: MakeAdapter) -> None:
        scaled.cluster.apply(f"{scaled.autoscalers}/chat-blue", an_autoscaler(), "platform-team")

        applied = changed(make(Options(take_over=("platform-team",))), RAISE)

        assert applied.settings.max_replicas == 9

    @pytest.mark.parametrize(
        ("metadata", "says"),
        [
            ({"annotations": {"argocd.argoproj.io/tracking-id": "app:autoscaling/x"}}, "Argo CD"),
            ({"labels": {"kustomize.toolkit.fluxcd.io/name": "apps"}}, "Flux"),
            ({"labels": {"helm.toolkit.fluxcd.io/name": "chat"}}, "Flux"),
        ],
    )
    def test_what_gitops_keeps_is_refused_unless_allowed(
        self, scaled: Place, make: MakeAdapter, metadata: Mapping[str, Any], says: str
    ) -> None:
        scaled.cluster.merge(f"{scaled.autoscalers}/chat-blue", {"metadata": metadata})

        why = refusal_of(make(), RAISE)

        assert f"is kept by {says}" in why
        assert changed(make(Options(allow_gitops=True)), RAISE).settings.max_replicas == 9

    def test_what_a_gitops_controller_applied_is_refused_unless_allowed(
        self, scaled: Place, make: MakeAdapter
    ) -> None:
        scaled.cluster.apply(f"{scaled.autoscalers}/chat-blue", an_autoscaler(), "kustomize-controller")

        why = refusal_of(make(), RAISE)

        assert "kept by Flux (field manager kustomize-controller)" in why
        assert changed(make(Options(allow_gitops=True)), RAISE).settings.max_replicas == 9

    def test_an_autoscaler_that_keda_made_is_refused(self, scaled: Place, make: MakeAdapter) -> None:
        owner = {
            "apiVersion": "keda.sh/v1alpha1",
            "kind": "ScaledObject",
            "name": "chat",
            "uid": "u",
            "controller": True,
        }
        scaled.cluster.merge(f"{scaled.autoscalers}/chat-blue", {"metadata": {"ownerReferences": [owner]}})

        assert "belongs to ScaledObject chat" in refusal_of(make(), RAISE)

    def test_two_autoscalers_are_refused_by_name(self, scaled: Place, make: MakeAdapter) -> None:
        other = an_autoscaler()
        other["metadata"] = {"name": "another"}
        scaled.scale(other)

        described = make().describe(CHAT_BLUE)

        assert Knob.MAX_REPLICAS not in described.known
        assert "another, chat-blue" in str(described.why_not(Knob.MEMORY_MIB))


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
