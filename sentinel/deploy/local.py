"""The adapter to a router on this machine, such as the demo's, by its control-plane calls."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

from sentinel.deploy.http_answers import is_permanent, rest_seconds
from sentinel.errors import AdapterError, Conflict, TargetNotFound
from sentinel.model.settings import AZUREML_KNOBS, Change, Deployment, Knob, Settings
from sentinel.model.target import Target, TargetKind, deployment

if TYPE_CHECKING:
    import httpx2

_NOT_FOUND: Final = 404
_CONFLICTS: Final = (409, 412)


class LocalAdapter:
    """Reads and changes the deployments of one router; threads may share it.

    Args:
        url: The address of the router's control plane, such as `http://127.0.0.1:9001`.
        timeout: Seconds a call may take.
    """

    def __init__(self, url: str, *, timeout: float = 5.0) -> None:
        import httpx2  # slow to import; a daemon without this adapter does without

        self._url = url
        self._transport_error = httpx2.TransportError
        self._client: httpx2.Client = httpx2.Client(base_url=url, timeout=timeout, trust_env=False)

    @property
    def name(self) -> str:
        """A short name for logs, metrics and rows."""
        return "local"

    @property
    def knobs(self) -> frozenset[Knob]:
        """The settings a router can change: all of them."""
        return AZUREML_KNOBS

    def close(self) -> None:
        """Close its connections."""
        self._client.close()

    def targets(self) -> Sequence[Target]:
        """The deployments the router serves; raises AdapterError when it does not answer."""
        listed = self._call("GET", "/deployments")["deployments"]
        return tuple(deployment(one["endpoint"], one["deployment"]) for one in listed)

    def describe(self, target: Target) -> Deployment:
        """The deployment as it is now; raises as the port says."""
        return _deployment(target, self._call("GET", _path(target)))

    def apply(self, target: Target, changes: Sequence[Change], *, expect: str, key: str) -> Deployment:
        """Make the changes if the revision is still `expect`; raises as the port says."""
        listed = [{"knob": one.knob.value, "before": one.before, "after": one.after} for one in changes]
        headers = {"If-Match": expect.encode(), "Idempotency-Key": key.encode()}
        answer = self._call("PATCH", _path(target), json={"changes": listed}, headers=headers)
        return _deployment(target, answer)

    def _call(self, method: str, path: str, **sent: Any) -> dict[str, Any]:
        try:
            response = self._client.request(method, path, **sent)
        except self._transport_error as error:
            raise AdapterError(f"{method} {self._url}{path}: {error!r}") from error
        if response.is_success:
            answer: dict[str, Any] = response.json()
            return answer
        raise _failure(f"{method} {self._url}{path}", response)


def _path(target: Target) -> str:
    if target.kind is not TargetKind.DEPLOYMENT:
        raise TargetNotFound(f"{target} is not a deployment")
    return "/deployments/" + "/".join(quote(name, safe="") for name in target.names)


def _failure(call: str, response: httpx2.Response) -> AdapterError:
    try:
        said = response.json()["error"]["message"]
    except (ValueError, KeyError, TypeError):
        said = response.text[:200]
    message = f"{call} answered {response.status_code}: {said}"
    if response.status_code == _NOT_FOUND:
        return TargetNotFound(message)
    if response.status_code in _CONFLICTS:
        return Conflict(message)
    rest = rest_seconds(response.headers)
    return AdapterError(message, permanent=is_permanent(response.status_code), retry_after=rest)


def _deployment(target: Target, said: Mapping[str, Any]) -> Deployment:
    return Deployment(
        target=target,
        settings=Settings(**said["settings"]),
        replicas=said["replicas"],
        ready_replicas=said["ready_replicas"],
        revision=said["revision"],
        updating=said["updating"],
        ceilings=tuple((Knob(knob), ceiling) for knob, ceiling in said["ceilings"].items()),
    )
