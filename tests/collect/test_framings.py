from __future__ import annotations

import gzip
from typing import Any

import pytest
import zstandard

from sentinel.collect.ingest import Ingester, Receipt
from sentinel.errors import IngestError
from sentinel.store.telemetry import TelemetryStore
from tests.collect.records import TRAFFIC, as_json, as_lines, enveloped, job, stored, traffic

RECORDS = [traffic(number) for number in range(3)]
ENVELOPES = [enveloped(record) for record in RECORDS]


def as_answer(records: list[dict[str, Any]]) -> bytes:
    names = list(records[0])
    columns = [{"name": name, "type": "string"} for name in names]
    rows = [[record[name] for name in names] for record in records]
    return as_json({"tables": [{"name": "PrimaryResult", "columns": columns, "rows": rows}]})


FRAMINGS = {
    "flat JSON Lines": as_lines(RECORDS),
    "flat JSON Lines without a last newline": as_lines(RECORDS).rstrip(),
    "JSON Lines with blank lines and CRLF": as_lines(RECORDS).replace(b"\n", b"\r\n\r\n"),
    "enveloped JSON Lines": as_lines(ENVELOPES),
    "flat records": as_json({"records": RECORDS}),
    "enveloped records": as_json({"records": ENVELOPES}),
    "records one after another": as_json({"records": RECORDS[:1]}) + as_json({"records": ENVELOPES[1:]}),
    "a records object a line": as_json({"records": RECORDS[:1]})
    + b"\n"
    + as_json({"records": ENVELOPES[1:]}),
    "a bare array": as_json(RECORDS),
    "a bare array of envelopes and flat records": as_json([*ENVELOPES[:1], *RECORDS[1:]]),
    "an array over several lines": as_json(RECORDS).replace(b"}, {", b"},\n{"),
    "mixed lines": as_lines([*ENVELOPES[:1], *RECORDS[1:]]),
    "an answer of Log Analytics": as_answer(RECORDS),
    "a byte order mark": b"\xef\xbb\xbf" + as_lines(RECORDS),
    "gzip": gzip.compress(as_lines(RECORDS)),
    "two gzip members": gzip.compress(as_lines(RECORDS[:1])) + gzip.compress(as_lines(RECORDS[1:])),
    "two zstd frames": zstandard.compress(as_lines(RECORDS[:1])) + zstandard.compress(as_lines(RECORDS[1:])),
    "zstd": zstandard.compress(as_lines(ENVELOPES)),
    "properties as text": as_lines(
        [{**e, "properties": as_json(e["properties"]).decode()} for e in ENVELOPES]
    ),
    "keys in another spelling": as_lines(
        [{key.upper().replace("_", ""): value for key, value in record.items()} for record in RECORDS]
    ),
    "numbers as text": as_lines([{**record, "ResponseCode": "200"} for record in RECORDS]),
    "what only the export adds": as_lines(
        [{**record, "TenantId": "d6a1", "_BilledSize": 1.5} for record in RECORDS]
    ),
}


@pytest.mark.parametrize("name", FRAMINGS)
def test_every_framing_gives_the_same_rows(name: str, ingester: Ingester, store: TelemetryStore) -> None:
    columns = ("TimeGenerated", "XRequestId", "EndpointName", "ResponseCode", "_ResourceId", "Type", "_Extra")
    expected = [
        (
            639082224001234567 + number * 10_000_000,
            f"request-{number}",
            "chat",
            200,
            RECORDS[0]["_ResourceId"],
            TRAFFIC,
            None,
        )
        for number in range(3)
    ]

    receipt = ingester.submit(FRAMINGS[name], origin="test")

    assert stored(store, TRAFFIC, *columns) == expected
    assert receipt == Receipt(accepted=3)


@pytest.mark.parametrize("name", FRAMINGS)
def test_what_came_in_one_framing_is_known_in_every_other(name: str, ingester: Ingester) -> None:
    ingester.submit(FRAMINGS["flat JSON Lines"], origin="test")

    receipt = ingester.submit(FRAMINGS[name], origin="test")

    assert receipt == Receipt(duplicates=3)


def test_a_single_object_is_a_delivery(ingester: Ingester) -> None:
    assert ingester.submit(as_json(RECORDS[0]), origin="test") == Receipt(accepted=1)


def test_a_single_object_over_several_lines_is_a_delivery(ingester: Ingester) -> None:
    assert ingester.submit(as_json(job()).replace(b", ", b",\n"), origin="test") == Receipt(accepted=1)


def test_an_empty_body_is_an_empty_delivery(ingester: Ingester) -> None:
    assert ingester.submit(b" \n", origin="test") == Receipt()


def test_an_unknown_encoding_is_refused(ingester: Ingester) -> None:
    with pytest.raises(IngestError, match="'br' is not one of gzip, zstd, identity"):
        ingester.submit(b"{}", origin="test", encoding="br")


@pytest.mark.parametrize(
    "body", [gzip.compress(as_lines(RECORDS))[:-9], zstandard.compress(as_lines(RECORDS))[:-9]]
)
def test_a_damaged_compressed_body_is_refused_as_a_whole(body: bytes, ingester: Ingester) -> None:
    with pytest.raises(IngestError, match="damaged"):
        ingester.submit(body, origin="test")


def test_a_body_that_is_not_what_its_encoding_says_is_refused(ingester: Ingester) -> None:
    with pytest.raises(IngestError, match="the body is not gzip"):
        ingester.submit(b"{}", origin="test", encoding="gzip")


def test_the_table_may_be_named_by_the_delivery(ingester: Ingester, store: TelemetryStore) -> None:
    untyped = traffic()
    del untyped["Type"]

    ingester.submit(as_json(untyped), origin="test", table=TRAFFIC)

    assert stored(store, TRAFFIC, "XRequestId") == [("request-0",)]
