"""Records reach a receiver that is sometimes away."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

from sentinel.demo.delivery import AppendRecords
from sentinel.demo.wire import Reply, Request, port_of, serve
from sentinel.model.settings import Settings
from sentinel.simulate.records import CONSOLE, EVENTS, TRAFFIC, RecordMaker
from tests.builders import NOON
from tests.demo.conftest import MakeStack
from tests.demo.serving_stack import eventually


class Receiver:
    """Takes deliveries on a port, after having refused some."""

    def __init__(self, *refusals: Reply) -> None:
        self.bodies: list[bytes] = []
        self.taken: list[dict[str, Any]] = []
        self.authorization = ""
        self._refusals = list(refusals)

    async def handle(self, request: Request) -> Reply:
        """Answer one delivery."""
        self.bodies.append(request.body)
        self.authorization = request.headers.get("authorization", "")
        if self._refusals:
            return self._refusals.pop(0)
        self.taken += json.loads(request.body)["records"]
        return Reply(200, b"{}")

    async def has(self, table: str, count: int) -> list[dict[str, Any]] | None:
        """The records of a table, once there are so many."""
        rows = [record for record in self.taken if record["Type"] == table]
        return rows if len(rows) >= count else None


async def test_records_are_posted_with_the_key(make_stack: MakeStack, tmp_path: Path) -> None:
    receiver = Receiver()
    server = await serve(receiver.handle, "127.0.0.1", 0)
    (tmp_path / "key").write_text("s3cret\n")
    address = f"http://127.0.0.1:{port_of(server)}"
    stack = make_stack(Settings(max_replicas=1), sentinel=address, key_file=str(tmp_path / "key"))
    await stack.ready()

    await stack.score()

    assert await eventually(lambda: receiver.has(TRAFFIC, 1))
    assert receiver.authorization == "Bearer s3cret"
    server.close()


async def test_a_delivery_that_is_refused_is_repeated_as_it_was(make_stack: MakeStack) -> None:
    receiver = Receiver(Reply(429, b"", {"retry-after": "0.1"}), Reply(500, b"", {"retry-after": "0.1"}))
    server = await serve(receiver.handle, "127.0.0.1", 0)
    stack = make_stack(Settings(max_replicas=1), sentinel=f"http://127.0.0.1:{port_of(server)}")
    await stack.ready()

    await stack.score()

    assert await eventually(lambda: receiver.has(TRAFFIC, 1))
    assert receiver.bodies[0] == receiver.bodies[1] == receiver.bodies[2]
    server.close()


async def test_what_happens_while_the_receiver_is_away_is_delivered_later(make_stack: MakeStack) -> None:
    receiver = Receiver()
    server = await serve(receiver.handle, "127.0.0.1", 0)
    port = port_of(server)
    server.close()
    await server.wait_closed()
    stack = make_stack(Settings(max_replicas=1), sentinel=f"http://127.0.0.1:{port}")
    await stack.ready()
    await asyncio.gather(*(stack.score() for _ in range(5)))

    server = await serve(receiver.handle, "127.0.0.1", port)

    rows = await eventually(lambda: receiver.has(TRAFFIC, 5))
    assert len({row["XRequestId"] for row in rows}) == 5
    server.close()


def test_of_a_directory_each_table_gets_a_file_of_its_own(tmp_path: Path) -> None:
    delivery = AppendRecords(tmp_path)
    maker = RecordMaker("chat", "blue")
    delivery.take(maker.console(NOON, "blue-1", "ready"))
    delivery.take(maker.event(NOON, "blue-1", "Started", "Started container inference-server"))

    asyncio.run(delivery.flush())

    assert {path.name for path in tmp_path.iterdir()} == {f"{CONSOLE}.jsonl", f"{EVENTS}.jsonl"}


async def test_the_address_of_a_daemon_is_found_in_its_home(make_stack: MakeStack, tmp_path: Path) -> None:
    receiver = Receiver()
    server = await serve(receiver.handle, "127.0.0.1", 0)
    stack = make_stack(Settings(max_replicas=1), sentinel=str(tmp_path))
    await stack.ready()
    await stack.score()

    (tmp_path / "http.json").write_text(json.dumps({"url": f"http://127.0.0.1:{port_of(server)}"}))

    assert await eventually(lambda: receiver.has(TRAFFIC, 1))
    server.close()
