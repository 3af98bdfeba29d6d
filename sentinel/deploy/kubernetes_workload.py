"""What the objects of Kubernetes say of a deployment: a Deployment and the HorizontalPodAutoscalers that scale it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Any, Final

from sentinel.deploy.kubernetes_owners import (
    FIELD_MANAGER,
    GITOPS_MANAGERS,
    Object,
    applied_by,
    controller_of,
    edits_of,
    gitops_of,
)
from sentinel.deploy.kubernetes_quantity import mebibytes, millicores
from sentinel.deploy.limits import CEILINGS
from sentinel.model.settings import Deployment, Knob, Settings
from sentinel.model.target import Target

AZUREML_LABEL: Final = "isazuremlapp"
"""What Azure ML puts on what it deploys to a cluster, with the value `true`
(https://learn.microsoft.com/azure/machine-learning/v1/how-to-use-azure-ad-identity)."""
APPLIED: Final = f"{FIELD_MANAGER}/applied"
"""The annotation that keeps the keys of the newest changes, written with the change itself."""
RESTARTS: Final = f"{FIELD_MANAGER}/restarts"
RESTARTED_AT: Final = "kubectl.kubernetes.io/restartedAt"
"""The annotation of the pod template by which `kubectl rollout restart` restarts."""
SCALE_KNOBS: Final = (Knob.TARGET_UTILIZATION, Knob.MIN_REPLICAS, Knob.MAX_REPLICAS)
POD_KNOBS: Final = (Knob.CPU_MILLICORES, Knob.MEMORY_MIB, Knob.RESTARTS)
UTILIZATION_FIELDS: Final = ("metrics", "targetCPUUtilizationPercentage")
"""Where the aimed utilisation stands: in autoscaling/v2 and v2beta2, and in v1."""
TURNED: Final = frozenset({*SCALE_KNOBS, *POD_KNOBS, Knob.REPLICAS})
"""The knobs that objects of Kubernetes hold."""
_GIVEN: Final = (Knob.REQUEST_TIMEOUT_MS, Knob.MAX_CONCURRENCY, Knob.QUEUE_WAIT_MS)


@dataclass(frozen=True, slots=True)
class Options:
    """What the operator says of the workloads.

    `given` holds the settings that no object of Kubernetes tells. `take_over` are field managers whose declared fields
    may be changed all the same. `container` is the one that serves, where a pod has several.
    """

    endpoint_label: str = "ml.azure.com/endpoint-name"
    deployment_label: str = "ml.azure.com/deployment-name"
    container: str = ""
    allow_gitops: bool = False
    take_over: tuple[str, ...] = ()
    given: Settings = field(default_factory=Settings)


@dataclass(frozen=True, slots=True)
class Workload:
    """A Deployment and what scales it."""

    deployment: Object
    autoscalers: tuple[Object, ...]

    @property
    def autoscaler(self) -> Object | None:
        """The one HorizontalPodAutoscaler, if there is exactly one."""
        return self.autoscalers[0] if len(self.autoscalers) == 1 else None

    @property
    def applied(self) -> list[str]:
        """The keys of the changes that were made to it, the newest last."""
        return [key for one in (self.deployment, *self.autoscalers) for key in applied_keys(one)]

    @property
    def revision(self) -> str:
        """A digest of everything that is set, by whom and when; what controllers write while they work is left out.

        With an autoscaler that is the number of replicas, and always `status`.
        """
        scaled = bool(self.autoscalers)
        content = [
            _set_content(self.deployment, ignoring="replicas" if scaled else ""),
            *(_set_content(one) for one in self.autoscalers),
        ]
        return blake2b(json.dumps(content, sort_keys=True).encode(), digest_size=10).hexdigest()

    @property
    def last_edit(self) -> str:
        """Who set something last, for messages."""
        edits = edits_of(self.deployment, ignoring="replicas" if self.autoscalers else "")
        edits += [edit for one in self.autoscalers for edit in edits_of(one)]
        return f"{max(edits)[1]} at {max(edits)[0]}" if edits else "nobody known"

    def container(self, options: Options) -> Mapping[str, Any] | None:
        """The container that serves: the only one, the one named in the options, or the inference server."""
        containers: list[Mapping[str, Any]] = self.deployment["spec"]["template"]["spec"]["containers"]
        if len(containers) == 1 and not options.container:
            return containers[0]
        named = [
            one
            for one in containers
            if (one["name"] == options.container if options.container else "inference-server" in one["name"])
        ]
        return named[0] if len(named) == 1 else None


def applied_keys(one: Object) -> list[str]:
    """The keys in the annotation of an object."""
    written = (one["metadata"].get("annotations") or {}).get(APPLIED, "")
    return [key for key in written.split(",") if key]


def names_of(deployment: Object, options: Options) -> tuple[str, str] | None:
    """The endpoint and deployment an object says it is, by its labels or annotations or those of its pods."""
    template = deployment["spec"]["template"].get("metadata") or {}
    for place in (deployment["metadata"], template):
        for kind in ("labels", "annotations"):
            marks = place.get(kind) or {}
            if marks.get(options.endpoint_label) and marks.get(options.deployment_label):
                return marks[options.endpoint_label], marks[options.deployment_label]
    return None


def scales(autoscaler: Object, deployment: Object) -> bool:
    """Whether an autoscaler scales a Deployment."""
    reference = autoscaler["spec"]["scaleTargetRef"]
    group = reference.get("apiVersion", "apps/v1").partition("/")[0]
    named = (group, reference["kind"], reference["name"])
    return named == ("apps", "Deployment", deployment["metadata"]["name"])


def read(target: Target, workload: Workload, options: Options) -> Deployment:
    """The deployment as the objects say."""
    status = workload.deployment.get("status") or {}
    values = dict(_values(workload, options))
    values |= {knob: options.given.value(knob) for knob in _GIVEN}
    return Deployment(
        target=target,
        settings=Settings(**{knob.value: value for knob, value in values.items()}),
        replicas=status.get("replicas", 0),
        ready_replicas=status.get("readyReplicas", 0),
        revision=workload.revision,
        updating=_is_updating(workload.deployment),
        ceilings=tuple(_ceilings(workload, options).items()),
        known=frozenset(values),
        withheld=tuple(_withheld(workload, options, values)),
    )


def field_of(knob: Knob, workload: Workload, options: Options) -> tuple[Object, tuple[str, ...]] | None:
    """The object that holds a knob and the path of its field as in `fieldsV1`."""
    deployment, autoscaler = workload.deployment, workload.autoscaler
    if knob in SCALE_KNOBS:
        if autoscaler is None:
            return None
        utilization = UTILIZATION_FIELDS[autoscaler["apiVersion"] == "autoscaling/v1"]
        names = {Knob.MIN_REPLICAS: "minReplicas", Knob.MAX_REPLICAS: "maxReplicas"}
        return autoscaler, ("spec", names.get(knob, utilization))
    if knob is Knob.REPLICAS:
        return deployment, ("spec", "replicas")
    if knob is Knob.RESTARTS:
        return deployment, ("metadata", "annotations", RESTARTS)
    container = workload.container(options)
    if container is None or knob not in POD_KNOBS:
        return None
    kind, resource = ("requests", "cpu") if knob is Knob.CPU_MILLICORES else ("limits", "memory")
    return deployment, (*container_path(container), "resources", kind, resource)


def container_path(container: Mapping[str, Any]) -> tuple[str, ...]:
    """The path of a container in `fieldsV1`."""
    key = json.dumps({"name": container["name"]}, separators=(",", ":"))
    return "spec", "template", "spec", "containers", f"k:{key}"


def resources_of(container: Mapping[str, Any], kind: str) -> Mapping[str, Any]:
    """The `requests` or `limits` of a container."""
    return (container.get("resources") or {}).get(kind) or {}


def cpu_metric(autoscaler: Object) -> Mapping[str, Any] | None:
    """The metric that aims at a share of the requested CPU, if there is exactly one (autoscaling/v2 and v2beta2)."""
    found = [
        metric
        for metric in autoscaler["spec"].get("metrics") or ()
        if metric["type"] == "Resource"
        and metric["resource"]["name"] == "cpu"
        and metric["resource"]["target"]["type"] == "Utilization"
    ]
    return found[0] if len(found) == 1 else None


def _values(workload: Workload, options: Options) -> Iterator[tuple[Knob, int]]:
    spec, autoscaler = workload.deployment["spec"], workload.autoscaler
    if autoscaler is not None:
        scaling = autoscaler["spec"]
        yield Knob.MIN_REPLICAS, scaling.get("minReplicas", 1)
        yield Knob.MAX_REPLICAS, scaling["maxReplicas"]
        metric = cpu_metric(autoscaler)
        if metric is not None:
            yield Knob.TARGET_UTILIZATION, metric["resource"]["target"]["averageUtilization"]
        elif scaling.get("targetCPUUtilizationPercentage") is not None:
            yield Knob.TARGET_UTILIZATION, scaling["targetCPUUtilizationPercentage"]
    elif not workload.autoscalers and not is_azureml(workload.deployment):
        fixed = spec.get("replicas", 1)
        yield from ((knob, fixed) for knob in (Knob.REPLICAS, Knob.MIN_REPLICAS, Knob.MAX_REPLICAS))
    annotations = workload.deployment["metadata"].get("annotations") or {}
    restarts = annotations.get(RESTARTS, "0")
    yield Knob.RESTARTS, int(restarts) if restarts.isdecimal() else 0
    container = workload.container(options)
    if container is not None:
        cpu = resources_of(container, "requests").get("cpu")
        memory = resources_of(container, "limits").get("memory")
        for knob, value in (
            (Knob.CPU_MILLICORES, millicores(cpu)),
            (Knob.MEMORY_MIB, mebibytes(memory)),
        ):
            if value is not None:
                yield knob, value


def _ceilings(workload: Workload, options: Options) -> dict[Knob, int]:
    """A request of CPU stays below a limit that is apart from it, so that taking a change back is exact."""
    container = workload.container(options)
    limit = millicores(resources_of(container, "limits").get("cpu")) if container is not None else None
    request = millicores(resources_of(container, "requests").get("cpu")) if container is not None else None
    if limit is None or request is None or limit == request:
        return dict(CEILINGS)
    return {**CEILINGS, Knob.CPU_MILLICORES: limit - 1}


def _withheld(workload: Workload, options: Options, values: Mapping[Knob, int]) -> Iterator[tuple[Knob, str]]:
    for knob in sorted(values):
        reason = _why_not(knob, workload, options)
        if reason:
            yield knob, reason


def _why_not(knob: Knob, workload: Workload, options: Options) -> str:
    if knob not in TURNED:
        return f"{knob} is held by no object of Kubernetes"
    if is_azureml(workload.deployment):
        return _why_not_beside_azureml(workload)
    if len(workload.autoscalers) > 1:
        names = ", ".join(one["metadata"]["name"] for one in workload.autoscalers)
        return f"several HorizontalPodAutoscalers scale it: {names}"
    found = field_of(knob, workload, options)
    if found is None:
        return "it has no HorizontalPodAutoscaler, so its number of replicas is fixed"
    return _why_not_ours(knob, *found, options)


def _why_not_ours(knob: Knob, holder: Object, path: Sequence[str], options: Options) -> str:
    """Who else sets what we would, if somebody does."""
    name = f"{holder['kind']} {holder['metadata']['name']}"
    controller, gitops = controller_of(holder), gitops_of(holder)
    if controller:
        return f"{name} belongs to {controller}, which would change it back"
    if gitops and not options.allow_gitops:
        return f"{name} is kept by {gitops}, which would change it back; change it there, or set allow_gitops"
    if knob in POD_KNOBS and holder["spec"].get("paused"):
        return f"the rollout of {name} is paused"
    allowed = {*options.take_over, *(GITOPS_MANAGERS if options.allow_gitops else ())}
    paths = [(*path[:-1], name) for name in UTILIZATION_FIELDS] if path[-1] in UTILIZATION_FIELDS else [path]
    claiming = sorted({one for each in paths for one in applied_by(holder, each)} - allowed)
    if claiming:
        shown = ".".join(path)
        return f"{shown} of {name} is declared by field manager {', '.join(claiming)}; see adapters.take_over"
    return ""


def _why_not_beside_azureml(workload: Workload) -> str:
    name = workload.deployment["metadata"]["name"]
    if workload.autoscalers:
        names = ", ".join(one["metadata"]["name"] for one in workload.autoscalers)
        return (
            f"azureml-fe scales {name} and HorizontalPodAutoscaler {names} does too: two controllers undo each other;"
            " remove the HorizontalPodAutoscaler"
        )
    return f"Azure ML deployed {name} and azureml-fe scales it; change its settings through Azure ML"


def is_azureml(deployment: Object) -> bool:
    """Whether Azure ML deployed it, so that azureml-fe routes to it and scales it."""
    template = deployment["spec"]["template"].get("metadata") or {}
    return any(
        (place.get("labels") or {}).get(AZUREML_LABEL) == "true"
        for place in (deployment["metadata"], template)
    )


def _is_updating(deployment: Object) -> bool:
    """Whether a rollout is under way: not seen by the controller yet, or with pods of the old template left."""
    status = deployment.get("status") or {}
    if status.get("observedGeneration", 0) < deployment["metadata"].get("generation", 0):
        return True
    return bool(status.get("updatedReplicas", 0) < status.get("replicas", 0))


def _set_content(one: Object, ignoring: str = "") -> list[Any]:
    metadata = one["metadata"]
    spec = {key: value for key, value in one["spec"].items() if key != ignoring}
    ours = {key: (metadata.get("annotations") or {}).get(key) for key in (APPLIED, RESTARTS)}
    return [metadata["uid"], spec, ours, edits_of(one, ignoring=ignoring)]
