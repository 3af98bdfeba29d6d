"""Brings the router's records to a daemon, or into a file."""

from __future__ import annotations

import asyncio
import json
from collections import deque
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final, Protocol

from sentinel.demo.wire import Reply, WireError, call
from sentinel.simulate.records import Record

_EVERY_SECONDS: Final = 0.3
_BATCH: Final = 1000
_KEPT: Final = 200_000
_WAIT_SECONDS: Final = 10.0
"""After this long without an answer the delivery is repeated; the receiver knows records it has already."""


class Delivery(Protocol):
    """Where records go."""

    def take(self, record: Record) -> None:
        """Accept a record for delivery; never blocks."""

    async def run(self) -> None:
        """Deliver until cancelled."""

    async def flush(self) -> None:
        """Try once more to deliver what is left."""


class Stamps:
    """Instants that only grow, so that the order of records is kept and no two lines are taken for one."""

    def __init__(self) -> None:
        self._last = datetime.min.replace(tzinfo=UTC)

    def next(self) -> datetime:
        """Now, or a microsecond after the last stamp."""
        self._last = max(datetime.now(UTC), self._last + timedelta(microseconds=1))
        return self._last


class PostRecords:
    """Posts batches to a daemon's `/v1/records`, repeating each until it is acknowledged.

    Args:
        sentinel: The daemon's address, or its home directory, where `http.json` tells the address while it runs.
        key: The key of its HTTP face.

    It holds on to 200,000 records while the daemon is away; beyond that the oldest are lost, and counted.
    """

    def __init__(self, sentinel: str, key: str) -> None:
        self._sentinel = sentinel
        self._headers = {"authorization": f"Bearer {key}", "content-type": "application/json"}
        self._waiting: deque[Record] = deque()
        self._body = b""
        self.delivered = 0
        self.lost = 0
        self._in_body = 0

    def take(self, record: Record) -> None:
        """Accept a record for delivery."""
        if len(self._waiting) >= _KEPT:
            self._waiting.popleft()
            self.lost += 1
        self._waiting.append(record)

    async def run(self) -> None:
        """Deliver until cancelled."""
        while True:
            wait = await self._deliver()
            await asyncio.sleep(wait or _EVERY_SECONDS)

    async def flush(self) -> None:
        """Deliver what is left, giving up at the first refusal."""
        while self._waiting or self._body:
            if await self._deliver() is not None:
                return

    async def _deliver(self) -> float | None:
        """Post one batch; how many seconds to wait before the next attempt if it was not taken."""
        if not self._body:
            batch = [self._waiting.popleft() for _ in range(min(_BATCH, len(self._waiting)))]
            if not batch:
                return None
            self._body, self._in_body = json.dumps({"records": batch}).encode(), len(batch)
        try:
            async with asyncio.timeout(_WAIT_SECONDS):
                reply = await call(_address(self._sentinel), "POST", self._body, self._headers)
        except (OSError, ValueError, WireError, TimeoutError):
            return _EVERY_SECONDS * 2
        if reply.status // 100 != 2:  # noqa: PLR2004 - any success
            return _retry_after(reply)
        self.delivered += self._in_body
        self._body, self._in_body = b"", 0
        return None


def _address(sentinel: str) -> str:
    """Where records are posted to; OSError or ValueError while a home directory does not say."""
    if not sentinel.startswith("http://"):
        sentinel = json.loads((Path(sentinel) / "http.json").read_text("utf-8"))["url"]
    return f"{sentinel.rstrip('/')}/v1/records"


def _retry_after(reply: Reply) -> float:
    try:
        return max(0.05, float(reply.headers.get("retry-after", "1")))
    except ValueError:
        return 1.0


class AppendRecords:
    """Appends records to a JSON Lines file; of a directory, to one file a table."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._waiting: list[Record] = []

    def take(self, record: Record) -> None:
        """Accept a record for delivery."""
        self._waiting.append(record)

    async def run(self) -> None:
        """Append until cancelled."""
        while True:
            await asyncio.sleep(_EVERY_SECONDS)
            await self.flush()

    async def flush(self) -> None:
        """Append what is left."""
        waiting, self._waiting = self._waiting, []
        for record in waiting:
            path = self._path / f"{record['Type']}.jsonl" if self._path.is_dir() else self._path
            with path.open("a", encoding="utf-8") as lines:
                lines.write(json.dumps(record) + "\n")
