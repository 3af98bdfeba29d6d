"""The state database for threads that need it now and then."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sentinel.store.state import State


class SharedState:
    """One connection, lent to one thread at a time."""

    def __init__(self, path: Path) -> None:
        self._lock = threading.Lock()
        self._state = State.open(path)

    @contextmanager
    def __call__(self) -> Iterator[State]:
        """Wait for the connection, and give it back after the block."""
        with self._lock:
            yield self._state

    def close(self) -> None:
        """Close the connection once nobody uses it."""
        with self._lock:
            self._state.close()
