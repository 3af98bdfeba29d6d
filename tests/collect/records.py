"""Telemetry as the delivery paths write it, and what the store made of it."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

from sentinel.store.scan import Scan
from sentinel.store.telemetry import TelemetryStore

NOON = datetime(2026, 3, 4, 12, 0, tzinfo=UTC)
WORKSPACE = (
    "/SUBSCRIPTIONS/0F3C2B1A-1111-2222-3333-444455556666/RESOURCEGROUPS/RG-ML/PROVIDERS"
    "/MICROSOFT.MACHINELEARNINGSERVICES/WORKSPACES/WS1"
)
TRAFFIC = "AmlOnlineEndpointTrafficLog"
JOBS = "AmlComputeJobEvent"


def traffic(number: int = 0, **changes: Any) -> dict[str, Any]:
    """A flat traffic record, spelt as the table is."""
    return {
        "TimeGenerated": f"2026-03-04T12:00:{number % 60:02d}.1234567Z",
        "OperationName": "score",
        "EndpointName": "chat",
        "DeploymentName": "blue",
        "ResponseCode": 200,
        "TotalDurationMs": 87,
        "XRequestId": f"request-{number}",
        "_ResourceId": f"{WORKSPACE}/ONLINEENDPOINTS/CHAT".lower(),
        "Type": TRAFFIC,
        **changes,
    }


def enveloped(record: dict[str, Any]) -> dict[str, Any]:
    """The same record as a diagnostic setting delivers it."""
    inner = dict(record)
    return {
        "time": inner.pop("TimeGenerated"),
        "resourceId": inner.pop("_ResourceId").upper(),
        "category": inner.pop("Type"),
        "operationName": inner.pop("OperationName"),
        "properties": inner,
    }


def job(number: int = 0, **changes: Any) -> dict[str, Any]:
    """A flat job record."""
    return {
        "TimeGenerated": f"2026-03-04T12:00:{number % 60:02d}Z",
        "JobName": f"job-{number}",
        "ExecutionState": "Failed",
        "ClusterName": "gpu",
        "_ResourceId": WORKSPACE.lower(),
        "Type": JOBS,
        **changes,
    }


def as_json(value: Any) -> bytes:
    return json.dumps(value).encode()


def as_lines(records: list[dict[str, Any]]) -> bytes:
    return b"".join(as_json(record) + b"\n" for record in records)


def stored(store: TelemetryStore, table: str, *columns: str) -> list[tuple[Any, ...]]:
    """Every row of some columns of a table, in the order of their text."""
    reader = store.reader()
    try:
        rows = reader.connection.execute(reader.scan_sql(Scan(table, columns))).fetchall()
    finally:
        reader.close()
    return sorted(rows, key=str)
