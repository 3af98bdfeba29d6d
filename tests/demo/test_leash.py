"""The leash, where the kernel does not hold it."""

from __future__ import annotations

import asyncio
import sys

import pytest

from tests.demo.serving_stack import eventually
from tests.demo.test_processes import children_of, is_running

_WITHOUT_KERNEL = "import os, sys, time; from sentinel.demo import leash; leash._ask_kernel = lambda: False; "
_LEASHED = _WITHOUT_KERNEL + "leash.main([sys.argv[1], sys.executable, '-c', 'import time; time.sleep(60)'])"
_DYING = _WITHOUT_KERNEL + "leash.die_with_parent(int(sys.argv[1])); time.sleep(60)"
_PARENT = """
import os, subprocess, sys, time
subprocess.Popen([sys.executable, "-c", sys.argv[1], str(os.getpid())])
time.sleep(60)
"""


@pytest.mark.parametrize(("code", "generations"), [(_LEASHED, 2), (_DYING, 1)], ids=["command", "process"])
async def test_a_process_ends_soon_after_its_parent(code: str, generations: int) -> None:
    parent = await asyncio.create_subprocess_exec(sys.executable, "-c", _PARENT, code)

    async def family() -> list[int] | None:
        found = children_of(parent.pid)
        found += [grandchild for child in found for grandchild in children_of(child)]
        return found if len(found) == generations else None

    started = await eventually(family)
    parent.kill()
    await parent.wait()

    async def gone() -> bool:
        return not any(map(is_running, started))

    assert await eventually(gone)
