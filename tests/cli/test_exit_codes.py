from __future__ import annotations

from pathlib import Path

import pytest

from sentinel.cli.exits import MEANING, ExitCode, exit_code_of
from sentinel.cli.main import run
from sentinel.errors import (
    ConfigError,
    DecisionError,
    QueryLimitExceeded,
    QuerySyntaxError,
    RuleErrors,
    SentinelError,
    StoreError,
)
from tests.cli.command_line import sentinel


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (QuerySyntaxError("no"), ExitCode.QUERY),
        (QueryLimitExceeded("no"), ExitCode.QUERY),
        (DecisionError("no"), ExitCode.FINDING),
        (StoreError("no"), ExitCode.CANNOT),
        (ConfigError("no"), ExitCode.CANNOT),
        (RuleErrors(()), ExitCode.CANNOT),
    ],
    ids=lambda value: type(value).__name__,
)
def test_an_error_ends_with_its_code(error: SentinelError, code: ExitCode) -> None:
    assert exit_code_of(error) is code


def test_every_code_has_a_meaning() -> None:
    assert set(MEANING) == set(ExitCode)


def test_settings_that_are_wrong_are_told_without_a_traceback(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    (tmp_path / "sentinel.toml").write_text('mod = "autonomous"\n')

    ended = sentinel(capsys, tmp_path, "up")

    assert ended.code == ExitCode.CANNOT
    assert "did you mean 'mode'?" in ended.err
    assert "Traceback" not in ended.err


def test_a_defect_shows_its_traceback(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken() -> None:
        raise ZeroDivisionError("a defect")

    monkeypatch.setattr("sentinel.cli.up.command.callback", broken)

    code = run(["--home", str(tmp_path), "up"])

    assert code == ExitCode.CRASHED
    assert "ZeroDivisionError: a defect" in capsys.readouterr().err


def test_an_interruption_is_not_a_defect(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted() -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("sentinel.cli.up.command.callback", interrupted)

    code = run(["--home", str(tmp_path), "up"])

    assert code == ExitCode.INTERRUPTED
    assert capsys.readouterr().err.strip() == "interrupted"


def test_the_home_may_come_from_the_environment(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SENTINEL_HOME", str(tmp_path / "elsewhere"))

    code = run(["incidents"])

    assert code == ExitCode.CANNOT
    assert str(tmp_path / "elsewhere") in capsys.readouterr().err
