from __future__ import annotations

import csv
import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from sentinel.cli.row_by_row import must_answer_row_by_row
from tests.cli.command_line import sentinel, sentinel_process

JOBS = (
    ("train-1", "Failed", "gpu-west", "2026-03-04T10:00:00Z"),
    ("train-1", "Running", "gpu-west", "2026-03-04T09:00:00Z"),
    ("train-2", "Failed", "cpu-west", "2026-03-04T11:00:00Z"),
    ("score-3", "Running", "gpu-east", "2026-03-03T11:00:00Z"),
)
NOW = ("--now", "2026-03-04T12:00:00Z")


def event(job: str, state: str, cluster: str, at: str) -> str:
    named = {"JobName": job, "JobId": job, "ExecutionState": state, "ClusterName": cluster}
    return json.dumps({"Type": "AmlComputeJobEvent", "TimeGenerated": at, **named})


@pytest.fixture
def home(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Path:
    (tmp_path / "jobs.jsonl").write_text("\n".join(event(*job) for job in JOBS))
    assert sentinel(capsys, tmp_path / "home", "ingest", str(tmp_path / "jobs.jsonl")).code == 0
    return tmp_path / "home"


def jobs(capsys: pytest.CaptureFixture[str], home: Path, *arguments: str) -> list[tuple[str, str]]:
    ended = sentinel(capsys, home, "query", *arguments, "--format", "csv")
    assert ended.code == 0, ended.err
    return [(row["JobName"], row["ExecutionState"]) for row in csv.DictReader(ended.out.splitlines())]


class TestKql:
    def test_answers_a_text(self, capsys: pytest.CaptureFixture[str], home: Path) -> None:
        ended = sentinel(capsys, home, "query", "AmlComputeJobEvent | count", "--format", "json")

        assert json.loads(ended.out) == [{"Count": len(JOBS)}]

    def test_is_read_from_a_file(
        self, capsys: pytest.CaptureFixture[str], home: Path, tmp_path: Path
    ) -> None:
        (tmp_path / "failed.kql").write_text(
            'AmlComputeJobEvent\n| where JobName == "train-2"\n| project JobName'
        )

        ended = sentinel(capsys, home, "query", "--file", str(tmp_path / "failed.kql"), "--format", "jsonl")

        assert ended.out == '{"JobName": "train-2"}\n'

    def test_is_read_from_standard_input(self, home: Path) -> None:
        ended = sentinel_process(
            "query", "-", "--format", "jsonl", standard_input=b"print x = 1", SENTINEL_HOME=str(home)
        )

        assert ended.out == '{"x": 1}\n'

    def test_takes_now_from_the_command_line(self, capsys: pytest.CaptureFixture[str], home: Path) -> None:
        ended = sentinel(capsys, home, "query", "print at = now()", "--format", "jsonl", *NOW)

        assert ended.out == '{"at": "2026-03-04T12:00:00Z"}\n'

    def test_shows_times_in_the_zone_asked_for(self, capsys: pytest.CaptureFixture[str], home: Path) -> None:
        ended = sentinel(capsys, home, "query", "print at = now()", *NOW, "--tz", "Asia/Kolkata")

        assert "2026-03-04 17:30:00+0530" in ended.out

    def test_that_is_wrong_is_refused_with_its_place(
        self, capsys: pytest.CaptureFixture[str], home: Path
    ) -> None:
        ended = sentinel(capsys, home, "query", "AmlComputeJobEvent\n| where JobNam == 'x'")

        assert ended.code == 4
        assert ended.out == ""
        assert ended.err.startswith("sentinel: 2:9: ")
        assert "  | where JobNam == 'x'\n          ^^^^^^\n" in ended.err

    def test_of_many_rows_says_how_many_are_not_shown(
        self, capsys: pytest.CaptureFixture[str], home: Path
    ) -> None:
        ended = sentinel(capsys, home, "query", "AmlComputeJobEvent", "--limit", "1", "--format", "jsonl")

        assert len(ended.out.splitlines()) == 1
        assert ended.err == "3 more rows are not shown (--limit 1)\n"


class TestFlags:
    def test_ask_for_a_state_without_regard_to_case(
        self, capsys: pytest.CaptureFixture[str], home: Path
    ) -> None:
        assert jobs(capsys, home, "--state", "failed") == [("train-2", "Failed"), ("train-1", "Failed")]

    def test_ask_for_a_span_before_now(self, capsys: pytest.CaptureFixture[str], home: Path) -> None:
        assert jobs(capsys, home, "--since", "90m", *NOW) == [("train-2", "Failed")]

    @pytest.mark.parametrize(
        ("pattern", "found"),
        [("gpu-*", {"train-1", "score-3"}), ("*-west", {"train-1", "train-2"}), ("cpu-west", {"train-2"})],
    )
    def test_ask_for_clusters_by_a_pattern(
        self, capsys: pytest.CaptureFixture[str], home: Path, pattern: str, found: set[str]
    ) -> None:
        assert {name for name, _ in jobs(capsys, home, "--cluster", pattern)} == found

    def test_never_become_part_of_the_query(self, capsys: pytest.CaptureFixture[str], home: Path) -> None:
        assert jobs(capsys, home, "--job", '" | take 1 //') == []

    def test_ask_for_the_current_state_of_each_job(
        self, capsys: pytest.CaptureFixture[str], home: Path
    ) -> None:
        found = jobs(capsys, home, "--latest")

        assert found == [("train-2", "Failed"), ("train-1", "Failed"), ("score-3", "Running")]

    @pytest.mark.parametrize(
        "arguments",
        [
            ("print 1", "--state", "Failed"),
            (),
            ("--since", "soon"),
            ("print 1", "--tz", "Nowhere/Land"),
            ("print 1", "--follow", "--format", "json"),
        ],
    )
    def test_that_do_not_fit_are_a_usage_error(
        self, capsys: pytest.CaptureFixture[str], home: Path, arguments: tuple[str, ...]
    ) -> None:
        ended = sentinel(capsys, home, "query", *arguments)

        assert ended.code == 2
        assert ended.out == ""


class TestFollow:
    @pytest.fixture
    def following(self, home: Path) -> Iterator[subprocess.Popen[str]]:
        command = [sys.executable, "-m", "sentinel", "--home", str(home), "query", "--job", "train-*"]
        process = subprocess.Popen(
            [*command, "--follow", "--format", "jsonl"], stdout=subprocess.PIPE, text=True, bufsize=1
        )
        with process:
            yield process
            process.kill()

    def test_shows_what_is_there_and_then_what_is_taken_in(
        self, capsys: pytest.CaptureFixture[str], home: Path, following: subprocess.Popen[str], tmp_path: Path
    ) -> None:
        assert following.stdout is not None
        first = [json.loads(following.stdout.readline())["ExecutionState"] for _ in range(3)]

        (tmp_path / "more.jsonl").write_text(event("train-9", "Queued", "gpu-west", "2026-03-01T00:00:00Z"))
        sentinel(capsys, home, "ingest", str(tmp_path / "more.jsonl"))

        assert first == ["Failed", "Failed", "Running"]
        assert json.loads(following.stdout.readline())["JobName"] == "train-9"

    def test_ends_well_on_ctrl_c(self, following: subprocess.Popen[str]) -> None:
        assert following.stdout is not None
        following.stdout.readline()

        following.send_signal(signal.SIGINT)

        assert following.wait(timeout=20) == 0

    @pytest.mark.parametrize(
        ("query", "named"),
        [
            ("AmlComputeJobEvent | count", "count"),
            ("AmlComputeJobEvent | summarize Jobs = count() by ExecutionState | where Jobs > 1", "summarize"),
            ("AmlComputeJobEvent | make-series n = count() on TimeGenerated step 1h", "make-series"),
            ("AmlComputeJobEvent | top 3 by TimeGenerated", "top"),
            ("AmlComputeJobEvent | take 3", "take"),
            ("AmlComputeJobEvent | distinct JobName", "distinct"),
            ("AmlComputeJobEvent | join AmlComputeJobEvent on JobName", "join"),
            ("AmlComputeJobEvent | serialize | extend n = row_number()", "row_number"),
            ("let n = AmlComputeJobEvent | count; n", "count"),
            ("AmlComputeJobEvent | where JobName in ((AmlComputeJobEvent | distinct JobName))", "distinct"),
        ],
    )
    def test_refuses_what_needs_more_than_one_row(
        self, capsys: pytest.CaptureFixture[str], home: Path, query: str, named: str
    ) -> None:
        ended = sentinel(capsys, home, "query", query, "--follow")

        assert (ended.code, ended.out) == (4, "")
        assert f"`{named}` needs all rows" in ended.err
        assert "leave --follow out" in ended.err

    @pytest.mark.parametrize(
        "query",
        [
            "AmlComputeJobEvent | where ExecutionState != 'count' | extend summarize = 1 | sort by TimeGenerated",
            "AmlComputeJobEvent | project JobName | mv-apply x = pack_array(1, 2) on (summarize sum(x))",
            "AmlComputeJobEvent | lookup (datatable(JobName: string, Team: string)['a', 'b']) on JobName",
        ],
    )
    def test_takes_what_answers_row_by_row(self, query: str) -> None:
        must_answer_row_by_row(query)


def test_a_reader_that_leaves_early_is_no_error(home: Path) -> None:
    command = f"{sys.executable} -m sentinel --home {home} query 'range x from 1 to 20000 step 1' | head -1"

    ended = subprocess.run(
        ["bash", "-o", "pipefail", "-c", command], capture_output=True, text=True, check=False
    )

    assert (ended.returncode, ended.stderr) == (0, "")


def test_a_home_that_is_not_there_is_refused(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    ended = sentinel(capsys, tmp_path / "typo", "query", "print 1")

    assert ended.code == 3
    assert not (tmp_path / "typo").exists()
