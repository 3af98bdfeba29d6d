"""Where the files of a telemetry store lie: a directory, or the memory of this process."""

from __future__ import annotations

import itertools
import os
import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from datetime import date
from pathlib import Path
from typing import Any, Final, Protocol
from urllib.parse import quote

import apsw

from sentinel.errors import StoreError

BUSY_MILLISECONDS: Final = 30_000
_STATEMENTS: Final = 512
"""Prepared statements a connection keeps, the most it can."""
_LOG_TRIES: Final = 500
_LOG_WAIT_SECONDS: Final = 0.01
CURRENT: Final = "current"
_FLAGS: Final = apsw.SQLITE_OPEN_READWRITE | apsw.SQLITE_OPEN_CREATE | apsw.SQLITE_OPEN_URI


def day_name(day: int) -> str:
    """The name of a day's file, without its suffix: `2026-03-04`. Days are counted from 0001-01-01."""
    return date.fromordinal(day + 1).isoformat()


def day_number(day: date) -> int:
    """Days since 0001-01-01."""
    return day.toordinal() - 1


class Place(Protocol):
    """Holds one database for each day, and `current`."""

    durable: bool

    def days(self) -> dict[int, int]:
        """The days there are files for, each with a number that is another one if the file is another one."""

    def uri(self, name: str, *, writable: bool) -> str:
        """The SQLite URI of one database."""

    def created(self, name: str) -> int:
        """Note that a database was opened for writing, and return its number."""

    def unlink(self, name: str) -> None:
        """Remove one database."""

    def written(self, name: str) -> float:
        """When a database was last written, in seconds since 1970; 0 if that is not known."""

    def size(self, name: str) -> tuple[int, int]:
        """Bytes of a database and of its write-ahead log."""


class Directory:
    """A directory on disk; one file a day."""

    durable = True

    def __init__(self, path: Path) -> None:
        try:
            path.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise StoreError(f"cannot make the telemetry directory {path}: {error.strerror}") from error
        self._path = path.absolute()

    def days(self) -> dict[int, int]:
        """The days there are files for, with their inodes."""
        found = {}
        with os.scandir(self._path) as entries:
            for entry in entries:
                stem, _, suffix = entry.name.partition(".")
                if suffix == "db" and stem != CURRENT:
                    with suppress(ValueError):
                        found[day_number(date.fromisoformat(stem))] = entry.inode()
        return found

    def uri(self, name: str, *, writable: bool) -> str:
        """The SQLite URI of one file."""
        mode = "rwc" if writable else "ro"
        return f"file:{quote(str(self._path / name))}.db?mode={mode}"

    def created(self, name: str) -> int:
        """The inode of the file that now has this name, 0 if there is none."""
        try:
            return (self._path / f"{name}.db").stat().st_ino
        except FileNotFoundError:
            return 0

    def unlink(self, name: str) -> None:
        """Remove a file with its log."""
        for suffix in (".db", ".db-wal", ".db-shm"):
            (self._path / f"{name}{suffix}").unlink(missing_ok=True)

    def written(self, name: str) -> float:
        """When a file or its log was last written, in seconds since 1970; 0 if there is none."""
        times = [0.0]
        for suffix in (".db", ".db-wal"):
            with suppress(FileNotFoundError):
                times.append((self._path / f"{name}{suffix}").stat().st_mtime)
        return max(times)

    def size(self, name: str) -> tuple[int, int]:
        """Bytes of a file and of its write-ahead log."""
        sizes = []
        for suffix in (".db", ".db-wal"):
            try:
                sizes.append((self._path / f"{name}{suffix}").stat().st_size)
            except FileNotFoundError:
                sizes.append(0)
        return sizes[0], sizes[1]


_spaces = itertools.count(1)


class Memory:
    """Databases in memory, seen by every connection of this process that knows their names."""

    durable = False

    def __init__(self) -> None:
        self._space = f"sentinel-{os.getpid()}-{next(_spaces)}"
        self._numbers = itertools.count(1)
        self._days: dict[str, int] = {}
        self._lock = threading.Lock()

    def days(self) -> dict[int, int]:
        """The days there are databases for."""
        with self._lock:
            return {
                day_number(date.fromisoformat(name)): number
                for name, number in self._days.items()
                if name != CURRENT
            }

    def uri(self, name: str, *, writable: bool) -> str:
        """The SQLite URI of one database."""
        number = self.created(name) if writable else self._days.get(name, 0)
        return f"file:/{self._space}/{name}-{number}?vfs=memdb"

    def created(self, name: str) -> int:
        """The number of a database, a new one if it was not there."""
        with self._lock:
            return self._days.setdefault(name, next(self._numbers))

    def unlink(self, name: str) -> None:
        """Forget a database; SQLite frees it with the last connection."""
        with self._lock:
            self._days.pop(name, None)

    def written(self, name: str) -> float:  # noqa: ARG002 - the port names it
        """Not known in memory."""
        return 0.0

    def size(self, name: str) -> tuple[int, int]:  # noqa: ARG002 - the port names it
        """Not known in memory."""
        return 0, 0


def connect(uri: str) -> apsw.Connection:
    """A connection that waits for its turn instead of failing when another process writes.

    Raises:
        StoreError: SQLite cannot open it.
    """
    try:
        connection = apsw.Connection(uri, flags=_FLAGS, statementcachesize=_STATEMENTS)
    except apsw.Error as error:
        raise StoreError(f"cannot open {uri}: {error}") from error
    connection.set_busy_timeout(BUSY_MILLISECONDS)
    return connection


def connect_writer(place: Place, name: str) -> apsw.Connection:
    """A connection for writing: write-ahead log, synced at every commit.

    Raises:
        StoreError: SQLite cannot open it.
    """
    connection = connect(place.uri(name, writable=True))
    try:
        if place.durable:
            _use_log(connection)
            connection.pragma("synchronous", "full")
            connection.pragma("wal_autocheckpoint", 4000)
        else:
            connection.pragma("journal_mode", "memory")
            connection.pragma("synchronous", "off")
        connection.pragma("cache_size", -8000)
    except apsw.Error as error:
        connection.close()
        raise StoreError(f"cannot open {name}.db for writing: {error}") from error
    return connection


def _use_log(connection: apsw.Connection) -> None:
    """Switch to the write-ahead log; only here SQLite does not wait for another process that does the same."""
    for _ in range(_LOG_TRIES - 1):
        try:
            connection.pragma("journal_mode", "wal")
        except apsw.BusyError:
            time.sleep(_LOG_WAIT_SECONDS)
        else:
            return
    connection.pragma("journal_mode", "wal")


def fetch(connection: apsw.Connection, sql: str, values: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
    """Every row of an answer."""
    rows: list[tuple[Any, ...]] = connection.execute(sql, values).fetchall()
    return rows
