"""An engine over tables without rows, shared by the tests of this folder."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import apsw
import pytest

from sentinel.query.engine import Engine
from sentinel.store.scan import Scan

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
Ask = Callable[[str], list[tuple[Any, ...]]]


class NoRowsReader:
    """A reader of tables without rows."""

    def __init__(self) -> None:
        self.connection = apsw.Connection(":memory:")

    def scan_sql(self, scan: Scan) -> str:
        """No rows, with the columns asked for."""
        return "SELECT " + ", ".join(f'NULL AS "{name}"' for name in scan.columns) + " WHERE 0"

    def hold(self) -> None:
        """Nothing changes."""

    def may_hold(self, scan: Scan) -> bool:  # noqa: ARG002 - the port names it
        """It may."""
        return True

    def release(self) -> None:
        """Nothing to forget."""

    def close(self) -> None:
        """Close the connection."""
        self.connection.close()


class NoRows:
    """A store without rows."""

    def reader(self) -> NoRowsReader:
        """A new reader."""
        return NoRowsReader()


@pytest.fixture(scope="session")
def empty() -> Iterator[Engine]:
    engine = Engine(NoRows())
    yield engine
    engine.close()


@pytest.fixture(scope="session")
def ask(empty: Engine) -> Ask:
    return lambda text: empty.query(text, now=NOW).rows


@pytest.fixture(scope="session")
def names(empty: Engine) -> Callable[[str], list[str]]:
    return lambda text: [column.name for column in empty.check(text)]
