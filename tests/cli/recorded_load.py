"""Records of a deployment that is saturated at its maximum, as files deliver them."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

NOON = datetime(2026, 3, 4, 12, tzinfo=UTC)
SETTINGS = {
    "Replicas": 4,
    "ReadyReplicas": 4,
    "MinReplicas": 1,
    "MaxReplicas": 4,
    "TargetUtilization": 70,
    "RequestTimeoutMs": 60000,
    "MaxConcurrency": 1,
    "QueueWaitMs": 500,
    "UpdateInFlight": False,
    "Revision": "7",
}


def saturated(
    folder: Path,
    *,
    seconds: int = 180,
    ill: range = range(30, 181),
    settings: bool = True,
    healthy: bool = False,
) -> Path:
    """Eight requests a second to four replicas; every second one is refused while it is ill."""
    folder.mkdir(parents=True, exist_ok=True)
    records: list[dict[str, object]] = []
    for second in range(seconds):
        at = NOON + timedelta(seconds=second)
        names = {"EndpointName": "chat", "DeploymentName": "blue"}
        if settings and second % 5 == 0:
            records.append(
                {"Type": "SentinelDeploymentState_CL", "TimeGenerated": at.isoformat(), **names, **SETTINGS}
            )
        for number in range(8):
            refused = number % 2 == 1 and second in ill and not healthy
            records.append(
                {
                    "Type": "AmlOnlineEndpointTrafficLog",
                    "TimeGenerated": (at + timedelta(milliseconds=100 * number)).isoformat(),
                    **names,
                    "ResponseCode": 503 if refused else 200,
                    "TotalDurationMs": 500 if refused else 1000,
                    "XRequestId": f"{second}-{number}",
                }
            )
    (folder / "records.jsonl").write_text("".join(json.dumps(record) + "\n" for record in records))
    return folder
