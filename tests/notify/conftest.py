from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from sentinel.model.finding import Finding
from sentinel.model.incident import Incident, IncidentState, Transition
from sentinel.model.notice import Notice
from sentinel.model.rule import Severity
from sentinel.model.target import deployment
from sentinel.store.outbox import Outbox
from sentinel.store.state import State

NOON = datetime(2026, 5, 1, 12, 0, tzinfo=UTC)

MakeNotice = Callable[..., Notice]


@dataclass
class Receiver:
    """A real HTTP server on loopback that remembers what it got and answers as told."""

    url: str = ""
    answers: list[int] = field(default_factory=list)
    """The statuses of the next answers; 200 when they ran out."""
    got: list[tuple[dict[str, str], dict[str, Any]]] = field(default_factory=list)

    @property
    def keys(self) -> list[str]:
        return [headers["idempotency-key"] for headers, _ in self.got]


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    remembered = Receiver()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            headers = {name.lower(): value for name, value in self.headers.items()}
            remembered.got.append((headers, json.loads(body)))
            self.send_response(remembered.answers.pop(0) if remembered.answers else 200)
            self.send_header("Content-Length", "4")
            self.end_headers()
            self.wfile.write(b"said")

        def log_message(self, *_: object) -> None:
            """Stay quiet."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        remembered.url = f"http://127.0.0.1:{server.server_port}/hook"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield remembered
        server.shutdown()
        thread.join()


@pytest.fixture
def a_notice() -> MakeNotice:
    def make(
        incident: str = "inc1", sequence: int = 0, state: IncidentState = IncidentState.OPEN, **changes: Any
    ) -> Notice:
        target = deployment("chat", "blue")
        finding = Finding("requests-refused", target, NOON, {"Requests": 100}, 0.25, 100)
        at = NOON + timedelta(seconds=sequence)
        stored = Incident(
            id=incident,
            symptom="requests-refused",
            target=target,
            state=state,
            opened=NOON,
            updated=at,
            due=at,
            finding=finding,
            last_seen=at,
            why="25 of 100 requests were refused",
            **changes,
        )
        transition = Transition(incident, sequence, at, "", state, stored.why)
        return Notice(f"{incident}/{sequence}", "Requests are refused", Severity.ERROR, stored, transition)

    return make


@pytest.fixture
def outbox() -> Iterator[Outbox]:
    state = State.open(None)
    yield Outbox(state)
    state.close()
