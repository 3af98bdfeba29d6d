"""Queries that nobody waits for any more, and queries that never end."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import httpx2
import pytest
from azure.core.exceptions import ServiceResponseError

from tests.clients.conftest import ENDLESS, NOON, Served, failed_job

AUTHORIZED = {"Authorization": "Bearer admin"}
BOTH_SLOTS = 2


@contextmanager
def runaway_queries(served: Served, count: int) -> Iterator[None]:
    """Connections that wait for endless queries; dropped at the end."""
    body = json.dumps({"csl": ENDLESS})
    head = f"POST /v2/rest/query HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer admin\r\nContent-Length: {len(body)}"
    with ExitStack() as opened:
        for _ in range(count):
            connection = socket.create_connection(served.address)
            opened.enter_context(connection)
            connection.sendall(f"{head}\r\n\r\n{body}".encode())
        yield


def test_a_client_that_gives_up_frees_its_place(served: Served) -> None:
    with served.logs_client() as impatient:
        for _ in range(2 * BOTH_SLOTS):
            with pytest.raises(ServiceResponseError):
                impatient.query_workspace("w", ENDLESS, timespan=None, read_timeout=0.2, retry_total=0)

    with served.kusto_client() as client:
        assert client.execute("sentinel", "print x = 1").primary_results[0][0]["x"] == 1


def test_runaway_queries_hold_up_neither_ingest_nor_rules_nor_health(served: Served) -> None:
    event = json.dumps(failed_job(1_000))

    with (
        runaway_queries(served, 3 * BOTH_SLOTS),
        httpx2.Client(base_url=served.url, headers=AUTHORIZED, timeout=10) as client,
    ):
        taken = client.post("/v1/records", content=event)
        found = served.engine.query("AmlComputeJobEvent | where JobName == 'job1000' | count", now=NOON)
        health = client.get("/healthz")

    assert (taken.status_code, taken.json()["accepted"]) == (200, 1)
    assert found.rows == [(1,)]
    assert health.status_code == 200


def test_dropped_connections_free_their_places_without_a_word(
    served: Served, caplog: pytest.LogCaptureFixture
) -> None:
    with runaway_queries(served, 3 * BOTH_SLOTS):
        pass

    with served.kusto_client() as client:
        assert client.execute("sentinel", "print x = 1").primary_results[0][0]["x"] == 1
    assert [record for record in caplog.records if record.name == "asyncio"] == []
