"""The share of 503s in the last five minutes by deployment, over one and ten million rows.

Run as `python benchmarks/window.py`, or with `--rows 100000 1000000` for a smaller pair. Rows come at the same rate
in both, so that the window holds as many; what grows is the history behind it.
"""

from __future__ import annotations

import argparse
import random
import statistics
import tempfile
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

from sentinel.clock import TICKS_PER_SECOND, from_ticks, monotonic, to_ticks
from sentinel.query.engine import Engine
from sentinel.store.batch import Batch, Record
from sentinel.store.layout import empty_value, layouts
from sentinel.store.scan import Scan
from sentinel.store.telemetry import TelemetryStore

TABLE = "AmlOnlineEndpointTrafficLog"
RATE = 100
"""Rows a second."""
END = datetime(2026, 3, 4, 23, 30, tzinfo=UTC)
WINDOW = timedelta(minutes=5)
REPEATS = 30
BATCH = 5000
QUERY = f"""
{TABLE}
| where TimeGenerated > ago(5m)
| summarize Requests = count(), Refused = countif(ResponseCode == 503) by EndpointName, DeploymentName
| extend Share = todouble(Refused) / Requests
"""


def records(rows: int) -> Iterator[list[Record]]:
    """Traffic up to `END`, in batches."""
    chance = random.Random(7)
    layout = layouts()[TABLE]
    labels = [empty_value(column) for column in layout.labels]
    cells = [empty_value(column) for column in layout.cells]
    names = [column.name for column in (*layout.labels, *layout.cells)]
    endpoint, deployment = names.index("EndpointName"), names.index("DeploymentName")
    code, request = (names.index(name) - len(labels) for name in ("ResponseCode", "XRequestId"))
    combinations = []
    for number in range(118):
        combination = list(labels)
        combination[endpoint], combination[deployment] = (
            f"endpoint-{number // 2}",
            "blue" if number % 2 else "green",
        )
        combinations.append(tuple(combination))
    weights = [1 / (rank + 1) for rank in range(len(combinations))]
    step = TICKS_PER_SECOND // RATE
    for begin in range(0, rows, BATCH):
        batch: list[Record] = []
        for number, chosen in enumerate(
            chance.choices(combinations, weights, k=min(BATCH, rows - begin)), begin
        ):
            cells[code], cells[request] = 503 if number % 40 == 0 else 200, f"{number:032x}"  # type: ignore[call-overload]
            batch.append((to_ticks(END) - (rows - 1 - number) * step, chosen, tuple(cells), None))
        yield batch


def median(work: Callable[[], object]) -> float:
    """Milliseconds, of the middle one of some runs."""
    taken = []
    for _ in range(REPEATS):
        begun = monotonic()
        work()
        taken.append((monotonic() - begun) * 1000)
    return statistics.median(taken)


def by_hand(store: TelemetryStore) -> Callable[[], object]:
    """The same question in SQL."""
    reader = store.reader()
    span = int(WINDOW.total_seconds()) * TICKS_PER_SECOND

    def ask() -> object:
        newest = reader.newest(TABLE) or 0
        sql = reader.scan_sql(Scan(TABLE, ("EndpointName", "DeploymentName", "ResponseCode"), newest - span))
        reader.release()
        return reader.connection.execute(
            "SELECT EndpointName, DeploymentName, count(*), avg(ResponseCode = 503)"
            f" FROM ({sql}) GROUP BY EndpointName, DeploymentName"
        ).fetchall()

    return ask


def main() -> None:
    """Print both medians and their ratio."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, nargs=2, default=(1_000_000, 10_000_000))
    hand, engine_times = [], []
    for rows in parser.parse_args().rows:
        with tempfile.TemporaryDirectory(prefix="sentinel-bench-") as name:
            directory = Path(name)
            with TelemetryStore.open(directory) as store:
                for batch in records(rows):
                    store.append(Batch({TABLE: batch}))
                engine = Engine(store)
                now = from_ticks(store.newest(TABLE) or 0)
                hand.append(median(by_hand(store)))
                engine_times.append(median(lambda: engine.query(QUERY, now=now)))  # noqa: B023 - called at once
                engine.close()
            size = sum(file.stat().st_size for file in directory.iterdir())
        print(
            f"{rows:>11,} rows: KQL {engine_times[-1]:7.1f} ms, SQL by hand {hand[-1]:7.1f} ms,"
            f" {size / rows:.0f} bytes a row"
        )
    print(
        f"ratio: KQL {engine_times[1] / engine_times[0]:.2f}, SQL by hand {hand[1] / hand[0]:.2f} (at most 3)"
    )


if __name__ == "__main__":
    main()
