"""The adapter to a router on this machine."""

from __future__ import annotations

import socket
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from sentinel.deploy.local import LocalAdapter
from sentinel.errors import AdapterError
from sentinel.model.settings import Change, Knob
from sentinel.model.target import deployment


def unused_address() -> str:
    """An address nobody listens at."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{probe.getsockname()[1]}"


def test_a_router_that_does_not_answer_may_answer_later() -> None:
    adapter = LocalAdapter(unused_address())

    with pytest.raises(AdapterError) as failed:
        adapter.describe(deployment("chat", "blue"))

    adapter.close()
    assert not failed.value.permanent


def test_the_module_does_not_import_the_http_client() -> None:
    code = "import sys, sentinel.deploy.local; sys.exit('httpx2' in sys.modules)"

    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


class Answering(BaseHTTPRequestHandler):
    """A control plane that answers everything with one status."""

    status = 200
    rest = ""

    def do_PATCH(self) -> None:
        self.send_response(self.status)
        if self.rest:
            self.send_header("Retry-After", self.rest)
        self.end_headers()
        self.wfile.write(b'{"error": {"message": "not now"}}')

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.mark.parametrize(
    ("status", "rest", "permanent", "after"),
    [
        (429, "30", False, 30.0),
        (429, "", False, None),
        (429, "Wed, 21 Oct 2026 07:28:00 GMT", False, None),
        (408, "", False, None),
        (500, "", False, None),
        (502, "", False, None),
        (503, "5", False, 5.0),
        (400, "", True, None),
        (403, "", True, None),
    ],
)
def test_an_answer_that_is_no_success_says_whether_and_when_to_come_again(
    status: int,
    rest: str,
    permanent: bool,  # noqa: FBT001
    after: float | None,
) -> None:
    answering = type("Answering", (Answering,), {"status": status, "rest": rest})
    with HTTPServer(("127.0.0.1", 0), answering) as server:
        threading.Thread(target=server.handle_request).start()
        adapter = LocalAdapter(f"http://127.0.0.1:{server.server_port}")

        with pytest.raises(AdapterError, match=f"answered {status}: not now") as failed:
            adapter.apply(deployment("chat", "blue"), [Change(Knob.MAX_REPLICAS, 4, 9)], expect="1", key="k")

        adapter.close()
    assert (failed.value.permanent, failed.value.retry_after) == (permanent, after)
