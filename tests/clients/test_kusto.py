"""`azure-kusto-data` against the HTTP face."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import httpx2
import pytest
from azure.kusto.data import ClientRequestProperties, KustoClient
from azure.kusto.data.exceptions import KustoApiError, KustoMultiApiError, KustoServiceError
from azure.kusto.data.response import KustoResponseDataSetV1

from tests.clients.conftest import ENDLESS, NOON, Served

JOBS = "AmlComputeJobEvent | summarize n = count()"


def no_properties() -> ClientRequestProperties:
    return ClientRequestProperties()  # type: ignore[no-untyped-call]


def properties(**options: Any) -> ClientRequestProperties:
    given = no_properties()
    for name, value in options.items():
        given.set_option(name, value)
    return given


def with_parameters(**values: str) -> ClientRequestProperties:
    given = no_properties()
    for name, value in values.items():
        given.set_parameter(name, value)
    return given


def rows(kusto: KustoClient, query: str, given: ClientRequestProperties | None = None) -> list[list[Any]]:
    return [row.to_list() for row in kusto.execute("sentinel", query, given).primary_results[0]]


def refusal(kusto: KustoClient, query: str, given: ClientRequestProperties | None = None) -> KustoApiError:
    with pytest.raises(KustoApiError) as caught:
        kusto.execute("sentinel", query, given)
    return caught.value


def version_1(served: Served, **body: Any) -> Any:
    answer = httpx2.post(
        f"{served.url}/v1/rest/query", json=body, headers={"Authorization": "Bearer read"}, timeout=30
    )
    return answer.json()


class TestValues:
    @pytest.mark.parametrize(
        ("value", "kind", "expected"),
        [
            ("true", "bool", True),
            ("int(-7)", "int", -7),
            ("9007199254740993", "long", 9007199254740993),
            ("1.5", "real", 1.5),
            ("real(nan)", "real", "NaN"),
            ("real(-inf)", "real", "-Infinity"),
            ("decimal(1.25)", "decimal", Decimal("1.25")),
            ('"ä"', "string", "ä"),
            (
                "datetime(2026-05-01T12:30:00.1234567Z)",
                "datetime",
                datetime(2026, 5, 1, 12, 30, 0, 123456, UTC),
            ),
            ("1d + 2h + 500ms", "timespan", timedelta(days=1, hours=2, milliseconds=500)),
            ("-5m", "timespan", timedelta(minutes=-5)),
            (
                "guid(74be27de-1e4e-49d9-b579-fe0b331d3642)",
                "guid",
                "74be27de-1e4e-49d9-b579-fe0b331d3642",
            ),
            ('dynamic({"a": [1, "x"]})', "dynamic", '{"a":[1,"x"]}'),
        ],
    )
    def test_a_value_arrives_with_its_type(
        self, kusto: KustoClient, value: str, kind: str, expected: object
    ) -> None:
        (table,) = kusto.execute_query("sentinel", f"print x = {value}").primary_results

        assert table.columns[0].column_type == kind
        assert table[0]["x"] == expected

    @pytest.mark.parametrize("kind", ["bool", "int", "long", "real", "decimal", "datetime", "dynamic"])
    def test_null_arrives_as_none(self, kusto: KustoClient, kind: str) -> None:
        assert rows(kusto, f"print {kind}(null)") == [[None]]

    def test_rows_of_the_store_arrive(self, kusto: KustoClient) -> None:
        query = "AmlComputeJobEvent | top 1 by TimeGenerated | project TimeGenerated, JobName"

        assert rows(kusto, query) == [[NOON, "job0"]]

    def test_a_large_answer_can_be_streamed(self, kusto: KustoClient) -> None:
        streamed = kusto.execute_streaming_query("sentinel", "range x from 1 to 20000 step 1")

        assert sum(row["x"] for row in next(streamed.iter_primary_results())) == 200_010_000


class TestFrames:
    def test_the_answer_tells_how_it_wants_to_be_drawn_and_how_it_ended(self, kusto: KustoClient) -> None:
        answer = kusto.execute_query("sentinel", "print x = 1 | render piechart")

        drawn = json.loads(answer["@ExtendedProperties"][0]["Value"])
        ended = answer["QueryCompletionInformation"]
        assert drawn["Visualization"] == "piechart"
        assert [row["EventTypeName"] for row in ended] == ["QueryInfo", "QueryResourceConsumption"]
        assert (answer.errors_count, answer.get_exceptions()) == (0, [])

    def test_the_request_is_known_by_the_id_its_client_gave(self, kusto: KustoClient) -> None:
        given = no_properties()
        given.client_request_id = "mine;1"

        answer = kusto.execute_query("sentinel", "print 1", given)

        assert answer["QueryCompletionInformation"][0]["ClientRequestId"] == "mine;1"

    def test_version_1_has_tables_and_their_contents(self, served: Served) -> None:
        answer = KustoResponseDataSetV1(version_1(served, db="sentinel", csl="print x = 1, t = 5m"))

        (table,) = answer.primary_results
        assert table[0].to_list() == [1, timedelta(minutes=5)]
        names = [one.table_name for one in answer.tables]
        assert names[:3] == ["PrimaryResult", "@ExtendedProperties", "QueryStatus"]
        assert answer.errors_count == 0

    def test_version_1_names_the_net_types(self, served: Served) -> None:
        answer = version_1(served, csl="print x = 1, s = ''", properties={"Options": {}})

        assert answer["Tables"][0]["Columns"][0] == {
            "ColumnName": "x",
            "DataType": "Int64",
            "ColumnType": "long",
        }


class TestOptions:
    def test_more_rows_than_allowed_are_a_partial_failure(self, kusto: KustoClient) -> None:
        with pytest.raises(KustoMultiApiError) as caught:
            rows(kusto, "range x from 1 to 10 step 1", properties(truncationmaxrecords=5))

        (error,) = caught.value.get_api_errors()
        assert (error.code, error.permanent) == ("LimitsExceeded", False)
        assert "E_QUERY_RESULT_SET_TOO_LARGE" in str(error.description)

    def test_a_deferred_failure_comes_behind_the_rows(self, kusto: KustoClient) -> None:
        given = properties(truncationmaxrecords=5, deferpartialqueryfailures=True)

        answer = kusto.execute_query("sentinel", "range x from 1 to 10 step 1", given)

        assert len(answer.primary_results[0]) == 5
        assert answer.errors_count == 1
        assert "more than 5 rows" in answer.get_exceptions()[0]

    def test_version_1_tells_a_partial_failure_too(self, served: Served) -> None:
        answer = version_1(
            served,
            csl="range x from 1 to 10 step 1",
            properties={"Options": {"truncationmaxrecords": 5, "deferpartialqueryfailures": True}},
        )

        assert len(answer["Tables"][0]["Rows"]) == 5
        assert "more than 5 rows" in answer["Exceptions"][0]
        assert KustoResponseDataSetV1(answer).errors_count == 1

    def test_fewer_rows_may_be_wanted_without_failure(self, kusto: KustoClient) -> None:
        given = properties(query_take_max_records=3)

        assert rows(kusto, "range x from 1 to 10 step 1", given) == [[1], [2], [3]]

    def test_the_size_of_an_answer_is_bounded(self, kusto: KustoClient) -> None:
        query = "range x from 1 to 100 step 1 | extend s = strrep('0123456789', 100)"

        with pytest.raises(KustoMultiApiError, match="larger than 5000 bytes"):
            rows(kusto, query, properties(truncationmaxsize=5000))

    def test_a_query_that_takes_too_long_is_ended(self, kusto: KustoClient) -> None:
        error = refusal(kusto, ENDLESS, properties(servertimeout=timedelta(milliseconds=300)))

        assert error.get_api_error().code == "Timeout"
        assert error.get_raw_http_response().status_code == 504  # type: ignore[union-attr]

    def test_now_and_the_span_of_time_can_be_given(self, kusto: KustoClient) -> None:
        given = properties(
            query_now="2026-05-01T11:00:00Z",
            query_datetimescope_from="2026-05-01T08:00:00Z",
            query_datetimescope_to="2026-05-01T10:00:00Z",
        )

        assert rows(kusto, f"{JOBS} | extend at = now()", given) == [[3, NOON - timedelta(hours=1)]]

    @pytest.mark.parametrize(
        ("name", "value"),
        [
            ("query_language", "sql"),
            ("servertimeout", "soon"),
            ("truncationmaxrecords", "many"),
            ("query_now", "today"),
            ("query_datetimescope_column", "Other"),
        ],
    )
    def test_an_option_that_cannot_be_followed_is_refused(
        self, served: Served, kusto: KustoClient, name: str, value: str
    ) -> None:
        body = {"csl": "print 1", "properties": {"Options": {name: value}}}

        error = version_1(served, **body)["error"]

        assert error["code"] == "General_BadRequest"
        assert name in error["@message"]
        assert rows(kusto, "print 1") == [[1]]


class TestParameters:
    def test_each_is_bound_with_its_declared_type(self, kusto: KustoClient) -> None:
        query = """declare query_parameters(name: string, n: long, since: datetime, window: timespan = 90m,
            share: real = -0.5, on: bool = true, more: dynamic, id: guid, d: decimal, i: int);
            print name, n, since, window, share, on, more.a, id, d, gettype(i)"""
        given = with_parameters(
            name="a \"b\" \\ 'c'; AmlComputeJobEvent",
            n="long(-3)",
            since="datetime(2026-05-01)",
            more='{"a": "x)"}',
            id="74be27de-1e4e-49d9-b579-fe0b331d3642",
            d="1.25",
            i="7",
        )

        assert rows(kusto, query, given) == [
            [
                "a \"b\" \\ 'c'; AmlComputeJobEvent",
                -3,
                datetime(2026, 5, 1, tzinfo=UTC),
                timedelta(minutes=90),
                -0.5,
                True,
                "x)",
                "74be27de-1e4e-49d9-b579-fe0b331d3642",
                Decimal("1.25"),
                "int",
            ]
        ]

    def test_a_text_may_be_written_as_a_literal(self, kusto: KustoClient) -> None:
        query = "declare query_parameters(job: string); AmlComputeJobEvent | where JobName == job | count"

        assert rows(kusto, query, with_parameters(job="'job60'")) == [[1]]
        assert rows(kusto, query, with_parameters(job="job60")) == [[1]]

    def test_one_without_a_value_is_refused(self, kusto: KustoClient) -> None:
        error = refusal(kusto, "declare query_parameters(n: long); print n")

        assert "the query parameter n has no value" in str(error)

    def test_a_value_of_another_type_is_refused(self, kusto: KustoClient) -> None:
        query = "declare query_parameters(n: long); print n"

        assert "is no long" in str(refusal(kusto, query, with_parameters(n="1); print secret(")))
        assert "is no long" in str(refusal(kusto, query, with_parameters(n="datetime(2026-05-01)")))

    def test_an_error_keeps_its_place_behind_a_declaration(self, kusto: KustoClient) -> None:
        error = refusal(kusto, "declare query_parameters(n: long = 1);\nprint m")

        assert "[line:position=2:7]" in str(error)


class TestErrors:
    def test_a_name_that_is_not_there_is_a_semantic_error(self, kusto: KustoClient) -> None:
        error = refusal(kusto, "AmlComputeJobEvent | where JobNam == 1")

        assert error.is_semantic_error()
        assert error.get_api_error().code == "General_BadRequest"
        assert error.get_api_error().permanent is True
        assert "did you mean JobName?" in str(error)

    def test_a_query_that_does_not_parse_names_the_place(self, kusto: KustoClient) -> None:
        error = refusal(kusto, "print 1 |")

        assert "Syntax error" in str(error)
        assert "[line:position=1:10]" in str(error)

    def test_a_key_that_is_not_known_is_refused(self, served: Served) -> None:
        with served.kusto_client("wrong") as client, pytest.raises(KustoServiceError, match="401"):
            client.execute("sentinel", "print 1")

    def test_a_key_that_may_not_read_is_refused(self, served: Served) -> None:
        with served.kusto_client("ingest") as client:
            assert refusal(client, "print 1").get_api_error().code == "Forbidden"


class TestCommands:
    def test_the_version_is_shown(self, kusto: KustoClient) -> None:
        (shown,) = kusto.execute_mgmt(None, ".show version").primary_results[0]

        assert shown["ServiceType"] == "Engine"
        assert shown["ProductVersion"].startswith("Sentinel ")

    def test_the_one_database_is_shown(self, kusto: KustoClient) -> None:
        shown = kusto.execute_mgmt("ops", ".show databases").primary_results[0]

        assert [row["DatabaseName"] for row in shown] == ["ops"]

    def test_the_tables_are_shown(self, kusto: KustoClient) -> None:
        shown = kusto.execute("sentinel", "  .show  tables ;").primary_results[0]

        assert "AmlComputeJobEvent" in [row["TableName"] for row in shown]

    def test_a_schema_is_what_a_query_answers_with(self, kusto: KustoClient) -> None:
        (shown,) = kusto.execute("x", ".show table ['AmlComputeJobEvent'] cslschema").primary_results[0]
        columns = kusto.execute("x", "AmlComputeJobEvent | take 0").primary_results[0].columns

        shared = [f"{column.column_name}:{column.column_type}" for column in columns]
        assert [one for one in shown["Schema"].split(",") if one in shared] == shared

    def test_a_schema_as_json_has_both_names_of_a_type(self, kusto: KustoClient) -> None:
        (shown,) = kusto.execute("x", ".show table AmlComputeJobEvent schema as json").primary_results[0]

        columns = json.loads(shown["Schema"])["OrderedColumns"]
        assert {"Name": "TimeGenerated", "Type": "System.DateTime", "CslType": "datetime"} in columns

    def test_the_schema_of_the_database_lists_every_column(self, kusto: KustoClient) -> None:
        listed = kusto.execute("x", ".show database schema").primary_results[0]
        (whole,) = kusto.execute("x", ".show database x schema as json").primary_results[0]

        described = json.loads(whole["DatabaseSchema"])["Databases"]["x"]["Tables"]
        assert {row["TableName"] for row in listed if row["TableName"]} == set(described)

    @pytest.mark.parametrize(
        ("command", "named"),
        [
            (".create table T (a: long)", ".create table T"),
            (".drop table AmlComputeJobEvent", ".drop table AmlComputeJobEvent"),
            (".set-or-append T <| print 1", ".set-or-append T <"),
            (".show tables | count", "a pipe behind a command"),
            (".show queries", ".show queries"),
        ],
    )
    def test_every_other_command_is_refused_by_name(
        self, kusto: KustoClient, command: str, named: str
    ) -> None:
        error = refusal(kusto, command)

        assert named in str(error)
        assert "is not supported" in str(error)

    def test_a_table_that_is_not_there_is_named(self, kusto: KustoClient) -> None:
        assert "'Nowhere'" in str(refusal(kusto, ".show table Nowhere cslschema"))
