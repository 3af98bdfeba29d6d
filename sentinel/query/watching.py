"""Holds a query to its limits while it runs."""

from __future__ import annotations

import os
import threading
import time
from functools import cache
from typing import Final

import apsw

from sentinel.errors import (
    QueryCancelled,
    QueryError,
    QueryLimitExceeded,
    QuerySemanticError,
    QueryTimedOut,
    QueryUnsupported,
)
from sentinel.query.result import Limits

_STEPS_BETWEEN_LOOKS: Final = 5_000
_LOOKS_BETWEEN_WEIGHINGS: Final = 20
_PAGE: Final = os.sysconf("SC_PAGE_SIZE")


@cache
def _statm(process: int) -> int | None:
    """What tells of a process's memory, kept open; None where the system does not tell."""
    try:
        return os.open(f"/proc/{process}/statm", os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return None


def _resident() -> int:
    """The bytes of memory this process holds; 0 where the system does not tell."""
    told = _statm(os.getpid())
    return 0 if told is None else int(os.pread(told, 100, 0).split()[1]) * _PAGE


class Watched:
    """Stops what runs on a connection when its time or memory is used up, or someone asks.

    Memory is what the whole process grew by since the query began: SQLite's own limit would hold for every
    connection, that of the writer too.
    """

    def __init__(
        self, connection: apsw.Connection, limits: Limits, cancel: threading.Event | None, text: str
    ) -> None:
        self._connection = connection
        self._limits = limits
        self._cancel = cancel
        self._text = text
        self._until = time.monotonic() + limits.seconds
        self._most = _resident() + limits.memory_bytes
        self._looks = 0
        self._heavy = False

    def _look(self) -> bool:
        self._looks += 1
        if self._looks % _LOOKS_BETWEEN_WEIGHINGS == 0 and _resident() > self._most:
            self._heavy = True
        cancelled = self._cancel is not None and self._cancel.is_set()
        return self._heavy or cancelled or time.monotonic() > self._until

    def __enter__(self) -> None:
        self._connection.limit(apsw.SQLITE_LIMIT_LENGTH, self._limits.value_bytes)
        self._connection.set_progress_handler(self._look, _STEPS_BETWEEN_LOOKS)

    def __exit__(self, kind: object, error: BaseException | None, _: object) -> None:
        self._connection.set_progress_handler(None)
        if isinstance(error, apsw.InterruptError):
            raise self._stopped() from None
        if isinstance(error, apsw.TooBigError):
            size = f"{self._limits.value_bytes} bytes"
            raise QueryLimitExceeded(f"a value is larger than {size}", None, self._text) from None
        if isinstance(error, apsw.NoMemError | MemoryError):
            raise QueryLimitExceeded("the query ran out of memory", None, self._text) from None
        if isinstance(error, OverflowError):
            what = "a whole number of more than 64 bits is not supported"
            raise QueryUnsupported(what, None, self._text) from None
        if isinstance(error, RecursionError):
            raise QueryLimitExceeded("a value has too many levels", None, self._text) from None
        from sentinel.query.regexes import EndlessRegex, UnusableRegex

        if isinstance(error, UnusableRegex):
            raise QuerySemanticError(str(error), None, self._text) from None
        if isinstance(error, EndlessRegex):
            raise QueryTimedOut(
                str(error), None, self._text, "say more exactly what may come again"
            ) from None
        if isinstance(error, apsw.Error):
            raise QueryError(f"the store could not answer: {error}", None, self._text) from error

    def _stopped(self) -> QueryLimitExceeded:
        if self._cancel is not None and self._cancel.is_set():
            return QueryCancelled("the query was cancelled", None, self._text)
        if self._heavy:
            most = self._limits.memory_bytes
            hint = "aggregate earlier, or ask for a shorter time"
            return QueryLimitExceeded(
                f"the query needs more than {most} bytes of memory", None, self._text, hint
            )
        return QueryTimedOut(f"the query took more than {self._limits.seconds:g} s", None, self._text)
