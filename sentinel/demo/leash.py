"""Processes that do not outlive the one that started them.

On Linux the kernel does it (`prctl(PR_SET_PDEATHSIG)`, which survives an exec); elsewhere a process looks twice a
second whether its parent is still there.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path

_PR_SET_PDEATHSIG = 1
_LOOK_SECONDS = 0.5


def die_with_parent(parent: int) -> None:
    """Have this process killed as soon as the process `parent` is gone, however it went."""
    if _ask_kernel():
        if os.getppid() != parent:
            os._exit(1)
        return
    threading.Thread(target=_look, args=(parent, lambda: os._exit(1)), daemon=True).start()


def leashed(command: Sequence[str]) -> list[str]:
    """A command line that runs `command` so that it dies with the caller."""
    return [sys.executable, "-S", "-E", str(Path(__file__)), str(os.getpid()), *command]


def _ask_kernel() -> bool:
    if sys.platform != "linux":
        return False
    import ctypes

    prctl = ctypes.CDLL(None).prctl
    return bool(prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0) == 0)


def _look(parent: int, gone: Callable[[], object]) -> None:
    while os.getppid() == parent:
        time.sleep(_LOOK_SECONDS)
    gone()


def main(arguments: Sequence[str]) -> int:
    """Run a command on a leash: `leash.py PARENT COMMAND...`."""
    parent, command = int(arguments[0]), list(arguments[1:])
    if _ask_kernel():
        if os.getppid() != parent:
            return 1
        os.execvp(command[0], command)  # noqa: S606 - the command line of our own caller
    import subprocess

    child = subprocess.Popen(command)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda number, _frame: child.send_signal(number))
    threading.Thread(target=_look, args=(parent, child.kill), daemon=True).start()
    return child.wait()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
