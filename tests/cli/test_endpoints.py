from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.command_line import sentinel

SETTINGS = {
    "Type": "SentinelDeploymentState_CL",
    "TimeGenerated": "2026-03-04T11:59:50Z",
    "EndpointName": "chat",
    "DeploymentName": "blue",
    "Replicas": 4,
    "ReadyReplicas": 3,
    "MinReplicas": 1,
    "MaxReplicas": 4,
    "TargetUtilization": 70,
    "RequestTimeoutMs": 5000,
    "MaxConcurrency": 1,
    "QueueWaitMs": 500,
    "UpdateInFlight": False,
    "Revision": "7",
}
NOW = ("--now", "2026-03-04T12:00:00Z")


def request(number: int) -> dict[str, object]:
    return {
        "Type": "AmlOnlineEndpointTrafficLog",
        "TimeGenerated": f"2026-03-04T11:59:{number:02d}Z",
        "EndpointName": "chat",
        "DeploymentName": "blue",
        "ResponseCode": 503 if number % 4 == 0 else 200,
        "TotalDurationMs": 50,
        "XRequestId": str(number),
    }


@pytest.fixture
def home(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Path:
    lines = [json.dumps(SETTINGS), *(json.dumps(request(number)) for number in range(20))]
    (tmp_path / "telemetry.jsonl").write_text("\n".join(lines))
    sentinel(capsys, tmp_path / "home", "ingest", str(tmp_path / "telemetry.jsonl"))
    return tmp_path / "home"


def test_a_deployment_is_listed_with_its_settings_and_traffic(
    capsys: pytest.CaptureFixture[str], home: Path
) -> None:
    ended = sentinel(capsys, home, "endpoints", *NOW, "--format", "json")

    listed = json.loads(ended.out)
    assert [(one["Endpoint"], one["Deployment"], one["Ready"], one["Max"]) for one in listed] == [
        ("chat", "blue", 3, 4)
    ]
    assert (listed[0]["Requests"], listed[0]["Refused"], listed[0]["Incident"]) == (20, 0.25, None)
    assert listed[0]["SettingsAt"] == "2026-03-04T11:59:50Z"


def test_jobs_are_listed_with_a_count_by_state(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    event = {
        "Type": "AmlComputeJobEvent",
        "TimeGenerated": "2026-03-04T11:00:00Z",
        "ExecutionState": "Failed",
    }
    lines = [json.dumps({**event, "JobName": name, "JobId": name}) for name in ("train-1", "train-2")]
    (tmp_path / "jobs.jsonl").write_text("\n".join(lines))
    sentinel(capsys, tmp_path / "home", "ingest", str(tmp_path / "jobs.jsonl"))

    ended = sentinel(capsys, tmp_path / "home", "jobs", "--state", "failed", "--format", "jsonl")

    assert sorted(json.loads(line)["Job"] for line in ended.out.splitlines()) == ["train-1", "train-2"]
    assert ended.err == "2 Failed\n"
