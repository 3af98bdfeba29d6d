"""The adapter beside others who change the same objects, on a real API server."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from sentinel.deploy.kubernetes_owners import FIELD_MANAGER
from sentinel.deploy.kubernetes_workload import APPLIED, Options
from sentinel.errors import Conflict
from sentinel.model.settings import Knob
from tests.builders import CHAT_BLUE
from tests.parts.kubernetes_adapters import (
    RAISE,
    MakeAdapter,
    autoscaler_of,
    changed,
    refusal_of,
)
from tests.parts.kubernetes_objects import Place, an_autoscaler


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
