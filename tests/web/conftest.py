from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import httpx2
import pytest
from starlette.applications import Starlette

from sentinel.clock import VirtualClock
from sentinel.collect.ingest import Ingester
from sentinel.config import Role, Secret
from sentinel.instrument.metrics import Metrics
from sentinel.model.finding import Finding
from sentinel.model.incident import Incident, IncidentState
from sentinel.model.plan import Formula, Plan, RunMode
from sentinel.model.settings import Change, Knob
from sentinel.model.target import deployment
from sentinel.query.engine import Engine
from sentinel.store.incidents import Incidents
from sentinel.store.state import State
from sentinel.store.telemetry import TelemetryStore
from sentinel.web.app import create_app
from sentinel.web.asking import Asking
from sentinel.web.keys import Key, Keys

NOON = datetime(2026, 5, 1, 12, 0, tzinfo=UTC)
MAX_BODY = 20_000


@dataclass
class Face:
    """The HTTP face over real parts in memory."""

    store: TelemetryStore
    state: State
    ingester: Ingester
    metrics: Metrics = field(default_factory=Metrics)
    reasons: list[str] = field(default_factory=list)

    def app(
        self, ingester: Ingester | None = None, *, waiting: int = 100, workspaces: Sequence[str] = ()
    ) -> Starlette:
        @contextmanager
        def lend() -> Iterator[State]:
            yield self.state

        return create_app(
            ingester=ingester or self.ingester,
            asking=Asking(Engine(self.store), VirtualClock(NOON), waiting=waiting),
            state=lend,
            keys=Keys([Key(f"the-{role}", role, Secret(role.value)) for role in Role]),
            clock=VirtualClock(NOON),
            metrics=self.metrics,
            unhealthy=lambda: self.reasons,
            unready=list,
            max_body=MAX_BODY,
            workspaces=workspaces,
        )

    def client(
        self,
        key: str | None = "admin",
        *,
        ingester: Ingester | None = None,
        waiting: int = 100,
        workspaces: Sequence[str] = (),
    ) -> httpx2.AsyncClient:
        headers = {} if key is None else {"Authorization": f"Bearer {key}"}
        transport = httpx2.ASGITransport(
            self.app(ingester, waiting=waiting, workspaces=workspaces), raise_app_exceptions=False
        )
        return httpx2.AsyncClient(transport=transport, base_url="http://sentinel", headers=headers)

    def waiting_incident(self) -> Incident:
        """Store an incident that waits for approval."""
        target = deployment("chat", "blue")
        finding = Finding("requests-refused", target, NOON, {"Requests": 100}, 0.25, 100)
        formula = Formula("replicas_for(rps)", {"rps": 20.0}, "ceil(20) = 20", "", 20)
        minute = timedelta(minutes=1)
        plan = Plan(
            id="plan1",
            incident="inc1",
            target=target,
            cause="capacity/saturated",
            remedy=0,
            changes=(Change(Knob.MAX_REPLICAS, 10, 20),),
            formula=formula,
            revision="1",
            created=NOON,
            expires=NOON + 5 * minute,
            verify_after=minute,
            verify_within=5 * minute,
        )
        incident = Incident(
            id="inc1",
            symptom="requests-refused",
            target=target,
            state=IncidentState.WAITING,
            opened=NOON,
            updated=NOON,
            due=NOON,
            finding=finding,
            last_seen=NOON,
            plan=plan,
            mode=RunMode.REVIEW,
        )
        Incidents(self.state).create(incident)
        return incident


@pytest.fixture
def face() -> Iterator[Face]:
    state = State.open(None)
    with TelemetryStore.in_memory() as store:
        ingester = Ingester(store, VirtualClock(NOON))
        yield Face(store, state, ingester)
        ingester.close()
    state.close()


@pytest.fixture
async def client(face: Face) -> AsyncIterator[httpx2.AsyncClient]:
    async with face.client() as client:
        yield client
