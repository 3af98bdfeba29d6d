from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

import pytest

from sentinel.collect.ingest import IngestCounts
from sentinel.errors import AdapterError, Conflict, TargetNotFound
from sentinel.instrument.measured_adapter import MeasuredAdapter
from sentinel.instrument.metrics import Metrics
from sentinel.instrument.observers import Everyone, MetricsObserver
from sentinel.instrument.stored import IngestMetrics, StateMetrics, TelemetryMetrics
from sentinel.model.incident import IncidentState
from sentinel.model.observer import Nobody
from sentinel.model.plan import Action, ActionKind, ActionState
from sentinel.model.settings import Change, Knob, Settings
from sentinel.store.actions import Actions
from sentinel.store.incidents import Incidents
from sentinel.store.state import State
from sentinel.store.telemetry import TelemetryStore
from tests.instrument.conftest import BLUE, NOON, a_transition, an_incident
from tests.instrument.one_deployment import OneDeployment


class TestPipeline:
    def test_an_evaluation_is_counted_and_timed(self, metrics: Metrics) -> None:
        observer = Everyone(Nobody(), MetricsObserver(metrics))

        observer.evaluated("requests-refused", 0.5, 2, "")

        value = metrics.registry.get_sample_value
        labels = {"symptom": "requests-refused"}
        assert value("sentinel_rule_evaluation_seconds_sum", labels) == 0.5
        assert value("sentinel_rule_evaluation_seconds_count", labels) == 1
        assert value("sentinel_findings_total", labels) == 2
        assert value("sentinel_rule_problems_total", labels) is None

    def test_a_query_that_failed_is_a_problem_of_its_rule(self, metrics: Metrics) -> None:
        MetricsObserver(metrics).evaluated("requests-refused", 0.5, 0, "1:1: no such table")

        labels = {"symptom": "requests-refused"}
        assert metrics.registry.get_sample_value("sentinel_rule_problems_total", labels) == 1

    def test_a_transition_is_counted_by_the_state_it_led_to(self, metrics: Metrics) -> None:
        incident = an_incident(IncidentState.DIAGNOSED)

        Everyone(MetricsObserver(metrics)).moved(a_transition("open", incident), incident)

        labels = {"state": "diagnosed"}
        assert metrics.registry.get_sample_value("sentinel_transitions_total", labels) == 1

    def test_a_step_is_timed_by_the_state_it_started_from(self, metrics: Metrics) -> None:
        Everyone(MetricsObserver(metrics)).stepped(an_incident(IncidentState.SETTLING), 0.25)

        labels = {"state": "settling"}
        assert metrics.registry.get_sample_value("sentinel_step_seconds_sum", labels) == 0.25


class TestJobs:
    def test_a_run_is_counted_and_its_crash_too(self, metrics: Metrics) -> None:
        with pytest.raises(ZeroDivisionError), metrics.running("tick"):
            1 / 0  # noqa: B018 - it is the crash

        value = metrics.registry.get_sample_value
        assert value("sentinel_job_seconds_count", {"job": "tick"}) == 1
        assert value("sentinel_job_failures_total", {"job": "tick"}) == 1


class TestAdapter:
    def test_it_answers_as_the_one_within(self, metrics: Metrics) -> None:
        inner = OneDeployment(BLUE)

        adapter = MeasuredAdapter(inner, metrics)

        assert adapter.name == inner.name
        assert adapter.knobs == inner.knobs
        assert adapter.targets() == [BLUE]
        assert adapter.describe(BLUE) == inner.describe(BLUE)

    def test_a_change_passes_through_and_is_counted(self, metrics: Metrics) -> None:
        adapter = MeasuredAdapter(OneDeployment(BLUE), metrics)
        change = Change(Knob.MAX_REPLICAS, Settings().max_replicas, 12)

        changed = adapter.apply(BLUE, [change], expect="1", key="act1")

        labels = {"adapter": "one", "call": "apply", "outcome": "answered"}
        assert changed.settings.max_replicas == 12
        assert metrics.registry.get_sample_value("sentinel_adapter_calls_total", labels) == 1

    @pytest.mark.parametrize(
        ("error", "outcome"),
        [
            (TargetNotFound("gone"), "not_found"),
            (Conflict("changed"), "conflict"),
            (AdapterError("silent"), "failed"),
            (AdapterError("no", permanent=True), "refused"),
        ],
    )
    def test_an_error_passes_through_and_is_counted_by_its_kind(
        self, error: AdapterError, outcome: str, metrics: Metrics
    ) -> None:
        adapter = MeasuredAdapter(OneDeployment(BLUE, error=error), metrics)

        with pytest.raises(type(error)):
            adapter.describe(BLUE)

        labels = {"adapter": "one", "call": "describe", "outcome": outcome}
        assert metrics.registry.get_sample_value("sentinel_adapter_calls_total", labels) == 1


class TestStored:
    def test_incidents_actions_and_letters_are_counted_from_the_database(self, metrics: Metrics) -> None:
        state = State.open(None)
        Incidents(state).create(an_incident())
        done = Action(
            "act1", "plan1", "inc1", BLUE, ActionKind.APPLY, ActionState.APPLIED, (), "1", NOON, NOON
        )
        under_way = Action("act2", "plan1", "inc1", BLUE, ActionKind.UNDO, ActionState.CLAIMED, (), "2", NOON)
        Actions(state).claim(done)
        Actions(state).claim(under_way)

        @contextmanager
        def lend() -> Iterator[State]:
            yield state

        metrics.add(StateMetrics(lend))
        value = metrics.registry.get_sample_value
        counted = {
            "open": value("sentinel_incidents", {"state": "open"}),
            "resolved": value("sentinel_incidents", {"state": "resolved"}),
            "applied": value("sentinel_actions_total", {"kind": "apply", "outcome": "applied"}),
            "in flight": value("sentinel_actions_in_flight", {"kind": "undo"}),
            "dead": value("sentinel_outbox_letters", {"fate": "dead"}),
        }
        state.close()

        assert counted == {"open": 1, "resolved": 0, "applied": 1, "in flight": 1, "dead": 0}

    def test_the_telemetry_store_is_measured(self, metrics: Metrics) -> None:
        with TelemetryStore.in_memory() as store:
            metrics.add(
                TelemetryMetrics(store.statistics, lambda: {"AmlComputeJobEvent": timedelta(seconds=90)})
            )
            value = metrics.registry.get_sample_value

            assert value("sentinel_store_rows") == 0
            assert value("sentinel_store_partitions") == 0
            assert value("sentinel_data_age_seconds", {"table": "AmlComputeJobEvent"}) == 90

    def test_what_went_through_the_ingester_is_counted(self, metrics: Metrics) -> None:
        counts = IngestCounts(accepted=5, duplicates=2, set_aside=1, batches=3, last_commit=NOON, waiting=4)

        metrics.add(IngestMetrics(lambda: counts))

        value = metrics.registry.get_sample_value
        assert value("sentinel_ingest_records_total", {"outcome": "new"}) == 5
        assert value("sentinel_ingest_records_total", {"outcome": "duplicate"}) == 2
        assert value("sentinel_ingest_records_total", {"outcome": "set_aside"}) == 1
        assert value("sentinel_ingest_batches_total") == 3
        assert value("sentinel_ingest_waiting") == 4
        assert value("sentinel_ingest_last_commit_timestamp_seconds") == NOON.timestamp()


def test_a_scrape_is_prometheus_text_without_creation_times(metrics: Metrics) -> None:
    metrics.deliveries.labels("accepted").inc()

    text = metrics.scrape().decode()

    assert 'sentinel_ingest_deliveries_total{outcome="accepted"} 1.0' in text
    assert "sentinel_build_info" in text
    assert "_created" not in text
