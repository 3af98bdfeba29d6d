"""Log Analytics' query protocol: `/v1/workspaces/{id}/query`, `/v1{resource id}/query` and `/v1/$batch`.

Shapes: the published OpenAPI description of the Log Analytics data plane, version v1
(https://github.com/Azure/azure-rest-api-specs), and
https://learn.microsoft.com/azure/azure-monitor/logs/api/errors.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, TypeVar

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from sentinel.clock import Clock, to_ticks
from sentinel.config import Role
from sentinel.errors import (
    QueryError,
    QueryLimitExceeded,
    QuerySemanticError,
    QuerySyntaxError,
    QueryTimedOut,
    QueryUnsupported,
)
from sentinel.query.result import DEFAULT_LIMITS, Limits
from sentinel.web.answers import Refused
from sentinel.web.asking import Answered, Asking, Question, Shape
from sentinel.web.body import MEBIBYTE, body_of
from sentinel.web.cells import cells_of
from sentinel.web.keys import Keys
from sentinel.web.timespan import ticks_within
from sentinel.web.workspaces import Workspaces

_ANSWER_BYTES: Final = 100 * MEBIBYTE
_WAIT_SECONDS: Final = 180
_LONGEST_WAIT_SECONDS: Final = 600
_MOST_IN_BATCH: Final = 100
_encode: Final = msgspec.json.Encoder().encode

_INNER: Final[Sequence[tuple[type[QueryError], str, str]]] = (
    (QuerySyntaxError, "SyntaxError", "A recognition error occurred in the query."),
    (QuerySemanticError, "SemanticError", "A semantic error occurred."),
    (QueryUnsupported, "UnsupportedError", "The query asks for what is not answered here."),
    (QueryLimitExceeded, "QueryValidationError", "The query is larger than it may be."),
)


class _Body(msgspec.Struct):
    query: str
    timespan: str | None = None
    workspaces: list[str] | None = None


class _BatchRequest(msgspec.Struct):
    id: str
    workspace: str
    body: _Body
    headers: dict[str, str] | None = None
    path: str = "/query"
    method: str = "POST"


class _Batch(msgspec.Struct):
    requests: list[_BatchRequest]


_Asked = TypeVar("_Asked", _Body, _Batch)


@dataclass(frozen=True, slots=True)
class _Preferences:
    """What the header `Prefer` asks for."""

    wait: int = _WAIT_SECONDS
    statistics: bool = False
    render: bool = False

    @classmethod
    def of(cls, header: str) -> _Preferences:
        """The preferences of a header such as `wait=30,include-statistics=true`; unknown ones are passed over."""
        named = dict(part.strip().lower().partition("=")[::2] for part in header.replace(";", ",").split(","))
        wait = named.get("wait", "")
        return cls(
            min(int(wait), _LONGEST_WAIT_SECONDS) if wait.isdecimal() else _WAIT_SECONDS,
            named.get("include-statistics") == "true",
            named.get("include-render") == "true",
        )


class LogAnalyticsPages:
    """Answers KQL as a Log Analytics workspace does."""

    def __init__(self, asking: Asking, keys: Keys, clock: Clock, workspaces: Workspaces) -> None:
        self._asking = asking
        self._keys = keys
        self._clock = clock
        self._workspaces = workspaces

    async def get(self, request: Request) -> Response:
        """Answer `?query=...&timespan=...&workspaces=a,b`."""
        self._keys.holder(request, Role.READ)
        given = request.query_params
        if "query" not in given:
            raise _bad("the parameter query is missing", "query")
        workspaces = [name for name in given.get("workspaces", "").split(",") if name]
        body = _Body(given["query"], given.get("timespan"), workspaces)
        return await self._one(request, body)

    async def post(self, request: Request) -> Response:
        """Answer `{"query": "...", "timespan": "PT1H", "workspaces": [...]}`."""
        self._keys.holder(request, Role.READ)
        return await self._one(request, _decoded(await body_of(request, MEBIBYTE), _Body))

    async def resource(self, request: Request) -> Response:
        """Answer as `post` does from the rows of one Azure resource and of what lies below it."""
        self._keys.holder(request, Role.READ)
        resource = "/" + request.path_params["resource"].strip("/")
        if not resource.lower().startswith("/subscriptions/"):
            raise Refused(404, "PathNotFoundError", f"{resource} is no id of a resource")
        body = _decoded(await body_of(request, MEBIBYTE), _Body)
        return await self._one(request, body, resource)

    async def batch(self, request: Request) -> Response:
        """Answer each of `{"requests": [...]}` by itself; one that fails does not fail the others."""
        self._keys.holder(request, Role.READ)
        requests = _decoded(await body_of(request, MEBIBYTE), _Batch).requests
        if len(requests) > _MOST_IN_BATCH:
            raise _bad(f"a batch has at most {_MOST_IN_BATCH} requests, not {len(requests)}", "requests")
        said: dict[int, Refused] = {}
        asked: dict[int, tuple[Question, Shape]] = {}
        for at, one in enumerate(requests):
            try:
                asked[at] = self._asked_in_batch(one)
            except Refused as refused:
                said[at] = refused
        answers = await self._asking.ask_all(request, list(asked.values()))
        found: dict[int, bytes] = {}
        for at, answer in zip(asked, answers, strict=True):
            if isinstance(answer, QueryError):
                said[at] = _refused(answer)
            else:
                found[at] = answer
        return _json(
            {"responses": [_response(one.id, found.get(at), said.get(at)) for at, one in enumerate(requests)]}
        )

    def _asked_in_batch(self, one: _BatchRequest) -> tuple[Question, Shape]:
        if one.path != "/query" or one.method.upper() != "POST":
            raise _bad(f"a batch asks by POST /query, not {one.method} {one.path}", "path")
        headers = {name.lower(): value for name, value in (one.headers or {}).items()}
        return self._asked(one.workspace, one.body, headers.get("prefer", ""))

    async def _one(self, request: Request, body: _Body, resource: str = "") -> Response:
        workspace = request.path_params.get("workspace", self._workspaces.name)
        question, shape = self._asked(workspace, body, ",".join(request.headers.getlist("prefer")))
        question = replace(question, resource=resource)
        try:
            return Response(await self._asking.ask(request, question, shape), media_type="application/json")
        except QueryError as error:
            raise _refused(error) from None

    def _asked(self, workspace: str, body: _Body, prefer: str) -> tuple[Question, Shape]:
        self._workspaces.check(workspace, body.workspaces or ())
        preferred = _Preferences.of(prefer)
        now = self._clock.now()
        try:
            within = ticks_within(body.timespan, to_ticks(now)) if body.timespan else None
        except ValueError as error:
            raise _bad(str(error), "timespan") from None
        limits = Limits(DEFAULT_LIMITS.rows, preferred.wait, _ANSWER_BYTES, partial=True)
        return Question(body.query, limits, within, now), lambda answered: _shaped(answered, preferred)


def _shaped(answered: Answered, preferred: _Preferences) -> bytes:
    result = answered.result
    said: dict[str, Any] = {
        "tables": [
            {
                "name": "PrimaryResult",
                "columns": [{"name": column.name, "type": column.type.value} for column in result.columns],
                "rows": cells_of(result.columns, result.rows),
            }
        ]
    }
    if preferred.statistics:
        counted = [{"tableRowCount": len(result.rows)}]
        said["statistics"] = {"query": {"executionTime": answered.seconds, "datasetStatistics": counted}}
    if preferred.render:
        said["render"] = {"visualization": result.visualization}
    if result.cut:
        engine = {
            "code": "EngineError",
            "message": "Something went wrong processing the query.",
            "innererror": {"code": QueryLimitExceeded.code, "message": f"{result.cut}; the rest is missing"},
        }
        said["error"] = {
            "code": "PartialError",
            "message": "There were some errors when processing your query.",
            "details": [engine],
            "innererror": engine,
        }
    return _encode(said)


def _response(name: str, body: bytes | None, refused: Refused | None) -> dict[str, Any]:
    if refused is not None:
        error = {"code": refused.code, "message": refused.message, **refused.more}
        return {"id": name, "status": refused.status, "headers": {}, "body": {"error": error}}
    return {"id": name, "status": 200, "headers": {}, "body": msgspec.Raw(body or b"{}")}


def _refused(error: QueryError) -> Refused:
    if isinstance(error, QueryTimedOut):
        inner = {"code": error.code, "message": error.message}
        return Refused(504, "GatewayTimeout", "The query took too long.", innererror=inner)
    for kind, code, message in _INNER:
        if isinstance(error, kind):
            wrong: dict[str, Any] = {"code": code, "message": message, "innererror": _placed(error)}
            return Refused(
                400, "BadArgumentError", "The request had some invalid properties", innererror=wrong
            )
    inner = {"code": error.code, "message": error.message}
    return Refused(500, "InternalServerError", "The query could not be answered.", innererror=inner)


def _placed(error: QueryError) -> dict[str, Any]:
    message = f"{error.message}; {error.hint}" if error.hint else error.message
    said: dict[str, Any] = {"code": error.code, "message": message}
    if error.span is not None:
        said["line"], said["pos"] = error.line_and_column
        said["token"] = error.text[error.span.start : error.span.end]
    return said


def _bad(message: str, target: str) -> Refused:
    inner = {"code": "InvalidParameter", "message": message, "target": target}
    return Refused(400, "BadArgumentError", "The request had some invalid properties", innererror=inner)


def _decoded(body: bytes, kind: type[_Asked]) -> _Asked:
    try:
        return msgspec.json.decode(body, type=kind)
    except msgspec.DecodeError as error:
        raise _bad(str(error), "body") from None


def _json(value: Any) -> Response:
    return Response(_encode(value), media_type="application/json")
