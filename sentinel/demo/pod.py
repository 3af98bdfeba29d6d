"""One replica as the router sees it: a process that is started, probed, and started again when it crashes."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import socket
import sys
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Final

from sentinel.demo.delivery import Stamps
from sentinel.demo.wire import Reply, Request, WireError, exchange
from sentinel.simulate import records
from sentinel.simulate.records import Record, RecordMaker

_ROOT: Final = str(Path(__file__).parents[2])
_BOOT: Final = (
    "import sys; root = sys.argv.pop(1); sys.path.insert(0, root); "
    "from sentinel.demo.replica import main; sys.path.remove(root); sys.exit(main(sys.argv[1:]))"
)
"""Starts a replica without site-packages: it boots faster, and the script finds the standard library only."""

_READY_LINE: Final = "ready for serving traffic"
_LINE_LIMIT: Final = 1 << 18
_PROBE_TIMEOUT: Final = 2.0
_PROBES_FAILED: Final = 3
"""Failed liveness probes in a row before a replica is killed, as AksWebservice's default."""
_STEADY_SECONDS: Final = 30.0
"""A replica that ran this long is forgiven its crashes."""


class PodState(StrEnum):
    """How far a replica is."""

    STARTING = "starting"
    READY = "ready"
    BACKOFF = "CrashLoopBackOff"
    STOPPED = "stopped"


@dataclass(frozen=True, slots=True)
class PodSpec:
    """What a replica runs and how it is looked after; times in seconds."""

    score_file: str
    environment: dict[str, str]
    backoff: float
    backoff_limit: float
    probe: float


class Pod:
    """A replica; `run()` keeps its process alive until `stop()`.

    Args:
        spec: What it runs.
        maker: Makes its records.
        stamps: When its records happened.
        take: Takes its records.
        changed: Called whenever it becomes ready or is not ready any more.
    """

    def __init__(
        self,
        spec: PodSpec,
        maker: RecordMaker,
        stamps: Stamps,
        take: Callable[[Record], None],
        changed: Callable[[], None],
    ) -> None:
        self.instance = f"{maker.deployment}-{maker.endpoint}-{uuid.uuid4().hex[:8]}"
        self.state = PodState.STARTING
        self._busy = 0
        self._drained = asyncio.Event()
        self._drained.set()
        self.crashes = 0
        self.stopping = False
        self._spec = spec
        self._maker = maker
        self._stamps = stamps
        self._take = take
        self._changed = changed
        self._port = 0
        self._process: asyncio.subprocess.Process | None = None
        self._stop = asyncio.Event()

    @property
    def ready(self) -> bool:
        """It takes requests."""
        return self.state is PodState.READY and not self.stopping

    @property
    def busy(self) -> int:
        """The requests it works on."""
        return self._busy

    def occupy(self) -> None:
        """Take one of its places for a request."""
        self._busy += 1
        self._drained.clear()

    def release(self) -> None:
        """Give back the place of a request it has finished."""
        self._busy -= 1
        if not self._busy:
            self._drained.set()

    async def forward(self, request: Request) -> Reply:
        """Have the replica answer a request; raises as `exchange` does."""
        return await exchange("127.0.0.1", self._port, request)

    async def run(self) -> None:
        """Keep the process alive until `stop()`: start, watch, and after a crash wait twice as long each time."""
        loop = asyncio.get_running_loop()
        while not self._stop.is_set():
            began = loop.time()
            await self._live()
            if self._stop.is_set():
                break
            self.crashes = 1 if loop.time() - began > _STEADY_SECONDS else self.crashes + 1
            self._turn(PodState.BACKOFF)
            self._event(records.BACK_OFF)
            wait = min(self._spec.backoff * 2 ** (self.crashes - 1), self._spec.backoff_limit)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._stop.wait(), wait)
        self._turn(PodState.STOPPED)

    async def stop(self, grace: float) -> None:
        """End it: wait up to `grace` seconds for its requests, then terminate."""
        self.stopping = True
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._drained.wait(), grace)
        self._stop.set()
        if self._process is not None and self._process.returncode is None:
            self._event(records.STOPPED)
            self._process.send_signal(signal.SIGTERM)

    async def _live(self) -> None:
        self._turn(PodState.STARTING)
        with socket.socket() as listening:
            listening.bind(("127.0.0.1", 0))
            self._port = listening.getsockname()[1]
            arguments = [_ROOT, str(os.getpid()), str(listening.fileno()), self._spec.score_file]
            self._process = await asyncio.create_subprocess_exec(
                sys.executable,
                "-S",
                "-E",
                "-c",
                _BOOT,
                *arguments,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.STDOUT,
                env=self._spec.environment,
                pass_fds=(listening.fileno(),),
                limit=_LINE_LIMIT,
            )
        if self._stop.is_set():
            self._process.kill()
        self._event(records.CREATED)
        self._event(records.STARTED)
        probing = asyncio.create_task(self._probe_regularly())
        try:
            await self._read_console(self._process)
            await self._process.wait()
        finally:
            probing.cancel()
            if self._process.returncode is None:
                self._process.kill()

    async def _read_console(self, process: asyncio.subprocess.Process) -> None:
        if process.stdout is None:
            return
        async for line in process.stdout:
            text = line.decode("utf-8", "replace").rstrip("\n")
            if text:
                self._take(self._maker.console(self._stamps.next(), self.instance, text))
            if _READY_LINE in text and await self._probe() is None:
                self._turn(PodState.READY)

    async def _probe_regularly(self) -> None:
        failed = 0
        while True:
            await asyncio.sleep(self._spec.probe)
            problem = await self._probe()
            failed = failed + 1 if problem else 0
            if problem is None:
                self._turn(PodState.READY)
            elif self.state is not PodState.READY:
                self._event(("ReadinessProbeFailed", f"Readiness probe failed: {problem}"))
            else:
                self._event(("LivenessProbeFailed", f"Liveness probe failed: {problem}"))
                if failed >= _PROBES_FAILED and self._process is not None:
                    self._event(records.UNHEALTHY)
                    self._process.kill()

    async def _probe(self) -> str | None:
        """Ask whether it is alive; what is wrong if it is not."""
        address = f"http://127.0.0.1:{self._port}/"
        try:
            async with asyncio.timeout(_PROBE_TIMEOUT):
                reply = await self.forward(Request("GET", "/"))
        except ConnectionRefusedError:
            return f'Get "{address}": connect: connection refused'
        except (OSError, WireError, TimeoutError) as error:
            return f'Get "{address}": {error!r}'
        return None if reply.status == 200 else f"HTTP probe failed with statuscode: {reply.status}"  # noqa: PLR2004

    def _turn(self, state: PodState) -> None:
        if self.state is not state:
            self.state = state
            self._changed()

    def _event(self, named: tuple[str, str]) -> None:
        self._take(self._maker.event(self._stamps.next(), self.instance, *named))
