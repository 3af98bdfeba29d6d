"""What stands in the clusters of tests: namespaces with a deployment of an endpoint and what scales it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sentinel.deploy.kubernetes_workload import Options
from tests.parts.kubernetes_cluster import Cluster, until

OPTIONS = Options()


def a_deployment(name: str = "chat-blue", **changes: Any) -> dict[str, Any]:
    """A Deployment that says it is chat/blue."""
    labels = {OPTIONS.endpoint_label: "chat", OPTIONS.deployment_label: "blue"}
    container = {
        "name": "serve",
        "image": "example.invalid/serve:1",
        "resources": {"requests": {"cpu": "100m", "memory": "256Mi"}, "limits": {"memory": "512Mi"}},
    }
    wanted = {"replicas": 1, "labels": labels, "annotations": {}, "containers": [container], **changes}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name, "labels": wanted["labels"], "annotations": wanted["annotations"]},
        "spec": {
            "replicas": wanted["replicas"],
            "selector": {"matchLabels": {"app": name}},
            "template": {
                "metadata": {"labels": {"app": name}},
                "spec": {"containers": wanted["containers"]},
            },
        },
    }


def an_autoscaler(
    name: str = "chat-blue", *, low: int = 1, high: int = 4, target: int = 70
) -> dict[str, Any]:
    """A HorizontalPodAutoscaler of it, as autoscaling/v1."""
    return {
        "apiVersion": "autoscaling/v1",
        "kind": "HorizontalPodAutoscaler",
        "metadata": {"name": name},
        "spec": {
            "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": name},
            "minReplicas": low,
            "maxReplicas": high,
            "targetCPUUtilizationPercentage": target,
        },
    }


@dataclass(frozen=True)
class Place:
    """A namespace of a test, and what is done in it."""

    cluster: Cluster
    namespace: str

    @classmethod
    def made(cls, cluster: Cluster, namespace: str) -> Place:
        """A new namespace."""
        cluster.call("POST", "/api/v1/namespaces", {"metadata": {"name": namespace}})
        return cls(cluster, namespace)

    @property
    def deployments(self) -> str:
        """The path of its Deployments."""
        return f"/apis/apps/v1/namespaces/{self.namespace}/deployments"

    @property
    def autoscalers(self) -> str:
        """The path of its HorizontalPodAutoscalers."""
        return f"/apis/autoscaling/v1/namespaces/{self.namespace}/horizontalpodautoscalers"

    def deploy(self, deployment: Mapping[str, Any], manager: str = "kubectl-create") -> None:
        """Create a Deployment and wait until the controller has seen it."""
        self.cluster.call("POST", self.deployments, deployment, params={"fieldManager": manager})
        self.settled(deployment["metadata"]["name"], deployment["spec"]["replicas"])

    def scale(self, autoscaler: Mapping[str, Any], manager: str = "kubectl-create") -> None:
        """Create a HorizontalPodAutoscaler."""
        self.cluster.call("POST", self.autoscalers, autoscaler, params={"fieldManager": manager})

    def settled(self, name: str = "chat-blue", replicas: int | None = None) -> None:
        """Wait until the pods of a Deployment are those that it wants."""

        def holds() -> bool:
            found = self.cluster.call("GET", f"{self.deployments}/{name}")
            status = found.get("status", {})
            wanted = found["spec"]["replicas"] if replicas is None else replicas
            seen = status.get("observedGeneration", 0) >= found["metadata"]["generation"]
            counts = [status.get(key, 0) for key in ("replicas", "updatedReplicas")]
            return seen and counts == [wanted, wanted]

        until(holds, f"{self.namespace}/{name} has {replicas} replicas")

    def pretend_seen(self, name: str = "chat-blue") -> None:
        """Be the controller of a Deployment that has nothing to do."""
        found = self.cluster.call("GET", f"{self.deployments}/{name}")
        status = {"observedGeneration": found["metadata"]["generation"]}
        self.cluster.merge(f"{self.deployments}/{name}/status", {"status": status}, "deployment-controller")

    def rolled_out(self, name: str = "chat-blue") -> None:
        """Be the kubelet until no pod of an older template is left."""
        path, now = f"{self.deployments}/{name}", datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")

        def holds() -> bool:
            for pod in self.pods():
                self._run(pod["metadata"]["name"], now)
            found = self.cluster.call("GET", path)
            status, wanted = found["status"], found["spec"]["replicas"]
            seen = status["observedGeneration"] >= found["metadata"]["generation"]
            return bool(seen and status["replicas"] == status.get("updatedReplicas") == wanted)

        until(holds, f"{self.namespace}/{name} is rolled out")

    def pods(self) -> list[dict[str, Any]]:
        """The pods there are."""
        listed: list[dict[str, Any]] = self.cluster.call("GET", f"/api/v1/namespaces/{self.namespace}/pods")[
            "items"
        ]
        return listed

    def run_pods(self, cpu: str) -> None:
        """Be the kubelet and the metrics server: every pod is ready and uses so much CPU."""
        now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        for pod in self.pods():
            self._run(pod["metadata"]["name"], now)
            self._measure(pod["metadata"], cpu, now)

    def _run(self, name: str, now: str) -> None:
        status = {
            "phase": "Running",
            "startTime": now,
            "conditions": [{"type": "Ready", "status": "True", "lastTransitionTime": now}],
        }
        answered = self.cluster.client.patch(
            f"/api/v1/namespaces/{self.namespace}/pods/{name}/status",
            json={"status": status},
            headers={"Content-Type": "application/merge-patch+json"},
        )
        assert answered.status_code in {200, 404}, answered.text  # a rollout may have removed it meanwhile

    def _measure(self, pod: Mapping[str, Any], cpu: str, now: str) -> None:
        path = f"/apis/metrics.k8s.io/v1beta1/namespaces/{self.namespace}/pods"
        measured = {
            "apiVersion": "metrics.k8s.io/v1beta1",
            "kind": "PodMetrics",
            "metadata": {"name": pod["name"], "labels": pod["labels"]},
            "timestamp": now,
            "window": "30s",
            "containers": [{"name": "serve", "usage": {"cpu": cpu, "memory": "100Mi"}}],
        }
        self.cluster.apply(f"{path}/{pod['name']}", measured, "metrics-server")
