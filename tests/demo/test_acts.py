"""The demo as a whole, and that nothing of it is left."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from asyncio.subprocess import DEVNULL, Process
from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console

from sentinel.demo.acts import run_demo
from sentinel.errors import ConfigError
from sentinel.model.plan import RunMode
from tests.demo.serving_stack import eventually
from tests.demo.test_processes import children_of, is_running

WHOLE_FAMILY = 5
"""The router, its replica for act a, the load and the daemon, and at least one more replica once requests come."""


def test_a_home_that_is_somebodys_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "state.db").touch()

    with pytest.raises(ConfigError, match="is not empty"):
        run_demo(tmp_path, ["a"], RunMode.AUTONOMOUS, keep=False, console=Console(file=StringIO()))

    assert names_in(tmp_path) == ["state.db"]


async def a_running_demo(temporary: Path) -> tuple[Process, list[int]]:
    """A demo in the middle of its first act, and the processes it has started."""
    demo = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "sentinel", "demo", "--act", "a"),
        env={**os.environ, "TMPDIR": str(temporary)},
        stdout=DEVNULL,
        stderr=DEVNULL,
    )

    async def family() -> list[int] | None:
        found = descendants_of(demo.pid)
        return found if len(found) >= WHOLE_FAMILY else None

    return demo, await eventually(family)


def descendants_of(pid: int) -> list[int]:
    """The processes a process has started, and theirs."""
    children = children_of(pid)
    return [*children, *(one for child in children for one in descendants_of(child))]


async def none_runs(pids: list[int]) -> bool:
    """Wait until none of the processes runs."""

    async def gone() -> bool:
        return not any(map(is_running, pids))

    return await eventually(gone)


def names_in(folder: Path) -> list[str]:
    """What lies in a folder."""
    return [path.name for path in folder.iterdir()]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=lambda number: number.name)
async def test_nothing_is_left_of_a_demo_that_is_interrupted(number: signal.Signals, tmp_path: Path) -> None:
    demo, family = await a_running_demo(tmp_path)

    demo.send_signal(number)
    code = await demo.wait()

    assert code != 0
    assert not any(map(is_running, family))
    assert names_in(tmp_path) == []


async def test_no_process_is_left_of_a_demo_that_is_killed(tmp_path: Path) -> None:
    demo, family = await a_running_demo(tmp_path)

    demo.kill()

    await demo.wait()
    assert await none_runs(family)
