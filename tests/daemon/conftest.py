from __future__ import annotations

import contextlib
import json
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest

from sentinel.daemon.access import ADMIN_KEY_FILE
from sentinel.daemon.lifecycle import ADDRESS_FILE

START = """
import sys
from pathlib import Path
from sentinel.daemon.lifecycle import run
from sentinel.errors import SentinelError
try:
    sys.exit(run(Path(sys.argv[1])))
except SentinelError as error:
    sys.exit(f"sentinel: {error}")
"""
SETTINGS = '[http]\nport = 0\n[log]\nformat = "json"\n'
PATIENCE = 20.0


class Running:
    """A real daemon in a process of its own."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.lines: list[str] = []
        self.process = subprocess.Popen(
            [sys.executable, "-c", START, str(home)], stderr=subprocess.PIPE, text=True
        )
        self._heard = threading.Condition()
        self._reader = threading.Thread(target=self._read)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stderr is not None
        for line in self.process.stderr:
            with self._heard:
                self.lines.append(line)
                self._heard.notify_all()

    def hears(self, text: str) -> bool:
        """Wait until a line with `text` is logged."""
        with self._heard:
            return self._heard.wait_for(lambda: any(text in line for line in self.lines), PATIENCE)

    @property
    def log(self) -> str:
        return "".join(self.lines)

    def client(self, key: str | None = None) -> httpx2.Client:
        assert self.hears('"event": "listening"'), self.log
        said = json.loads((self.home / ADDRESS_FILE).read_text())
        key = key or (self.home / ADMIN_KEY_FILE).read_text().strip()
        headers = {"Authorization": f"Bearer {key}"}
        return httpx2.Client(base_url=said["url"], headers=headers, trust_env=False, timeout=PATIENCE)

    def end(self, number: int = signal.SIGTERM) -> int:
        """Send a signal and return the exit code."""
        with contextlib.suppress(ProcessLookupError):
            self.process.send_signal(number)
        code = self.process.wait(PATIENCE)
        self._reader.join(PATIENCE)
        assert self.process.stderr is not None
        self.process.stderr.close()
        return code


Start = Callable[..., Running]


@pytest.fixture
def home(tmp_path: Path) -> Path:
    (tmp_path / "sentinel.toml").write_text(SETTINGS)
    return tmp_path


@pytest.fixture
def start(home: Path) -> Iterator[Start]:
    running: list[Running] = []

    def make(settings: str = "") -> Running:
        with (home / "sentinel.toml").open("a") as file:
            file.write(settings)
        running.append(Running(home))
        return running[-1]

    yield make
    for daemon in running:
        daemon.end(signal.SIGKILL)


def asked(client: httpx2.Client, query: str) -> list[list[Any]]:
    answer = client.post("/v1/query", json={"query": query})
    assert answer.status_code == 200, answer.text
    rows: list[list[Any]] = answer.json()["rows"]
    return rows
