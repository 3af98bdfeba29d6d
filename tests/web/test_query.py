from __future__ import annotations

import httpx2
import pytest

from tests.web.conftest import Face


async def test_an_answer_has_columns_and_rows(client: httpx2.AsyncClient) -> None:
    answer = await client.post("/v1/query", json={"query": 'print n = 1, at = datetime(2026-05-01), s = "ä"'})

    assert answer.status_code == 200
    assert answer.json()["columns"] == [
        {"name": "n", "type": "long"},
        {"name": "at", "type": "datetime"},
        {"name": "s", "type": "string"},
    ]
    assert answer.json()["rows"] == [[1, "2026-05-01T00:00:00.000Z", "ä"]]


async def test_now_is_the_daemons_clock(client: httpx2.AsyncClient) -> None:
    answer = await client.post("/v1/query", json={"query": "print now()"})

    assert answer.json()["rows"] == [["2026-05-01T12:00:00.000Z"]]


async def test_an_error_names_its_place(client: httpx2.AsyncClient) -> None:
    answer = await client.post("/v1/query", json={"query": "AmlComputeJobEvent\n| where Nope == 1"})

    error = answer.json()["error"]
    assert answer.status_code == 400
    assert (error["line"], error["column"]) == (2, 9)
    assert "Nope" in error["message"]


@pytest.mark.parametrize("body", ["", "[]", '{"query": 1}', '{"query": "print 1", "x": 1}'])
async def test_a_body_that_is_no_question_is_refused(body: str, client: httpx2.AsyncClient) -> None:
    answer = await client.post("/v1/query", content=body)

    assert answer.status_code == 400
    assert answer.json()["error"]["code"] == "BadBody"


@pytest.mark.parametrize(
    ("key", "status"), [(None, 401), ("ingest", 403), ("read", 200), ("approve", 200), ("admin", 200)]
)
async def test_a_query_needs_a_key_that_may_read(key: str | None, status: int, face: Face) -> None:
    async with face.client(key) as client:
        answer = await client.post("/v1/query", json={"query": "print 1"})

    assert answer.status_code == status


async def test_the_schema_needs_a_key_that_may_read(face: Face) -> None:
    async with face.client("ingest") as client:
        answer = await client.get("/v1/schema")

    assert answer.status_code == 403


async def test_the_schema_names_tables_and_functions(client: httpx2.AsyncClient) -> None:
    answer = await client.get("/v1/schema")

    assert "AmlComputeJobEvent" in {table["name"] for table in answer.json()["tables"]}
    assert {"name": "countif", "signatures": ["countif(condition) -> long"]} in answer.json()["aggregates"]
