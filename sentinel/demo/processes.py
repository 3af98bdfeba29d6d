"""The processes of a demo: started on a leash, stopped in order."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import IO, Final, Self

from sentinel.demo.leash import leashed
from sentinel.demo.settings import RouterPlan

_STOP_SECONDS: Final = 10.0


class Process:
    """A child process in a group of its own, so that Ctrl-C reaches it through `stop` only.

    Args:
        command: Its command line.
        output: Where its stdout goes; None makes it readable as `stdout`.
        errors: Where its stderr goes; None is nowhere.
    """

    def __init__(
        self, command: Sequence[str], output: IO[str] | None = None, errors: IO[str] | None = None
    ) -> None:
        self._process = subprocess.Popen(
            leashed(command),
            stdin=subprocess.PIPE,
            stdout=output or subprocess.PIPE,
            stderr=errors or subprocess.DEVNULL,
            text=True,
            bufsize=1,
            process_group=0,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._process.pid

    @property
    def running(self) -> bool:
        """It has not ended."""
        return self._process.poll() is None

    @property
    def stdout(self) -> IO[str]:
        """What it prints."""
        if self._process.stdout is None:
            raise ValueError("its output goes elsewhere")
        return self._process.stdout

    def tell(self, line: str) -> None:
        """Write a line to its stdin."""
        if self._process.stdin is not None:
            self._process.stdin.write(line + "\n")
            self._process.stdin.flush()

    def stop(self, seconds: float = _STOP_SECONDS, reader: threading.Thread | None = None) -> int:
        """Terminate it, kill its whole group if it does not end in time, and return its exit code.

        `reader` is a thread that reads its output to the end.
        """
        if self.running:
            self._process.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(seconds)
        if self.running:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
        code = self._process.wait()
        if reader is not None:
            reader.join()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                with contextlib.suppress(OSError):
                    pipe.close()
        return code

    def kill(self) -> None:
        """Kill it, without a chance to tidy up."""
        self._process.kill()
        self._process.wait()


class Router(Process):
    """A running router, with the addresses it serves at."""

    def __init__(self, plan: RouterPlan, errors: IO[str] | None = None) -> None:
        path = Path(plan.work_dir) / "router.json"
        path.write_text(plan.to_json(), "utf-8")
        super().__init__([sys.executable, "-m", "sentinel.demo.router", str(path)], errors=errors)
        first = self.stdout.readline()
        if not first:
            raise RuntimeError(f"the router did not start: it exited with {self.stop()}")
        addresses = json.loads(first)
        self.score_url: str = addresses["score"]
        self.admin_url: str = addresses["admin"]
