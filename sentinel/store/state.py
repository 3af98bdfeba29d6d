"""`state.db`: small, precious, and changed only inside transactions."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from sentinel.errors import StoreError

if TYPE_CHECKING:
    from sqlite_utils import Database

_BUSY_SECONDS = 10.0


class State:
    """One connection to the state database, used by one thread at a time.

    Every thread and every process opens its own. A transaction takes the write lock when it begins, so what it
    reads is still true when it writes.
    """

    def __init__(self, database: Database) -> None:
        self.database = database

    @classmethod
    def open(cls, path: Path | None) -> State:
        """Open the database at `path`, in memory if `None`, and bring its schema up to date.

        Raises:
            StoreError: It cannot be opened, or was written by a newer Sentinel.
        """
        from sqlite_utils import Database

        from sentinel.store.schema import STEPS, migrations

        try:
            if path is not None:
                path.parent.mkdir(parents=True, exist_ok=True)
            connection = sqlite3.connect(
                ":memory:" if path is None else path,
                timeout=_BUSY_SECONDS,
                isolation_level=None,
                check_same_thread=False,
            )
            connection.execute("PRAGMA journal_mode=WAL")
            connection.execute("PRAGMA synchronous=FULL")
            database = Database(connection)
            if migrations.pending(database):
                migrations.apply(database)
            newer = {step.name for step in migrations.applied(database)} - STEPS
        except sqlite3.Error as error:
            raise StoreError(f"cannot open the state database {path}: {error}") from error
        if newer:
            connection.close()
            raise StoreError(f"{path} was written by a newer Sentinel (it has {', '.join(sorted(newer))})")
        return cls(database)

    @classmethod
    def open_read_only(cls, path: Path) -> State:
        """Open a database that is there to read from it only; writing raises.

        Raises:
            StoreError: It cannot be opened.
        """
        from sqlite_utils import Database

        try:
            connection = sqlite3.connect(
                f"{path.absolute().as_uri()}?mode=ro",
                uri=True,
                timeout=_BUSY_SECONDS,
                isolation_level=None,
                check_same_thread=False,
            )
            connection.execute("SELECT count(*) FROM sqlite_schema")
        except sqlite3.Error as error:
            raise StoreError(f"cannot read the state database {path}: {error}") from error
        return cls(Database(connection))

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All of the block's writes or none of them; nested blocks join the outer one."""
        connection = self.database.conn
        if connection.in_transaction:
            yield
            return
        connection.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            connection.execute("ROLLBACK")
            raise
        connection.execute("COMMIT")

    def insert(self, table: str, row: Mapping[str, object], *, or_else: str = "ABORT") -> None:
        """Add a row to a table; `or_else` says what becomes of one that is there: ABORT, IGNORE or REPLACE.

        Raises:
            sqlite3.IntegrityError: The row is there already.
        """
        places = ", ".join("?" * len(row))
        self.database.execute(
            f"INSERT OR {or_else} INTO {table}({', '.join(row)}) VALUES ({places})", list(row.values())
        )

    def shorten_log(self) -> None:
        """Move the write-ahead log into the database as far as readers allow, and empty it if all of it went."""
        self.database.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()

    def close(self) -> None:
        """Close the connection."""
        self.database.close()
