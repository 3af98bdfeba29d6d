"""What to send so that a deployment has other settings: the body of a server-side apply.

A server-side apply takes away what its manager declared before and leaves out now
(https://kubernetes.io/docs/reference/using-api/server-side-apply/), so every field that is ours already is sent again
as it is.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from copy import deepcopy
from datetime import datetime
from typing import Any, Final

from sentinel.deploy.kubernetes_owners import Object, owns
from sentinel.deploy.kubernetes_quantity import mebibytes, millicores
from sentinel.deploy.kubernetes_workload import (
    APPLIED,
    RESTARTED_AT,
    RESTARTS,
    SCALE_KNOBS,
    UTILIZATION_FIELDS,
    Options,
    Workload,
    applied_keys,
    container_path,
    cpu_metric,
    field_of,
    resources_of,
)
from sentinel.errors import AdapterError
from sentinel.model.settings import Change, Knob

_REMEMBERED: Final = 20
"""So many keys of changes an object keeps."""
_RESTARTED_AT: Final = ("spec", "template", "metadata", "annotations", RESTARTED_AT)


def body_of(
    workload: Workload, changes: Sequence[Change], options: Options, key: str, now: datetime
) -> tuple[Object, dict[str, Any]]:
    """The object the changes are made to, and the body that makes them if it is still as read.

    Raises:
        AdapterError: They concern two objects, which cannot be changed as one, or one cannot be made.
    """
    holders = [found[0] for change in changes if (found := field_of(change.knob, workload, options))]
    if len({one["metadata"]["uid"] for one in holders}) != 1:
        knobs = ", ".join(change.knob for change in changes)
        raise AdapterError(f"{knobs} are not held by one object; plan one change at a time", permanent=True)
    holder = holders[0]
    wanted = {change.knob: change.after for change in changes}
    is_autoscaler = holder is workload.autoscaler
    spec = _scaling(holder, wanted) if is_autoscaler else _deploying(workload, changes, options, now)
    metadata = holder["metadata"]
    annotations = {APPLIED: ",".join([*applied_keys(holder), key][-_REMEMBERED:])}
    restarts = (metadata.get("annotations") or {}).get(RESTARTS)
    if Knob.RESTARTS in wanted:
        restarts = str(wanted[Knob.RESTARTS])
    if restarts is not None and not is_autoscaler:
        annotations[RESTARTS] = restarts
    return holder, {
        "apiVersion": holder["apiVersion"],
        "kind": holder["kind"],
        "metadata": {
            **{name: metadata[name] for name in ("name", "namespace", "uid", "resourceVersion")},
            "annotations": annotations,
        },
        **({"spec": spec} if spec else {}),
    }


def _scaling(autoscaler: Object, wanted: Mapping[Knob, int]) -> dict[str, Any]:
    now = autoscaler["spec"]
    spec = {name: now[name] for name in _SCALING if name in now and _is_ours(autoscaler, name)}
    names = {Knob.MIN_REPLICAS: "minReplicas", Knob.MAX_REPLICAS: "maxReplicas"}
    spec |= {names[knob]: wanted[knob] for knob in SCALE_KNOBS if knob in names and knob in wanted}
    utilization = wanted.get(Knob.TARGET_UTILIZATION)
    if utilization is None:
        return spec
    if autoscaler["apiVersion"] == "autoscaling/v1":
        return {**spec, "targetCPUUtilizationPercentage": utilization}
    metrics = deepcopy(list(now["metrics"]))
    metrics[list(now["metrics"]).index(cpu_metric(autoscaler))]["resource"]["target"][
        "averageUtilization"
    ] = utilization
    return {**spec, "metrics": metrics}


_SCALING: Final = ("minReplicas", "maxReplicas", *UTILIZATION_FIELDS)


def _is_ours(autoscaler: Object, name: str) -> bool:
    """The aimed utilisation has another name in another version of the API, in which we may have declared it."""
    names = UTILIZATION_FIELDS if name in UTILIZATION_FIELDS else (name,)
    return any(owns(autoscaler, ("spec", one)) for one in names)


def _deploying(
    workload: Workload, changes: Sequence[Change], options: Options, now: datetime
) -> dict[str, Any]:
    deployment = workload.deployment
    changed = {change.knob: change for change in changes}
    spec: dict[str, Any] = {}
    if Knob.REPLICAS in changed:
        spec["replicas"] = changed[Knob.REPLICAS].after
    elif owns(deployment, ("spec", "replicas")):
        spec["replicas"] = deployment["spec"]["replicas"]
    template: dict[str, Any] = {}
    restart = changed.get(Knob.RESTARTS)
    if restart is not None and restart.after > restart.before:
        template["metadata"] = {"annotations": {RESTARTED_AT: f"{now:%Y-%m-%dT%H:%M:%SZ}"}}
    elif owns(deployment, _RESTARTED_AT):
        at = deployment["spec"]["template"]["metadata"]["annotations"][RESTARTED_AT]
        template["metadata"] = {"annotations": {RESTARTED_AT: at}}
    serving = workload.container(options)
    containers = [
        {"name": one["name"], "resources": resources}
        for one in deployment["spec"]["template"]["spec"]["containers"]
        if (resources := _resources(deployment, one, changed if one is serving else {}))
    ]
    if containers:
        template["spec"] = {"containers": containers}
    return {**spec, **({"template": template} if template else {})}


def _resources(
    deployment: Object, container: Mapping[str, Any], changed: Mapping[Knob, Change]
) -> dict[str, dict[str, str]]:
    """What is ours already, and what the changes make of it."""
    found: dict[str, dict[str, str]] = {}
    for kind in ("requests", "limits"):
        for resource, value in resources_of(container, kind).items():
            if owns(deployment, (*container_path(container), "resources", kind, resource)):
                found.setdefault(kind, {})[resource] = value
    cpu, memory = changed.get(Knob.CPU_MILLICORES), changed.get(Knob.MEMORY_MIB)
    if cpu is not None:
        found.setdefault("requests", {})["cpu"] = f"{cpu.after}m"
        if millicores(resources_of(container, "limits").get("cpu")) == cpu.before:
            found.setdefault("limits", {})["cpu"] = f"{cpu.after}m"
    if memory is not None:
        found.setdefault("limits", {})["memory"] = f"{memory.after}Mi"
        request = mebibytes(resources_of(container, "requests").get("memory"))
        if request == memory.before:
            found.setdefault("requests", {})["memory"] = f"{memory.after}Mi"
        elif request is not None and memory.after <= request:
            raise AdapterError(
                f"a memory limit of {memory.after} MiB is not above the {request} MiB that are requested",
                permanent=True,
            )
    return found
