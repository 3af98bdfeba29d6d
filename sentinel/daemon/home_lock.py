"""One daemon a home directory."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from sentinel.errors import StoreError

_NAME: Final = "daemon.lock"


class HomeLock:
    """Held while a daemon runs; the kernel lets go of it however the process ends."""

    def __init__(self, home: Path) -> None:
        self._path = home / _NAME
        self._descriptor: int | None = None

    def __enter__(self) -> Self:
        """Take the lock.

        Raises:
            StoreError: Another process holds it, or the home directory cannot be written.
        """
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        except OSError as error:
            raise StoreError(f"cannot use the home directory {self._path.parent}: {error}") from error
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = os.read(descriptor, 32).decode(errors="replace").strip() or "unknown"
            os.close(descriptor)
            raise StoreError(
                f"a Sentinel daemon (process {holder}) already runs on {self._path.parent}; "
                "stop it first, or choose another directory with --home"
            ) from None
        os.truncate(descriptor, 0)
        os.write(descriptor, f"{os.getpid()}\n".encode())
        self._descriptor = descriptor
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Let go; the file stays, because removing it would race with the next daemon."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None
