"""Kusto's REST protocol: `/v1/rest/query`, `/v2/rest/query` and `/v1/rest/mgmt`.

https://learn.microsoft.com/kusto/api/rest/request
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, Final
from uuid import uuid4

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from sentinel.clock import Clock, to_ticks
from sentinel.config import Role
from sentinel.errors import QueryError, QueryLimitExceeded, QuerySyntaxError, QueryTimedOut
from sentinel.web.answers import Refused
from sentinel.web.asking import Answered, Asking
from sentinel.web.body import MEBIBYTE, body_of
from sentinel.web.cells import cells_of, iso
from sentinel.web.keys import Keys
from sentinel.web.kusto_commands import command_answer
from sentinel.web.kusto_frames import Rows, Told, one_api_error, one_table, version_1, version_2
from sentinel.web.kusto_properties import Properties
from sentinel.web.query_parameters import bind_parameters
from sentinel.web.workspaces import DEFAULT_NAME, Workspaces

Page = Callable[[Request], Awaitable[Response]]

_EXCEPTIONS: Final = {
    400: "Kusto.Data.Exceptions.KustoBadRequestException",
    429: "Kusto.Data.Exceptions.KustoServiceThrottledException",
    504: "Kusto.Data.Exceptions.KustoServiceTimeoutException",
}
_OTHER_EXCEPTION: Final = "Kusto.Data.Exceptions.KustoServiceException"


class _Body(msgspec.Struct):
    csl: str
    db: str | None = None
    properties: dict[str, Any] | str | None = None


class _Asker:
    """Who asks, as the headers of a request tell."""

    def __init__(self, request: Request) -> None:
        self.activity_id = str(uuid4())
        self.request_id = request.headers.get("x-ms-client-request-id") or f"unspecified;{self.activity_id}"

    @property
    def headers(self) -> dict[str, str]:
        """What goes with every answer."""
        return {"x-ms-client-request-id": self.request_id, "x-ms-activity-id": self.activity_id}

    def refusal(self, refused: Refused) -> Refused:
        """A refusal as Kusto words it."""
        said = one_api_error(
            refused.code,
            refused.message,
            _EXCEPTIONS.get(refused.status, _OTHER_EXCEPTION),
            refused.message,
            request_id=self.request_id,
            activity_id=self.activity_id,
            permanent=refused.status not in _PASSING,
        )["error"]
        more = {
            name: value for name, value in {**said, **refused.more}.items() if name not in {"code", "message"}
        }
        headers = {**(refused.headers or {}), **self.headers}
        return Refused(refused.status, refused.code, refused.message, headers=headers, **more)


_PASSING: Final = frozenset({429, 499, 500, 504})
"""Statuses after which the same request may succeed."""


class KustoPages:
    """Answers KQL as a Kusto cluster with one database does."""

    def __init__(self, asking: Asking, keys: Keys, clock: Clock, workspaces: Workspaces) -> None:
        self._asking = asking
        self._keys = keys
        self._clock = clock
        self._workspaces = workspaces

    def query(self, version: int) -> Page:
        """The page that answers queries in the frames of a version, 1 or 2."""

        async def page(request: Request) -> Response:
            asker = _Asker(request)
            try:
                return await self._query(request, asker, version)
            except Refused as refused:
                raise asker.refusal(refused) from None

        return page

    async def manage(self, request: Request) -> Response:
        """Answer a command such as `.show tables`."""
        asker = _Asker(request)
        try:
            body = await self._body(request)
            rows = command_answer(body.csl, self._database(body))
        except QueryError as error:
            raise asker.refusal(_refused(error)) from None
        except Refused as refused:
            raise asker.refusal(refused) from None
        return _json(one_table(rows), asker)

    async def _query(self, request: Request, asker: _Asker, version: int) -> Response:
        body = await self._body(request)
        if body.csl.lstrip().startswith("."):
            raise Refused(400, "General_BadRequest", "a management command is asked at /v1/rest/mgmt")
        properties = Properties.of(body.properties)

        def shape(answered: Answered) -> bytes:
            result = answered.result
            told = Told(
                asker.request_id,
                asker.activity_id,
                iso(to_ticks(self._clock.now())),
                answered.seconds,
                result.visualization,
                "" if len(result.rows) == properties.taken else result.cut,
                properties.deferred,
            )
            rows = Rows(result.columns, cells_of(result.columns, result.rows))
            return version_2(rows, told) if version == 2 else version_1(rows, told)  # noqa: PLR2004

        try:
            bound = bind_parameters(body.csl, properties.parameters)
        except QueryError as error:
            raise _refused(error) from None
        try:
            answer = await self._asking.ask(request, properties.question(bound.text), shape)
        except QueryError as error:
            raise _refused(bound.placed(error)) from None
        return _json(answer, asker)

    async def _body(self, request: Request) -> _Body:
        self._keys.holder(request, Role.READ)
        try:
            body = msgspec.json.decode(await body_of(request, MEBIBYTE), type=_Body)
        except msgspec.DecodeError as error:
            raise Refused(
                400, "General_BadRequest", f'expected {{"db": "...", "csl": "..."}}: {error}'
            ) from None
        if body.db and not self._workspaces.has(body.db):
            # Kusto's clients show no message of an answer that is 404.
            raise Refused(
                400,
                "BadRequest_EntityNotFound",
                f"Entity ID {body.db!r} of kind 'Database' was not found; this one is {self._workspaces.name!r}",
            )
        return body

    def _database(self, body: _Body) -> str:
        name = self._workspaces.name
        return body.db if name == DEFAULT_NAME and body.db else name


def _json(body: bytes, asker: _Asker) -> Response:
    return Response(body, headers=asker.headers, media_type="application/json")


def _refused(error: QueryError) -> Refused:
    if isinstance(error, QueryTimedOut):
        return Refused(504, "Timeout", f"Request is aborted due to timeout: {error.message}")
    if type(error) is QueryError:
        return Refused(500, "General_InternalServerError", error.message)
    kind = "Semantic error"
    if isinstance(error, QuerySyntaxError):
        kind = "Syntax error"
    elif isinstance(error, QueryLimitExceeded):
        kind = "Limit exceeded"
    line, column = error.line_and_column
    hint = f"; {error.hint}" if error.hint else ""
    said = f"Request is invalid and cannot be processed: {kind}: {error.code}: {error.message}{hint}"
    inner = {"code": error.code, "message": error.message, "line": line, "pos": column}
    return Refused(400, "General_BadRequest", f"{said} [line:position={line}:{column}]", innererror=inner)
