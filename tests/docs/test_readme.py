"""The first steps of the README, on a real daemon and a handful of records."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.docs.sessions import REPOSITORY, command_lines

HOME = "./sentinel-home"
WAITS_FOR_A_PERSON = {"up", "dash"}
NEEDS_AN_INCIDENT = {"explain", "approve", "deny", "undo"}
STEPS = [
    pytest.param(words, id=" ".join(words[2:4]))
    for words in command_lines(REPOSITORY / "README.md")
    if words[:2] == ["--home", HOME] and words[2] not in WAITS_FOR_A_PERSON | NEEDS_AN_INCIDENT
]


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A directory with exported logs, and a daemon that runs on the README's home in it."""
    directory = tmp_path_factory.mktemp("readme")
    (directory / "exported-logs").mkdir()
    named = {
        "JobName": "train-17",
        "JobId": "train-17",
        "ClusterName": "gpu-west",
        "ExecutionState": "Failed",
    }
    record = {"Type": "AmlComputeJobEvent", "TimeGenerated": datetime.now(UTC).isoformat(), **named}
    (directory / "exported-logs" / "PT1H.json").write_text(json.dumps(record) + "\n")
    (directory / HOME).mkdir()
    (directory / HOME / "sentinel.toml").write_text("[http]\nport = 0\n")
    command = [sys.executable, "-m", "sentinel", "--home", HOME, "up"]
    with subprocess.Popen(command, cwd=directory, stderr=subprocess.PIPE, text=True) as daemon:
        assert daemon.stderr is not None
        told = next(line for line in daemon.stderr if "http://" in line)
        assert "Traceback" not in told
        yield directory
        daemon.send_signal(signal.SIGTERM)
        _, rest = daemon.communicate(timeout=30)
    assert (daemon.returncode, "Traceback" in rest) == (0, False)


@pytest.mark.parametrize("words", STEPS)
def test_a_first_step_of_the_readme_works_beside_the_daemon(words: list[str], directory: Path) -> None:
    ended = subprocess.run(
        [sys.executable, "-m", "sentinel", *words],
        cwd=directory,
        env={**os.environ, "COLUMNS": "100"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert (ended.returncode, "Traceback" in ended.stderr) == (0, False), ended.stderr


def test_the_readme_shows_first_steps() -> None:
    shown = {step.values[0][2] for step in STEPS}  # type: ignore[index] # the words of a parameter set

    assert {"ingest", "query", "incidents"} <= shown
