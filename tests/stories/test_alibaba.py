"""The everyday question on real jobs, through the command line alone."""

from __future__ import annotations

import csv
import os
import subprocess
import sys
from pathlib import Path
from typing import Final

import pytest

from tests.cli.command_line import sentinel_process

REPOSITORY: Final = Path(__file__).parents[2]
IMPORTER: Final = REPOSITORY / "tests" / "data" / "alibaba_jobs.py"
DATA: Final = Path(os.environ.get("SENTINEL_DATA", REPOSITORY.parent / "shared" / "data"))
TRACE: Final = DATA / "alibaba-gpu-2023-jobs.csv"
FAILED_A_DAY: Final = (
    'AmlComputeJobEvent | where ExecutionState == "Failed"'
    " | summarize n=dcount(JobId) by bin(TimeGenerated, 1d)"
)
SAMPLE: Final = """\
name,cpu_milli,memory_mib,num_gpu,gpu_milli,gpu_spec,qos,pod_phase,creation_time,deletion_time,scheduled_time
job-a,1000,1024,1,1000,,LS,Failed,100,200,100
job-b,1000,1024,1,1000,,BE,Failed,90000,90500,90010
job-c,1000,1024,0,0,,BE,Failed,90000,90600,90020
job-d,1000,1024,1,460,,LS,Succeeded,50,700,60
job-e,1000,1024,1,460,,LS,Running,50,700,60
job-f,1000,1024,8,1000,,BE,Pending,50,700,
"""


@pytest.fixture
def sample(tmp_path: Path) -> Path:
    path = tmp_path / "sample.csv"
    path.write_text(SAMPLE)
    return path


def imported(home: Path, trace: Path) -> str:
    """Pipe the importer into `sentinel ingest -`, as its docstring says; the receipt."""
    events = subprocess.run([sys.executable, str(IMPORTER), str(trace)], capture_output=True, check=True)
    ended = sentinel_process("--home", str(home), "ingest", "-", standard_input=events.stdout)
    assert ended.code == 0, ended.err
    return ended.out + ended.err


def answer(home: Path, kql: str, *options: str) -> list[dict[str, str]]:
    ended = sentinel_process("--home", str(home), "query", kql, "--format", "csv", *options)
    assert ended.code == 0, ended.err
    return list(csv.DictReader(ended.out.splitlines()))


def test_failed_jobs_are_counted_by_day(tmp_path: Path, sample: Path) -> None:
    imported(tmp_path / "home", sample)

    days = answer(tmp_path / "home", FAILED_A_DAY)

    assert {day["TimeGenerated"]: day["n"] for day in days} == {
        "2026-01-01T00:00:00Z": "1",
        "2026-01-02T00:00:00Z": "2",
    }


def test_each_job_is_in_the_state_it_reached_last(tmp_path: Path, sample: Path) -> None:
    imported(tmp_path / "home", sample)

    ended = sentinel_process("--home", str(tmp_path / "home"), "query", "--latest", "--format", "csv")

    states = {row["JobName"]: row["ExecutionState"] for row in csv.DictReader(ended.out.splitlines())}
    assert states == {
        "job-a": "Failed",
        "job-b": "Failed",
        "job-c": "Failed",
        "job-d": "Succeeded",
        "job-e": "Running",
        "job-f": "Queued",
    }


def test_taking_the_same_jobs_in_again_changes_nothing(tmp_path: Path, sample: Path) -> None:
    imported(tmp_path / "home", sample)
    before = answer(
        tmp_path / "home", "AmlComputeJobEvent | sort by TimeGenerated asc, JobId, ExecutionState"
    )

    imported(tmp_path / "home", sample)

    after = answer(tmp_path / "home", "AmlComputeJobEvent | sort by TimeGenerated asc, JobId, ExecutionState")
    assert len(before) == 15
    assert after == before


if TRACE.exists():

    def test_the_failed_jobs_of_the_real_trace_add_up_however_often_they_are_taken_in(tmp_path: Path) -> None:
        for _ in range(2):
            imported(tmp_path / "home", TRACE)

        days = answer(tmp_path / "home", FAILED_A_DAY)

        assert sum(int(day["n"]) for day in days) == 1870
        assert answer(tmp_path / "home", "AmlComputeJobEvent | count") == [{"Count": "17469"}]
