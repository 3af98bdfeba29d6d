"""Real GPU jobs as telemetry: `python tests/data/alibaba_jobs.py CSV | sentinel ingest -`.

Reads the job list of Alibaba's GPU cluster trace of 2023 (github.com/alibaba/clusterdata, cluster-trace-gpu-v2023,
openb_pod_list_*.csv) and writes one AmlComputeJobEvent a state each job went through, as JSON Lines. The trace counts
seconds from a beginning it does not name; here they count from `START`.

    column            event
    creation_time     Queued
    scheduled_time    Running, for jobs that were scheduled
    deletion_time     Succeeded or Failed, for jobs that ended so (the phases Running and Pending name no end)
"""

from __future__ import annotations

import csv
import json
import sys
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Final

START: Final = datetime(2026, 1, 1, tzinfo=UTC)
WORKSPACE: Final = (
    "/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/alibaba"
    "/providers/Microsoft.MachineLearningServices/workspaces/openb"
)
_EVENTS: Final = {
    "Queued": "JobSubmitted",
    "Running": "JobRunning",
    "Succeeded": "JobSucceeded",
    "Failed": "JobFailed",
}


def events(jobs: Iterable[Mapping[str, str]]) -> Iterator[dict[str, str]]:
    """The events of jobs, in the order of the jobs."""
    for job in jobs:
        yield _event(job, "Queued", job["creation_time"])
        if job["scheduled_time"]:
            yield _event(job, "Running", job["scheduled_time"])
        if job["pod_phase"] in ("Succeeded", "Failed"):
            yield _event(job, job["pod_phase"], job["deletion_time"])


def _event(job: Mapping[str, str], state: str, seconds: str) -> dict[str, str]:
    kind = "gpu" if int(job["num_gpu"]) else "cpu"
    return {
        "Type": "AmlComputeJobEvent",
        "TimeGenerated": (START + timedelta(seconds=float(seconds))).isoformat(),
        "OperationName": _EVENTS[state],
        "EventType": _EVENTS[state],
        "ExecutionState": state,
        "JobId": job["name"],
        "JobName": job["name"],
        "ClusterName": f"{kind}-{job['qos'].lower()}",
        "WorkspaceName": "openb",
        "_ResourceId": WORKSPACE,
    }


def main() -> None:
    """Write the events of the CSV files named on the command line, or of standard input."""
    for name in sys.argv[1:] or ["-"]:
        with open(sys.stdin.fileno() if name == "-" else name, encoding="utf-8", newline="") as listed:  # noqa: PTH123
            for event in events(csv.DictReader(listed)):
                sys.stdout.write(json.dumps(event, separators=(",", ":")) + "\n")


if __name__ == "__main__":
    main()
