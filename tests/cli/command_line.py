"""Runs `sentinel` as a person does, in a process of its own, and in this process where that is enough."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from sentinel.cli.main import run


@dataclass(frozen=True, slots=True)
class Ended:
    """A command that ended."""

    code: int
    out: str
    err: str


def sentinel(capsys: pytest.CaptureFixture[str], home: Path, *arguments: str) -> Ended:
    """Run a command line in this process."""
    code = run(["--home", str(home), *arguments])
    captured = capsys.readouterr()
    return Ended(int(code), captured.out, captured.err)


def sentinel_process(*arguments: str, standard_input: bytes | None = None, **environment: str) -> Ended:
    """Run a command line in a process of its own."""
    ended = subprocess.run(
        [sys.executable, "-m", "sentinel", *arguments],
        input=standard_input,
        capture_output=True,
        check=False,
        timeout=60,
        env={**os.environ, **environment},
    )
    return Ended(ended.returncode, ended.stdout.decode(), ended.stderr.decode())
