"""CPU per traffic row from JSON Lines to committed rows, beside two other ways on the same machine.

Run as `python benchmarks/ingest.py --rows 100000`.
"""

from __future__ import annotations

import argparse
import json
import random
import resource
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from sentinel.clock import SystemClock, monotonic
from sentinel.collect.ingest import Ingester
from sentinel.store.telemetry import TelemetryStore

BODY_ROWS = 1000
_WORKSPACE = (
    "/subscriptions/0f3c2b1a-1111-2222-3333-444455556666/resourcegroups/rg-ml/providers/"
    "microsoft.machinelearningservices/workspaces/ws1"
)


def traffic(rows: int, *, seed: int = 7, span: timedelta = timedelta(hours=12)) -> Iterator[dict[str, Any]]:
    """Traffic records of 25 columns; few of 118 deployments get most of the requests."""
    chance = random.Random(seed)
    start = datetime(2026, 3, 4, tzinfo=UTC)
    weights = [1 / (rank + 1) for rank in range(118)]
    deployments = chance.choices(range(118), weights, k=rows)
    for number, deployment in enumerate(deployments):
        at = start + span * number / rows
        total = int(chance.lognormvariate(4.5, 0.8))
        code = chance.choices((200, 503, 429, 500, 424), (960, 20, 10, 7, 3))[0]
        endpoint = f"endpoint-{deployment // 2}"
        yield {
            "TimeGenerated": f"{at:%Y-%m-%dT%H:%M:%S.%f}{number % 10}Z",
            "OperationName": "Microsoft.MachineLearningServices/workspaces/onlineEndpoints/score/action",
            "Location": "westeurope",
            "Method": "POST",
            "Path": "/score",
            "Protocol": "HTTP/1.1",
            "AzureMLWorkspaceId": "c1a2f3e4-0000-4000-8000-00000000aaaa",
            "AzureMLWorkspaceName": "ws1",
            "EndpointName": endpoint,
            "DeploymentName": "blue" if deployment % 2 else "green",
            "AuthType": "Key",
            "ResponseCode": code,
            "ResponseCodeReason": "ok" if code == 200 else "refused",
            "ModelStatusCode": 200 if code == 200 else 0,
            "RequestPayloadSize": chance.randrange(200, 4000),
            "ResponsePayloadSize": chance.randrange(20, 900),
            "TotalDurationMs": total,
            "RequestDurationMs": chance.randrange(1, 9),
            "ResponseDurationMs": chance.randrange(0, 4),
            "RequestThrottlingDelayMs": 0,
            "UserAgent": "python-requests/2.32.0",
            "XRequestId": f"{chance.getrandbits(128):032x}",
            "XMSClientRequestId": f"batch-{number}",
            "_ResourceId": f"{_WORKSPACE}/onlineendpoints/{endpoint}",
            "Type": "AmlOnlineEndpointTrafficLog",
        }


def enveloped(record: dict[str, Any]) -> dict[str, Any]:
    """The same record as a diagnostic setting delivers it."""
    inner = dict(record)
    del inner["Type"]
    return {
        "time": inner.pop("TimeGenerated"),
        "resourceId": inner.pop("_ResourceId").upper(),
        "category": "AmlOnlineEndpointTrafficLog",
        "operationName": inner.pop("OperationName"),
        "location": inner.pop("Location"),
        "properties": inner,
    }


def bodies(lines: list[bytes]) -> list[bytes]:
    """Lines as the bodies of deliveries."""
    return [b"\n".join(lines[at : at + BODY_ROWS]) + b"\n" for at in range(0, len(lines), BODY_ROWS)]


def cpu(who: int = resource.RUSAGE_SELF) -> float:
    """CPU seconds used so far."""
    used = resource.getrusage(who)
    return used.ru_utime + used.ru_stime


def measured(name: str, rows: int, work: Callable[[], object], who: int = resource.RUSAGE_SELF) -> float:
    """Run it, print what it took, and return CPU µs a row."""
    wall, before = monotonic(), cpu(who)
    work()
    each = (cpu(who) - before) / rows * 1e6
    print(f"{name:<44} {rows / (monotonic() - wall):>9,.0f} rows/s {each:>7.2f} µs CPU a row")
    return each


def ours(directory: Path, deliveries: list[bytes]) -> None:
    """Through the ingester, all of it acknowledged."""
    with TelemetryStore.open(directory) as store, Ingester(store, SystemClock()) as ingester:
        futures = []
        for body in deliveries:
            futures.append(ingester.submit_later(body, origin="benchmark"))
            if len(futures) >= 16:
                futures.pop(0).result()
        for future in futures:
            future.result()


def plain(path: Path, deliveries: list[bytes]) -> None:
    """json.loads and executemany, one transaction a body."""
    database = sqlite3.connect(path)
    database.execute("PRAGMA journal_mode = wal")
    columns = list(next(traffic(1)))
    database.execute(f"CREATE TABLE t ({', '.join(columns)})")
    insert = f"INSERT INTO t VALUES ({', '.join('?' * len(columns))})"
    for body in deliveries:
        records = [json.loads(line) for line in body.splitlines()]
        with database:
            database.executemany(insert, [tuple(record.values()) for record in records])
    database.close()


def main() -> None:
    """Print rows/s, CPU µs a row, and the two ratios."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=100_000)
    rows = parser.parse_args().rows
    with tempfile.TemporaryDirectory(prefix="sentinel-bench-") as name:
        directory = Path(name)
        flat = [json.dumps(record, separators=(",", ":")).encode() for record in traffic(rows)]
        wrapped = [json.dumps(enveloped(json.loads(line)), separators=(",", ":")).encode() for line in flat]
        lines = directory / "traffic.jsonl"
        lines.write_bytes(b"\n".join(flat) + b"\n")
        flat_bodies, wrapped_bodies = bodies(flat), bodies(wrapped)
        each = measured("sentinel, flat records", rows, lambda: ours(directory / "flat", flat_bodies))
        measured("sentinel, enveloped records", rows, lambda: ours(directory / "enveloped", wrapped_bodies))
        measured("sentinel, all of it delivered again", rows, lambda: ours(directory / "flat", flat_bodies))
        other = measured("json.loads + executemany", rows, lambda: plain(directory / "plain.db", flat_bodies))
        command = [
            sys.executable,
            "-m",
            "sqlite_utils",
            "insert",
            str(directory / "utils.db"),
            "t",
            str(lines),
        ]
        utils = measured(
            "sqlite-utils insert --nl",
            rows,
            lambda: subprocess.run([*command, "--nl"], check=True, stdout=subprocess.DEVNULL),
            resource.RUSAGE_CHILDREN,
        )
        size = sum(file.stat().st_size for file in (directory / "flat").iterdir())
        print(f"{size / rows:.0f} bytes a row on disk, {len(lines.read_bytes()) / rows:.0f} as JSON")
        print(f"CPU against json.loads + executemany: {each / other:.2f} (at most 0.60 is wanted)")
        print(f"sqlite-utils insert costs {utils / each:.1f} times as much (at least 5 is wanted)")


if __name__ == "__main__":
    main()
