from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.command_line import sentinel
from tests.parts.two_busy_replicas import records

NOW = ("--now", "2026-03-04T12:00:00Z")


@pytest.fixture
def home(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Path:
    (tmp_path / "telemetry.jsonl").write_text("\n".join(map(json.dumps, records())))
    sentinel(capsys, tmp_path / "home", "ingest", str(tmp_path / "telemetry.jsonl"))
    return tmp_path / "home"


def test_a_candidate_is_compared_with_what_is_in_force(
    capsys: pytest.CaptureFixture[str], home: Path
) -> None:
    ended = sentinel(
        capsys, home, "simulate", "chat/blue", "--set", "max_replicas=9", *NOW, "--format", "json"
    )

    now, candidate = json.loads(ended.out)
    assert (now["Settings"], now["Max"], candidate["Max"]) == ("now", 2, 9)
    assert now["Refused"] > 0.25
    assert candidate["Refused"] < 0.15
    assert now["Calibrated"] is True
    assert ended.err.startswith("calibrated: refused ")


@pytest.mark.parametrize(("name", "begins"), [("figure.svg", b"<?xml"), ("figure.png", b"\x89PNG")])
def test_a_figure_is_written(
    capsys: pytest.CaptureFixture[str], home: Path, tmp_path: Path, name: str, begins: bytes
) -> None:
    drawn = tmp_path / name

    ended = sentinel(
        capsys, home, "simulate", "chat/blue", "--set", "min_replicas=2", *NOW, "--plot", str(drawn)
    )

    assert ended.code == 0
    assert drawn.read_bytes().startswith(begins)


def test_a_figure_of_no_known_format_is_refused(capsys: pytest.CaptureFixture[str], home: Path) -> None:
    ended = sentinel(capsys, home, "simulate", "chat/blue", *NOW, "--plot", "figure.pdf")

    assert ended.code == 2
    assert "figure.pdf ends in neither .svg nor .png" in ended.err


def test_a_figure_that_cannot_be_written_says_why(capsys: pytest.CaptureFixture[str], home: Path) -> None:
    ended = sentinel(capsys, home, "simulate", "chat/blue", *NOW, "--plot", str(home / "none" / "a.svg"))

    assert ended.code == 2
    assert "No such file or directory" in ended.err


def test_an_unknown_deployment_cannot_be_simulated(capsys: pytest.CaptureFixture[str], home: Path) -> None:
    ended = sentinel(capsys, home, "simulate", "chat/green", *NOW)

    assert ended.code == 3
    assert "chat/green cannot be simulated: nothing is known of its settings" in ended.err


@pytest.mark.parametrize("wrong", ["max_replicas", "size=3", "max_replicas=many", "min_replicas=30"])
def test_a_setting_that_no_deployment_takes_is_refused(
    capsys: pytest.CaptureFixture[str], home: Path, wrong: str
) -> None:
    ended = sentinel(capsys, home, "simulate", "chat/blue", "--set", wrong, *NOW)

    assert ended.code == 2
    assert "--set" in ended.err
