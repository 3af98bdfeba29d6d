from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from sentinel.instrument.metrics import Metrics
from sentinel.model.finding import Finding
from sentinel.model.incident import Incident, IncidentState, Transition
from sentinel.model.target import deployment

NOON = datetime(2026, 5, 1, 12, 0, tzinfo=UTC)
BLUE = deployment("chat", "blue")


def an_incident(state: IncidentState = IncidentState.OPEN, *, closed: datetime | None = None) -> Incident:
    finding = Finding("requests-refused", BLUE, NOON, {}, 0.25, 100)
    at = closed or NOON
    return Incident("inc1", "requests-refused", BLUE, state, NOON, at, at, finding, at, "why", closed=closed)


def a_transition(before: str, incident: Incident) -> Transition:
    at = NOON + timedelta(minutes=1)
    return Transition(incident.id, 1, at, before, incident.state, "because of rows")


@pytest.fixture
def metrics() -> Metrics:
    return Metrics()
