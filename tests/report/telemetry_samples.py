"""Telemetry for screens: one endpoint under load, some jobs, and the settings the daemon read."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from sentinel.collect.ingest import Ingester
from sentinel.store.telemetry import TelemetryStore
from tests.report.incident_samples import after

ENDPOINT = "/subscriptions/s/resourcegroups/g/providers/microsoft.machinelearningservices/workspaces/w"


def fill(store: TelemetryStore) -> None:
    """Store 200 seconds of telemetry from `after(0)` on."""
    with Ingester(store) as ingester:
        for table, rows in (
            ("AmlOnlineEndpointTrafficLog", requests()),
            ("SentinelDeploymentState_CL", settings()),
            ("AmlComputeJobEvent", job_events()),
            ("AmlOnlineEndpointConsoleLog", console_lines()),
        ):
            body = "\n".join(json.dumps({**row, "Type": table}) for row in rows).encode()
            receipt = ingester.submit(body, origin="sample", table=table)
            assert receipt.set_aside == 0


def requests() -> Iterator[dict[str, Any]]:
    """Ten requests a second to chat/blue, of which every fourth is refused, and one a second to chat/green."""
    for tenth in range(2000):
        code = 503 if tenth % 4 == 0 else 504 if tenth % 50 == 1 else 200
        yield a_request(tenth / 10, "blue", code, 480 if code == 200 else 500)
        if tenth % 10 == 0:
            yield a_request(tenth / 10, "green", 200, 95)


def a_request(second: float, name: str, code: int, milliseconds: int) -> dict[str, Any]:
    return {
        "TimeGenerated": after(second).isoformat(),
        "EndpointName": "chat",
        "DeploymentName": name,
        "ResponseCode": code,
        "ResponseCodeReason": {200: "OK", 503: "Service Unavailable", 504: "Gateway Timeout"}[code],
        "TotalDurationMs": milliseconds,
        "XRequestId": f"{name}-{second}",
        "_ResourceId": f"{ENDPOINT}/onlineendpoints/chat",
    }


def settings() -> Iterator[dict[str, Any]]:
    """What the daemon read of two deployments, every 20 seconds."""
    for second in range(0, 200, 20):
        for name, replicas, maximum in (("blue", 4, 4), ("green", 2, 10)):
            yield {
                "TimeGenerated": after(second).isoformat(),
                "EndpointName": "chat",
                "DeploymentName": name,
                "Replicas": replicas,
                "ReadyReplicas": replicas,
                "MinReplicas": 1,
                "MaxReplicas": maximum,
                "TargetUtilization": 70,
                "RequestTimeoutMs": 60000,
                "MaxConcurrency": 1,
                "QueueWaitMs": 500,
                "UpdateInFlight": False,
                "Revision": "7",
            }


def job_events() -> Iterator[dict[str, Any]]:
    """Twelve jobs that were queued and ran; of the first ten every fifth failed and the others succeeded."""
    for number in range(12):
        for second, state in ((number, "Queued"), (number + 20, "Running"), (number + 90, "")):
            if not state and number >= 10:
                continue
            ended = "Failed" if number % 5 == 0 else "Succeeded"
            error = "AzureMLCompute job failed: ExecutionFailed, exit code 137" if ended == "Failed" else ""
            yield {
                "TimeGenerated": after(second).isoformat(),
                "JobName": f"train-{number}",
                "JobId": f"id-{number}",
                "ExecutionState": state or ended,
                "EventType": f"Job{state or ended}",
                "ClusterName": "gpu-a100" if number % 2 else "cpu-d4",
                "ExperimentName": "nightly",
                "WorkspaceName": "w",
                "NodeId": f"node-{number % 3}",
                "JobErrorMessage": "" if state else error,
                "_ResourceId": ENDPOINT,
            }


def console_lines() -> Iterator[dict[str, Any]]:
    """A line of each of five seconds."""
    for second in range(5):
        yield {
            "TimeGenerated": after(180 + second).isoformat(),
            "DeploymentName": "blue",
            "InstanceId": f"instance-{second % 2}",
            "Message": f"request took {second * 100} ms: a warning that nobody reads",
            "_ResourceId": f"{ENDPOINT}/onlineendpoints/chat",
        }
