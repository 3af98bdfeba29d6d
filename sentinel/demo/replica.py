"""A replica: an own process that loads a `score.py` and answers as Azure ML's inference server does.

It prints the console lines of that server (format and order as of azureml-inference-server-http 1.5.1), answers
`GET /` and `POST /score`, and exits with 3 when the script cannot be imported or its `init()` fails. It imports the
standard library only, and little of that, so that one boots in a few hundredths of a second.
"""

from __future__ import annotations

import importlib.util
import json
import os
import signal
import socket
import sys
import threading
import time
import traceback
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from sentinel.demo.leash import die_with_parent

BOOT_FAILED = 3
"""The exit code of the inference server when its worker does not come up."""

_SERVER = "azureml_inference_server_http.server.user_script"
_SERVER_FILE = (
    "/azureml-envs/env/lib/python3.11/site-packages/azureml_inference_server_http/server/user_script.py"
)
_MAX_HEAD = 64 * 1024
_BANNER = """
Azure ML Inferencing HTTP server v1.5.1


Server Settings
---------------
Entry Script Name: {script}
Model Directory: {models}
Worker Count: 1
Server Port: {port}


Server Routes
---------------
Liveness Probe: GET   127.0.0.1:{port}/
Score:          POST  127.0.0.1:{port}/score
"""


class UserScriptImportException(Exception):
    """The user's script cannot be imported."""


class UserScriptError(Exception):
    """The user's script lacks a function."""


class UserScriptException(Exception):
    """A function of the user's script raised."""


for _kind in (UserScriptImportException, UserScriptError, UserScriptException):
    _kind.__module__ = _SERVER  # a traceback names them as the real server does


class Console:
    """Prints lines as the inference server does; many threads may."""

    def __init__(self, descriptor: int = 1) -> None:
        self._descriptor = descriptor
        self._lock = threading.Lock()

    def raw(self, text: str) -> None:
        """Print text as it is."""
        with self._lock:
            os.write(self._descriptor, text.encode("utf-8", "replace"))

    def line(self, level: str, logger: str, message: str) -> None:
        """Print `<UTC time> <level> [<pid>] <logger> - <message>`."""
        now = time.time()
        stamp = time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(now))
        self.raw(f"{stamp},{int(now % 1 * 1000):03d} {level} [{os.getpid()}] {logger} - {message}\n")


class _Printed:
    """What the user's script prints, as lines of the logger `azmlinfsrv.print`."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._rest = ""

    def write(self, text: str) -> int:
        *lines, self._rest = (self._rest + text).split("\n")
        for line in lines:
            self._console.line("I", "azmlinfsrv.print", line)
        return len(text)

    def flush(self) -> None:
        pass


class Script:
    """A user's `score.py`: `init()` once, `run(data)` for each request."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._run: Callable[[str], Any] | None = None

    def load(self, console: Console) -> None:
        """Import it and call its `init()`.

        Raises:
            UserScriptImportException: It cannot be imported.
            UserScriptError: It has no `init()` or no `run()`.
            UserScriptException: Its `init()` raised.
        """
        spec = importlib.util.spec_from_file_location("entry_module", self._path)
        if spec is None or spec.loader is None:
            raise UserScriptError(f"User script at {self._path} is not a Python file.")
        module = importlib.util.module_from_spec(spec)
        try:
            spec.loader.exec_module(module)
        except BaseException as error:
            problem = "Failed to import user script because it raised an unhandled exception"
            raise UserScriptImportException(problem) from error
        for name in ("init", "run"):
            if not callable(getattr(module, name, None)):
                problem = f"User script at {self._path} does not have a {name}() function defined."
                raise UserScriptError(problem)
        console.line("I", "azmlinfsrv.user_script", f"Found user script at {self._path}")
        console.line("I", "azmlinfsrv.user_script", "Invoking user's init function")
        try:
            module.init()
        except BaseException as error:
            console.line("E", "azmlinfsrv", "User's init function failed")
            raise UserScriptException("Caught an unhandled exception from the user script") from error
        console.line("I", "azmlinfsrv.user_script", "Users's init has completed successfully")
        self._run = module.run

    def run(self, data: str) -> bytes:
        """The JSON text of what `run(data)` returned.

        Raises:
            UserScriptException: It raised, or returned what JSON cannot say.
        """
        if self._run is None:
            raise UserScriptError("the script is not loaded")
        try:
            return json.dumps(self._run(data)).encode()
        except Exception as error:
            raise UserScriptException("Caught an unhandled exception from the user script") from error


def _read_request(connection: socket.socket) -> tuple[str, str, bytes] | None:
    received = b""
    while b"\r\n\r\n" not in received:
        piece = connection.recv(65536)
        if not piece or len(received) > _MAX_HEAD:
            return None
        received += piece
    head, _, body = received.partition(b"\r\n\r\n")
    first, *lines = head.decode("latin-1").split("\r\n")
    headers = {
        name.strip().lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)
    }
    length = int(headers.get("content-length", "0"))
    while len(body) < length:
        piece = connection.recv(65536)
        if not piece:
            return None
        body += piece
    method, path, _ = first.split(" ", 2)
    return method, path.partition("?")[0], body


class Server:
    """Answers one request a connection, each in a thread of its own."""

    def __init__(self, script: Script, console: Console) -> None:
        self._script = script
        self._console = console

    def serve(self, listening: socket.socket) -> None:
        """Answer until the process is told to end."""
        while True:
            connection, _ = listening.accept()
            threading.Thread(target=self._converse, args=(connection,), daemon=True).start()

    def _converse(self, connection: socket.socket) -> None:
        with connection:
            try:
                request = _read_request(connection)
                if request is None:
                    return
                began = time.perf_counter()
                status, body, extra = self._answer(*request)
                took = (time.perf_counter() - began) * 1000
                method, path, _ = request
                self._console.line("I", "azmlinfsrv", f"{method} {path} {status} {took:.3f}ms {len(body)}")
                lines = [f"HTTP/1.1 {status} {'OK' if status == 200 else 'Error'}", *extra]  # noqa: PLR2004 - HTTP
                lines += [
                    "Content-Type: application/json",
                    f"Content-Length: {len(body)}",
                    "Connection: close",
                ]
                connection.sendall("\r\n".join([*lines, "", ""]).encode("latin-1") + body)
            except (OSError, ValueError):
                return  # the router gave up on the request: nobody is left to answer

    def _answer(self, method: str, path: str, body: bytes) -> tuple[int, bytes, list[str]]:
        if (method, path) == ("GET", "/"):
            return 200, b'"Healthy"', []
        if (method, path) != ("POST", "/score"):
            return 404, b'"Not Found"', []
        began = time.perf_counter()
        try:
            answer = self._script.run(body.decode("utf-8", "replace"))
        except UserScriptException as error:
            trace = _trace(error)
            self._console.line("E", "azmlinfsrv", f"Encountered Exception: {trace}")
            reason = json.dumps({"message": f"{error}: {error.__cause__}"}).encode()
            return 500, reason, ["x-ms-run-function-failed: True"]
        took = (time.perf_counter() - began) * 1000
        return 200, answer, [f"x-ms-run-fn-exec-ms: {took:.3f}"]


def _trace(error: Exception) -> str:
    """The traceback as the real server prints it: its own frames are those of its own file."""
    return "".join(traceback.format_exception(error)).replace(__file__, _SERVER_FILE)


def _give_up(console: Console, error: Exception) -> int:
    trace = _trace(error)
    began = "Encountered Exception " if isinstance(error, UserScriptException) else ""
    console.line("E", "azmlinfsrv", began + trace)
    console.line("I", "gunicorn.error", f"Worker exiting (pid: {os.getpid()})")
    console.line("E", "gunicorn.error", f"Worker (pid:{os.getpid()}) exited with code {BOOT_FAILED}.")
    console.line("E", "gunicorn.error", "Shutting down: Master")
    console.line("E", "gunicorn.error", "Reason: Worker failed to boot.")
    return BOOT_FAILED


def main(arguments: Sequence[str]) -> int:
    """Serve: `PARENT DESCRIPTOR SCRIPT`, the descriptor being a bound socket that does not listen yet."""
    parent, descriptor, script_path = int(arguments[0]), int(arguments[1]), Path(arguments[2])
    die_with_parent(parent)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, lambda _number, _frame: os._exit(0))
    sys.dont_write_bytecode = True
    console = Console()
    sys.stdout = _Printed(console)
    listening = socket.socket(fileno=descriptor)
    port = listening.getsockname()[1]
    models = os.environ.get("AZUREML_MODEL_DIR", "")
    console.raw(_BANNER.format(script=script_path, models=models, port=port))
    console.line("I", "gunicorn.error", f"Booting worker with pid: {os.getpid()}")
    script = Script(script_path)
    try:
        script.load(console)
    except (UserScriptImportException, UserScriptError, UserScriptException) as error:
        return _give_up(console, error)
    listening.listen(128)
    console.line("I", "azmlinfsrv", f"Worker with pid {os.getpid()} ready for serving traffic")
    Server(script, console).serve(listening)
    return 0
