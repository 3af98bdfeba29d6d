"""Metrics counted from the databases at every scrape, so that a restart forgets none."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager
from datetime import timedelta

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from sentinel.collect.ingest import IngestCounts
from sentinel.model.incident import IncidentState
from sentinel.model.plan import ActionState
from sentinel.store.actions import Actions
from sentinel.store.incidents import Incidents
from sentinel.store.outbox import Outbox
from sentinel.store.state import State
from sentinel.store.telemetry import Statistics

OpenState = Callable[[], AbstractContextManager[State]]


class StateMetrics(Collector):
    """Incidents, actions and the outbox, as `state.db` has them."""

    def __init__(self, state: OpenState) -> None:
        self._state = state

    def describe(self) -> list[Metric]:
        """Nothing in advance, so that registering does not read the database."""
        return []

    def collect(self) -> Iterator[Metric]:
        """Count now."""
        with self._state() as state:
            incidents = Incidents(state).count_by_state()
            actions = Actions(state).count_by_outcome()
            letters = Outbox(state).counts()
        yield _gauge(
            "sentinel_incidents",
            "Incidents, by state.",
            "state",
            {state.value: incidents.get(state, 0) for state in IncidentState},
        )
        done = CounterMetricFamily(
            "sentinel_actions",
            "Changes of deployments that ended, by kind and outcome.",
            labels=["kind", "outcome"],
        )
        claimed = GaugeMetricFamily(
            "sentinel_actions_in_flight",
            "Changes of deployments that were claimed and did not end.",
            labels=["kind"],
        )
        for (kind, outcome), count in sorted(actions.items()):
            if outcome == ActionState.CLAIMED.value:
                claimed.add_metric([kind], count)
            else:
                done.add_metric([kind, outcome], count)
        yield done
        yield claimed
        yield _gauge("sentinel_outbox_letters", "Notices to be told, by fate.", "fate", letters)


class TelemetryMetrics(Collector):
    """The telemetry store: its size, what it could not place, and how old its newest records are."""

    def __init__(
        self, statistics: Callable[[], Statistics], ages: Callable[[], Mapping[str, timedelta]]
    ) -> None:
        self._statistics = statistics
        self._ages = ages

    def describe(self) -> list[Metric]:
        """Nothing in advance, so that registering does not read the database."""
        return []

    def collect(self) -> Iterator[Metric]:
        """Measure now."""
        held = self._statistics()
        yield GaugeMetricFamily("sentinel_store_bytes", "Size of the telemetry files.", value=held.bytes)
        yield GaugeMetricFamily("sentinel_store_rows", "Telemetry records kept.", value=held.rows)
        yield GaugeMetricFamily("sentinel_store_partitions", "Days of telemetry kept.", value=held.days)
        yield GaugeMetricFamily(
            "sentinel_store_set_aside", "Pieces of deliveries that wait to be mended.", value=held.set_aside
        )
        unknown = CounterMetricFamily(
            "sentinel_ingest_unknown", "Records of categories no table is known for.", labels=["category"]
        )
        for category, count in sorted(held.unknown.items()):
            unknown.add_metric([category], count)
        yield unknown
        ages = {table: age.total_seconds() for table, age in sorted(self._ages().items())}
        yield _gauge("sentinel_data_age_seconds", "Age of the newest record of a table.", "table", ages)


class IngestMetrics(Collector):
    """What went through the ingester since the start, whichever way it came."""

    def __init__(self, counts: Callable[[], IngestCounts]) -> None:
        self._counts = counts

    def describe(self) -> list[Metric]:
        """Nothing in advance: only a scrape counts."""
        return []

    def collect(self) -> Iterator[Metric]:
        """Count now."""
        counts = self._counts()
        records = CounterMetricFamily(
            "sentinel_ingest_records", "Records that came in, by what became of them.", labels=["outcome"]
        )
        records.add_metric(["new"], counts.accepted)
        records.add_metric(["duplicate"], counts.duplicates)
        records.add_metric(["set_aside"], counts.set_aside)
        yield records
        yield CounterMetricFamily(
            "sentinel_ingest_batches", "Deliveries that were committed.", value=counts.batches
        )
        yield GaugeMetricFamily(
            "sentinel_ingest_waiting", "Deliveries that wait for the writer.", value=counts.waiting
        )
        if counts.last_commit is not None:
            yield GaugeMetricFamily(
                "sentinel_ingest_last_commit_timestamp_seconds",
                "When telemetry was last committed, in seconds since 1970.",
                value=counts.last_commit.timestamp(),
            )


class Reading(Collector):
    """One gauge whose value is asked for at every scrape."""

    def __init__(self, name: str, documentation: str, value: Callable[[], float]) -> None:
        self._name = name
        self._documentation = documentation
        self._value = value

    def collect(self) -> Iterator[Metric]:
        """Ask now."""
        yield GaugeMetricFamily(self._name, self._documentation, value=self._value())


def _gauge(name: str, documentation: str, label: str, values: Mapping[str, float]) -> Metric:
    family = GaugeMetricFamily(name, documentation, labels=[label])
    for of, value in values.items():
        family.add_metric([of], value)
    return family
