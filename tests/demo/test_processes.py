"""No process outlives the one that started it."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from sentinel.model.settings import Settings
from tests.demo.conftest import MakeStack
from tests.demo.serving_stack import eventually


def children_of(pid: int) -> list[int]:
    """The processes a process has started."""
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def is_running(pid: int) -> bool:
    """A process of this id runs; one that has ended but was not waited for does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


async def all_gone(pids: list[int]) -> bool:
    """Wait until none of the processes runs."""

    async def gone() -> bool:
        return not any(map(is_running, pids))

    return await eventually(gone)


async def test_replicas_die_with_a_router_that_is_killed(make_stack: MakeStack) -> None:
    stack = make_stack(Settings(min_replicas=3, max_replicas=3))
    await stack.ready(3)
    replicas = children_of(stack.router.pid)

    stack.router.kill()

    assert len(replicas) == 3
    assert await all_gone(replicas)


async def test_replicas_end_with_a_router_that_is_stopped(make_stack: MakeStack) -> None:
    stack = make_stack(Settings(min_replicas=3, max_replicas=3))
    await stack.ready(3)
    replicas = children_of(stack.router.pid)

    code = stack.router.stop()

    assert code == 0
    assert await all_gone(replicas)


_STARTER = """
import sys, time
from sentinel.demo.processes import Router
from sentinel.demo.settings import RouterPlan

with Router(RouterPlan(sys.argv[1])) as router:
    print(router.pid, flush=True)
    time.sleep(60)
"""


async def test_a_router_and_its_replicas_die_with_whoever_started_them(tmp_path: Path) -> None:
    starter = await asyncio.create_subprocess_exec(
        sys.executable, "-c", _STARTER, str(tmp_path), stdout=asyncio.subprocess.PIPE
    )
    assert starter.stdout is not None
    router = int(await starter.stdout.readline())

    async def replicas() -> list[int]:
        return children_of(router)

    family = [router, *await eventually(replicas)]

    starter.kill()
    await starter.wait()

    assert len(family) == 2
    assert await all_gone(family)
