from __future__ import annotations

import gzip
import json
from concurrent.futures import Future
from typing import Any

import httpx2
import pytest
import zstandard

from sentinel.collect.ingest import Ingester, Receipt
from sentinel.errors import IngestBusy, StoreError
from tests.web.conftest import MAX_BODY, NOON, Face


def records(count: int = 2) -> bytes:
    return b"\n".join(
        json.dumps(
            {
                "TimeGenerated": NOON.isoformat(),
                "Type": "AmlComputeJobEvent",
                "JobName": f"job-{number}",
                "JobId": f"job-{number}",
                "ExecutionState": "Failed",
            }
        ).encode()
        for number in range(count)
    )


async def count(client: httpx2.AsyncClient) -> int:
    answer = await client.post("/v1/query", json={"query": "AmlComputeJobEvent | count"})
    found: int = answer.json()["rows"][0][0]
    return found


class Refusing(Ingester):
    """An ingester that takes nothing, for a reason."""

    def __init__(self, error: Exception) -> None:
        self._error = error

    def submit_later(self, *_: Any, **__: Any) -> Future[Receipt]:
        raise self._error


async def test_a_delivery_is_answered_with_its_receipt_once_it_can_be_queried(
    client: httpx2.AsyncClient,
) -> None:
    answer = await client.post("/v1/records", content=records())

    assert answer.status_code == 200
    assert answer.json()["accepted"] == 2
    assert await count(client) == 2


async def test_a_delivery_to_a_mistyped_table_is_refused_with_the_nearest_one(
    client: httpx2.AsyncClient,
) -> None:
    answer = await client.post("/v1/records?table=AmlComputeJobEvnt", content=records())

    assert answer.status_code == 400
    assert answer.json()["error"]["message"].endswith("did you mean AmlComputeJobEvent?")
    assert await count(client) == 0


async def test_a_repeated_delivery_is_answered_as_duplicates(client: httpx2.AsyncClient) -> None:
    await client.post("/v1/records", content=records())

    answer = await client.post("/v1/records", content=records())

    assert (answer.json()["accepted"], answer.json()["duplicates"]) == (0, 2)


@pytest.mark.parametrize(
    ("encoding", "compress"), [("gzip", gzip.compress), ("zstd", zstandard.ZstdCompressor().compress)]
)
async def test_a_compressed_delivery_is_unpacked(
    encoding: str, compress: Any, client: httpx2.AsyncClient
) -> None:
    answer = await client.post(
        "/v1/records", content=compress(records()), headers={"Content-Encoding": encoding}
    )

    assert answer.json()["accepted"] == 2


async def test_the_table_may_be_named_in_the_address(client: httpx2.AsyncClient) -> None:
    body = json.dumps({"TimeGenerated": NOON.isoformat(), "JobName": "a", "JobId": "a"})

    await client.post("/v1/records?table=AmlComputeJobEvent", content=body)

    assert await count(client) == 1


async def test_a_hopeless_body_is_refused_with_the_reason(face: Face, client: httpx2.AsyncClient) -> None:
    answer = await client.post(
        "/v1/records", content=b"\x1f\x8b garbage", headers={"Content-Encoding": "gzip"}
    )

    assert answer.status_code == 400
    assert answer.json()["error"]["code"] == "BadBody"
    assert (
        face.metrics.registry.get_sample_value("sentinel_ingest_deliveries_total", {"outcome": "refused"})
        == 1
    )


async def test_a_writer_that_is_behind_asks_to_come_back(face: Face) -> None:
    async with face.client(ingester=Refusing(IngestBusy(1.5))) as client:
        answer = await client.post("/v1/records", content=records())

    assert answer.status_code == 429
    assert answer.headers["retry-after"] == "2"
    assert (
        face.metrics.registry.get_sample_value("sentinel_ingest_deliveries_total", {"outcome": "busy"}) == 1
    )


async def test_a_store_that_cannot_be_written_is_not_the_senders_fault(face: Face) -> None:
    async with face.client(ingester=Refusing(StoreError("disk full"))) as client:
        answer = await client.post("/v1/records", content=records())

    assert answer.status_code == 503
    assert answer.json() == {"error": {"code": "StoreUnavailable", "message": "disk full"}}


async def test_a_body_over_the_limit_is_refused(client: httpx2.AsyncClient) -> None:
    answer = await client.post("/v1/records", content=b" " * (MAX_BODY + 1))

    assert answer.status_code == 413
    assert answer.json()["error"]["code"] == "BodyTooLarge"


async def test_a_body_of_unsaid_length_is_refused_when_it_passes_the_limit(
    client: httpx2.AsyncClient,
) -> None:
    async def pieces() -> Any:
        for _ in range(MAX_BODY // 1000 + 1):
            yield b" " * 1000

    answer = await client.post("/v1/records", content=pieces())

    assert answer.status_code == 413


@pytest.mark.parametrize(("key", "status"), [(None, 401), ("wrong", 401), ("read", 403), ("approve", 403)])
async def test_records_need_a_key_that_may_deliver(key: str | None, status: int, face: Face) -> None:
    async with face.client(key) as client:
        answer = await client.post("/v1/records", content=records())

    assert answer.status_code == status


async def test_a_key_for_delivering_is_enough(face: Face) -> None:
    async with face.client("ingest") as client:
        answer = await client.post("/v1/records", content=records())

    assert answer.status_code == 200
