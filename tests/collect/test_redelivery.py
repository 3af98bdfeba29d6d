"""However a delivery is cut up, spelt and repeated, the same rows are stored."""

from __future__ import annotations

import itertools
from typing import Any

from hypothesis import given, settings, strategies as some

from sentinel.collect.ingest import Ingester
from sentinel.model.tables import tables
from sentinel.store.telemetry import TelemetryStore
from tests.collect.records import JOBS, TRAFFIC, as_json, as_lines, enveloped, job, stored, traffic

texts = some.text(some.characters(exclude_categories=["Cs"]), max_size=6)
values = some.one_of(some.none(), some.booleans(), some.integers(-(2**40), 2**40), texts, some.just("503"))
records = some.lists(
    some.one_of(
        some.builds(
            traffic,
            some.integers(0, 3),
            ResponseCode=values,
            UserAgent=values,
            DeploymentName=texts,
            XRequestId=some.sampled_from("ab"),
        ),
        some.builds(job, some.integers(0, 2), OperationName=texts, ErrorDetails=values, Strange=values),
    ),
    max_size=8,
)


def rows_of(bodies: list[bytes]) -> list[list[tuple[Any, ...]]]:
    """Every row of both tables and of the current state, after deliveries."""
    with TelemetryStore.in_memory() as store, Ingester(store) as ingester:
        for body in bodies:
            ingester.submit(body, origin="test")
        return [
            stored(store, name, *(c.name for c in tables()[name].columns if c.name != "_IngestionTime"))
            for name in (TRAFFIC, JOBS, "SentinelJobState_CL")
        ]


@settings(max_examples=40, deadline=None)
@given(records)
def test_ingesting_twice_is_ingesting_once(given_records: list[dict[str, Any]]) -> None:
    body = as_lines(given_records)

    assert rows_of([body, body]) == rows_of([body])


@settings(max_examples=40, deadline=None)
@given(records, some.lists(some.integers(0, 8), max_size=3), some.randoms())
def test_any_split_and_order_of_a_delivery_gives_the_same_rows(
    given_records: list[dict[str, Any]], cuts: list[int], chance: Any
) -> None:
    ends = [0, *sorted(cuts), len(given_records)]
    parts = [given_records[begin:end] for begin, end in itertools.pairwise(ends)]
    chance.shuffle(parts)

    assert rows_of([as_json({"records": part}) for part in parts]) == rows_of([as_lines(given_records)])


@settings(max_examples=40, deadline=None)
@given(records)
def test_the_tolerant_reading_makes_the_same_rows_as_the_exact_one(
    given_records: list[dict[str, Any]],
) -> None:
    respelt = [{key.lower(): value for key, value in record.items()} for record in given_records]
    exact = [{k: v for k, v in record.items() if k != "Strange"} for record in given_records]
    respelt = [{k: v for k, v in record.items() if k != "strange"} for record in respelt]

    differing = [[row[:-1] for row in table] for table in rows_of([as_lines(respelt)])]
    assert differing == [[row[:-1] for row in table] for table in rows_of([as_lines(exact)])]


@settings(max_examples=40, deadline=None)
@given(records)
def test_an_envelope_and_a_flat_record_are_the_same_record(given_records: list[dict[str, Any]]) -> None:
    wrapped = [enveloped(record) for record in given_records if "OperationName" in record]

    once = rows_of([as_lines(given_records)])
    twice = rows_of([as_lines(given_records), as_lines(wrapped)])

    assert twice == once
