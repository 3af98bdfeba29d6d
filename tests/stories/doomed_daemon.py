"""A real daemon that is killed without warning, again and again, on one home."""

from __future__ import annotations

import http.client
import json
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Final, Self

KEY: Final = "crash-test"
_START_SECONDS: Final = 60.0
_LOOK_SECONDS: Final = 0.01
_CALL_SECONDS: Final = 10.0


class Lost(Exception):
    """The daemon went away before it answered."""


class DoomedDaemon:
    """One life of a daemon: from its start to `kill -9`."""

    def __init__(self, home: Path, log: IO[bytes]) -> None:
        self._home = home
        self._log = Path(log.name)
        self._process = subprocess.Popen(
            [sys.executable, "-m", "sentinel", "--home", str(home), "up"], stdout=log, stderr=log
        )
        self._port = 0
        self._connections = threading.local()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.kill()

    def kill(self) -> None:
        """Kill it at once; harmless when it is dead."""
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGKILL)
        self._process.wait()

    @property
    def is_alive(self) -> bool:
        """Whether it runs."""
        return self._process.poll() is None

    def wait_until_ready(self) -> None:
        """Wait until it answers; an `AssertionError` if it ends or takes too long."""
        deadline = time.monotonic() + _START_SECONDS
        while time.monotonic() < deadline:
            assert self.is_alive, f"the daemon ended by itself: {self._log.read_text()[-2000:]}"
            if self._announced() and self._ready():
                self.hang_up()
                return
            time.sleep(_LOOK_SECONDS)
        raise AssertionError(f"the daemon was not ready within {_START_SECONDS:.0f} s")

    def _announced(self) -> bool:
        try:
            said = json.loads((self._home / "http.json").read_text())
        except (FileNotFoundError, json.JSONDecodeError):
            return False
        self._port = int(said["port"])
        return bool(said["process"] == self._process.pid)

    def _ready(self) -> bool:
        try:
            status, _ = self.call("GET", "/readyz")
        except Lost:
            return False
        return status == http.HTTPStatus.OK

    def post(self, records: list[dict[str, Any]]) -> bool:
        """Deliver records; whether they were acknowledged.

        Raises:
            Lost: It went away before it answered.
        """
        body = "\n".join(map(json.dumps, records)).encode()
        status, answer = self.call("POST", "/v1/records", body)
        assert status in (http.HTTPStatus.OK, http.HTTPStatus.TOO_MANY_REQUESTS), (status, answer)
        return status == http.HTTPStatus.OK

    def call(self, method: str, path: str, body: bytes | None = None) -> tuple[int, bytes]:
        """One request on this thread's connection.

        Raises:
            Lost: It went away before it answered.
        """
        connection = getattr(self._connections, "open", None)
        if connection is None:
            connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=_CALL_SECONDS)
            self._connections.open = connection
        try:
            connection.request(method, path, body, {"Authorization": f"Bearer {KEY}"})
            response = connection.getresponse()
            return response.status, response.read()
        except (OSError, http.client.HTTPException) as error:
            self.hang_up()
            raise Lost(str(error)) from error

    def hang_up(self) -> None:
        """Close this thread's connection."""
        connection = getattr(self._connections, "open", None)
        if connection is not None:
            connection.close()
            self._connections.open = None


def settings(more: str = "") -> str:
    """A `sentinel.toml` for a daemon under test."""
    return f"""
{more}
[http]
port = 0
[[http.keys]]
name = "test"
role = "admin"
value = "{KEY}"
[log]
level = "warning"
[health]
stale_after = "0s"
"""


def seed() -> int:
    """The seed of the random moments; set SENTINEL_CRASH_SEED to see a run again."""
    return int(os.environ.get("SENTINEL_CRASH_SEED", "20260304"))
