"""The life of a daemon: start, serve until told to end, end cleanly."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final

import structlog

from sentinel.config import Config
from sentinel.daemon.home_lock import HomeLock
from sentinel.daemon.narration import narrate
from sentinel.errors import ConfigError

if TYPE_CHECKING:
    import uvicorn
    from starlette.applications import Starlette

ADDRESS_FILE: Final = "http.json"
_REQUESTS_SECONDS: Final = 2
"""How long requests under way may take once the daemon is told to end."""
_JOBS_SECONDS: Final = 2.0
_log: Final = structlog.stdlib.get_logger("sentinel.daemon")


def run(home: Path, *, config: Config | None = None) -> int:
    """Run a daemon on a home directory until SIGTERM or SIGINT, and return its exit code.

    SIGHUP reads the rules again. A job that does not end within two seconds of the signal is abandoned, together
    with the process: every step is stored before it is taken, so the next start goes on with it.

    Raises:
        SentinelError: It cannot start: the message says why.
    """
    config = config or Config.load(home)
    narrate(config.log)
    with HomeLock(home):
        from sentinel.daemon.wiring import build

        with _listening(config) as listener, ExitStack() as closing:
            daemon = build(home, config)
            closing.push(daemon.closing)
            server = _server(daemon.app)
            closing.enter_context(_signals(server, daemon.rules.reread))
            try:
                with _announced(home, listener):
                    daemon.schedule.start()
                    asyncio.run(server.serve([listener]))
            finally:
                _log.info("ending")
                abandoned = daemon.schedule.stop(_JOBS_SECONDS)
            if abandoned:
                _log.warning("abandoned", jobs=abandoned)
                os._exit(0)
    _log.info("ended")
    return 0


def _server(app: Starlette) -> uvicorn.Server:
    import uvicorn

    class Server(uvicorn.Server):
        async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
            """Wait for the requests in flight, of which queries end at once."""
            app.state.end_queries()
            await super().shutdown(sockets)

        @contextmanager
        def capture_signals(self) -> Iterator[None]:
            """Signals are taken by the daemon, which has more to end than the server."""
            yield

    return Server(
        uvicorn.Config(
            app,
            loop="asyncio",
            http="h11",
            ws="none",
            lifespan="off",
            access_log=False,
            log_config=None,
            server_header=False,
            timeout_graceful_shutdown=_REQUESTS_SECONDS,
        )
    )


@contextmanager
def _listening(config: Config) -> Iterator[socket.socket]:
    host, port = config.http.host, config.http.port
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
        listener = socket.create_server((host, port), family=family, backlog=256)
    except OSError as error:
        raise ConfigError(f"cannot listen on {host}:{port}: {error}") from error
    with listener:
        yield listener


@contextmanager
def _announced(home: Path, listener: socket.socket) -> Iterator[None]:
    """Say in `http.json` where the daemon listens, for as long as it does."""
    host, port = listener.getsockname()[:2]
    shown = f"[{host}]" if ":" in host else host
    path = home / ADDRESS_FILE
    said = {"url": f"http://{shown}:{port}", "host": host, "port": port, "process": os.getpid()}
    fresh = path.with_suffix(".new")
    fresh.write_text(json.dumps(said) + "\n", "utf-8")
    fresh.replace(path)
    _log.info("listening", url=said["url"], home=str(home))
    try:
        yield
    finally:
        path.unlink(missing_ok=True)


@contextmanager
def _signals(server: uvicorn.Server, reread: Callable[[], object]) -> Iterator[None]:
    """End on SIGTERM and SIGINT, read the rules again on SIGHUP."""

    def end(_number: int, _frame: object) -> None:
        server.force_exit = server.should_exit
        server.should_exit = True

    def look_again(_number: int, _frame: object) -> None:
        threading.Thread(target=reread, name="reread rules").start()

    handlers = {signal.SIGTERM: end, signal.SIGINT: end, signal.SIGHUP: look_again}
    before = {number: signal.signal(number, handler) for number, handler in handlers.items()}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
