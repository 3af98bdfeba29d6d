"""What one diagnosis costs over a million rows of telemetry: every cause of refused requests, asked of one deployment.

Run as `python benchmarks/diagnose.py`, or with `--rows 100000` for a quicker look and `--rate 1000` for busier windows.
Rows of eight tables come from 120 deployments, and the one that is diagnosed is the busiest. Counted is processor time,
the median of some runs, each over a window of its own. Beside it stands the floor: the rows that the causes look at,
read once by hand.
"""

from __future__ import annotations

import argparse
import random
import statistics
import tempfile
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from time import process_time

from sentinel.clock import TICKS_PER_SECOND, from_ticks, to_ticks
from sentinel.detect.ruleset import default_rule_paths, load_rules
from sentinel.diagnose.causes import diagnose
from sentinel.model.finding import Finding
from sentinel.model.rule import Symptom
from sentinel.model.target import Target, deployment
from sentinel.query.engine import Engine
from sentinel.store.batch import Batch, Record
from sentinel.store.layout import empty_value, layouts
from sentinel.store.scan import Scan
from sentinel.store.telemetry import TelemetryStore

END = datetime(2026, 3, 4, 23, 30, tzinfo=UTC)
DEPLOYMENTS = 120
REPEATS = 15
TARGET = deployment("endpoint-0", "blue")
RESOURCE = (
    "/subscriptions/0f3c/resourcegroups/rg/providers/microsoft.machinelearningservices/workspaces/ws1"
    "/onlineendpoints/endpoint-{}"
)
MIX = {
    "AmlOnlineEndpointTrafficLog": 58,
    "AmlOnlineEndpointConsoleLog": 25,
    "SentinelDeploymentState_CL": 6,
    "ContainerLogV2": 4,
    "KubePodInventory": 3,
    "AmlOnlineEndpointEventLog": 2,
    "KubeEvents": 1,
    "AmlComputeJobEvent": 1,
}
"""How many of a hundred rows each table gets."""
LINES = (
    "azmlinfsrv - POST /score 200 {}.201ms 127.0.0.1:51000",
    "[31] azmlinfsrv.score - INFO - {} tokens generated",
    "127.0.0.1 - - [04/Mar/2026:10:00:00 +0000] GET / HTTP/1.0 200 {}",
)


def values_of(table: str, of: int, number: int, chance: random.Random) -> dict[str, object]:
    """What a record of a deployment says."""
    endpoint, name, pod = f"endpoint-{of}", "blue", f"blue-endpoint-{of}-7d9f5c-{number % 4}"
    mine = {"DeploymentName": name, "_ResourceId": RESOURCE.format(of)}
    match table:
        case "AmlOnlineEndpointTrafficLog":
            return {
                "EndpointName": endpoint,
                "DeploymentName": name,
                "ResponseCode": 503 if chance.random() < 0.05 else 200,
                "TotalDurationMs": chance.randrange(100, 900),
                "XRequestId": f"{number:032x}",
            }
        case "AmlOnlineEndpointConsoleLog":
            line = chance.choice(LINES).format(chance.randrange(100, 900))
            return {**mine, "InstanceId": pod, "Message": line}
        case "SentinelDeploymentState_CL":
            replicas = {"Replicas": 4, "ReadyReplicas": 4, "MinReplicas": 1, "MaxReplicas": 4}
            limits = {"TargetUtilization": 70, "RequestTimeoutMs": 60_000, "MaxConcurrency": 1}
            return {"EndpointName": endpoint, "DeploymentName": name, **replicas, **limits, "Revision": "1"}
        case "ContainerLogV2":
            return {"PodName": pod, "ContainerName": "server", "LogMessage": f'"request {number} done"'}
        case "KubePodInventory":
            state = {"PodStatus": "Running", "ContainerStatus": "running", "ContainerRestartCount": 0}
            return {"Name": pod, "ContainerName": "server", "ClusterName": "aks-ml", **state}
        case "AmlOnlineEndpointEventLog":
            return {**mine, "InstanceId": pod, "Name": "Pulled", "Message": f"Image pulled ({number})"}
        case "KubeEvents":
            told = {"ObjectKind": "Pod", "Reason": "Pulled", "Message": f"Image pulled ({number})"}
            return {"Name": pod, "ClusterName": "aks-ml", **told}
        case _:
            return {"JobName": f"job-{number}", "ClusterName": "cpu", "ExecutionState": "Succeeded"}


def batches(rows: int, rate: int) -> Iterator[Batch]:
    """Telemetry up to `END`, so many rows a second."""
    chance = random.Random(7)
    tables = list(MIX)
    layout = {table: layouts()[table] for table in tables}
    shares = [1 / (rank + 1) for rank in range(DEPLOYMENTS)]
    step = TICKS_PER_SECOND // rate
    for begin in range(0, rows, 10_000):
        many = min(10_000, rows - begin)
        batch: dict[str, list[Record]] = {table: [] for table in tables}
        chosen = zip(
            chance.choices(tables, list(MIX.values()), k=many),
            chance.choices(range(DEPLOYMENTS), shares, k=many),
            strict=True,
        )
        for number, (table, of) in enumerate(chosen, begin):
            said, columns = values_of(table, of, number, chance), layout[table]
            labels = tuple(said.get(column.name, empty_value(column)) for column in columns.labels)
            cells = tuple(said.get(column.name, empty_value(column)) for column in columns.cells)
            batch[table].append((to_ticks(END) - (rows - 1 - number) * step, labels, cells, None))
        yield Batch(batch)


def by_hand(store: TelemetryStore, target: Target, symptom: Symptom) -> Callable[[datetime], object]:
    """Every column of the target's rows, three windows back, table by table."""
    reader = store.reader()
    endpoint, name = target.names
    named = f"EndpointName = '{endpoint}' AND DeploymentName = '{name}'"
    logged = f"DeploymentName = '{name}' AND _ResourceId LIKE '%/onlineendpoints/{endpoint}'"
    wanted = {
        "AmlOnlineEndpointTrafficLog": named,
        "SentinelDeploymentState_CL": named,
        "AmlOnlineEndpointConsoleLog": logged,
        "AmlOnlineEndpointEventLog": logged,
        "ContainerLogV2": f"PodName LIKE '{name}-{endpoint}-%'",
        "KubePodInventory": f"Name LIKE '{name}-{endpoint}-%'",
        "KubeEvents": f"Name LIKE '{name}-{endpoint}-%'",
    }

    def read(now: datetime) -> object:
        found = 0
        for table, where in wanted.items():
            columns = [c.name for c in (*layouts()[table].labels, *layouts()[table].cells)]
            scan = Scan(table, tuple(columns), to_ticks(now - 3 * symptom.window), to_ticks(now))
            sql = f"SELECT * FROM ({reader.scan_sql(scan)}) WHERE {where}"
            found += len(reader.connection.execute(sql).fetchall())
        reader.release()
        return found

    return read


def milliseconds(work: Callable[[datetime], object], end: datetime) -> float:
    """Processor time of the middle one of some runs, each a second before the last."""
    taken = []
    for number in range(REPEATS):
        begun = process_time()
        work(end - timedelta(seconds=number))
        taken.append((process_time() - begun) * 1000)
    return statistics.median(taken)


def main() -> None:
    """Print both times and their ratio."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--rate", type=int, default=100, help="rows a second")
    parser.add_argument("--symptom", default="requests-refused")
    parser.add_argument(
        "--store", type=Path, help="a folder to keep the telemetry in and to find it the next time"
    )
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="sentinel-bench-") as temporary:
        folder = arguments.store or Path(temporary)
        is_new = not any(folder.glob("*.db"))
        with TelemetryStore.open(folder) as store:
            for batch in batches(arguments.rows, arguments.rate) if is_new else ():
                store.append(batch)
            engine = Engine(store)
            rules = load_rules(default_rule_paths())
            symptom = rules.symptom(arguments.symptom)
            if symptom is None:
                parser.error(f"there is no symptom {arguments.symptom}")
            finding = Finding(symptom.id, TARGET, END, {}, 0.05, 100)
            end = from_ticks(store.newest("AmlOnlineEndpointTrafficLog") or 0)
            begun = process_time()
            diagnosis = diagnose(finding, symptom, rules, engine, end)
            first = (process_time() - begun) * 1000
            ours = milliseconds(lambda now: diagnose(finding, symptom, rules, engine, now), end)
            floor = milliseconds(by_hand(store, TARGET, symptom), end)
            engine.close()
    causes = len(diagnosis.ranked) + len(diagnosis.others)
    print(
        f"{symptom.id}: {causes} causes, {arguments.rows:,} rows at {arguments.rate}/s:"
        f" the first diagnosis {first:.0f} ms, the next {ours:.1f} ms (under 50);"
        f" their rows read by hand {floor:.1f} ms, ratio {ours / floor:.1f}"
    )


if __name__ == "__main__":
    main()
