"""Decisions as OpenTelemetry spans: one trace an incident, one span a step.

The ids of an incident's trace and of its root span are computed from the incident's id, so the steps taken
before and after a restart stand in one trace. The root span itself is sent when the incident is closed.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Mapping
from datetime import datetime
from hashlib import blake2b
from typing import TYPE_CHECKING, Final, Literal, Protocol

from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import (
    BatchSpanProcessor,
    ConsoleSpanExporter,
    SimpleSpanProcessor,
    SpanExporter,
)
from opentelemetry.sdk.trace.id_generator import RandomIdGenerator
from opentelemetry.trace import (
    NonRecordingSpan,
    SpanContext,
    Status,
    StatusCode,
    TraceFlags,
    set_span_in_context,
)

from sentinel import __version__
from sentinel.errors import ConfigError
from sentinel.model.incident import Incident, IncidentState, Transition
from sentinel.model.plan import Action, ActionState

if TYPE_CHECKING:
    from opentelemetry.context import Context
    from opentelemetry.sdk.trace import SpanProcessor

STEPS: Final[Mapping[IncidentState, str]] = {
    IncidentState.OPEN: "diagnose",
    IncidentState.DIAGNOSED: "plan",
    IncidentState.PLANNED: "judge",
    IncidentState.WAITING: "judge",
    IncidentState.APPLYING: "apply",
    IncidentState.SETTLING: "verify",
    IncidentState.UNDOING: "undo",
}
"""What the step out of a state is called; any other is called `advance`."""

_SEND_SECONDS: Final = 2
"""How long one export may take; a daemon that ends does not wait longer for its spans."""

Attributes = Mapping[str, str | int | float | bool]


class Traces(Protocol):
    """An observer that must be closed, so that its last spans are sent."""

    def close(self) -> None:
        """Send what is still to be sent."""


class TracingObserver:
    """Makes a span of each evaluation, step and action of the pipeline; used by one thread."""

    def __init__(self, exporter: SpanExporter, *, batched: bool) -> None:
        self._ids = _ChosenIds()
        resource = Resource.create({"service.name": "sentinel", "service.version": __version__})
        self._provider = TracerProvider(resource=resource, id_generator=self._ids, shutdown_on_exit=False)
        processor: SpanProcessor = BatchSpanProcessor(exporter) if batched else SimpleSpanProcessor(exporter)
        self._provider.add_span_processor(processor)
        self._tracer = self._provider.get_tracer("sentinel", __version__)
        self._moved: dict[str, Transition] = {}

    def evaluated(self, symptom: str, seconds: float, findings: int, problem: str) -> None:
        """A span `evaluate` in a trace of its own."""
        attributes: Attributes = {"sentinel.symptom": symptom, "sentinel.findings": findings}
        self._span("evaluate", seconds, attributes, None, problem)

    def stepped(self, incident: Incident, seconds: float) -> None:
        """A span of the step in the incident's trace, if the step moved the incident."""
        transition = self._moved.pop(incident.id, None)
        if transition is None:
            return
        attributes = {
            "sentinel.incident": incident.id,
            "sentinel.symptom": incident.symptom,
            "sentinel.target": str(incident.target),
            "sentinel.before": transition.before,
            "sentinel.after": transition.after.value,
            "sentinel.why": transition.why,
        }
        self._span(STEPS.get(incident.state, "advance"), seconds, attributes, _root_of(incident.id))

    def moved(self, transition: Transition, incident: Incident) -> None:
        """Remember the transition for the span of its step; a closed incident's root span is sent."""
        self._moved[incident.id] = transition
        if not transition.before:
            self._moved.pop(incident.id)
            self._span("detect", 0, {"sentinel.incident": incident.id}, _root_of(incident.id))
        if incident.state.is_closed:
            self._send_root(incident)

    def acted(self, action: Action) -> None:
        """A span `apply` or `undo` as the adapter's call, in the incident's trace."""
        problem = action.detail if action.state in (ActionState.FAILED, ActionState.VOID) else ""
        attributes = {
            "sentinel.incident": action.incident,
            "sentinel.action": action.id,
            "sentinel.outcome": action.state.value,
            "sentinel.changes": ", ".join(map(str, action.changes)),
        }
        self._span(f"adapter {action.kind.value}", 0, attributes, _root_of(action.incident), problem)

    def close(self) -> None:
        """Send what is still to be sent, for two seconds at most an export."""
        self._provider.shutdown()

    def _span(
        self, name: str, seconds: float, attributes: Attributes, root: SpanContext | None, problem: str = ""
    ) -> None:
        end = time.time_ns()
        context: Context | None = None if root is None else set_span_in_context(NonRecordingSpan(root))
        start = end - int(seconds * 1e9)
        span = self._tracer.start_span(name, context, attributes=attributes, start_time=start)
        if problem:
            span.set_status(Status(StatusCode.ERROR, problem))
        span.end(end)

    def _send_root(self, incident: Incident) -> None:
        self._ids.next = _root_of(incident.id)
        attributes = {
            "sentinel.incident": incident.id,
            "sentinel.symptom": incident.symptom,
            "sentinel.target": str(incident.target),
        }
        span = self._tracer.start_span(
            "incident", attributes=attributes, start_time=_nanoseconds(incident.opened)
        )
        span.end(_nanoseconds(incident.closed or incident.updated))


def tracing(exporter: Literal["console", "otlp"], endpoint: str = "") -> TracingObserver:
    """An observer that sends its spans to standard error, or by OTLP over HTTP to `endpoint`.

    Raises:
        ConfigError: OTLP is asked for and its exporter is not installed.
    """
    if exporter == "console":
        return TracingObserver(ConsoleSpanExporter(out=sys.stderr), batched=False)
    try:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    except ImportError as error:
        raise ConfigError(
            "tracing.exporter is otlp, but its exporter is not installed; install sentinel-aml[otlp]"
        ) from error
    return TracingObserver(OTLPSpanExporter(endpoint=endpoint or None, timeout=_SEND_SECONDS), batched=True)


class _ChosenIds(RandomIdGenerator):
    """Random ids, except for one span whose ids were chosen."""

    def __init__(self) -> None:
        self.next: SpanContext | None = None

    def generate_span_id(self) -> int:
        if self.next is None:
            return super().generate_span_id()
        chosen, self.next = self.next, None
        return chosen.span_id

    def generate_trace_id(self) -> int:
        return super().generate_trace_id() if self.next is None else self.next.trace_id


def _root_of(incident_id: str) -> SpanContext:
    digest = blake2b(incident_id.encode(), digest_size=24).digest()
    return SpanContext(
        trace_id=int.from_bytes(digest[:16], "big"),
        span_id=int.from_bytes(digest[16:], "big"),
        is_remote=True,
        trace_flags=TraceFlags(TraceFlags.SAMPLED),
    )


def _nanoseconds(at: datetime) -> int:
    return int(at.timestamp() * 1e6) * 1000
