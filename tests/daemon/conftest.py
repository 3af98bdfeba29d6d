from __future__ import annotations

import contextlib
import json
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from queue import Queue
from typing import Any

import httpx2
import pytest

from sentinel.daemon.access import ADMIN_KEY_FILE
from sentinel.daemon.lifecycle import ADDRESS_FILE

START = """
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from queue import Queue
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
        self._silent = False
        self._reader = threading.Thread(target=self._read)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stderr is not None
        for line in self.process.stderr:
            with self._heard:
                self.lines.append(line)
                self._heard.notify_all()
        with self._heard:
            self._silent = True
            self._heard.notify_all()

    def hears(self, text: str) -> bool:
        """Whether a line with `text` is logged before the process ends or patience does."""
        with self._heard:
            self._heard.wait_for(lambda: self._silent or text in self.log, PATIENCE)
            return text in self.log

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
        sys.stderr.write(self.log)  # pytest shows it with a failure
        return code


class Receiver(ThreadingHTTPServer):
    """Remembers the notices it gets; answers none while `answers` is not set."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Hook)
        self.url = f"http://127.0.0.1:{self.server_port}/hook"
        self.notices: Queue[dict[str, Any]] = Queue()
        self.answers = threading.Event()
        self.answers.set()


class _Hook(BaseHTTPRequestHandler):
    server: Receiver

    def do_POST(self) -> None:
        self.server.notices.put(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
        self.server.answers.wait(PATIENCE)
        with contextlib.suppress(OSError):
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

    def log_message(self, *_: object) -> None:
        """Stay quiet."""


Start = Callable[..., Running]


@pytest.fixture
def home(tmp_path: Path) -> Path:
    (tmp_path / "sentinel.toml").write_text(SETTINGS)
    return tmp_path


@pytest.fixture
def start(home: Path) -> Iterator[Start]:
    running: list[Running] = []

    def make(settings: str = "", *, first: str = "") -> Running:
        file = home / "sentinel.toml"
        file.write_text(first + file.read_text() + settings)
        running.append(Running(home))
        return running[-1]

    yield make
    for daemon in running:
        daemon.end(signal.SIGKILL)


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx2.Client]:
    """A client of one daemon that the tests of a file share."""
    home = tmp_path_factory.mktemp("shared")
    (home / "sentinel.toml").write_text(SETTINGS)
    daemon = Running(home)
    with daemon.client() as client:
        yield client
    daemon.end()


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    """A webhook receiver on loopback."""
    with Receiver() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server
        server.answers.set()
        server.shutdown()
        thread.join()


def asked(client: httpx2.Client, query: str) -> list[list[Any]]:
    answer = client.post("/v1/query", json={"query": query})
    assert answer.status_code == 200, answer.text
    rows: list[list[Any]] = answer.json()["rows"]
    return rows
