"""The adapter to a Kubernetes cluster: Deployments, and the HorizontalPodAutoscalers that scale them.

A change is a server-side apply of our own field manager. It is rehearsed first (`dryRun=All`) and then made with the
`resourceVersion` that was read, so that an edit in between makes it a conflict. As a `resourceVersion` changes whenever
a controller writes its status too, the revision that plans are compared by is a digest of what is set.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

import structlog

from sentinel.clock import Clock
from sentinel.deploy.kubernetes_api import Api, FieldConflict
from sentinel.deploy.kubernetes_change import body_of
from sentinel.deploy.kubernetes_rights import denied_rights
from sentinel.deploy.kubernetes_workload import TURNED, Options, Workload, names_of, read, scales
from sentinel.errors import AdapterError, Conflict, TargetNotFound
from sentinel.model.settings import Change, Deployment, Knob
from sentinel.model.target import Target, TargetKind, deployment

VERSIONS: Final = ("v2", "v2beta2", "v1")
"""The versions of `autoscaling` it speaks, the best one first."""
_TRIES: Final = 5
_log: Final = structlog.stdlib.get_logger("sentinel.kubernetes")


class KubernetesAdapter:
    """Reads and changes deployments in some namespaces of a cluster; threads may share it.

    Args:
        api: The cluster's API server.
        namespaces: Where deployments are looked for.
        options: How they are recognised, and what may be changed.
        clock: Where the time of a restart comes from.
        changes: Whether it may be asked to change something, so that the rights to do so are wanted at the start.
        versions: The versions of `autoscaling` to speak, the best one first; the first that is served is used.
    """

    def __init__(
        self,
        api: Api,
        namespaces: Sequence[str],
        options: Options,
        clock: Clock,
        *,
        changes: bool = True,
        versions: Sequence[str] = VERSIONS,
    ) -> None:
        self._api = api
        self._namespaces = tuple(namespaces)
        self._options = options
        self._clock = clock
        self._changes = changes
        self._versions = versions
        self._lock = threading.Lock()
        self._version = ""
        self._may = False
        self._places: dict[Target, tuple[str, str]] = {}

    @property
    def name(self) -> str:
        """A short name for logs, metrics and rows."""
        return "kubernetes"

    @property
    def knobs(self) -> frozenset[Knob]:
        """The settings that objects of Kubernetes hold."""
        return TURNED

    def close(self) -> None:
        """Close its connections."""
        self._api.close()

    def check(self) -> None:
        """Find out which version of `autoscaling` the cluster has, and whether we may do what we must.

        Raises:
            AdapterError: A right is missing (`permanent`), or the API server does not answer.
        """
        with self._lock:
            if not self._version:
                self._version = self._discovered()
            if not self._may:
                missing = denied_rights(self._api, self._namespaces, changes=self._changes)
                if missing:
                    raise AdapterError(missing, permanent=True)
                self._may = True

    def targets(self) -> Sequence[Target]:
        """The deployments of the namespaces that say which endpoint's they are; raises as the port says.

        Raises:
            AdapterError: Two say the same, or the API server does not answer.
        """
        self.check()
        places: dict[Target, tuple[str, str]] = {}
        for namespace in self._namespaces:
            for found in self._api.listed(f"/apis/apps/v1/namespaces/{namespace}/deployments"):
                names, name = names_of(found, self._options), found["metadata"]["name"]
                if names is None:
                    continue
                target = deployment(*names)
                if target in places:
                    other = "/".join(places[target])
                    raise AdapterError(
                        f"{namespace}/{name} and {other} both say they are {target.label}", permanent=True
                    )
                places[target] = namespace, name
        self._places = places
        return tuple(places)

    def describe(self, target: Target) -> Deployment:
        """The deployment as it is now; raises as the port says."""
        self.check()
        return read(target, self._workload(target), self._options)

    def apply(self, target: Target, changes: Sequence[Change], *, expect: str, key: str) -> Deployment:
        """Make the changes if the revision is still `expect`; raises as the port says."""
        self.check()
        for _ in range(_TRIES):
            workload = self._workload(target)
            now = read(target, workload, self._options)
            if key in workload.applied:
                return now
            self._refuse(now, workload, changes, expect)
            try:
                self._make(target, workload, changes, key)
            except Conflict:
                continue  # a controller wrote its status, or somebody edited it: reading again tells which
            return self.describe(target)
        raise Conflict(f"{target.label} is being written to all the time; nothing was changed")

    def _refuse(self, now: Deployment, workload: Workload, changes: Sequence[Change], expect: str) -> None:
        if now.revision != expect:
            raise Conflict(f"{now.target.label} was changed since it was read, last by {workload.last_edit}")
        if now.updating:
            raise Conflict(f"a rollout of {now.target.label} is in flight")
        for change in changes:
            why, ceiling = now.why_not(change.knob), now.ceiling(change.knob)
            if why is not None:
                raise AdapterError(why, permanent=True)
            if now.settings.value(change.knob) != change.before:
                raise Conflict(f"{change.knob} is {now.settings.value(change.knob)}, not {change.before}")
            if ceiling is not None and change.after > ceiling:
                raise AdapterError(f"{change} is above {ceiling}", permanent=True)

    def _make(self, target: Target, workload: Workload, changes: Sequence[Change], key: str) -> None:
        holder, body = body_of(workload, changes, self._options, key, self._clock.now())
        path, force = self._path_of(holder), False
        try:
            rehearsed = self._api.apply(path, body, dry_run=True, force=False)
        except FieldConflict as conflict:
            # What others declared is withheld from the start; these fields were only set once, by an update.
            force = True
            rehearsed = self._api.apply(path, body, dry_run=True, force=True)
            _log.info(
                "taking over",
                target=target.label,
                fields=sorted({f"{f} from {m}" for m, f in conflict.claims}),
            )
        after = read(target, _with(workload, rehearsed), self._options)
        wrong = [change for change in changes if after.settings.value(change.knob) != change.after]
        if wrong:
            got = ", ".join(f"{one.knob} {after.settings.value(one.knob)}" for one in wrong)
            raise AdapterError(f"the cluster makes something else of {target.label}: {got}", permanent=True)
        self._api.apply(path, body, dry_run=False, force=force)

    def _workload(self, target: Target) -> Workload:
        if target.kind is not TargetKind.DEPLOYMENT:
            raise TargetNotFound(f"{target} is no deployment")
        place = self._places.get(target)
        found = self._found(target, *place) if place is not None else None
        if found is None:
            self.targets()
            place = self._places.get(target)
            found = self._found(target, *place) if place is not None else None
        if place is None or found is None:
            where = ", ".join(self._namespaces)
            raise TargetNotFound(f"no Deployment of namespace {where} says that it is {target.label}")
        scaling = self._api.listed(self._autoscalers(place[0]))
        return Workload(found, tuple(self._typed(one) for one in scaling if scales(one, found)))

    def _found(self, target: Target, namespace: str, name: str) -> dict[str, Any] | None:
        try:
            found = self._api.get(f"/apis/apps/v1/namespaces/{namespace}/deployments/{name}")
        except TargetNotFound:
            return None
        return found if names_of(found, self._options) == target.names else None

    def _typed(self, autoscaler: Mapping[str, Any]) -> dict[str, Any]:
        """The items of a list do not say what they are."""
        return {**autoscaler, "apiVersion": f"autoscaling/{self._version}", "kind": "HorizontalPodAutoscaler"}

    def _autoscalers(self, namespace: str) -> str:
        return f"/apis/autoscaling/{self._version}/namespaces/{namespace}/horizontalpodautoscalers"

    def _path_of(self, holder: Mapping[str, Any]) -> str:
        namespace, name = holder["metadata"]["namespace"], holder["metadata"]["name"]
        if holder["kind"] == "Deployment":
            return f"/apis/apps/v1/namespaces/{namespace}/deployments/{name}"
        return f"{self._autoscalers(namespace)}/{name}"

    def _discovered(self) -> str:
        served = {one["version"] for one in self._served_versions()}
        for version in self._versions:
            if version in served:
                return version
        raise AdapterError(
            f"{self._api.server} serves autoscaling {', '.join(sorted(served)) or 'in no version'};"
            f" this adapter speaks {', '.join(self._versions)}",
            permanent=True,
        )

    def _served_versions(self) -> Iterator[dict[str, Any]]:
        try:
            yield from self._api.get("/apis/autoscaling")["versions"]
        except TargetNotFound:
            return


def _with(workload: Workload, changed: Mapping[str, Any]) -> Workload:
    """The workload with one object as it would be after a change."""
    uid = changed["metadata"]["uid"]
    if uid == workload.deployment["metadata"]["uid"]:
        return Workload(changed, workload.autoscalers)
    scaling = (changed if one["metadata"]["uid"] == uid else one for one in workload.autoscalers)
    return Workload(workload.deployment, tuple(scaling))
