"""What Sentinel counts and measures about itself, for Prometheus; `docs/metrics.md` lists it."""

from __future__ import annotations

import platform
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    Info,
    Summary,
    disable_created_metrics,
    generate_latest,
)
from prometheus_client.process_collector import ProcessCollector
from prometheus_client.registry import Collector

from sentinel import __version__
from sentinel.clock import monotonic

CONTENT_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"


class Metrics:
    """The metrics of one daemon, on a registry of their own."""

    def __init__(self) -> None:
        # Creation times would be a gauge beside every counter, which the text format has no use for.
        disable_created_metrics()  # type: ignore[no-untyped-call]
        registry = self.registry = CollectorRegistry()
        ProcessCollector(registry=registry)
        build = Info("sentinel_build", "The version that runs.", registry=registry)
        build.info({"version": __version__, "python": platform.python_version()})
        self._measure_ingest(registry)
        self._measure_rules(registry)
        self._measure_incidents(registry)
        self._measure_the_outside(registry)
        self._measure_the_daemon(registry)

    def _measure_ingest(self, registry: CollectorRegistry) -> None:
        self.deliveries = Counter(
            "sentinel_ingest_deliveries",
            "Deliveries of records, by whether they were accepted, refused or sent away for now.",
            ["outcome"],
            registry=registry,
        )
        self.ingest_seconds = Histogram(
            "sentinel_ingest_seconds",
            "Time from the arrival of a delivery to its commit.",
            buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10),
            registry=registry,
        )

    def _measure_rules(self, registry: CollectorRegistry) -> None:
        self.rule_evaluations = Summary(
            "sentinel_rule_evaluation_seconds",
            "Evaluations of symptoms and the time they took.",
            ["symptom"],
            registry=registry,
        )
        self.rule_problems = Counter(
            "sentinel_rule_problems", "Evaluations whose query failed.", ["symptom"], registry=registry
        )
        self.findings = Counter(
            "sentinel_findings",
            "Targets for which a symptom was found to hold.",
            ["symptom"],
            registry=registry,
        )

        self.rule_reloads = Counter(
            "sentinel_rule_reloads",
            "Times the rule files were read again, by outcome.",
            ["outcome"],
            registry=registry,
        )
        self.rules_current = Gauge(
            "sentinel_rules_last_reload_successful",
            "1 if the rules in force are those of the files, 0 while the files have errors.",
            registry=registry,
        )
        self.rules_current.set(1)

    def _measure_incidents(self, registry: CollectorRegistry) -> None:
        self.steps = Summary(
            "sentinel_step_seconds",
            "Steps of incidents and the time they took, by the state before.",
            ["state"],
            registry=registry,
        )
        self.transitions = Counter(
            "sentinel_transitions",
            "Changes of an incident's state, by the state after.",
            ["state"],
            registry=registry,
        )

    def _measure_the_outside(self, registry: CollectorRegistry) -> None:
        self.adapter_calls = Counter(
            "sentinel_adapter_calls",
            "Calls of control planes, by outcome.",
            ["adapter", "call", "outcome"],
            registry=registry,
        )
        self.adapter_seconds = Summary(
            "sentinel_adapter_call_seconds",
            "Time control planes took to answer.",
            ["adapter", "call"],
            registry=registry,
        )
        self.notices = Counter(
            "sentinel_notices", "Attempts to deliver a notice, by outcome.", ["outcome"], registry=registry
        )

    def _measure_the_daemon(self, registry: CollectorRegistry) -> None:
        self.jobs = Summary(
            "sentinel_job_seconds",
            "Runs of scheduled jobs and the time they took.",
            ["job"],
            registry=registry,
        )
        self.job_failures = Counter(
            "sentinel_job_failures", "Runs of scheduled jobs that crashed.", ["job"], registry=registry
        )
        self.requests = Counter(
            "sentinel_http_requests",
            "Requests answered, by route and status.",
            ["route", "status"],
            registry=registry,
        )

    def add(self, collector: Collector) -> None:
        """Let `collector` say its metrics at every scrape."""
        self.registry.register(collector)

    def scrape(self) -> bytes:
        """All metrics in Prometheus' text format."""
        return generate_latest(self.registry)

    def rules_reread(self, is_read: bool) -> None:  # noqa: FBT001 - what is told is whether
        """Count that the rule files were read again, or could not be."""
        self.rule_reloads.labels("read" if is_read else "failed").inc()
        self.rules_current.set(int(is_read))

    @contextmanager
    def running(self, job: str) -> Iterator[None]:
        """Time a run of a scheduled job, and count it if it crashes."""
        started = monotonic()
        try:
            yield
        except Exception:
            self.job_failures.labels(job).inc()
            raise
        finally:
            self.jobs.labels(job).observe(monotonic() - started)
