"""The databases of a home, opened for one command and closed behind it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING

from sentinel.cli.home import Home
from sentinel.errors import StoreError

if TYPE_CHECKING:
    from sentinel.store.state import State


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


def must_exist(home: Home) -> None:
    """Refuse a home nobody ever used: a mistyped path must not look like a quiet system.

    Raises:
        StoreError: There is no such directory.
    """
    if not home.directory.is_dir():
        raise StoreError(
            f"there is nothing at {home.directory}; `sentinel up` or `sentinel ingest` begins there"
        )
