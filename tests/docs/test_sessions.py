from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.docs.sessions import Step, documents, sessions

SESSIONS = [
    pytest.param(session, id=f"{path.name} {number}")
    for path in documents()
    for number, session in enumerate(sessions(path), 1)
]


def fits(shown: str, printed: str) -> bool:
    """Whether a session's text is what was printed; `…` alone on a line stands for any lines, inside for any text."""
    lines = [re.escape(line) for line in shown.rstrip().splitlines()]
    patterns = [r"(?:.*\n)*?" if line == "…" else line.replace("…", ".*?") + r"[ ]*\n" for line in lines]
    return re.fullmatch("".join(patterns), printed.rstrip() + "\n" if printed.strip() else "") is not None


@pytest.mark.parametrize("session", SESSIONS)
def test_a_session_in_a_document_goes_as_shown(session: tuple[Step, ...], tmp_path: Path) -> None:
    programs = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    environment = {
        **os.environ,
        "PATH": programs,
        "HOME": str(tmp_path),
        "XDG_DATA_HOME": str(tmp_path / "data"),
    }

    for step in session:
        ended = subprocess.run(
            ["bash", "-c", step.command],
            cwd=tmp_path,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=60,
            check=False,
        )
        assert fits(step.shown, ended.stdout), f"$ {step.command}\n{ended.stdout}"


def test_dots_stand_for_what_differs_from_run_to_run() -> None:
    assert fits("took … s\n…\nend\n", "took 3 s\na\nb\nend\n")
    assert not fits("took 3 s\n", "took 4 s\n")
