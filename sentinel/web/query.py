"""`POST /v1/query`: KQL over HTTP as plain JSON; `GET /v1/schema`: what can be named in it."""

from __future__ import annotations

from typing import Final

import msgspec
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from sentinel.config import Role
from sentinel.errors import QueryError, QueryLimitExceeded, QueryTimedOut
from sentinel.model.plain import plain
from sentinel.query.completion import schema_document
from sentinel.web.answers import Refused
from sentinel.web.asking import Answered, Asking, Question
from sentinel.web.body import body_of
from sentinel.web.keys import Keys

_QUERY_BYTES: Final = 1 << 20
_WHOLE: Final = 1 << 31
"""Texts of results are not shortened."""


class _Body(msgspec.Struct, forbid_unknown_fields=True):
    query: str


class QueryPage:
    """Answers KQL with columns and rows."""

    def __init__(self, asking: Asking, keys: Keys) -> None:
        self._asking = asking
        self._keys = keys

    async def post(self, request: Request) -> Response:
        """Answer `{"query": "..."}` with `columns`, `rows` and `visualization`; an error names its place."""
        self._keys.holder(request, Role.READ)
        body = await body_of(request, _QUERY_BYTES)
        try:
            question = msgspec.json.decode(body, type=_Body)
        except msgspec.DecodeError as error:
            raise Refused(400, "BadBody", f'expected {{"query": "..."}}: {error}') from None
        try:
            shown = await self._asking.ask(request, Question(question.query), _shown)
        except QueryError as error:
            raise _refused(error) from None
        return Response(shown, media_type="application/json")

    async def schema(self, request: Request) -> Response:
        """Answer with everything an editor needs to complete a query."""
        self._keys.holder(request, Role.READ)
        return await run_in_threadpool(self._schema)

    def _schema(self) -> Response:
        said = msgspec.json.encode(schema_document(self._asking.tables))
        return Response(said, media_type="application/json")


def _shown(answered: Answered) -> bytes:
    result = answered.result
    names = [column.name for column in result.columns]
    said = {
        "columns": [{"name": column.name, "type": column.type.value} for column in result.columns],
        "rows": [[plain(row[name], _WHOLE) for name in names] for row in result.records()],
        "visualization": result.visualization,
    }
    return msgspec.json.encode(said)


def _refused(error: QueryError) -> Refused:
    line, column = error.line_and_column
    status = 400
    if isinstance(error, QueryLimitExceeded):
        status = 504 if isinstance(error, QueryTimedOut) else 413
    return Refused(status, error.code, error.message, line=line, column=column, hint=error.hint)
