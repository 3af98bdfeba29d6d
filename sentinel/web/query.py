"""`POST /v1/query`: KQL over HTTP as plain JSON."""

from __future__ import annotations

from typing import Final

import msgspec
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from sentinel.clock import Clock
from sentinel.config import Role
from sentinel.errors import QueryError, QueryLimitExceeded
from sentinel.model.plain import plain
from sentinel.query.engine import Engine
from sentinel.query.result import Result
from sentinel.web.answers import Refused, answer
from sentinel.web.body import body_of
from sentinel.web.keys import Keys

_QUERY_BYTES: Final = 1 << 20
_WHOLE: Final = 1 << 31
"""Texts of results are not shortened."""


class _Question(msgspec.Struct, forbid_unknown_fields=True):
    query: str


class QueryPage:
    """Answers KQL with columns and rows."""

    def __init__(self, engine: Engine, keys: Keys, clock: Clock) -> None:
        self._engine = engine
        self._keys = keys
        self._clock = clock

    async def post(self, request: Request) -> Response:
        """Answer `{"query": "..."}` with `columns`, `rows` and `visualization`; an error names its place."""
        self._keys.holder(request, Role.READ)
        body = await body_of(request, _QUERY_BYTES)
        try:
            question = msgspec.json.decode(body, type=_Question)
        except msgspec.DecodeError as error:
            raise Refused(400, "BadBody", f'expected {{"query": "..."}}: {error}') from None
        now = self._clock.now()
        try:
            result = await run_in_threadpool(self._engine.query, question.query, now=now)
        except QueryError as error:
            raise _refused(error) from None
        return answer(await run_in_threadpool(_shown, result))


def _shown(result: Result) -> dict[str, object]:
    names = [column.name for column in result.columns]
    return {
        "columns": [{"name": column.name, "type": column.type.value} for column in result.columns],
        "rows": [[plain(row[name], _WHOLE) for name in names] for row in result.records()],
        "visualization": result.visualization,
    }


def _refused(error: QueryError) -> Refused:
    line, column = error.line_and_column
    status = 413 if isinstance(error, QueryLimitExceeded) else 400
    return Refused(status, error.code, error.message, line=line, column=column, hint=error.hint)
