from __future__ import annotations

import json
from typing import Any

import pytest

from sentinel.collect.ingest import Ingester, Receipt
from sentinel.store.telemetry import TelemetryStore
from tests.collect.records import JOBS, TRAFFIC, WORKSPACE, as_json, enveloped, job, stored, traffic

CLUSTERS = "AmlComputeClusterEvent"


def cluster(**properties: Any) -> bytes:
    return as_json(
        {
            "time": "2026-03-04T15:20:11Z",
            "resourceId": WORKSPACE,
            "category": CLUSTERS,
            "properties": properties,
        }
    )


@pytest.mark.parametrize(
    ("given", "kept"),
    [(5, 5), ("5", 5), (" 5 ", 5), (5.0, 5), ("5.0", 5), (None, None), ("", None), (-(2**31), -(2**31))],
)
def test_a_number_is_taken_as_number_or_text(
    given: Any, kept: int | None, ingester: Ingester, store: TelemetryStore
) -> None:
    ingester.submit(cluster(CurrentNodeCount=given), origin="test")

    assert stored(store, CLUSTERS, "CurrentNodeCount", "_Extra") == [(kept, None)]


@pytest.mark.parametrize("given", ["many", 2.5, True, 2**31, "1_000", {"a": 1}])
def test_a_value_of_another_type_is_kept_aside_and_the_column_is_null(
    given: Any, ingester: Ingester, store: TelemetryStore
) -> None:
    ingester.submit(cluster(CurrentNodeCount=given), origin="test")

    ((column, extra),) = stored(store, CLUSTERS, "CurrentNodeCount", "_Extra")
    assert column is None
    assert json.loads(extra) == {"CurrentNodeCount": given}


@pytest.mark.parametrize(
    ("given", "kept"), [(2, "2"), (True, "true"), (None, ""), ({"a": [1]}, '{"a":[1]}'), (1.5, "1.5")]
)
def test_a_string_column_takes_any_value_as_text_and_is_never_null(
    given: Any, kept: str, ingester: Ingester, store: TelemetryStore
) -> None:
    ingester.submit(cluster(PreemptedNodeCount=given), origin="test")

    assert stored(store, CLUSTERS, "PreemptedNodeCount") == [(kept,)]


def test_unknown_keys_are_kept(ingester: Ingester, store: TelemetryStore) -> None:
    ingester.submit(as_json(job(Flavour="vanilla")), origin="test")

    assert stored(store, JOBS, "_Extra") == [('{"Flavour":"vanilla"}',)]


def test_records_that_differ_in_an_unknown_key_are_two(ingester: Ingester) -> None:
    body = as_json([job(Flavour="vanilla"), job(Flavour="mint")])

    assert ingester.submit(body, origin="test") == Receipt(accepted=2)


def test_on_a_name_clash_the_envelope_wins_and_the_other_value_is_kept(
    ingester: Ingester, store: TelemetryStore
) -> None:
    record = enveloped(traffic())
    record["properties"]["OperationName"] = "inner"

    ingester.submit(as_json(record), origin="test")

    assert stored(store, TRAFFIC, "OperationName", "_Extra") == [("score", '{"OperationName":"inner"}')]


def test_properties_that_are_no_object_are_kept(ingester: Ingester, store: TelemetryStore) -> None:
    ingester.submit(as_json({**enveloped(job(OperationName="x")), "properties": "oops"}), origin="test")

    assert stored(store, JOBS, "_Extra") == [('{"properties":"oops"}',)]


def test_unknown_categories_are_kept_whole_and_counted(ingester: Ingester, store: TelemetryStore) -> None:
    record = {
        "time": "2026-03-04T15:00:00Z",
        "category": "NewThing",
        "resourceId": "/A",
        "properties": {"a": 1},
    }

    receipt = ingester.submit(as_json([record, record]), origin="test")

    ((category, whole, resource),) = stored(store, "SentinelUnknown_CL", "Category", "Record", "_ResourceId")
    assert (category, json.loads(whole), resource) == ("NewThing", record, "/a")
    assert receipt == Receipt(accepted=1, duplicates=1, unknown=1)
    assert store.statistics().unknown == {"NewThing": 1}
    assert ingester.counts().unknown == {"NewThing": 1}


def test_a_category_names_its_table(ingester: Ingester, store: TelemetryStore) -> None:
    record = {
        "time": "2026-03-04T12:00:09.1Z",
        "category": "DeploymentEventAKS",
        "operationName": "X/WRITE",
        "identity": {"UserName": "ops"},
        "properties": {"AmlServiceName": "credit-aks"},
    }

    ingester.submit(as_json(record), origin="test")

    assert stored(store, "AmlDeploymentEvent", "AmlServiceName", "Identity", "OperationName") == [
        ("credit-aks", '{"UserName":"ops"}', "X/WRITE")
    ]


def test_an_exported_metric_is_known_by_its_name(ingester: Ingester, store: TelemetryStore) -> None:
    record = {
        "count": 4,
        "average": 203.0,
        "resourceId": "/A",
        "time": "2026-03-04T15:01:00.0000000Z",
        "metricName": "RequestLatency",
        "timeGrain": "PT1M",
    }

    ingester.submit(as_json(record), origin="test")

    assert stored(store, "AzureMetrics", "MetricName", "Count", "Average", "TimeGrain", "_ResourceId") == [
        ("RequestLatency", 4.0, 203.0, "PT1M", "/a")
    ]


def test_what_sentinel_stored_comes_back_as_the_same_record(ingester: Ingester) -> None:
    ingester.submit(as_json(job(Flavour="vanilla")), origin="test")

    again = as_json(job(_Extra='{"Flavour":"vanilla"}', _IngestionTime="2026-03-04T16:00:00Z"))

    assert ingester.submit(again, origin="test") == Receipt(duplicates=1)
