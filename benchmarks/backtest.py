"""How many records a minute a backtest replays with the shipped rules, on one core.

Run as `python benchmarks/backtest.py`, or with `--rows 100000` for a quicker look. Forty deployments are asked 100
times a second in all; one of them is saturated for five minutes of every half hour. Counted is processor time, which is
that of one core however busy the machine is.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from time import process_time

from sentinel.clock import TICKS_PER_SECOND, from_ticks, to_ticks
from sentinel.detect.ruleset import default_rule_paths, load_rules
from sentinel.model.plan import RunMode
from sentinel.model.tables import DEPLOYMENT_STATE
from sentinel.query.engine import Engine
from sentinel.rehearse.backtest import backtest
from sentinel.remediate.policy import Policy
from sentinel.store.batch import Batch, Record
from sentinel.store.layout import empty_value, layouts
from sentinel.store.telemetry import TelemetryStore

TRAFFIC = "AmlOnlineEndpointTrafficLog"
BEGIN = datetime(2026, 3, 4, 6, tzinfo=UTC)
DEPLOYMENTS = 40
RATE = 100
"""Requests a second."""
SETTINGS_EVERY = 15
SETTINGS = {
    "Replicas": 4,
    "ReadyReplicas": 4,
    "MinReplicas": 1,
    "MaxReplicas": 4,
    "TargetUtilization": 70,
    "RequestTimeoutMs": 60_000,
    "MaxConcurrency": 1,
    "QueueWaitMs": 500,
    "UpdateInFlight": 0,
    "Revision": "1",
}


def record(table: str, ticks: int, **values: object) -> Record:
    """A record as the store takes it."""
    layout = layouts()[table]
    labels = tuple(values.get(column.name, empty_value(column)) for column in layout.labels)
    return ticks, labels, tuple(values.get(column.name, empty_value(column)) for column in layout.cells), None


def batches(rows: int) -> Iterator[Batch]:
    """The history, a minute at a time."""
    made, minute = 0, 0
    while made < rows:
        batch: dict[str, list[Record]] = {TRAFFIC: [], DEPLOYMENT_STATE.name: []}
        for second in range(60 * minute, 60 * minute + 60):
            at = to_ticks(BEGIN + timedelta(seconds=second))
            ill = second % 1800 < 300
            for number in range(RATE):
                of = number % DEPLOYMENTS if not ill or number % 10 else 0
                refused = ill and of == 0 and number % 20 == 0
                batch[TRAFFIC].append(
                    record(
                        TRAFFIC,
                        at + number * (TICKS_PER_SECOND // RATE),
                        EndpointName=f"endpoint-{of}",
                        DeploymentName="blue",
                        ResponseCode=503 if refused else 200,
                        TotalDurationMs=500 if refused else 400,
                        XRequestId=f"{second}-{number}",
                    )
                )
            if second % SETTINGS_EVERY == 0:
                batch[DEPLOYMENT_STATE.name] += [
                    record(
                        DEPLOYMENT_STATE.name,
                        at,
                        EndpointName=f"endpoint-{of}",
                        DeploymentName="blue",
                        **SETTINGS,
                    )
                    for of in range(DEPLOYMENTS)
                ]
        minute += 1
        made += len(batch[TRAFFIC])
        yield Batch(batch)


def main() -> None:
    """Print the rate."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--rules", nargs="*", default=list(default_rule_paths()))
    arguments = parser.parse_args()
    with TelemetryStore.in_memory() as store:
        for batch in batches(arguments.rows):
            store.append(batch)
        engine = Engine(store)
        rules = load_rules(arguments.rules, engine=engine)
        end = from_ticks(store.newest(TRAFFIC) or 0)
        begun = process_time()
        found = backtest(store, engine, rules, replace(Policy(), mode=RunMode.AUTONOMOUS), BEGIN, end)
        took = process_time() - begun
        engine.close()
    print(
        f"{found.rows:,} rows, {found.evaluations:,} evaluations of {len(rules.symptoms)} symptoms,"
        f" {len(found.happened)} incidents, {len(found.done)} changes: {took:.1f} s,"
        f" {found.rows / took * 60 / 1e6:.2f} M rows a minute (at least 1)"
    )


if __name__ == "__main__":
    main()
