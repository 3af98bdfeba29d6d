"""The adapter to a router on this machine."""

from __future__ import annotations

import socket
import subprocess
import sys

import pytest

from sentinel.deploy.local import LocalAdapter
from sentinel.errors import AdapterError
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
