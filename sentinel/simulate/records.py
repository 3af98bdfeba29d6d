"""The log records of an online endpoint, as a flat export delivers them.

Columns and known values: https://learn.microsoft.com/azure/azure-monitor/reference/tables/amlonlineendpointtrafficlog,
.../amlonlineendpointeventlog and .../amlonlineendpointconsolelog.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

TRAFFIC: Final = "AmlOnlineEndpointTrafficLog"
EVENTS: Final = "AmlOnlineEndpointEventLog"
CONSOLE: Final = "AmlOnlineEndpointConsoleLog"

SERVER: Final = "inference-server"
"""The container a scoring script runs in."""

Record = dict[str, Any]

_OPERATIONS: Final = "Microsoft.MachineLearningServices/workspaces/onlineEndpoints"
_WORKSPACE: Final = "demo"


@dataclass(frozen=True, slots=True)
class Request:
    """What is known of one scoring request once it was answered; durations in milliseconds."""

    at: datetime
    """When it reached the router."""
    id: str
    status: int
    total_ms: float
    reason: str = ""
    model_status: int | None = None
    model_reason: str = ""
    request_ms: float = 0
    response_ms: float | None = None
    received_bytes: int = 0
    sent_bytes: int = 0
    path: str = "/score"
    user_agent: str = ""
    client_id: str = ""


@dataclass(frozen=True, slots=True)
class RecordMaker:
    """Makes the records of one deployment."""

    endpoint: str
    deployment: str
    subscription: str = "00000000-0000-0000-0000-000000000000"
    image: str = "demo.azurecr.io/azureml/score:latest"

    @property
    def resource_id(self) -> str:
        """The endpoint's resource id, lower-case as Log Analytics keeps it."""
        provider = "microsoft.machinelearningservices"
        return (
            f"/subscriptions/{self.subscription}/resourcegroups/demo/providers/{provider}"
            f"/workspaces/{_WORKSPACE}/onlineendpoints/{self.endpoint.lower()}"
        )

    def traffic(self, request: Request) -> Record:
        """The traffic log row of a request."""
        row = self._row(TRAFFIC, request.at, "traffic") | {
            "EndpointName": self.endpoint,
            "AzureMLWorkspaceName": _WORKSPACE,
            "AzureMLWorkspaceId": self.subscription,
            "Location": "local",
            "AuthType": "Key",
            "Method": "POST",
            "Path": request.path,
            "Protocol": "HTTP/1.1",
            "ResponseCode": request.status,
            "ResponseCodeReason": request.reason,
            "ModelStatusReason": request.model_reason,
            "RequestPayloadSize": request.received_bytes,
            "ResponsePayloadSize": request.sent_bytes,
            "TotalDurationMs": round(request.total_ms),
            "RequestDurationMs": round(request.request_ms),
            "RequestThrottlingDelayMs": 0,
            "ResponseThrottlingDelayMs": 0,
            "UserAgent": request.user_agent[:70],
            "XRequestId": request.id,
            "XMSClientRequestId": request.client_id,
        }
        if request.model_status is not None:
            row["ModelStatusCode"] = request.model_status
        if request.response_ms is not None:
            row["ResponseDurationMs"] = round(request.response_ms)
        return row

    def event(self, at: datetime, instance: str, name: str, message: str) -> Record:
        """The row of a life-cycle event of a replica's container."""
        return self._row(EVENTS, at, "event") | {"InstanceId": instance, "Name": name, "Message": message}

    def console(self, at: datetime, instance: str, message: str) -> Record:
        """The row of one line a replica printed."""
        return self._row(CONSOLE, at, "log") | {
            "InstanceId": instance,
            "ContainerName": SERVER,
            "ContainerImageName": self.image,
            "Message": message,
        }

    def _row(self, table: str, at: datetime, verb: str) -> Record:
        return {
            "TimeGenerated": at.isoformat(timespec="microseconds").replace("+00:00", "Z"),
            "Type": table,
            "_ResourceId": self.resource_id,
            "_SubscriptionId": self.subscription,
            "OperationName": f"{_OPERATIONS}/{verb}",
            "DeploymentName": self.deployment,
        }


CREATED: Final = ("Created", f"Created container {SERVER}")
STARTED: Final = ("Started", f"Started container {SERVER}")
STOPPED: Final = ("Killing", f"Stopping container {SERVER}")
UNHEALTHY: Final = ("Killing", f"Container {SERVER} failed liveness probe, will be restarted")
BACK_OFF: Final = ("BackOff", "Back-off restarting failed container")
