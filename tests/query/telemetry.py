"""Rows for a telemetry store, written as mappings."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from sentinel.clock import TICKS_PER_SECOND
from sentinel.store.batch import Batch, Record
from sentinel.store.layout import empty_value, layouts

STATES = ("Queued", "Running", "Completed", "Failed", "")


def batch_of(table: str, rows: Iterable[Mapping[str, Any]]) -> Batch:
    """Rows of one table; `TimeGenerated` is ticks, what is left out is empty."""
    layout = layouts()[table]
    return Batch({table: [_record(layout.labels, layout.cells, row) for row in rows]})


def _record(labels: Iterable[Any], cells: Iterable[Any], row: Mapping[str, Any]) -> Record:
    return (
        row["TimeGenerated"],
        tuple(row.get(column.name, empty_value(column)) for column in labels),
        tuple(row.get(column.name, empty_value(column)) for column in cells),
        None,
    )


def job_events(count: int, end: int) -> Batch:
    """Events of jobs, one a minute up to `end`."""
    return batch_of(
        "AmlComputeJobEvent",
        (
            {
                "TimeGenerated": end - (count - number) * 60 * TICKS_PER_SECOND,
                "JobName": f"train-{number % 17}",
                "JobId": f"id-{number % 17}",
                "ClusterName": f"gpu-{number % 3}",
                "ExecutionState": STATES[number % len(STATES)],
                "JobErrorMessage": "out of memory: Ünïcode 'quoted'" if number % 7 == 0 else "",
            }
            for number in range(count)
        ),
    )
