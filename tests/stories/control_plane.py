"""A small control plane that speaks the router's language and remembers everything that was done to it."""

from __future__ import annotations

import json
import threading
from collections import Counter
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self

from sentinel.model.settings import Knob, Settings


def goes_on(_moment: str) -> bool:
    """Nothing happens at this moment."""
    return True


@dataclass(slots=True)
class Served:
    """A deployment: its settings, and the changes that were made, as (key, knob, before, after)."""

    settings: Settings
    revision: int = 1
    changes: list[tuple[str, str, int, int]] = field(default_factory=list)


class ControlPlane:
    """Deployments on loopback; changes are compare-and-set, and a key that was applied is applied no more.

    `on_patch` is called with `before` and `after` each change, so that a test can let the caller die there; when it
    answers `False` the call is dropped, as by a control plane that died too.
    """

    def __init__(self, deployments: dict[str, Settings], endpoint: str = "chat") -> None:
        self.endpoint = endpoint
        self.served = {name: Served(settings) for name, settings in deployments.items()}
        self.calls: Counter[str] = Counter()
        self.on_patch: Callable[[str], bool] = goes_on
        self._lock = threading.Lock()
        plane = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                self._answer(*plane.read(self.path))

            def do_PATCH(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["content-length"])))
                expect, key = self.headers["if-match"], self.headers["idempotency-key"]
                if not plane.on_patch("before"):
                    self.close_connection = True
                    return
                answer = plane.change(self.path, expect, key, body)
                if not plane.on_patch("after"):
                    self.close_connection = True
                    return
                self._answer(*answer)

            def _answer(self, status: int, said: dict[str, Any]) -> None:
                body = json.dumps(said).encode()
                try:
                    self.send_response(status)
                    self.send_header("content-type", "application/json")
                    self.send_header("content-length", str(len(body)))
                    self.end_headers()
                    self.wfile.write(body)
                except OSError:
                    self.close_connection = True

            def handle_one_request(self) -> None:
                try:
                    super().handle_one_request()
                except OSError:
                    self.close_connection = True

            def log_message(self, format: str, *_: object) -> None:  # noqa: A002 - the name the library gave it
                """Say nothing."""

        class Server(ThreadingHTTPServer):
            daemon_threads = True

        self._server = Server(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,))

    @property
    def url(self) -> str:
        """Its address."""
        return f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def settings(self, name: str) -> Settings:
        """The settings of a deployment as they are now."""
        with self._lock:
            return self.served[name].settings

    def read(self, path: str) -> tuple[int, dict[str, Any]]:
        """Answer a GET."""
        with self._lock:
            name = path.rsplit("/", 1)[-1]
            if name == "deployments":
                return 200, {"deployments": [self._described(one) for one in self.served]}
            if name not in self.served:
                return 404, {"error": {"message": f"no {name}"}}
            return 200, self._described(name)

    def change(self, path: str, expect: str, key: str, body: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        """Answer a PATCH."""
        with self._lock:
            name = path.rsplit("/", 1)[-1]
            served = self.served[name]
            self.calls[key] += 1
            if any(key == applied for applied, *_ in served.changes):
                return 200, self._described(name)
            if expect != str(served.revision):
                return 412, {"error": {"message": f"the revision is {served.revision}, not {expect}"}}
            for one in body["changes"]:
                knob, before, after = Knob(one["knob"]), one["before"], one["after"]
                if served.settings.value(knob) != before:
                    return 409, {"error": {"message": f"{knob} is not {before}"}}
                served.settings = served.settings.with_value(knob, after)
                served.changes.append((key, knob.value, before, after))
            served.revision += 1
            return 200, self._described(name)

    def _described(self, name: str) -> dict[str, Any]:
        served = self.served[name]
        return {
            "endpoint": self.endpoint,
            "deployment": name,
            "settings": asdict(served.settings),
            "replicas": served.settings.max_replicas,
            "ready_replicas": served.settings.max_replicas,
            "revision": str(served.revision),
            "updating": False,
            "ceilings": {},
        }
