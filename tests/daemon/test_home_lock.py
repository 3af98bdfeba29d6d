from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from sentinel.daemon.home_lock import HomeLock
from sentinel.errors import StoreError


def test_a_second_daemon_on_the_same_home_is_refused_and_told_who_runs(tmp_path: Path) -> None:
    with HomeLock(tmp_path), pytest.raises(StoreError, match=rf"process {os.getpid()}\) already runs on"):
        HomeLock(tmp_path).__enter__()


def test_two_homes_do_not_mind_each_other(tmp_path: Path) -> None:
    with HomeLock(tmp_path / "one"), HomeLock(tmp_path / "two"):
        assert (tmp_path / "two" / "daemon.lock").exists()


def test_the_lock_is_free_after_the_block(tmp_path: Path) -> None:
    with HomeLock(tmp_path):
        pass

    with HomeLock(tmp_path):
        assert (tmp_path / "daemon.lock").read_text() == f"{os.getpid()}\n"


def test_the_lock_of_a_process_that_was_killed_is_free(tmp_path: Path) -> None:
    script = (
        "import os, sys, pathlib; from sentinel.daemon.home_lock import HomeLock;"
        "HomeLock(pathlib.Path(sys.argv[1])).__enter__(); os.kill(os.getpid(), 9)"
    )
    subprocess.run([sys.executable, "-c", script, str(tmp_path)], check=False)

    with HomeLock(tmp_path):
        assert (tmp_path / "daemon.lock").read_text() == f"{os.getpid()}\n"


def test_a_home_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")

    with pytest.raises(StoreError, match="cannot use the home directory"):
        HomeLock(tmp_path / "file" / "home").__enter__()
