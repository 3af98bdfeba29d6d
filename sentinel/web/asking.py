"""Queries asked over HTTP: a few at a time, each ended when whoever asked goes away.

They run on threads of their own, so that a slow query holds up neither ingest nor rules nor the other pages.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from starlette.requests import Request

from sentinel.clock import Clock, monotonic
from sentinel.errors import QueryError
from sentinel.model.tables import Table
from sentinel.query.engine import Engine
from sentinel.query.result import DEFAULT_LIMITS, Limits, Result
from sentinel.web.answers import Refused

_AT_ONCE: Final = 4
_WAITING: Final = 100
_RETRY_SECONDS: Final = 5


@dataclass(frozen=True, slots=True)
class Question:
    """A query and what it may cost.

    `within` are the ticks that hold every table's `TimeGenerated`, `resource` what holds its `_ResourceId`.
    """

    text: str
    limits: Limits = DEFAULT_LIMITS
    within: tuple[int, int] | None = None
    now: datetime | None = None
    """What `now()` means; the clock's time if not given."""
    resource: str = ""


@dataclass(frozen=True, slots=True)
class Answered:
    """What was answered, and the seconds it took."""

    result: Result
    seconds: float


Shape = Callable[[Answered], bytes]
"""Makes the body of an answer; it runs on the thread of the query, because large answers take a while to write."""


class Asking:
    """Runs queries for the pages.

    `waiting` is how many may be asked before more are turned away, `most_rows` how long any answer may be.
    """

    def __init__(
        self,
        engine: Engine,
        clock: Clock,
        *,
        at_once: int = _AT_ONCE,
        waiting: int = _WAITING,
        most_rows: int = DEFAULT_LIMITS.rows,
    ) -> None:
        self._engine = engine
        self._clock = clock
        self._threads = ThreadPoolExecutor(at_once, thread_name_prefix="query")
        self._waiting = waiting
        self._most_rows = most_rows
        self._asked = 0
        self._running: set[threading.Event] = set()
        self._ended = False

    @property
    def tables(self) -> Mapping[str, Table]:
        """The tables a query can read, by name."""
        return self._engine.tables

    async def ask(self, request: Request, question: Question, shape: Shape) -> bytes:
        """The body of the answer.

        Raises:
            QueryError: The query is refused, or a limit ran out.
            Refused: Too many queries wait already (429), the server ends (503), or whoever asked went away.
        """
        (answer,) = await self.ask_all(request, [(question, shape)])
        if isinstance(answer, QueryError):
            raise answer
        return answer

    async def ask_all(
        self, request: Request, questions: Sequence[tuple[Question, Shape]]
    ) -> list[bytes | QueryError]:
        """The body of each answer, or why there is none; the body of the request must have been read.

        Raises:
            Refused: Too many queries wait already (429), the server ends (503), or whoever asked went away.
        """
        if self._ended:
            raise _ending()
        if self._asked + len(questions) > self._waiting:
            raise Refused(
                429,
                "Throttled",
                f"{self._asked} queries wait for their answers already",
                headers={"Retry-After": str(_RETRY_SECONDS)},
            )
        cancel = threading.Event()
        self._running.add(cancel)
        self._asked += len(questions)
        answers = [
            asyncio.wrap_future(self._threads.submit(self._answer, question, shape, cancel))
            for question, shape in questions
        ]
        everything = asyncio.ensure_future(_each(answers))
        gone = asyncio.ensure_future(_gone(request))
        try:
            await asyncio.wait((everything, gone), return_when=asyncio.FIRST_COMPLETED)
            if not everything.done():
                raise Refused(499, "Disconnected", "whoever asked went away before the answer")
            if self._ended:
                raise _ending()
            return everything.result()
        finally:
            # Also when the server gives this request up: what still waits is dropped, what runs is told to stop.
            self._running.discard(cancel)
            cancel.set()
            gone.cancel()
            everything.cancel()
            for answer in answers:
                answer.cancel()
            self._asked -= len(questions)

    def _answer(self, question: Question, shape: Shape, cancel: threading.Event) -> bytes | QueryError:
        started = monotonic()
        limits = question.limits
        try:
            result = self._engine.query(
                question.text,
                now=question.now or self._clock.now(),
                limits=replace(limits, rows=min(limits.rows, self._most_rows)),
                cancel=cancel,
                within=question.within,
                resource=question.resource,
            )
        except QueryError as error:
            return error
        return shape(Answered(result, monotonic() - started))

    def end(self) -> None:
        """End every query and answer no more, 503 instead; called from the thread of the server."""
        self._ended = True
        for cancel in self._running:
            cancel.set()

    def close(self) -> None:
        """Wait for the queries that still run; their askers are gone, so they end at once."""
        self._threads.shutdown(cancel_futures=True)


def _ending() -> Refused:
    return Refused(503, "Ending", "the daemon is ending", headers={"Connection": "close"})


async def _each(answers: Sequence[asyncio.Future[bytes | QueryError]]) -> list[bytes | QueryError]:
    return [await answer for answer in answers]


async def _gone(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass
