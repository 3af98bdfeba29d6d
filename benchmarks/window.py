"""Two questions over much history, in CPU time: KQL beside the same in SQL written by hand.

The share of 503s in the last five minutes and in the last hour by deployment, over one and ten million rows; rows come
at the same rate in both, so that a window holds as many, and what grows is the history behind it. And the console
messages that hold a rare word, beside a bare MATCH of the full-text index.

Run as `python benchmarks/window.py`, or with `--rows 100000 1000000 --messages 100000` for smaller ones.
"""

from __future__ import annotations

import argparse
import random
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

from sentinel.clock import TICKS_PER_SECOND, from_ticks, to_ticks
from sentinel.query.engine import Engine
from sentinel.store.batch import Batch, Record
from sentinel.store.layout import empty_value, layouts
from sentinel.store.scan import Scan
from sentinel.store.telemetry import TelemetryStore

TABLE = "AmlOnlineEndpointTrafficLog"
RATE = 100
"""Rows a second."""
END = datetime(2026, 3, 4, 23, 30, tzinfo=UTC)
WINDOWS = {"5m": timedelta(minutes=5), "1h": timedelta(hours=1)}
REPEATS = 15
BATCH = 5000
QUERY = f"""
{TABLE}
| where TimeGenerated > ago(WINDOW)
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


MESSAGES = "AmlOnlineEndpointConsoleLog"
RARE = 1000
"""One message in so many holds the word."""


def console(rows: int) -> Iterator[list[Record]]:
    """Messages up to `END`, in batches."""
    layout = layouts()[MESSAGES]
    labels = tuple(empty_value(column) for column in layout.labels)
    cells = [empty_value(column) for column in layout.cells]
    message = [column.name for column in layout.cells].index("Message")
    for begin in range(0, rows, BATCH):
        batch: list[Record] = []
        for number in range(begin, min(begin + BATCH, rows)):
            word = "oom" if number % RARE == 0 else "served"
            cells[message] = f"worker {number % 97} {word} request {number} in {number % 1013} ms"
            batch.append(
                (to_ticks(END) - (rows - 1 - number) * TICKS_PER_SECOND // 50, labels, tuple(cells), None)
            )
        yield batch


def median(work: Callable[[], object]) -> float:
    """Milliseconds of CPU time, of the middle one of some runs."""
    taken = []
    for _ in range(REPEATS):
        begun = time.process_time()
        work()
        taken.append((time.process_time() - begun) * 1000)
    return statistics.median(taken)


def by_hand(store: TelemetryStore, window: timedelta) -> Callable[[], object]:
    """The same question in SQL."""
    reader = store.reader()
    span = int(window.total_seconds()) * TICKS_PER_SECOND

    def ask() -> object:
        newest = reader.newest(TABLE) or 0
        sql = reader.scan_sql(Scan(TABLE, ("EndpointName", "DeploymentName", "ResponseCode"), newest - span))
        reader.release()
        return reader.connection.execute(
            "SELECT EndpointName, DeploymentName, count(*), avg(ResponseCode = 503)"
            f" FROM ({sql}) GROUP BY EndpointName, DeploymentName"
        ).fetchall()

    return ask


def bare_match(store: TelemetryStore, *, messages: bool) -> Callable[[], object]:
    """What MATCH finds in the full-text index: the numbers of the rows, or the messages they lead to."""
    reader = store.reader()
    reader.scan_sql(Scan(MESSAGES, ("Message",)))
    index = f"{MESSAGES}_terms"
    days = [row[1] for row in reader.connection.execute("PRAGMA database_list") if row[1].startswith("d")]
    parts = [f"SELECT rowid FROM {day}.{index} WHERE {index} MATCH 'oom'" for day in days]
    if messages:
        parts = [
            f"SELECT Message FROM {day}.{MESSAGES} WHERE rowid_ IN ({part})"
            for day, part in zip(days, parts, strict=True)
        ]
    sql = " UNION ALL ".join(parts)
    return lambda: reader.connection.execute(sql).fetchall()


def windows(rows: int) -> dict[str, tuple[float, float]]:
    """By window the median of KQL and of SQL by hand."""
    found = {}
    with filled({TABLE: records(rows)}, rows) as store:
        engine = Engine(store)
        now = from_ticks(store.newest(TABLE) or 0)
        for name, window in WINDOWS.items():
            text = QUERY.replace("WINDOW", name)
            kql = median(lambda: engine.query(text, now=now))  # noqa: B023 - called at once
            hand = median(by_hand(store, window))
            found[name] = (kql, hand)
            print(
                f"{rows:>11,} rows, last {name}: KQL {kql:7.1f} ms, SQL by hand {hand:7.1f} ms,"
                f" ratio {kql / hand:.2f} (at most 3)"
            )
        engine.close()
    return found


def words(rows: int) -> None:
    """Print how long the messages with a rare word take, beside a bare MATCH."""
    with filled({MESSAGES: console(rows)}, rows) as store:
        engine = Engine(store)
        found = {}
        for shown in ("count", "project TimeGenerated, Message"):
            text = f"{MESSAGES} | where Message has 'oom' | {shown}"
            found[shown] = median(lambda: engine.query(text, now=END))  # noqa: B023 - called at once
        engine.close()
        numbers, hand = (median(bare_match(store, messages=read)) for read in (False, True))
    for shown, kql in found.items():
        print(
            f"{rows:>11,} messages, has 'oom' | {shown}: KQL {kql:.2f} ms, MATCH {hand:.2f} ms,"
            f" ratio {kql / hand:.2f} (at most 5); MATCH without the messages {numbers:.2f} ms"
        )


@contextmanager
def filled(tables: dict[str, Iterator[list[Record]]], rows: int) -> Iterator[TelemetryStore]:
    """A store with rows, gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="sentinel-bench-") as name:
        directory = Path(name)
        with TelemetryStore.open(directory) as store:
            for table, batches in tables.items():
                for batch in batches:
                    store.append(Batch({table: batch}))
            yield store
        size = sum(file.stat().st_size for file in directory.iterdir())
    print(f"{rows:>11,} rows take {size / rows:.0f} bytes each")


def main() -> None:
    """Print the medians and their ratios."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, nargs=2, default=(1_000_000, 10_000_000))
    parser.add_argument("--messages", type=int, default=1_000_000)
    options = parser.parse_args()
    small, large = (windows(rows) for rows in options.rows)
    for name in WINDOWS:
        print(
            f"ten times the history, last {name}: KQL takes {large[name][0] / small[name][0]:.2f} times as long"
        )
    words(options.messages)


if __name__ == "__main__":
    main()
