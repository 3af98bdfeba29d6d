from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from sentinel.clock import to_ticks
from sentinel.errors import StoreError
from sentinel.store.batch import Appended, Batch, Extra, SetAside
from sentinel.store.reader import TelemetryReader
from sentinel.store.scan import Compare, Scan, TermFilter, TextFilter
from sentinel.store.telemetry import TelemetryStore
from tests.store.events import CONSOLE, EVENTS, JOBS, NOON, TRAFFIC, an_event, requests, rows

DAY = timedelta(days=1)
SECOND = timedelta(seconds=1)


def test_rows_come_back_as_they_were_appended(telemetry: TelemetryStore, reader: TelemetryReader) -> None:
    ticks, labels, cells, _ = an_event(
        TRAFFIC, EndpointName="chat", _ResourceId="/WS/Chat", ResponseCode=503, XRequestId="a"
    )
    telemetry.append(Batch({TRAFFIC: [(ticks + 7, labels, cells, Extra('{"a":1}', b"a"))]}), at=NOON)

    found = rows(
        reader,
        TRAFFIC,
        "TimeGenerated",
        "EndpointName",
        "ResponseCode",
        "XRequestId",
        "_ResourceId",
        "Type",
        "_Extra",
        "_IngestionTime",
        "UserAgent",
        "ModelStatusCode",
    )

    at = to_ticks(NOON)
    assert found == [(at + 7, "chat", 503, "a", "/ws/chat", TRAFFIC, '{"a":1}', at, "", None)]


def test_a_record_is_stored_once(telemetry: TelemetryStore, reader: TelemetryReader) -> None:
    telemetry.append(requests(3))

    appended = telemetry.append(requests(5))

    assert appended == Appended(new=2, duplicates=3)
    assert len(rows(reader, TRAFFIC, "ResponseCode")) == 5


def test_a_record_twice_in_one_batch_is_stored_once(telemetry: TelemetryStore) -> None:
    event = an_event(TRAFFIC)

    assert telemetry.append(Batch({TRAFFIC: [event, event]})) == Appended(new=1, duplicates=1)


def test_different_records_of_one_instant_are_all_stored(
    telemetry: TelemetryStore, reader: TelemetryReader
) -> None:
    # With 23 bits to start from, 20,000 records of one instant meet about 24 times.
    batch = Batch({TRAFFIC: [an_event(TRAFFIC, XRequestId=str(number)) for number in range(20_000)]})

    first, second = telemetry.append(batch), telemetry.append(batch)

    assert (first, second) == (Appended(new=20_000), Appended(duplicates=20_000))
    assert len(set(rows(reader, TRAFFIC, "XRequestId"))) == 20_000


def test_what_only_some_paths_deliver_does_not_make_another_record(telemetry: TelemetryStore) -> None:
    telemetry.append(Batch({TRAFFIC: [an_event(TRAFFIC, XRequestId="a")]}))

    exported = an_event(TRAFFIC, XRequestId="a", TenantId="t", _BilledSize=1.5, SourceSystem="Azure")

    assert telemetry.append(Batch({TRAFFIC: [exported]})) == Appended(duplicates=1)


def test_each_batch_of_a_commit_learns_what_came_of_it(telemetry: TelemetryStore) -> None:
    assert telemetry.append_all([requests(2), requests(3), Batch()]) == [
        Appended(new=2),
        Appended(new=1, duplicates=2),
        Appended(),
    ]


def test_a_span_over_midnight_reads_both_days(telemetry: TelemetryStore, reader: TelemetryReader) -> None:
    midnight = NOON + DAY / 2
    telemetry.append(requests(4, start=midnight - 2 * SECOND))

    found = rows(reader, TRAFFIC, "ResponseCode", start=midnight - SECOND, end=midnight)

    assert found == [(201,), (202,)]


@pytest.mark.parametrize("end_ticks", [0, 5])
def test_both_ends_of_a_span_belong_to_it(
    telemetry: TelemetryStore, reader: TelemetryReader, end_ticks: int
) -> None:
    telemetry.append(requests(3))
    scan = Scan(TRAFFIC, ("ResponseCode",), to_ticks(NOON), to_ticks(NOON) + 10_000_000 + end_ticks)

    found = reader.connection.execute(reader.scan_sql(scan)).fetchall()

    assert found == [(200,), (201,)]


def test_a_reader_sees_days_that_came_after_it(telemetry: TelemetryStore, reader: TelemetryReader) -> None:
    before = rows(reader, TRAFFIC, "ResponseCode")
    telemetry.append(requests(1))
    telemetry.append(Batch({CONSOLE: [an_event(CONSOLE, Message="x")]}))

    assert before == []
    assert rows(reader, TRAFFIC, "ResponseCode") == [(200,)]
    assert rows(reader, CONSOLE, "Message") == [("x",)]


def test_a_table_without_rows_has_its_columns(reader: TelemetryReader) -> None:
    cursor = reader.connection.execute(
        f"SELECT * FROM ({reader.scan_sql(Scan(TRAFFIC, ('ResponseCode', 'Type')))}) UNION ALL SELECT 1, 2"
    )

    assert [name for name, _ in cursor.get_description()] == ["ResponseCode", "Type"]
    assert cursor.fetchall() == [(1, 2)]


@pytest.mark.parametrize("scan", [Scan("Nope", ()), Scan(TRAFFIC, ("Nope",))])
def test_an_unknown_table_or_column_is_refused(reader: TelemetryReader, scan: Scan) -> None:
    with pytest.raises(StoreError, match="Nope"):
        reader.scan_sql(scan)


def test_more_days_than_can_be_attached_are_all_read(
    telemetry: TelemetryStore, reader: TelemetryReader, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reader, "_most", 2)
    telemetry.append(requests(5, step=DAY))

    twice = [rows(reader, TRAFFIC, "TimeGenerated", "EndpointName", "ResponseCode") for _ in range(2)]
    reader.release()
    late = rows(reader, TRAFFIC, "ResponseCode", start=NOON + 3 * DAY)

    assert twice[0] == twice[1]
    assert [row[2] for row in twice[0]] == [200, 201, 202, 203, 204]
    assert late == [(203,), (204,)]


def test_a_condition_of_the_query_is_tested_while_rows_are_read(
    telemetry: TelemetryStore, reader: TelemetryReader
) -> None:
    telemetry.append(requests(4, step=DAY))
    sql = reader.scan_sql(Scan(TRAFFIC, ("TimeGenerated", "EndpointName", "ResponseCode"), to_ticks(NOON)))
    query = f"SELECT EndpointName, count(*) FROM ({sql}) WHERE ResponseCode = 202 GROUP BY 1"

    plan = [row[3] for row in reader.connection.execute(f"EXPLAIN QUERY PLAN {query}")]
    steps = reader.connection.execute(f"EXPLAIN {query}").fetchall()

    assert "SEARCH t USING INTEGER PRIMARY KEY (rowid>?)" in plan
    assert plan.count("SEARCH l USING INTEGER PRIMARY KEY (rowid=?)") == 4
    assert not any("AUTOMATIC" in step or "MATERIALIZE" in step for step in plan)
    # Once for each day: the comparison stands in the arms of the union, not behind it.
    assert sum(step[1] in {"Ne", "Eq"} for step in steps) >= 4


class TestTerms:
    """The full-text index over messages."""

    def test_a_term_finds_its_rows_only(self, telemetry: TelemetryStore, reader: TelemetryReader) -> None:
        messages = [
            "Out of memory: Killed process",
            "memory_limit=1",
            "memoryless",
            "café e\u0301tude",
            "OOM",
        ]
        telemetry.append(Batch({CONSOLE: [an_event(CONSOLE, Message=text) for text in messages]}))

        def with_terms(*terms: str) -> list[tuple[str, ...]]:
            return rows(reader, CONSOLE, "Message", terms=(TermFilter("Message", terms),))

        assert with_terms("MEMORY") == [("Out of memory: Killed process",), ("memory_limit=1",)]
        assert with_terms("memory", "killed") == [("Out of memory: Killed process",)]
        assert with_terms("memory_limit") == [("memory_limit=1",)]
        assert with_terms("e") == [("café e\u0301tude",)]
        assert len(with_terms("café")) == 5

    @pytest.mark.parametrize("term", ['"', "'", "') OR 1=1 --", "NOT", "a* OR b", "NEAR(a b)", "-", ""])
    def test_a_term_is_never_read_as_a_query(
        self, term: str, telemetry: TelemetryStore, reader: TelemetryReader
    ) -> None:
        telemetry.append(Batch({CONSOLE: [an_event(CONSOLE, Message=f"before {term} after")]}))

        found = rows(reader, CONSOLE, "Message", terms=(TermFilter("Message", (term,)),))

        assert found == [(f"before {term} after",)]

    def test_the_text_in_a_json_string_is_found(
        self, telemetry: TelemetryStore, reader: TelemetryReader
    ) -> None:
        message = '"first\\nsecond"'
        telemetry.append(Batch({"ContainerLogV2": [an_event("ContainerLogV2", LogMessage=message)]}))

        found = rows(reader, "ContainerLogV2", "LogMessage", terms=(TermFilter("LogMessage", ("second",)),))

        assert found == [(message,)]

    def test_redelivery_leaves_the_index_as_it_is(
        self, telemetry: TelemetryStore, reader: TelemetryReader
    ) -> None:
        batch = Batch({CONSOLE: [an_event(CONSOLE, Message="one"), an_event(CONSOLE, Message="two")]})
        telemetry.append(batch)
        telemetry.append(batch)

        found = rows(reader, CONSOLE, "Message", terms=(TermFilter("Message", ("one",)),))

        assert found == [("one",)]


class TestTexts:
    """Texts compared with the labels of a row, which are looked through once."""

    NAMES = ("chat", "CHAT", "chatter", "my-chat", "", "caf\u00e9", "it's")

    @pytest.fixture
    def named(self, telemetry: TelemetryStore) -> None:
        telemetry.append(Batch({TRAFFIC: [an_event(TRAFFIC, EndpointName=name) for name in self.NAMES]}))

    @pytest.mark.parametrize(
        ("compare", "text", "expected"),
        [
            (Compare.EQUALS, "chat", {"chat"}),
            (Compare.EQUALS, "it's", {"it's"}),
            (Compare.EQUALS, "", {""}),
            (Compare.IS, "Chat", {"chat", "CHAT", "caf\u00e9"}),
            (Compare.STARTS_WITH, "chat", {"chat", "CHAT", "chatter", "caf\u00e9"}),
            (Compare.ENDS_WITH, "-Chat", {"my-chat", "caf\u00e9"}),
            (Compare.ENDS_WITH, "chat", {"chat", "CHAT", "my-chat", "caf\u00e9"}),
        ],
    )
    @pytest.mark.usefixtures("named")
    def test_rows_with_other_labels_are_left_out_but_not_those_beyond_ascii(
        self, reader: TelemetryReader, compare: Compare, text: str, expected: set[str]
    ) -> None:
        found = rows(reader, TRAFFIC, "EndpointName", texts=(TextFilter("EndpointName", compare, text),))

        assert {name for (name,) in found} == expected

    @pytest.mark.parametrize("text", ["caf\u00c9", "\u212a"])
    @pytest.mark.usefixtures("named")
    def test_a_text_beyond_ascii_leaves_nothing_out(self, reader: TelemetryReader, text: str) -> None:
        found = rows(reader, TRAFFIC, "EndpointName", texts=(TextFilter("EndpointName", Compare.IS, text),))

        assert len(found) == len(self.NAMES)

    @pytest.mark.usefixtures("named")
    def test_a_text_compared_with_what_is_no_label_leaves_nothing_out(self, reader: TelemetryReader) -> None:
        found = rows(reader, TRAFFIC, "EndpointName", texts=(TextFilter("XRequestId", Compare.EQUALS, "x"),))

        assert len(found) == len(self.NAMES)


class TestCurrentState:
    """One row a job and replica."""

    def test_the_newest_event_of_a_job_stands_whatever_came_last(
        self, telemetry: TelemetryStore, reader: TelemetryReader
    ) -> None:
        for at, state in ((2, "Running"), (3, "Failed"), (1, "Queued")):
            event = an_event(JOBS, NOON + at * SECOND, JobName="train", ExecutionState=state)
            telemetry.append(Batch({JOBS: [event]}))

        assert rows(reader, "SentinelJobState_CL", "JobName", "ExecutionState", "Type") == [
            ("train", "Failed", "SentinelJobState_CL")
        ]

    def test_of_two_states_of_one_instant_the_later_step_stands(
        self, telemetry: TelemetryStore, reader: TelemetryReader
    ) -> None:
        states = ["Running", "Succeeded", "Queued"]
        batch = Batch({JOBS: [an_event(JOBS, JobName="train", ExecutionState=state) for state in states]})
        telemetry.append(batch)

        assert rows(reader, "SentinelJobState_CL", "ExecutionState") == [("Succeeded",)]

    def test_a_job_without_a_name_goes_by_its_id(
        self, telemetry: TelemetryStore, reader: TelemetryReader
    ) -> None:
        telemetry.append(
            Batch({JOBS: [an_event(JOBS, JobId=i, ExecutionState="Queued") for i in ("a", "b", "")]})
        )

        assert rows(reader, "SentinelJobState_CL", "JobId") == [("a",), ("b",)]

    def test_a_replica_is_known_by_endpoint_deployment_and_instance(
        self, telemetry: TelemetryStore, reader: TelemetryReader
    ) -> None:
        events = [
            an_event(
                EVENTS, at, InstanceId=instance, Name=name, DeploymentName="blue", _ResourceId="/WS/CHAT"
            )
            for at, instance, name in (
                (NOON, "i1", "Started"),
                (NOON + SECOND, "i1", "Killed"),
                (NOON, "i2", "Started"),
            )
        ]
        telemetry.append(Batch({EVENTS: events}))

        assert rows(
            reader, "SentinelReplicaState_CL", "EndpointName", "DeploymentName", "InstanceId", "Name"
        ) == [("chat", "blue", "i1", "Killed"), ("chat", "blue", "i2", "Started")]


def test_the_newest_row_of_a_table_is_known(telemetry: TelemetryStore) -> None:
    telemetry.append(requests(3, step=DAY))
    telemetry.append(Batch({JOBS: [an_event(JOBS, JobName="train")]}))

    assert telemetry.newest(TRAFFIC) == to_ticks(NOON + 2 * DAY)
    assert telemetry.newest(JOBS) == telemetry.newest("SentinelJobState_CL") == to_ticks(NOON)
    assert telemetry.newest("Perf") is None


def test_cursors_move_with_their_batch(telemetry: TelemetryStore) -> None:
    telemetry.append(Batch(cursors={"file:a": "1", "hub:b": "2"}))
    telemetry.append(Batch(cursors={"file:a": "3"}))

    assert telemetry.cursors("file:") == {"file:a": "3"}
    assert telemetry.cursors() == {"file:a": "3", "hub:b": "2"}


def test_statistics_tell_what_is_kept(telemetry: TelemetryStore) -> None:
    telemetry.append(requests(3, step=DAY))
    telemetry.append(Batch(set_aside=(SetAside("a", 1, "why", b"x"),)))

    told = telemetry.statistics()

    assert (told.rows, told.days, told.set_aside) == (3, 3, 1)
    assert (told.oldest, told.newest) == (NOON, NOON + 2 * DAY)


def test_two_stores_of_one_directory_write_side_by_side(tmp_path: Path) -> None:
    with TelemetryStore.open(tmp_path) as one, TelemetryStore.open(tmp_path) as other:
        one.append(requests(2))

        appended = other.append(requests(3))
        one.append(requests(4))

        assert appended == Appended(new=1, duplicates=2)
        assert other.statistics().rows == 4


def test_the_current_state_is_mended_when_the_store_opens(tmp_path: Path) -> None:
    with TelemetryStore.open(tmp_path) as store:
        store.append(
            Batch({JOBS: [an_event(JOBS, JobName="train", ExecutionState="Failed", _ResourceId="/A")]})
        )
        reader = store.reader()
        whole = rows(
            reader, "SentinelJobState_CL", "JobName", "ExecutionState", "_ResourceId", "_IngestionTime"
        )
        reader.close()
    for file in tmp_path.glob("current.db*"):
        file.unlink()

    with TelemetryStore.open(tmp_path) as store:
        reader = store.reader()
        mended = rows(
            reader, "SentinelJobState_CL", "JobName", "ExecutionState", "_ResourceId", "_IngestionTime"
        )
        reader.close()

    assert mended == whole
    assert mended[0][:3] == ("train", "Failed", "/a")


def test_a_directory_that_cannot_be_used_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")

    with pytest.raises(StoreError, match="file/telemetry"):
        TelemetryStore.open(tmp_path / "file" / "telemetry")
