from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random

import pytest

from tests.cli.command_line import sentinel

NOON = datetime(2026, 3, 4, 12, tzinfo=UTC)
NOW = ("--now", "2026-03-04T12:00:00Z")


def state(seconds: int) -> dict[str, object]:
    return {
        "Type": "SentinelDeploymentState_CL",
        "TimeGenerated": (NOON - timedelta(seconds=seconds)).isoformat(),
        "EndpointName": "chat",
        "DeploymentName": "blue",
        "Replicas": 2,
        "ReadyReplicas": 2,
        "MinReplicas": 1,
        "MaxReplicas": 2,
        "TargetUtilization": 70,
        "RequestTimeoutMs": 60000,
        "MaxConcurrency": 1,
        "QueueWaitMs": 500,
        "UpdateInFlight": False,
        "Revision": "7",
    }


def request(number: int) -> dict[str, object]:
    """Three a second of 1 s each at two replicas: every third is refused."""
    refused = number % 3 == 2
    at = 240 - number / 3 + Random(number).uniform(-0.3, 0.3)
    return {
        "Type": "AmlOnlineEndpointTrafficLog",
        "TimeGenerated": (NOON - timedelta(seconds=at)).isoformat(),
        "EndpointName": "chat",
        "DeploymentName": "blue",
        "ResponseCode": 503 if refused else 200,
        "TotalDurationMs": 500 if refused else 1000,
        "XRequestId": str(number),
    }


@pytest.fixture
def home(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Path:
    rows = [*map(state, range(250, 0, -10)), *map(request, range(700))]
    (tmp_path / "telemetry.jsonl").write_text("\n".join(map(json.dumps, rows)))
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
