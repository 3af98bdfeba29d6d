"""The HTTP face as a real server on loopback, and Microsoft's own clients of it."""

from __future__ import annotations

import asyncio
import json
import socket
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import uvicorn
from azure.core.credentials import AzureKeyCredential
from azure.core.pipeline.policies import AzureKeyCredentialPolicy
from azure.kusto.data import KustoClient, KustoConnectionStringBuilder
from azure.monitor.query import LogsQueryClient

from sentinel.clock import VirtualClock
from sentinel.collect.ingest import Ingester
from sentinel.config import Role, Secret
from sentinel.instrument.metrics import Metrics
from sentinel.query.engine import Engine
from sentinel.store.state import State
from sentinel.store.telemetry import TelemetryStore
from sentinel.web.app import create_app
from sentinel.web.asking import Asking
from sentinel.web.keys import Key, Keys

NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)
RESOURCE = (
    "/subscriptions/0f3c/resourceGroups/rg-ml/providers/Microsoft.MachineLearningServices/workspaces/ws1"
)
MOST_ROWS = 100_000
ENDLESS = "range x from 1 to 1000000000000 step 1 | summarize sum(x)"


@dataclass(frozen=True)
class Served:
    """Where the face is served, and the parts behind it."""

    url: str
    engine: Engine
    address: tuple[str, int]

    def logs_client(self, key: str = "read", **options: Any) -> LogsQueryClient:
        # A key in a header may cross plain HTTP; a token credential insists on HTTPS.
        credential: Any = AzureKeyCredential(key)
        policy = AzureKeyCredentialPolicy[Any, Any](credential, "Authorization", prefix="Bearer")
        return LogsQueryClient(credential, endpoint=self.url, authentication_policy=policy, **options)

    def kusto_client(self, key: str = "read") -> KustoClient:
        return KustoClient(
            KustoConnectionStringBuilder.with_aad_application_token_authentication(self.url, key)
        )


def failed_job(minutes: int) -> dict[str, Any]:
    at = (NOON - timedelta(minutes=minutes)).isoformat()
    properties = {"JobName": f"job{minutes}", "EventType": "JobFailed", "ExecutionState": "Failed"}
    resource = RESOURCE if minutes % 120 == 0 else f"{RESOURCE}0"
    return {"time": at, "category": "AmlComputeJobEvent", "resourceId": resource, "properties": properties}


@contextmanager
def serving(app: Any) -> Iterator[tuple[str, int]]:
    """Serve an application on a free port of loopback."""
    server = uvicorn.Server(
        uvicorn.Config(
            app, loop="asyncio", http="h11", ws="none", lifespan="off", log_config=None, access_log=False
        )
    )
    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=lambda: asyncio.run(server.serve([listener])))
        thread.start()
        try:
            yield listener.getsockname()
        finally:
            server.should_exit = True
            thread.join()


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A face over a store on disk with ten failed jobs, one an hour; two queries may run at once."""
    home: Path = tmp_path_factory.mktemp("home")
    clock = VirtualClock(NOON)

    @contextmanager
    def lend() -> Iterator[State]:
        with closing(State.open(home / "state.db")) as state:
            yield state

    with TelemetryStore.open(home / "telemetry") as store:
        ingester, engine = Ingester(store, clock), Engine(store)
        events = "\n".join(json.dumps(failed_job(minutes)) for minutes in range(0, 600, 60))
        ingester.submit(events.encode(), origin="test")
        asking = Asking(engine, clock, at_once=2, most_rows=MOST_ROWS)
        app = create_app(
            ingester=ingester,
            asking=asking,
            state=lend,
            keys=Keys([Key(f"the-{role}", role, Secret(role.value)) for role in Role]),
            clock=clock,
            metrics=Metrics(),
            unhealthy=list,
            unready=list,
            max_body=1 << 20,
        )
        with serving(app) as address:
            yield Served(f"http://127.0.0.1:{address[1]}", engine, address)
        asking.close()
        engine.close()
        ingester.close()


@pytest.fixture
def logs(served: Served) -> Iterator[LogsQueryClient]:
    with served.logs_client() as client:
        yield client


@pytest.fixture
def kusto(served: Served) -> Iterator[KustoClient]:
    with served.kusto_client() as client:
        yield client
