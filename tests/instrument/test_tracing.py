from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import StatusCode

from sentinel.instrument.tracing import TracingObserver, tracing
from sentinel.model.incident import IncidentState
from sentinel.model.plan import Action, ActionKind, ActionState
from tests.instrument.conftest import BLUE, NOON, a_transition, an_incident


class Spans:
    def __init__(self) -> None:
        self.exporter = InMemorySpanExporter()
        self.observer = TracingObserver(self.exporter, batched=False)

    def named(self, name: str) -> ReadableSpan:
        return next(span for span in self.exporter.get_finished_spans() if span.name == name)

    def step(self, before: IncidentState, after: IncidentState) -> None:
        incident = an_incident(after, closed=NOON + timedelta(hours=1) if after.is_closed else None)
        self.observer.moved(a_transition(before.value, incident), incident)
        self.observer.stepped(an_incident(before), 0.25)


@pytest.fixture
def spans() -> Iterator[Spans]:
    spans = Spans()
    yield spans
    spans.observer.close()


def trace_of(span: ReadableSpan) -> int:
    assert span.context is not None
    trace_id: int = span.context.trace_id
    return trace_id


def test_a_step_that_moved_the_incident_is_a_span_with_its_reason(spans: Spans) -> None:
    spans.step(IncidentState.OPEN, IncidentState.DIAGNOSED)

    span = spans.named("diagnose")
    assert span.attributes is not None
    assert span.attributes["sentinel.incident"] == "inc1"
    assert span.attributes["sentinel.after"] == "diagnosed"
    assert span.attributes["sentinel.why"] == "because of rows"
    assert (span.end_time or 0) - (span.start_time or 0) == 250_000_000


def test_a_step_that_only_waits_is_no_span(spans: Spans) -> None:
    spans.observer.stepped(an_incident(IncidentState.WAITING), 0.1)

    assert spans.exporter.get_finished_spans() == ()


@pytest.mark.parametrize(
    ("before", "name"),
    [
        (IncidentState.DIAGNOSED, "plan"),
        (IncidentState.PLANNED, "judge"),
        (IncidentState.APPLYING, "apply"),
        (IncidentState.SETTLING, "verify"),
        (IncidentState.UNDOING, "undo"),
    ],
)
def test_a_step_is_called_as_in_the_flow(before: IncidentState, name: str, spans: Spans) -> None:
    spans.step(before, IncidentState.ESCALATED)

    assert spans.named(name).name == name


def test_the_steps_before_and_after_a_restart_stand_in_one_trace() -> None:
    first, second = Spans(), Spans()

    first.step(IncidentState.OPEN, IncidentState.DIAGNOSED)
    second.step(IncidentState.DIAGNOSED, IncidentState.PLANNED)
    first.observer.close()
    second.observer.close()

    assert trace_of(first.named("diagnose")) == trace_of(second.named("plan"))


def test_the_root_of_the_trace_is_the_closed_incident_from_its_opening_to_its_end(spans: Spans) -> None:
    spans.step(IncidentState.OPEN, IncidentState.DIAGNOSED)
    spans.step(IncidentState.SETTLING, IncidentState.RESOLVED)

    root, child = spans.named("incident"), spans.named("diagnose")
    assert root.parent is None
    assert trace_of(root) == trace_of(child)
    assert root.context is not None
    assert child.parent is not None
    assert root.context.span_id == child.parent.span_id
    assert (root.end_time or 0) - (root.start_time or 0) == 3600 * 10**9


def test_an_evaluation_is_a_trace_of_its_own_and_fails_with_its_query(spans: Spans) -> None:
    spans.observer.evaluated("requests-refused", 0.1, 0, "1:1: no such table")

    span = spans.named("evaluate")
    assert span.parent is None
    assert span.status.status_code is StatusCode.ERROR
    assert span.status.description == "1:1: no such table"


def test_an_action_is_a_span_in_the_trace_of_its_incident(spans: Spans) -> None:
    spans.step(IncidentState.OPEN, IncidentState.DIAGNOSED)

    spans.observer.acted(
        Action("act1", "plan1", "inc1", BLUE, ActionKind.APPLY, ActionState.APPLIED, (), "1", NOON, NOON)
    )

    assert trace_of(spans.named("adapter apply")) == trace_of(spans.named("diagnose"))


def test_the_console_exporter_writes_to_standard_error(capsys: pytest.CaptureFixture[str]) -> None:
    observer = tracing("console")
    observer.evaluated("requests-refused", 0.1, 3, "")
    observer.close()

    written = capsys.readouterr()
    assert written.out == ""
    assert json.loads(written.err)["attributes"]["sentinel.findings"] == 3


def test_otlp_spans_reach_a_collector_when_the_daemon_ends() -> None:
    got: list[tuple[str, bytes]] = []

    class Collector(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            got.append((self.path, self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Stay quiet."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Collector) as server:
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        observer = tracing("otlp", f"http://127.0.0.1:{server.server_port}/v1/traces")
        observer.evaluated("requests-refused", 0.1, 3, "")
        observer.close()
        server.shutdown()
        thread.join()

    ((path, body),) = got
    assert path == "/v1/traces"
    assert b"sentinel.symptom" in body


def test_without_tracing_opentelemetry_is_not_imported() -> None:
    script = (
        "import sys, sentinel.instrument.metrics, sentinel.instrument.observers, sentinel.instrument.stored;"
        "sys.exit('opentelemetry' in sys.modules)"
    )

    assert subprocess.run([sys.executable, "-c", script], check=False).returncode == 0
