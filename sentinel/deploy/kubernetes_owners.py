"""Who else sets what an object of Kubernetes holds: field managers, controllers, and GitOps tools."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

Object = Mapping[str, Any]
"""An object of Kubernetes as the API server's JSON says it."""

FIELD_MANAGER: Final = "sentinel-aml"
_GITOPS_MARKS: Final = (
    ("annotations", "argocd.argoproj.io/tracking-id", "Argo CD"),
    ("labels", "argocd.argoproj.io/instance", "Argo CD"),
    ("labels", "kustomize.toolkit.fluxcd.io/name", "Flux"),
    ("labels", "helm.toolkit.fluxcd.io/name", "Flux"),
)
"""https://argo-cd.readthedocs.io/en/stable/user-guide/resource_tracking/,
https://fluxcd.io/flux/components/kustomize/kustomizations/"""
GITOPS_MANAGERS: Final = {
    "argocd-controller": "Argo CD",
    "argocd-application-controller": "Argo CD",
    "kustomize-controller": "Flux",
    "helm-controller": "Flux",
}
"""The field managers of GitOps tools."""
_OURS: Final = (FIELD_MANAGER, "Apply")


def gitops_of(one: Object) -> str | None:
    """The GitOps tool that keeps an object as a repository says, with its mark, if there is one."""
    metadata = one["metadata"]
    for place, key, tool in _GITOPS_MARKS:
        value = (metadata.get(place) or {}).get(key)
        if value:
            return f"{tool} ({key}: {value})"
    for entry in metadata.get("managedFields") or ():
        tool = GITOPS_MANAGERS.get(entry.get("manager", ""), "")
        if tool and "f:spec" in (entry.get("fieldsV1") or {}):
            return f"{tool} (field manager {entry['manager']})"
    return None


def controller_of(one: Object) -> str | None:
    """The object that controls this one, as `ScaledObject chat`, if there is one."""
    for owner in one["metadata"].get("ownerReferences") or ():
        if owner.get("controller"):
            return f"{owner['kind']} {owner['name']}"
    return None


def owns(one: Object, path: Sequence[str]) -> bool:
    """Whether our field manager owns a field; `path` is written as in `fieldsV1`, without `f:`."""
    return any(_has(fields, path) for manager, fields in _entries(one) if manager == _OURS)


def applied_by(one: Object, path: Sequence[str]) -> list[str]:
    """The other field managers that declared a field by server-side apply, and would do so again.

    Who set it by an update has no standing claim
    (https://kubernetes.io/docs/reference/using-api/server-side-apply/#field-management).
    """
    return sorted(
        {
            manager
            for (manager, operation), fields in _entries(one)
            if operation == "Apply" and manager != FIELD_MANAGER and _has(fields, path)
        }
    )


def edits_of(one: Object, *, ignoring: str = "") -> list[tuple[str, str, str]]:
    """Who set something of its `spec` and when, as (time, manager, operation), the newest last.

    A manager that set nothing but the field `ignoring` of it is left out.
    """
    edits = []
    for entry in one["metadata"].get("managedFields") or ():
        spec = (entry.get("fieldsV1") or {}).get("f:spec") or {}
        if set(spec) - {f"f:{ignoring}", "."}:
            edits.append((entry.get("time") or "", entry.get("manager") or "", entry.get("operation") or ""))
    return sorted(edits)


def _entries(one: Object) -> Iterator[tuple[tuple[str, str], Mapping[str, Any]]]:
    for entry in one["metadata"].get("managedFields") or ():
        yield (entry.get("manager", ""), entry.get("operation", "")), entry.get("fieldsV1") or {}


def _has(fields: Mapping[str, Any], path: Sequence[str]) -> bool:
    inner: Any = fields
    for name in path:
        key = name if name.startswith("k:") else f"f:{name}"
        if not isinstance(inner, Mapping) or key not in inner:
            return False
        inner = inner[key]
    return True
