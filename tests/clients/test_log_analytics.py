"""`azure-monitor-query` against the HTTP face."""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx2
import pytest
from azure.core.credentials import AccessToken
from azure.core.exceptions import ClientAuthenticationError, HttpResponseError
from azure.monitor.query import (
    LogsBatchQuery,
    LogsQueryClient,
    LogsQueryError,
    LogsQueryPartialResult,
    LogsQueryResult,
    LogsQueryStatus,
    LogsTable,
)

from tests.clients.conftest import NOON, RESOURCE, Served

WORKSPACE = "63613592-b6f7-4c3d-a390-22ba13102111"
HOUR = timedelta(hours=1)
JOBS = "AmlComputeJobEvent | summarize n = count()"


def table(logs: LogsQueryClient, query: str, **options: Any) -> LogsTable:
    result = logs.query_workspace(WORKSPACE, query, **{"timespan": None, **options})
    assert isinstance(result, LogsQueryResult)
    return result.tables[0]


def cell(logs: LogsQueryClient, value: str) -> Any:
    return table(logs, f"print x = {value}").rows[0]["x"]


def refusal(logs: LogsQueryClient, query: str, **options: Any) -> HttpResponseError:
    with pytest.raises(HttpResponseError) as caught:
        logs.query_workspace(WORKSPACE, query, **{"timespan": None, "retry_total": 0, **options})
    return caught.value


class TestValues:
    @pytest.mark.parametrize(
        ("value", "kind", "expected"),
        [
            ("true", "bool", True),
            ("int(-7)", "int", -7),
            ("9007199254740993", "long", 9007199254740993),
            ("1.5", "real", 1.5),
            ("real(nan)", "real", "NaN"),
            ("real(+inf)", "real", "Infinity"),
            ("real(-inf)", "real", "-Infinity"),
            ("decimal(1.25)", "decimal", "1.25"),
            ('"ä \\"q\\""', "string", 'ä "q"'),
            (
                "datetime(2026-05-01T12:30:00.1234567Z)",
                "datetime",
                datetime(2026, 5, 1, 12, 30, 0, 123456, UTC),
            ),
            ("datetime(2026-05-01)", "datetime", datetime(2026, 5, 1, tzinfo=UTC)),
            ("1d + 2h + 500ms", "timespan", "1.02:00:00.5000000"),
            ("-5m", "timespan", "-00:05:00"),
            (
                "guid(74be27de-1e4e-49d9-b579-fe0b331d3642)",
                "guid",
                "74be27de-1e4e-49d9-b579-fe0b331d3642",
            ),
            ('dynamic({"a": [1, "x", null]})', "dynamic", '{"a":[1,"x",null]}'),
            ('parse_json("[1.5,true]")', "dynamic", "[1.5,true]"),
            ('dynamic("text")', "dynamic", "text"),
        ],
    )
    def test_a_value_arrives_with_its_type(
        self, logs: LogsQueryClient, value: str, kind: str, expected: object
    ) -> None:
        answer = table(logs, f"print x = {value}")

        assert answer.columns_types == [kind]
        assert answer.rows[0]["x"] == expected

    @pytest.mark.parametrize("kind", ["bool", "int", "long", "real", "decimal", "datetime", "dynamic"])
    def test_null_arrives_as_none(self, logs: LogsQueryClient, kind: str) -> None:
        assert cell(logs, f"{kind}(null)") is None

    def test_rows_of_the_store_are_found_by_name_and_place(self, logs: LogsQueryClient) -> None:
        answer = table(logs, "AmlComputeJobEvent | top 1 by TimeGenerated | project TimeGenerated, JobName")

        assert answer.name == "PrimaryResult"
        assert answer.columns == ["TimeGenerated", "JobName"]
        assert (answer.rows[0]["TimeGenerated"], answer.rows[0][1]) == (NOON, "job0")

    def test_an_answer_without_rows_has_its_columns(self, logs: LogsQueryClient) -> None:
        answer = table(logs, "AmlOnlineEndpointTrafficLog | project EndpointName, ResponseCode")

        assert (answer.columns, answer.rows) == (["EndpointName", "ResponseCode"], [])

    def test_a_large_answer_arrives_whole(self, logs: LogsQueryClient) -> None:
        answer = table(logs, "range x from 1 to 100000 step 1 | extend text = strcat('row ', x)")

        assert len(answer.rows) == 100_000
        assert answer.rows[-1]["text"] == "row 100000"


class TestTimespan:
    @pytest.mark.parametrize(
        ("timespan", "jobs"),
        [
            (None, 10),
            (2 * HOUR, 3),
            ((NOON - 4 * HOUR, 2 * HOUR), 3),
            ((NOON - 4 * HOUR, NOON - 3 * HOUR), 2),
            ((NOON + HOUR, 2 * HOUR), 0),
        ],
    )
    def test_it_holds_the_rows_of_every_table(self, logs: LogsQueryClient, timespan: Any, jobs: int) -> None:
        assert table(logs, JOBS, timespan=timespan).rows[0]["n"] == jobs

    def test_it_is_met_together_with_the_times_of_the_query(self, logs: LogsQueryClient) -> None:
        query = "AmlComputeJobEvent | where TimeGenerated < ago(90m) | summarize n = count()"

        assert table(logs, query, timespan=3 * HOUR).rows[0]["n"] == 2

    def test_one_that_ends_before_it_starts_is_refused(self, logs: LogsQueryClient) -> None:
        error = refusal(logs, JOBS, timespan=(NOON, NOON - HOUR))

        assert "ends before it starts" in str(error)


class TestResources:
    @pytest.mark.parametrize(
        ("resource", "jobs"),
        [
            (RESOURCE, 5),
            (RESOURCE.lower().lstrip("/"), 5),
            ("/subscriptions/0f3c", 10),
            (RESOURCE[:-1], 0),
            (f"{RESOURCE}/onlineEndpoints/chat", 0),
        ],
    )
    def test_rows_are_of_the_resource_or_below_it(
        self, logs: LogsQueryClient, resource: str, jobs: int
    ) -> None:
        result = logs.query_resource(resource, JOBS, timespan=None)

        assert isinstance(result, LogsQueryResult)
        assert result.tables[0].rows[0]["n"] == jobs

    def test_the_timespan_holds_as_well(self, logs: LogsQueryClient) -> None:
        result = logs.query_resource(RESOURCE, JOBS, timespan=4 * HOUR)

        assert isinstance(result, LogsQueryResult)
        assert result.tables[0].rows[0]["n"] == 3

    def test_a_table_without_resources_has_no_rows_of_one(self, logs: LogsQueryClient) -> None:
        result = logs.query_resource(RESOURCE, "AmlComputeClusterNodeEvent | count", timespan=None)

        assert isinstance(result, LogsQueryResult)
        assert result.tables[0].rows[0][0] == 0

    def test_what_is_no_resource_is_not_found(self, logs: LogsQueryClient) -> None:
        with pytest.raises(HttpResponseError, match="no id of a resource"):
            logs.query_resource("elsewhere", JOBS, timespan=None)


class TestPreferences:
    def test_statistics_come_when_asked_for(self, logs: LogsQueryClient) -> None:
        result = logs.query_workspace(WORKSPACE, JOBS, timespan=None, include_statistics=True)

        assert isinstance(result, LogsQueryResult)
        assert result.statistics is not None
        assert result.statistics["query"]["executionTime"] > 0

    def test_the_visualization_comes_when_asked_for(self, logs: LogsQueryClient) -> None:
        query = "AmlComputeJobEvent | summarize count() by bin(TimeGenerated, 1h) | render timechart"
        result = logs.query_workspace(WORKSPACE, query, timespan=None, include_visualization=True)

        assert isinstance(result, LogsQueryResult)
        assert result.visualization == {"visualization": "timechart"}

    def test_neither_comes_unasked(self, logs: LogsQueryClient) -> None:
        result = logs.query_workspace(WORKSPACE, "print 1 | render table", timespan=None)

        assert isinstance(result, LogsQueryResult)
        assert (result.statistics, result.visualization) == (None, None)


class TestErrors:
    def test_a_query_that_does_not_parse_names_the_place(self, logs: LogsQueryClient) -> None:
        error = refusal(logs, "AmlComputeJobEvent\n| where ==")

        inner = json.loads(error.response.text())["error"]["innererror"]  # type: ignore[union-attr]
        assert error.status_code == 400
        assert error.error is not None
        assert error.error.code == "BadArgumentError"
        assert inner["code"] == "SyntaxError"
        assert (inner["innererror"]["code"], inner["innererror"]["line"]) == ("SYN0002", 2)

    def test_a_name_that_is_not_there_is_named(self, logs: LogsQueryClient) -> None:
        error = refusal(logs, "AmlComputeJobEvent | where JobNam == 1")

        inner = json.loads(error.response.text())["error"]["innererror"]  # type: ignore[union-attr]
        assert inner["code"] == "SemanticError"
        assert inner["innererror"]["token"] == "JobNam"
        assert "did you mean JobName?" in inner["innererror"]["message"]

    def test_a_query_that_takes_too_long_is_ended(self, logs: LogsQueryClient) -> None:
        error = refusal(logs, "range x from 1 to 1000000000000 step 1 | summarize sum(x)", server_timeout=1)

        assert error.status_code == 504
        assert error.error is not None
        assert error.error.code == "GatewayTimeout"

    def test_another_workspace_is_refused(self, logs: LogsQueryClient) -> None:
        error = refusal(logs, JOBS, additional_workspaces=["elsewhere"])

        assert error.status_code == 404
        assert "elsewhere" in str(error)

    def test_the_workspace_itself_may_be_named_again(self, logs: LogsQueryClient) -> None:
        assert table(logs, JOBS, additional_workspaces=[WORKSPACE.upper()]).rows[0]["n"] == 10

    def test_a_key_that_is_not_known_is_an_authentication_error(self, served: Served) -> None:
        with served.logs_client("wrong") as client:
            error = refusal(client, JOBS)

        assert error.status_code == 401
        assert isinstance(error.__context__, ClientAuthenticationError)

    def test_a_key_that_may_not_read_is_refused(self, served: Served) -> None:
        with served.logs_client("ingest") as client:
            assert refusal(client, JOBS).status_code == 403

    def test_a_token_credential_may_cross_plain_http_when_told(self, served: Served) -> None:
        class Static:
            def get_token(self, *_scopes: str, **_options: Any) -> AccessToken:
                return AccessToken("read", int(time.time()) + 3600)

        with LogsQueryClient(Static(), endpoint=served.url) as client:
            assert table(client, JOBS, enforce_https=False).rows[0]["n"] == 10


class TestPartialAnswers:
    def test_rows_beyond_the_limit_are_missing_and_said_so(self, logs: LogsQueryClient) -> None:
        result = logs.query_workspace(WORKSPACE, "range x from 1 to 100001 step 1", timespan=None)

        assert isinstance(result, LogsQueryPartialResult)
        assert result.status == LogsQueryStatus.PARTIAL
        assert len(result.partial_data[0].rows) == 100_000
        assert result.partial_error is not None
        assert result.partial_error.code == "PartialError"
        assert "100000 rows" in result.partial_error.message


class TestBatches:
    def test_answers_come_in_order_and_each_with_its_own_fate(self, logs: LogsQueryClient) -> None:
        good = LogsBatchQuery(WORKSPACE, JOBS, timespan=2 * HOUR, include_statistics=True)
        bad = LogsBatchQuery(WORKSPACE, "Nowhere | count", timespan=None)
        chart = LogsBatchQuery(
            WORKSPACE, "print 1 | render piechart", timespan=None, include_visualization=True
        )
        strange = LogsBatchQuery(WORKSPACE, JOBS, timespan=None, additional_workspaces=["elsewhere"])

        first, second, third, fourth = logs.query_batch([good, bad, chart, strange])

        assert isinstance(first, LogsQueryResult)
        assert first.tables[0].rows[0]["n"] == 3
        assert first.statistics is not None
        assert isinstance(second, LogsQueryError)
        assert second.code == "BadArgumentError"
        assert "Nowhere" in second.message
        assert isinstance(third, LogsQueryResult)
        assert third.visualization == {"visualization": "piechart"}
        assert isinstance(fourth, LogsQueryError)
        assert fourth.code == "WorkspaceNotFoundError"

    def test_a_partial_answer_stays_one_within_a_batch(self, logs: LogsQueryClient) -> None:
        (result,) = logs.query_batch(
            [LogsBatchQuery(WORKSPACE, "range x from 1 to 100001 step 1", timespan=None)]
        )

        assert isinstance(result, LogsQueryPartialResult)


def test_a_query_may_come_in_the_address(served: Served) -> None:
    answer = httpx2.get(
        f"{served.url}/v1/workspaces/{WORKSPACE}/query",
        params={"query": JOBS, "timespan": "PT2H", "workspaces": WORKSPACE},
        headers={"Authorization": "Bearer read"},
    )

    assert answer.json()["tables"][0]["rows"] == [[3]]
