from __future__ import annotations

from pathlib import Path

from tests.cli.command_line import sentinel_process


def test_the_dashboard_refuses_to_run_without_a_terminal(tmp_path: Path) -> None:
    ended = sentinel_process("--home", str(tmp_path), "dash", standard_input=b"")

    assert (ended.code, ended.out) == (3, "")
    assert ended.err.startswith("sentinel: the dashboard needs a terminal")


def test_a_home_that_is_not_there_is_refused_as_elsewhere(tmp_path: Path) -> None:
    ended = sentinel_process("--home", str(tmp_path / "typo"), "dash", standard_input=b"")

    assert (ended.code, ended.out) == (3, "")
    assert ended.err.startswith(f"sentinel: there is nothing at {tmp_path / 'typo'}")
    assert not (tmp_path / "typo").exists()
