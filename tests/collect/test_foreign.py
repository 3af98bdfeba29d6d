"""Events of the Kubernetes API and answers of the metrics API become rows of their tables."""

from __future__ import annotations

from typing import Any

import pytest

from sentinel.collect.ingest import Ingester
from sentinel.store.telemetry import TelemetryStore
from tests.collect.records import as_json, as_lines, stored

NOON_TICKS = 639082224000000000
EVENT: dict[str, Any] = {
    "apiVersion": "v1",
    "kind": "Event",
    "metadata": {"name": "blue-chat.17f", "namespace": "models", "creationTimestamp": "2026-03-04T11:00:00Z"},
    "type": "Warning",
    "reason": "BackOff",
    "message": "Back-off restarting failed container",
    "involvedObject": {"kind": "Pod", "namespace": "models", "name": "blue-chat-7d9f5c-x2x4z"},
    "source": {"component": "kubelet", "host": "node-1"},
    "firstTimestamp": "2026-03-04T11:30:00Z",
    "lastTimestamp": "2026-03-04T12:00:00Z",
    "count": 7,
}
NEWER: dict[str, Any] = {
    "apiVersion": "events.k8s.io/v1",
    "kind": "Event",
    "metadata": {"name": "blue-chat.17f", "namespace": "models"},
    "type": "Warning",
    "reason": "BackOff",
    "note": "Back-off restarting failed container",
    "regarding": {"kind": "Pod", "namespace": "models", "name": "blue-chat-7d9f5c-x2x4z"},
    "reportingController": "kubelet",
    "eventTime": "2026-03-04T11:30:00.000000Z",
    "series": {"count": 7, "lastObservedTime": "2026-03-04T12:00:00.000000Z"},
}
METRICS: dict[str, Any] = {
    "cost": 29,
    "timespan": "2026-03-04T12:00:00Z/2026-03-04T12:30:00Z",
    "interval": "PT1M",
    "value": [
        {
            "id": "/subscriptions/0f3c/onlineEndpoints/chat/providers/Microsoft.Insights/metrics/RequestsPerMinute",
            "type": "Microsoft.Insights/metrics",
            "name": {"value": "RequestsPerMinute", "localizedValue": "Requests Per Minute"},
            "unit": "Count",
            "timeseries": [
                {
                    "metadatavalues": [{"name": {"value": "statuscodeclass"}, "value": "5xx"}],
                    "data": [
                        {"timeStamp": "2026-03-04T12:00:00Z", "average": 12.0, "count": 3},
                        {"timeStamp": "2026-03-04T12:01:00Z"},
                    ],
                }
            ],
        }
    ],
}


@pytest.mark.parametrize(
    "body",
    [
        as_json(EVENT),
        as_lines([EVENT]),
        as_json(NEWER),
        as_json({"kind": "List", "items": [EVENT]}),
        as_json({"type": "MODIFIED", "object": EVENT}),
    ],
    ids=["core/v1", "a line", "events.k8s.io/v1", "a list", "a watch"],
)
def test_an_event_of_kubernetes_is_a_row_of_kube_events(
    body: bytes, ingester: Ingester, store: TelemetryStore
) -> None:
    receipt = ingester.submit(body, origin="test")

    columns = (
        "TimeGenerated",
        "ObjectKind",
        "Namespace",
        "Name",
        "Reason",
        "Message",
        "KubeEventType",
        "Count",
    )
    told = ("Pod", "models", "blue-chat-7d9f5c-x2x4z", "BackOff", EVENT["message"], "Warning", 7)
    assert (receipt.accepted, receipt.set_aside) == (1, 0)
    assert stored(store, "KubeEvents", *columns) == [(NOON_TICKS, *told)]


def test_each_instant_of_a_metric_that_has_a_value_is_a_row(
    ingester: Ingester, store: TelemetryStore
) -> None:
    ingester.submit(as_json(METRICS), origin="test")

    columns = (
        "TimeGenerated",
        "MetricName",
        "UnitName",
        "TimeGrain",
        "Average",
        "Count",
        "_ResourceId",
        "_Extra",
    )
    resource, extra = "/subscriptions/0f3c/onlineendpoints/chat", '{"Dimensions":{"statuscodeclass":"5xx"}}'
    told = ("RequestsPerMinute", "Count", "PT1M", 12.0, 3.0, resource, extra)
    assert stored(store, "AzureMetrics", *columns) == [(NOON_TICKS, *told)]


def test_an_event_without_a_time_is_set_aside(ingester: Ingester) -> None:
    times = ("lastTimestamp", "firstTimestamp", "metadata")
    untimed = {key: value for key, value in EVENT.items() if key not in times}

    receipt = ingester.submit(as_json(untimed), origin="test")

    assert (receipt.accepted, receipt.set_aside) == (0, 1)


@pytest.mark.parametrize(
    "broken",
    [
        {"value": [{"timeseries": "none", "name": None}]},
        {"value": [{"timeseries": [1, {"data": [2], "metadatavalues": [3]}], "name": "x"}]},
        {"reason": "x", "involvedObject": {}, "metadata": 1, "source": "x", "series": []},
        {"items": [{"reason": "x"}]},
    ],
)
def test_what_only_looks_like_one_breaks_nothing(broken: dict[str, Any], ingester: Ingester) -> None:
    assert ingester.submit(as_json(broken), origin="test").accepted == 0
