"""Where a world keeps its state: in a file that every process opens for itself, or in memory, which costs least."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Final

from sqlite_utils import Database

from sentinel.store.state import State

FASTEST: Final = "/dev/shm" if Path("/dev/shm").is_dir() else None
"""Where files cost least: not the disk is tested here."""


@cache
def _empty() -> bytes:
    """A state database in which nothing happened yet."""
    state = State.open(None)
    try:
        return state.database.conn.serialize()
    finally:
        state.close()


def in_file(path: Path) -> Callable[[], State]:
    """Opens a new state database in a file, again and again."""
    for leftover in path.parent.glob(f"{path.name}*"):
        leftover.unlink()
    path.write_bytes(_empty())
    return lambda: State.open(path)


def in_memory(connection: sqlite3.Connection) -> Callable[[], State]:
    """Opens a new state database in memory; who opens it again finds what was written, and no open transaction."""
    connection.deserialize(_empty())
    database = Database(connection)

    class Kept(State):
        """What is written outlives whoever wrote it."""

        def close(self) -> None:
            """As when its process ends: what was not committed is gone."""
            if connection.in_transaction:
                connection.rollback()

    return lambda: Kept(database)


def a_connection() -> sqlite3.Connection:
    """A connection for `in_memory`, which lasts for many worlds."""
    return sqlite3.connect(":memory:", isolation_level=None)
