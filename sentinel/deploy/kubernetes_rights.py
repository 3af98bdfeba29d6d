"""Whether we may do in a cluster what the adapter does, asked of the cluster itself.

https://kubernetes.io/docs/reference/access-authn-authz/authorization/#checking-api-access
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from sentinel.deploy.kubernetes_api import Api

_READ: Final = ("get", "list")
_CHANGE: Final = ("patch",)
_RESOURCES: Final = (("apps", "deployments"), ("autoscaling", "horizontalpodautoscalers"))
_REVIEWS: Final = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"


def denied_rights(api: Api, namespaces: Sequence[str], *, changes: bool) -> str:
    """Every right that is missing, in one message that says how to give it; empty if none is.

    Raises:
        AdapterError: The API server refused the question or did not answer.
    """
    missing = [
        f"{verb} {resource}.{group} in namespace {namespace}"
        for namespace, verb, group, resource in _wanted(namespaces, changes=changes)
        if not _allowed(api, namespace, verb, group, resource)
    ]
    if not missing:
        return ""
    return (
        f"{api.server} does not allow us to {'; '.join(missing)}."
        " Bind the Role in docs/kubernetes.md to the user or service account Sentinel runs as"
    )


def _wanted(namespaces: Sequence[str], *, changes: bool) -> Iterator[tuple[str, str, str, str]]:
    for namespace in namespaces:
        for group, resource in _RESOURCES:
            for verb in (*_READ, *(_CHANGE if changes else ())):
                yield namespace, verb, group, resource


def _allowed(api: Api, namespace: str, verb: str, group: str, resource: str) -> bool:
    asked = {"namespace": namespace, "verb": verb, "group": group, "resource": resource}
    review = {
        "apiVersion": "authorization.k8s.io/v1",
        "kind": "SelfSubjectAccessReview",
        "spec": {"resourceAttributes": asked},
    }
    return bool(api.review(_REVIEWS, review)["status"].get("allowed"))
