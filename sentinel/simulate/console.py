"""The console lines of Azure ML's inference server (as of azureml-inference-server-http 1.5.1)."""

from __future__ import annotations

from datetime import datetime
from typing import Final

_PACKAGE: Final = "/azureml-envs/env/lib/python3.11/site-packages/azureml_inference_server_http/server"
_SCRIPT: Final = "/var/azureml-app/score.py"


def line(at: datetime, level: str, pid: int, logger: str, message: str) -> str:
    """`<UTC time> <level letter> [<pid>] <logger> - <message>`."""
    stamp = f"{at:%Y-%m-%d %H:%M:%S},{at.microsecond // 1000:03d}"
    return f"{stamp} {level} [{pid}] {logger} - {message}"


def ready(at: datetime, pid: int) -> list[str]:
    """What a worker prints that came up."""
    return [
        line(at, "I", pid, "gunicorn.error", f"Booting worker with pid: {pid}"),
        line(at, "I", pid, "azmlinfsrv.user_script", "Users's init has completed successfully"),
        line(at, "I", pid, "azmlinfsrv", f"Worker with pid {pid} ready for serving traffic"),
    ]


def answered(at: datetime, pid: int, status: int, milliseconds: float, size: int) -> str:
    """What a worker prints after a request, however long it took and whoever still waited for it."""
    return line(at, "I", pid, "azmlinfsrv", f"POST /score {status} {milliseconds:.3f}ms {size}")


def missing_module(at: datetime, pid: int, module: str) -> list[str]:
    """What a server prints whose `score.py` imports a module that its environment lacks; it exits with 3."""
    problem = "Failed to import user script because it raised an unhandled exception"
    return [
        line(at, "I", pid, "gunicorn.error", f"Booting worker with pid: {pid}"),
        line(at, "E", pid, "azmlinfsrv", "Traceback (most recent call last):"),
        f'  File "{_PACKAGE}/user_script.py", line 77, in load_script',
        "    main_module_spec.loader.exec_module(user_module)",
        f'  File "{_SCRIPT}", line 1, in <module>',
        f"    import {module}",
        f"ModuleNotFoundError: No module named '{module}'",
        "The above exception was the direct cause of the following exception:",
        "Traceback (most recent call last):",
        f'  File "{_PACKAGE}/user_script.py", line 79, in load_script',
        "    raise UserScriptImportException(ex) from ex",
        f"azureml_inference_server_http.server.user_script.UserScriptImportException: {problem}",
        line(at, "I", pid, "gunicorn.error", f"Worker exiting (pid: {pid})"),
        line(at, "E", pid, "gunicorn.error", f"Worker (pid:{pid}) exited with code 3."),
        line(at, "E", pid, "gunicorn.error", "Shutting down: Master"),
        line(at, "E", pid, "gunicorn.error", "Reason: Worker failed to boot."),
    ]
