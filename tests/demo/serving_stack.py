"""A running router under test, and a way to wait for what it does."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, TypeVar

from sentinel.demo.processes import Router
from sentinel.demo.settings import RouterPlan
from sentinel.demo.wire import Reply, call
from sentinel.simulate.records import CONSOLE

DEADLINE_SECONDS = 8.0

Found = TypeVar("Found")


async def eventually(look: Callable[[], Awaitable[Found | None]]) -> Found:
    """The first answer that is something, before the deadline."""
    until = time.monotonic() + DEADLINE_SECONDS
    while time.monotonic() < until:
        found = await look()
        if found:
            return found
        await asyncio.sleep(0.03)
    raise AssertionError(f"it did not happen within {DEADLINE_SECONDS} s")


class Stack:
    """A router under test: what it was told, its records, and calls to it."""

    def __init__(self, router: Router, plan: RouterPlan) -> None:
        self.router = router
        self.plan = plan
        self.deployment_url = f"{router.admin_url}/deployments/{plan.endpoint}/{plan.deployments[0].name}"

    async def score(self, tokens: int = 0) -> Reply:
        """Send one request; the model takes a millisecond a token."""
        return await call(self.router.score_url, "POST", json.dumps({"generated_tokens": tokens}).encode())

    async def score_many(self, count: int, tokens: int) -> list[int]:
        """Send requests all at once; their status codes in order."""
        replies = await asyncio.gather(*(self.score(tokens) for _ in range(count)))
        return sorted(reply.status for reply in replies)

    async def describe(self) -> dict[str, Any]:
        """The deployment as the control plane says it is."""
        described: dict[str, Any] = json.loads((await call(self.deployment_url, "GET")).body)
        return described

    async def admin(self, method: str, path: str, body: Any, **headers: str) -> Reply:
        """A call of the control plane on the deployment."""
        named = {"content-type": "application/json"} | {k.replace("_", "-"): v for k, v in headers.items()}
        return await call(self.deployment_url + path, method, json.dumps(body).encode(), named)

    def records(self, table: str) -> list[dict[str, Any]]:
        """What it has written so far for a table."""
        path = Path(self.plan.records_file)
        if not path.exists():
            return []
        lines = path.read_text("utf-8").splitlines()
        return [record for record in map(json.loads, lines) if record["Type"] == table]

    async def recorded(self, table: str, **wanted: Any) -> dict[str, Any]:
        """Wait for the first record of a table that has all these values."""

        async def found() -> dict[str, Any] | None:
            return next((row for row in self.records(table) if wanted.items() <= row.items()), None)

        return await eventually(found)

    async def console_line(self, part: str) -> str:
        """Wait for the first console line that contains a text."""

        async def found() -> str | None:
            messages = (str(row["Message"]) for row in self.records(CONSOLE))
            return next((message for message in messages if part in message), None)

        return await eventually(found)

    async def ready(self, count: int = 1) -> dict[str, Any]:
        """Wait until so many replicas are ready."""

        async def enough() -> dict[str, Any] | None:
            described = await self.describe()
            return described if described["ready_replicas"] >= count else None

        return await eventually(enough)
