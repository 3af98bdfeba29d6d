from __future__ import annotations

import gzip
from pathlib import Path, PurePosixPath

import pytest

from sentinel.collect.files import FileSource, table_of_path
from sentinel.collect.ingest import Ingester, Receipt
from sentinel.errors import SourceError
from sentinel.store.telemetry import TelemetryStore
from tests.collect.records import TRAFFIC, as_json, as_lines, stored, traffic

LINES = [as_lines([traffic(number)]) for number in range(6)]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "traffic.jsonl"


def append(file: Path, body: bytes) -> None:
    with file.open("ab") as stream:
        stream.write(body)


def test_only_what_was_appended_is_taken(file: Path, ingester: Ingester, store: TelemetryStore) -> None:
    source = FileSource(file, ingester, store)
    append(file, LINES[0] + LINES[1])
    first = source.poll()
    append(file, LINES[2])

    assert (first, source.poll(), source.poll()) == (Receipt(accepted=2), Receipt(accepted=1), Receipt())


def test_a_file_that_is_not_there_yet_is_waited_for(
    file: Path, ingester: Ingester, store: TelemetryStore
) -> None:
    source = FileSource(file, ingester, store)
    early = source.poll()
    append(file, LINES[0])

    assert (early, source.poll()) == (Receipt(), Receipt(accepted=1))


def test_a_line_without_its_end_is_left(file: Path, ingester: Ingester, store: TelemetryStore) -> None:
    source = FileSource(file, ingester, store)
    append(file, LINES[0] + LINES[1][:40])
    first = source.poll()
    append(file, LINES[1][40:])

    assert (first, source.poll()) == (Receipt(accepted=1), Receipt(accepted=1))


def test_another_process_goes_on_where_the_last_one_was(
    file: Path, ingester: Ingester, store: TelemetryStore
) -> None:
    append(file, LINES[0])
    FileSource(file, ingester, store).poll()
    append(file, b"no\n")

    receipt = FileSource(file, ingester, store).poll()

    assert receipt == Receipt(set_aside=1)
    assert store.set_aside()[0].what.line == 2


def test_a_file_written_anew_is_read_from_its_start(
    file: Path, ingester: Ingester, store: TelemetryStore
) -> None:
    source = FileSource(file, ingester, store)
    append(file, LINES[0])
    source.poll()
    file.write_bytes(LINES[1] + LINES[2])

    assert source.poll() == Receipt(accepted=2)


def test_a_rotated_file_is_read_to_its_end(file: Path, ingester: Ingester, store: TelemetryStore) -> None:
    source = FileSource(file, ingester, store)
    append(file, LINES[0])
    source.poll()
    append(file, LINES[1])
    file.rename(file.with_suffix(".jsonl.1"))
    append(file, LINES[2])

    assert source.poll() == Receipt(accepted=2)
    assert source.poll() == Receipt()


def test_a_document_is_taken_once_it_rests(file: Path, ingester: Ingester, store: TelemetryStore) -> None:
    source = FileSource(file, ingester, store)
    whole = as_json({"records": [traffic(0), traffic(1)]}).replace(b", {", b",\n{")
    append(file, whole[:100])
    growing = source.poll()
    append(file, whole[100:])
    grown = source.poll()

    assert (growing, grown) == (Receipt(), Receipt())
    assert (source.poll(), source.poll()) == (Receipt(accepted=2), Receipt())


@pytest.mark.parametrize("whole", [LINES[0] + LINES[1], b"[\n" + LINES[0] + b",\n" + LINES[1] + b"]\n"])
def test_a_file_that_rests_in_the_middle_of_its_beginning_is_whole_in_the_end(
    whole: bytes, file: Path, ingester: Ingester, store: TelemetryStore
) -> None:
    source = FileSource(file, ingester, store)
    append(file, whole[:40])
    beginning = [source.poll() for _ in range(3)]
    append(file, whole[40:])

    end = [source.poll() for _ in range(3)]

    assert sum(one.set_aside for one in beginning) == 1
    assert (sum(one.accepted for one in end), sum(one.set_aside for one in end)) == (2, 0)


def test_a_packed_file_is_taken_once(tmp_path: Path, ingester: Ingester, store: TelemetryStore) -> None:
    (tmp_path / "old.jsonl.gz").write_bytes(gzip.compress(b"".join(LINES[:3])))
    source = FileSource(tmp_path, ingester, store)

    assert [source.poll() for _ in range(3)] == [Receipt(), Receipt(accepted=3), Receipt()]


def test_a_damaged_packed_file_is_named_once(
    tmp_path: Path, ingester: Ingester, store: TelemetryStore
) -> None:
    (tmp_path / "old.jsonl.gz").write_bytes(gzip.compress(b"".join(LINES))[:-10])
    source = FileSource(tmp_path, ingester, store)
    source.poll()

    with pytest.raises(SourceError, match=r"old\.jsonl\.gz.*damaged"):
        source.poll()

    assert source.poll() == Receipt()


def test_a_tree_of_exported_blobs_names_the_table(
    tmp_path: Path, ingester: Ingester, store: TelemetryStore
) -> None:
    folder = (
        tmp_path / f"am-{TRAFFIC}" / "WorkspaceResourceId=" / "y=2026" / "m=03" / "d=04" / "h=15" / "m=05"
    )
    folder.mkdir(parents=True)
    untyped = {key: value for key, value in traffic().items() if key != "Type"}
    (folder / "PT05M.json").write_bytes(as_lines([untyped]))

    receipt = FileSource(tmp_path, ingester, store).poll()

    assert receipt == Receipt(accepted=1)
    assert stored(store, TRAFFIC, "XRequestId") == [("request-0",)]


@pytest.mark.parametrize(
    ("path", "table"),
    [
        ("/data/am-AmlComputeJobEvent/x/PT05M.json", "AmlComputeJobEvent"),
        ("am-amlcomputejobevent/PT05M_1.json", "AmlComputeJobEvent"),
        ("/am-i-a-container/x.json", None),
        ("insights-logs-amlcomputejobevent/PT1H.json", None),
        ("logs/AmlComputeJobEvent.jsonl.gz", "AmlComputeJobEvent"),
        ("AmlComputeJobEvents.json", None),
    ],
)
def test_the_table_of_a_file_is_in_its_path(path: str, table: str | None) -> None:
    assert table_of_path(PurePosixPath(path)) == table
