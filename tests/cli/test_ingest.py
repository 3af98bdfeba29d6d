from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest
import zstandard

from tests.cli.command_line import sentinel, sentinel_process


def record(number: int) -> str:
    named = {"JobName": f"job-{number}", "JobId": f"job-{number}", "ExecutionState": "Failed"}
    at = f"2026-03-04T10:{number // 60 % 60:02d}:{number % 60:02d}Z"
    return json.dumps({"Type": "AmlComputeJobEvent", "TimeGenerated": at, **named})


def records(count: int, first: int = 0) -> str:
    return "".join(record(number) + "\n" for number in range(first, first + count))


def stored(capsys: pytest.CaptureFixture[str], home: Path) -> int:
    ended = sentinel(capsys, home, "query", "AmlComputeJobEvent | count", "--format", "json")
    count: int = json.loads(ended.out)[0]["Count"]
    return count


def test_the_receipt_says_what_came_of_the_records(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    (tmp_path / "a.jsonl").write_text(records(20))

    ended = sentinel(capsys, tmp_path / "home", "ingest", str(tmp_path / "a.jsonl"))

    assert ended.code == 0
    assert ended.out == "accepted=20 duplicates=0 set_aside=0 unknown=0\n"


def test_standard_input_is_taken_and_twice_changes_nothing(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    body = records(20).encode()

    first = sentinel_process("--home", str(tmp_path / "home"), "ingest", "-", standard_input=body)
    second = sentinel_process("--home", str(tmp_path / "home"), "ingest", "-", standard_input=body)

    assert first.out == "accepted=20 duplicates=0 set_aside=0 unknown=0\n"
    assert second.out == "accepted=0 duplicates=20 set_aside=0 unknown=0\n"
    assert stored(capsys, tmp_path / "home") == 20


@pytest.mark.parametrize(
    ("name", "body"),
    [
        ("array.json", json.dumps([json.loads(record(n)) for n in range(9)], indent=1).encode()),
        ("envelope.json", json.dumps({"records": [json.loads(record(n)) for n in range(9)]}).encode()),
        ("lines.gz", gzip.compress(records(9).encode())),
        ("lines.zst", zstandard.compress(records(9).encode())),
        ("no-last-newline.jsonl", records(9).rstrip().encode()),
        ("blank-lines.jsonl", b"\n\n" + records(9).encode() + b"\n"),
    ],
)
def test_every_framing_is_taken_from_a_file(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, name: str, body: bytes
) -> None:
    (tmp_path / name).write_bytes(body)

    ended = sentinel(capsys, tmp_path / "home", "ingest", str(tmp_path / name))

    assert ended.out == "accepted=9 duplicates=0 set_aside=0 unknown=0\n"


def test_a_directory_is_taken_with_all_its_files(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    for number, folder in enumerate(("d/h=10", "d/h=11")):
        (tmp_path / folder).mkdir(parents=True)
        (tmp_path / folder / "PT1H.json").write_text(records(5, first=5 * number))
    (tmp_path / "d" / "README.txt").write_text("not telemetry")

    ended = sentinel(capsys, tmp_path / "home", "ingest", str(tmp_path / "d"))

    assert ended.out == "accepted=10 duplicates=0 set_aside=0 unknown=0\n"


def test_the_folder_of_a_data_export_names_the_table(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    folder = tmp_path / "am-AmlComputeJobEvent" / "y=2026"
    folder.mkdir(parents=True)
    (folder / "PT05M.json").write_text('{"TimeGenerated": "2026-03-04T10:00:00Z", "JobName": "job-1"}\n')

    ended = sentinel(capsys, tmp_path / "home", "ingest", str(folder.parent))

    assert ended.out == "accepted=1 duplicates=0 set_aside=0 unknown=0\n"
    assert stored(capsys, tmp_path / "home") == 1


def test_a_mistyped_table_is_refused_with_the_nearest_one(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    (tmp_path / "a.jsonl").write_text(records(1))

    ended = sentinel(
        capsys, tmp_path / "home", "ingest", "--table", "AmlComputeJobEvnt", str(tmp_path / "a.jsonl")
    )

    assert (ended.code, ended.out) == (2, "")
    assert "there is no table 'AmlComputeJobEvnt'; did you mean AmlComputeJobEvent?" in ended.err
    assert not (tmp_path / "home").exists()


def test_a_table_is_named_in_any_case(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text('{"TimeGenerated": "2026-03-04T10:00:00Z", "JobName": "job-1"}\n')

    sentinel(capsys, tmp_path / "home", "ingest", "--table", "amlcomputejobevent", str(tmp_path / "a.jsonl"))

    assert stored(capsys, tmp_path / "home") == 1


class TestGoingOn:
    def test_a_file_that_grew_is_read_from_where_it_ended(
        self, capsys: pytest.CaptureFixture[str], tmp_path: Path
    ) -> None:
        path = tmp_path / "a.jsonl"
        path.write_text(records(5000))
        sentinel(capsys, tmp_path / "home", "ingest", str(path))
        path.write_text(records(5003))

        ended = sentinel(capsys, tmp_path / "home", "ingest", str(path))

        assert ended.out == "accepted=3 duplicates=0 set_aside=0 unknown=0\n"

    def test_a_file_that_ended_within_its_first_line_is_whole_once_it_grew(
        self, capsys: pytest.CaptureFixture[str], tmp_path: Path
    ) -> None:
        file, whole = tmp_path / "a.jsonl", records(3)
        file.write_text(whole[:30])
        began = sentinel(capsys, tmp_path / "home", "ingest", str(file))
        file.write_text(whole)

        grown = sentinel(capsys, tmp_path / "home", "ingest", str(file))

        assert (began.code, grown.code) == (1, 0)
        assert grown.out == "accepted=3 duplicates=0 set_aside=0 unknown=0\n"

    def test_a_file_that_was_taken_is_not_read_again_unless_asked(
        self, capsys: pytest.CaptureFixture[str], tmp_path: Path
    ) -> None:
        (tmp_path / "a.jsonl").write_text(records(5))
        sentinel(capsys, tmp_path / "home", "ingest", str(tmp_path / "a.jsonl"))

        ended = sentinel(capsys, tmp_path / "home", "ingest", str(tmp_path / "a.jsonl"))
        again = sentinel(capsys, tmp_path / "home", "ingest", "--again", str(tmp_path / "a.jsonl"))

        assert ended.out == "accepted=0 duplicates=0 set_aside=0 unknown=0\n"
        assert "was taken in before" in ended.err
        assert again.out == "accepted=0 duplicates=5 set_aside=0 unknown=0\n"

    def test_another_file_of_the_same_name_is_read_from_its_beginning(
        self, capsys: pytest.CaptureFixture[str], tmp_path: Path
    ) -> None:
        (tmp_path / "a.jsonl").write_text(records(5))
        sentinel(capsys, tmp_path / "home", "ingest", str(tmp_path / "a.jsonl"))
        (tmp_path / "a.jsonl").write_text(records(5, first=5))

        ended = sentinel(capsys, tmp_path / "home", "ingest", str(tmp_path / "a.jsonl"))

        assert ended.out == "accepted=5 duplicates=0 set_aside=0 unknown=0\n"


class TestSetAside:
    @pytest.fixture
    def home(self, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> Path:
        (tmp_path / "bad.jsonl").write_text(f"{record(1)}\nnonsense\n{record(2)}\n")

        ended = sentinel(capsys, tmp_path / "home", "ingest", str(tmp_path / "bad.jsonl"))

        assert ended.code == 1
        assert ended.out == "accepted=2 duplicates=0 set_aside=1 unknown=0\n"
        return tmp_path / "home"

    def test_is_listed_with_file_line_and_reason(
        self, capsys: pytest.CaptureFixture[str], home: Path, tmp_path: Path
    ) -> None:
        ended = sentinel(capsys, home, "ingest", "--set-aside", "--format", "json")

        listed = json.loads(ended.out)
        assert [(one["Origin"], one["Line"], one["Raw"]) for one in listed] == [
            (str(tmp_path / "bad.jsonl"), 2, "nonsense")
        ]
        assert "not JSON" in listed[0]["Reason"]

    def test_stays_when_it_cannot_be_taken_again(
        self, capsys: pytest.CaptureFixture[str], home: Path
    ) -> None:
        ended = sentinel(capsys, home, "ingest", "--retry-set-aside")
        listed = sentinel(capsys, home, "ingest", "--set-aside", "--format", "jsonl")

        assert ended.code == 1
        assert len(listed.out.splitlines()) == 1


def test_a_file_that_cannot_be_read_does_not_stop_the_others(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    (tmp_path / "a.gz").write_bytes(gzip.compress(records(900).encode())[:-40])
    (tmp_path / "b.jsonl").write_text(records(5))

    ended = sentinel(capsys, tmp_path / "home", "ingest", str(tmp_path))

    assert ended.code == 3
    assert str(tmp_path / "a.gz") in ended.err
    assert stored(capsys, tmp_path / "home") >= 5


@pytest.mark.parametrize("arguments", [(), ("nowhere.jsonl",), ("-", "--set-aside")])
def test_asking_for_nothing_or_for_two_things_is_a_usage_error(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, arguments: tuple[str, ...]
) -> None:
    ended = sentinel(capsys, tmp_path / "home", "ingest", *arguments)

    assert ended.code == 2
