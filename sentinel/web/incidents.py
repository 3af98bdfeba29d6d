"""Incidents over HTTP: listed, one in full, and what people decide of them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import AbstractContextManager
from typing import Any, Final, Literal

import msgspec
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from sentinel.clock import Clock
from sentinel.config import Role
from sentinel.errors import DecisionError
from sentinel.remediate.decisions import Decisions
from sentinel.report.incidents import IncidentDetail, incident_detail, incident_list
from sentinel.store.state import State
from sentinel.web.answers import Refused, answer
from sentinel.web.body import body_of
from sentinel.web.keys import Keys

OpenState = Callable[[], AbstractContextManager[State]]
"""Gives the state database to one thread at a time."""

Verb = Literal["approve", "deny", "undo"]
VERBS: Final[tuple[Verb, ...]] = ("approve", "deny", "undo")

_MOST: Final = 1000
_DECISION_BYTES: Final = 64 * 1024


class _Decision(msgspec.Struct, forbid_unknown_fields=True):
    reason: str = ""


class IncidentPages:
    """Reads incidents and stores decisions."""

    def __init__(self, state: OpenState, keys: Keys, clock: Clock) -> None:
        self._state = state
        self._keys = keys
        self._clock = clock

    async def list(self, request: Request) -> Response:
        """The newest incidents first; `?closed=false` leaves out the closed ones, `?limit=` how many at most."""
        self._keys.holder(request, Role.READ)
        closed = request.query_params.get("closed", "true").lower() != "false"
        limit = _limit(request.query_params.get("limit", "100"))

        def read() -> Any:
            with self._state() as state:
                return incident_list(state, closed=closed, limit=limit)

        return answer({"incidents": await run_in_threadpool(read)})

    async def get(self, request: Request) -> Response:
        """One incident with its transitions and actions."""
        self._keys.holder(request, Role.READ)
        incident_id = request.path_params["id"]

        def read() -> IncidentDetail | None:
            with self._state() as state:
                return incident_detail(state, incident_id)

        found = await run_in_threadpool(read)
        if found is None:
            raise Refused(404, "NotFound", f"there is no incident {incident_id}")
        return answer(found)

    def decide(self, verb: Verb) -> Callable[[Request], Awaitable[Response]]:
        """The page that approves, denies or undoes; its body may be `{"reason": "..."}`."""

        async def page(request: Request) -> Response:
            holder = self._keys.holder(request, Role.APPROVE)
            body = await body_of(request, _DECISION_BYTES)
            try:
                decision = msgspec.json.decode(body, type=_Decision) if body.strip() else _Decision()
            except msgspec.DecodeError as error:
                raise Refused(400, "BadBody", f'expected {{"reason": "..."}} or nothing: {error}') from None
            incident_id = request.path_params["id"]
            return await run_in_threadpool(self._decide, verb, incident_id, holder, decision.reason)

        return page

    def _decide(self, verb: Verb, incident_id: str, holder: str, reason: str) -> Response:
        with self._state() as state:
            decisions = Decisions(state, self._clock)
            verbs = {"approve": decisions.approve, "deny": decisions.deny, "undo": decisions.undo}
            if incident_detail(state, incident_id) is None:
                raise Refused(404, "NotFound", f"there is no incident {incident_id}")
            try:
                return answer(verbs[verb](incident_id, by=holder, reason=reason))
            except DecisionError as error:
                raise Refused(409, "Conflict", str(error)) from None


def _limit(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= _MOST:
        raise Refused(400, "BadParameter", f"limit must be 1 to {_MOST}, not {text!r}")
    return int(text)
