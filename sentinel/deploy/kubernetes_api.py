"""The calls of the Kubernetes API that the adapter makes, with its answers as the port's errors.

https://kubernetes.io/docs/reference/using-api/api-concepts/
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, Final

import stamina

from sentinel.deploy.http_answers import TOO_MANY, is_permanent, rest_seconds
from sentinel.deploy.kubernetes_access import Access
from sentinel.deploy.kubernetes_owners import FIELD_MANAGER
from sentinel.errors import AdapterError, Conflict, TargetNotFound

if TYPE_CHECKING:
    import httpx2

_UNAUTHORIZED: Final = 401
_NOT_FOUND: Final = 404
_CONFLICT: Final = 409
_PAGE: Final = 500
_ATTEMPTS: Final = 3
_PATIENCE_SECONDS: Final = 2.0
"""A call waits this long at most before it is made again; what must wait longer is the caller's to repeat."""


class FieldConflict(AdapterError):
    """Fields belong to other managers that declared them by server-side apply; `claims` are (manager, field)."""

    def __init__(self, message: str, claims: tuple[tuple[str, str], ...]) -> None:
        super().__init__(message, permanent=True)
        self.claims = claims


class _TurnedAway(AdapterError):
    """The server has too much to do and did not begin."""


class Api:
    """One API server; threads may share it.

    Args:
        access: Where it is and who asks.
        timeout: Seconds a call may take.
    """

    def __init__(self, access: Access, *, timeout: float = 10.0) -> None:
        import httpx2  # slow to import; a daemon without this adapter does without

        self._access = access
        self._transport_error = httpx2.TransportError
        self._client: httpx2.Client = httpx2.Client(
            base_url=access.server,
            verify=access.tls,
            timeout=timeout,
            trust_env=False,
            proxy=access.proxy or None,
            headers={"User-Agent": FIELD_MANAGER, "Accept": "application/json"},
        )

    @property
    def server(self) -> str:
        """Its address, for messages."""
        return self._access.server

    def close(self) -> None:
        """Close its connections."""
        self._client.close()

    def get(self, path: str, **parameters: str | int) -> dict[str, Any]:
        """An object or a list.

        Raises:
            TargetNotFound: There is none.
            AdapterError: The server refused or did not answer.
        """
        return self._patiently(lambda: self._call("GET", path, params=parameters), repeatable=True)

    def listed(self, path: str) -> Iterator[dict[str, Any]]:
        """All objects of a collection, page by page; raises as `get`."""
        page = self.get(path, limit=_PAGE)
        while True:
            yield from page.get("items") or ()
            more = (page.get("metadata") or {}).get("continue")
            if not more:
                return
            page = self.get(path, **{"limit": _PAGE, "continue": more})

    def review(self, path: str, body: Mapping[str, Any]) -> dict[str, Any]:
        """Ask what is stored nowhere, such as an access review; raises as `get`."""
        return self._patiently(lambda: self._call("POST", path, json=body), repeatable=True)

    def apply(self, path: str, body: Mapping[str, Any], *, dry_run: bool, force: bool) -> dict[str, Any]:
        """Server-side apply as our field manager, and return the object as it is then.

        https://kubernetes.io/docs/reference/using-api/server-side-apply/

        Raises:
            Conflict: `metadata.resourceVersion` of the body is not the object's any more.
            FieldConflict: A field belongs to somebody else, and `force` is not given.
            TargetNotFound: There is no such object.
            AdapterError: The server refused or did not answer.
        """
        import json

        parameters = {"fieldManager": FIELD_MANAGER, "force": str(force).lower()}
        if dry_run:
            parameters["dryRun"] = "All"
        sent = json.dumps(body).encode()  # JSON is YAML
        headers = {"Content-Type": "application/apply-patch+yaml"}
        return self._patiently(
            lambda: self._call("PATCH", path, params=parameters, content=sent, headers=headers),
            repeatable=dry_run,
        )

    def _patiently(self, call: Callable[[], dict[str, Any]], *, repeatable: bool) -> dict[str, Any]:
        """Call again after a short rest where that is harmless: a call turned away (429) was not begun."""

        def again(error: Exception) -> bool | float:
            if not isinstance(error, AdapterError) or error.permanent or isinstance(error, Conflict):
                return False
            if isinstance(error, _TurnedAway):
                return min(error.retry_after or 0.0, _PATIENCE_SECONDS)
            return repeatable

        for attempt in stamina.retry_context(
            on=again, attempts=_ATTEMPTS, timeout=3 * _PATIENCE_SECONDS, wait_max=_PATIENCE_SECONDS
        ):
            with attempt:
                return call()
        raise AssertionError("the last attempt raises")

    def _call(self, method: str, path: str, **sent: Any) -> dict[str, Any]:
        response = self._sent(method, path, sent, renewed=False)
        if response.status_code == _UNAUTHORIZED:
            response = self._sent(method, path, sent, renewed=True)
        if response.is_success:
            answer: dict[str, Any] = response.json()
            return answer
        raise _failure(f"{method} {self._access.server}{path}", response)

    def _sent(self, method: str, path: str, sent: dict[str, Any], *, renewed: bool) -> httpx2.Response:
        token = self._access.credential.token(renewed=renewed)
        headers = {**sent.get("headers", {}), **({"Authorization": f"Bearer {token}"} if token else {})}
        extensions = {"sni_hostname": self._access.server_name} if self._access.server_name else {}
        try:
            return self._client.request(method, path, **{**sent, "headers": headers}, extensions=extensions)
        except self._transport_error as error:
            raise AdapterError(f"{method} {self._access.server}{path}: {error!r}") from error


def _failure(call: str, response: httpx2.Response) -> AdapterError:
    status = _status_of(response)
    code, said = response.status_code, status.get("message") or response.text[:200]
    message = f"{call} answered {code}: {said}"
    if code == _NOT_FOUND:
        return TargetNotFound(message)
    if code == _CONFLICT:
        claims = _claims(status)
        return FieldConflict(message, claims) if claims else Conflict(message)
    rest = rest_seconds(response.headers)
    if code == TOO_MANY:
        return _TurnedAway(message, retry_after=1.0 if rest is None else rest)
    return AdapterError(message, permanent=is_permanent(code), retry_after=rest)


def _status_of(response: httpx2.Response) -> Mapping[str, Any]:
    try:
        said = response.json()
    except ValueError:
        return {}
    return said if isinstance(said, dict) else {}


def _claims(status: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
    """Whose fields they are, by the causes of the answer, whose messages name the manager in quotes."""
    causes = (status.get("details") or {}).get("causes") or ()
    return tuple(
        (str(cause.get("message", "")).partition('"')[2].partition('"')[0], str(cause.get("field", "")))
        for cause in causes
        if cause.get("reason") == "FieldManagerConflict"
    )
