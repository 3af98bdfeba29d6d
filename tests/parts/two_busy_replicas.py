"""The telemetry of chat/blue, whose two replicas get three requests of a second each in a second."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from random import Random
from typing import Final

NOON: Final = datetime(2026, 3, 4, 12, tzinfo=UTC)


def state(seconds: int) -> dict[str, object]:
    """Its settings and replicas so long before noon."""
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


def records() -> list[dict[str, object]]:
    """What is known of the four minutes before noon."""
    return [*map(state, range(250, 0, -10)), *map(request, range(700))]
