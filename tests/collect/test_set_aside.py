from __future__ import annotations

import pytest

from sentinel.collect.ingest import Ingester, Receipt, take_again
from sentinel.store.telemetry import TelemetryStore
from tests.collect.records import TRAFFIC, as_json, as_lines, stored, traffic


def test_good_lines_around_a_malformed_one_are_stored(ingester: Ingester, store: TelemetryStore) -> None:
    body = as_json(traffic(0)) + b'\n{"half\n' + as_json(traffic(1)) + b"\n"

    receipt = ingester.submit(body, origin="PT1H.json", first_line=41)

    (line,) = store.set_aside()
    assert (line.what.origin, line.what.line, line.what.raw) == ("PT1H.json", 42, b'{"half')
    assert line.what.reason.startswith("it is not JSON")
    assert stored(store, TRAFFIC, "XRequestId") == [("request-0",), ("request-1",)]
    assert receipt == Receipt(accepted=2, set_aside=1)


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b'{"Type": "AmlComputeJobEvent"}', "it has neither `time` nor `TimeGenerated`"),
        (b'{"time": "yesterday", "category": "x"}', "'yesterday' is not a time"),
        (b'{"time": "2026-02-30T00:00:00Z", "category": "x"}', "day is out of range"),
        (b'{"time": "2026-02-03T00:00:00Z"}', "neither a category nor a Type"),
        (b"[1]", "a record is a JSON object"),
        (b'{"time": "2026-02', "it is not JSON: Input data was truncated"),
        (b"[" * 5000 + b"]" * 5000, "it is not JSON"),
        (b"\xff\xfe{}", "it is not JSON"),
        (b'{"time": "2026-02-03T00:00:00Z", "category": "\\ud800"}', "it is not JSON"),
    ],
)
def test_what_cannot_be_stored_says_why(
    body: bytes, reason: str, ingester: Ingester, store: TelemetryStore
) -> None:
    ingester.submit(body, origin="test")

    assert reason in store.set_aside()[0].what.reason


def test_the_same_line_of_the_same_file_is_set_aside_once(ingester: Ingester, store: TelemetryStore) -> None:
    ingester.submit(b"no\nno", origin="a")
    ingester.submit(b"no\nno", origin="a")

    assert len(store.set_aside()) == 1


def test_taking_again_stores_what_can_be_stored_by_now(ingester: Ingester, store: TelemetryStore) -> None:
    untyped = {key: value for key, value in traffic().items() if key != "Type"}
    ingester.submit(as_lines([untyped]) + b"no\n", origin="test")
    first, second = store.set_aside()
    store.drop_set_aside([first.id])
    ingester.submit(as_json({**untyped, "Type": TRAFFIC, "TimeGenerated": "?"}), origin="mended")

    receipt = take_again(ingester, store, [second.id])

    assert receipt.set_aside == 1
    assert [line.id for line in store.set_aside()] == [second.id, second.id + 1]
