"""The edges of the query protocols that Microsoft's clients do not reach."""

from __future__ import annotations

import json
from typing import Any

import httpx2
import pytest
from hypothesis import HealthCheck, given, settings, strategies as st

from sentinel.web.answers import Refused
from sentinel.web.workspaces import Workspaces
from tests.web.conftest import Face

QUERY = "/v1/workspaces/w/query"
PROTOCOLS = [QUERY, "/v1/$batch", "/v1/rest/query", "/v2/rest/query", "/v1/rest/mgmt"]


@pytest.mark.parametrize("path", PROTOCOLS)
@pytest.mark.parametrize(
    ("key", "status"), [(None, 401), ("ingest", 403), ("read", 400), ("approve", 400), ("admin", 400)]
)
async def test_every_query_protocol_needs_a_key_that_may_read(
    path: str, key: str | None, status: int, face: Face
) -> None:
    async with face.client(key) as client:
        answer = await client.post(path, content=b"{}")

    assert answer.status_code == status


@pytest.mark.parametrize("path", PROTOCOLS)
async def test_a_body_without_end_is_refused(path: str, client: httpx2.AsyncClient) -> None:
    answer = await client.post(path, content=b" " * (1 << 20) + b"{}")

    assert answer.status_code == 413


@pytest.mark.parametrize(
    ("headers", "seen"),
    [
        ([("Prefer", "include-statistics=true")], {"statistics"}),
        ([("Prefer", "wait=5; include-render=true")], {"render"}),
        (
            [("Prefer", "include-statistics=true"), ("Prefer", "include-render=true")],
            {"statistics", "render"},
        ),
        ([("Prefer", "wait=soon,include-render=false,respond-async")], set()),
    ],
)
async def test_preferences_are_read_from_every_header(
    client: httpx2.AsyncClient, headers: list[tuple[str, str]], seen: set[str]
) -> None:
    answer = await client.post(QUERY, json={"query": "print 1"}, headers=headers)

    assert set(answer.json()) - {"tables"} == seen


async def test_a_batch_asks_nothing_but_queries(client: httpx2.AsyncClient) -> None:
    asked = {"id": "1", "workspace": "w", "path": "/metadata", "method": "GET", "body": {"query": "print 1"}}
    answer = await client.post("/v1/$batch", json={"requests": [asked]})

    (response,) = answer.json()["responses"]
    assert response["status"] == 400
    assert "GET /metadata" in response["body"]["error"]["innererror"]["message"]


async def test_a_batch_has_an_end(client: httpx2.AsyncClient) -> None:
    asked = {"id": "1", "workspace": "w", "body": {"query": "print 1"}}
    answer = await client.post("/v1/$batch", json={"requests": [asked] * 101})

    assert answer.status_code == 400


async def test_an_empty_batch_has_no_responses(client: httpx2.AsyncClient) -> None:
    assert (await client.post("/v1/$batch", json={"requests": []})).json() == {"responses": []}


async def test_a_command_asked_as_a_query_is_sent_where_it_belongs(client: httpx2.AsyncClient) -> None:
    answer = await client.post("/v2/rest/query", json={"csl": ".show tables"})

    assert "/v1/rest/mgmt" in answer.json()["error"]["@message"]


@pytest.mark.parametrize("path", ["/v1/query", "/v2/rest/query", QUERY])
async def test_more_queries_than_may_wait_are_turned_away(path: str, face: Face) -> None:
    async with face.client(waiting=0) as client:
        answer = await client.post("/v1/$batch", json={"requests": []})
        refused = await client.post(
            path, json={"query": "print 1", "csl": "print 1"} if "rest" in path else {"query": "print 1"}
        )

    assert answer.status_code == 200
    assert refused.status_code == 429
    assert int(refused.headers["retry-after"]) > 0


async def test_no_query_is_answered_while_the_server_ends(face: Face) -> None:
    app = face.app()
    app.state.end_queries()
    headers = {"Authorization": "Bearer read"}
    async with httpx2.AsyncClient(
        transport=httpx2.ASGITransport(app), base_url="http://s", headers=headers
    ) as client:
        answer = await client.post("/v1/query", json={"query": "print 1"})

    assert (answer.status_code, answer.json()["error"]["code"]) == (503, "Ending")


class TestNames:
    def test_without_names_every_name_is_ours_but_only_one_at_a_time(self) -> None:
        ours = Workspaces()

        ours.check("a", ["A", "sentinel"])
        with pytest.raises(Refused, match="b is not kept here"):
            ours.check("a", ["b"])

    def test_with_names_no_other_is_ours(self) -> None:
        ours = Workspaces(["Ops", "63613592-b6f7-4c3d-a390-22ba13102111"])

        ours.check("ops", ["63613592-B6F7-4C3D-A390-22BA13102111"])
        with pytest.raises(Refused, match="elsewhere is not kept here; this one is Ops"):
            ours.check("elsewhere")


async def test_another_database_is_refused_in_words_its_clients_show(face: Face) -> None:
    async with face.client(workspaces=["ops"]) as client:
        ours = await client.post("/v1/rest/mgmt", json={"db": "OPS", "csl": ".show databases"})
        refused = await client.post("/v2/rest/query", json={"db": "elsewhere", "csl": "print 1"})

    assert ours.json()["Tables"][0]["Rows"][0][0] == "ops"
    assert refused.status_code == 400
    assert "'elsewhere'" in refused.json()["error"]["@message"]


values: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=6,
)
known = st.fixed_dictionaries(
    {},
    optional={
        "query": st.just("print 1") | values,
        "timespan": st.just("PT1H") | values,
        "workspaces": st.lists(st.text()) | values,
        "csl": st.sampled_from(
            ["print 1", ".show tables", ".show table", "declare query_parameters(a:long);a"]
        )
        | values,
        "db": st.text() | values,
        "properties": st.fixed_dictionaries(
            {},
            optional={
                "Options": st.dictionaries(
                    st.sampled_from(
                        [
                            "servertimeout",
                            "truncationmaxrecords",
                            "query_now",
                            "query_datetimescope_to",
                            "notruncation",
                        ]
                    ),
                    values,
                ),
                "Parameters": st.dictionaries(st.just("a"), values),
            },
        )
        | values,
        "requests": st.lists(values, max_size=2) | values,
    },
)


@pytest.mark.parametrize("path", PROTOCOLS)
@settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
    derandomize=True,
)
@given(body=known | values)
async def test_no_body_meets_a_defect(path: str, body: Any, client: httpx2.AsyncClient) -> None:
    answer = await client.post(path, content=json.dumps(body))

    assert answer.status_code < 500, answer.text
