"""Documents that are no records but tell what tables do: events of the Kubernetes API, answers of the metrics API.

Kubernetes: core/v1 and events.k8s.io/v1 `Event`, alone, in a list as `kubectl get events -o json` prints it, or as a
watch delivers it. Metrics: the answer of `GET RESOURCE/providers/Microsoft.Insights/metrics`
(https://learn.microsoft.com/rest/api/monitor/metrics/list).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final, TypeGuard

_METRICS: Final = "/providers/microsoft.insights/metrics/"
_VALUES: Final = {
    "average": "Average",
    "total": "Total",
    "minimum": "Minimum",
    "maximum": "Maximum",
    "count": "Count",
}


def unfolded(document: Any) -> list[dict[str, Any]] | None:
    """The flat records a document holds; None if it is of none of these kinds."""
    if not isinstance(document, dict):
        return None
    watched, items, value = document.get("object"), document.get("items"), document.get("value")
    if _is_event(document):
        return [_event(document)]
    if _is_event(watched):
        return [_event(watched)]
    if isinstance(items, list) and items and all(map(_is_event, items)):
        return [_event(item) for item in items]
    if (
        isinstance(value, list)
        and value
        and all(isinstance(one, dict) and "timeseries" in one for one in value)
    ):
        return [record for metric in value for record in _metric(metric, document.get("interval"))]
    return None


def _is_event(document: Any) -> TypeGuard[dict[str, Any]]:
    if not isinstance(document, dict) or "reason" not in document:
        return False
    return any(isinstance(document.get(key), dict) for key in ("involvedObject", "regarding"))


def _event(event: Mapping[str, Any]) -> dict[str, Any]:
    about = event.get("involvedObject") or event.get("regarding") or {}
    source, series, metadata = (_part(event, key) for key in ("source", "series", "metadata"))
    first = event.get("firstTimestamp") or event.get("deprecatedFirstTimestamp") or event.get("eventTime")
    times = (
        event.get("lastTimestamp"),
        series.get("lastObservedTime"),
        event.get("deprecatedLastTimestamp"),
        event.get("eventTime"),
        first,
        metadata.get("creationTimestamp"),
    )
    last = next((time for time in times if time), None)
    told = {
        "Type": "KubeEvents",
        "TimeGenerated": last,
        "ObjectKind": about.get("kind"),
        "Namespace": about.get("namespace") or metadata.get("namespace"),
        "Name": about.get("name"),
        "Reason": event.get("reason"),
        "Message": event.get("message") or event.get("note"),
        "KubeEventType": event.get("type"),
        "Count": event.get("count") or series.get("count") or event.get("deprecatedCount"),
        "FirstSeen": first,
        "LastSeen": last,
        "SourceComponent": source.get("component") or event.get("reportingController"),
        "Computer": source.get("host"),
    }
    return {name: value for name, value in told.items() if value is not None}


def _metric(metric: Mapping[str, Any], grain: Any) -> Iterator[dict[str, Any]]:
    """A record for each instant that has a value."""
    identity = str(metric.get("id") or "")
    resource = identity[: identity.lower().rfind(_METRICS)] if _METRICS in identity.lower() else identity
    common = {
        "Type": "AzureMetrics",
        "MetricName": _part(metric, "name").get("value"),
        "UnitName": metric.get("unit"),
        "TimeGrain": grain,
        "_ResourceId": resource,
    }
    for line in _parts(metric.get("timeseries")):
        dimensions = {
            str(_part(one, "name").get("value")): one.get("value")
            for one in _parts(line.get("metadatavalues"))
        }
        for point in _parts(line.get("data")):
            values = {column: point[key] for key, column in _VALUES.items() if point.get(key) is not None}
            if values:
                told = {"Dimensions": dimensions} if dimensions else {}
                yield {**common, "TimeGenerated": point.get("timeStamp"), **values, **told}


def _parts(listed: Any) -> list[Mapping[str, Any]]:
    return [one for one in listed if isinstance(one, dict)] if isinstance(listed, list) else []


def _part(of: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    part = of.get(key)
    return part if isinstance(part, dict) else {}
