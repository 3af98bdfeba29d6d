"""The databases of a home, opened for one command and closed behind it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING

from sentinel.cli.home import Home
from sentinel.errors import StoreError

if TYPE_CHECKING:
    from sentinel.query.engine import Engine
    from sentinel.store.state import State
    from sentinel.store.telemetry import TelemetryStore


@contextmanager
def opened_state(home: Home) -> Iterator[State]:
    """The state database of a home that was used before.

    Raises:
        StoreError: There is no such home, or its state cannot be opened.
    """
    from sentinel.store.state import State

    must_exist(home)
    with closing(State.open(home.state)) as state:
        yield state


@contextmanager
def opened_engine(home: Home) -> Iterator[Engine]:
    """KQL over the telemetry of a home that was used before, whether or not a daemon runs on it.

    Raises:
        StoreError: There is no such home, or its telemetry cannot be opened.
    """
    from sentinel.query.engine import Engine
    from sentinel.store.telemetry import TelemetryStore

    must_exist(home)
    with TelemetryStore.open(home.telemetry) as store, closing(Engine(store)) as engine:
        yield engine


@contextmanager
def opened_telemetry(home: Home) -> Iterator[TelemetryStore]:
    """The telemetry of a home, which is made if it is not there.

    Raises:
        StoreError: It cannot be opened.
    """
    from sentinel.store.telemetry import TelemetryStore

    with TelemetryStore.open(home.telemetry) as store:
        yield store


def must_exist(home: Home) -> None:
    """Refuse a home nobody ever used: a mistyped path must not look like a quiet system.

    Raises:
        StoreError: There is no such directory.
    """
    if not home.directory.is_dir():
        raise StoreError(
            f"there is nothing at {home.directory}; `sentinel up` or `sentinel ingest` begins there"
        )
