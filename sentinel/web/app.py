"""The HTTP face, put together."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from sentinel.clock import Clock
from sentinel.collect.ingest import Ingester
from sentinel.instrument.metrics import CONTENT_TYPE, Metrics
from sentinel.web.answers import Refused, answer, refusal
from sentinel.web.asking import Asking
from sentinel.web.counted import CountedRequests
from sentinel.web.incidents import VERBS, IncidentPages, OpenState
from sentinel.web.keys import Keys
from sentinel.web.kusto import KustoPages
from sentinel.web.log_analytics import LogAnalyticsPages
from sentinel.web.query import QueryPage
from sentinel.web.records import Records
from sentinel.web.workspaces import Workspaces

Reasons = Callable[[], Sequence[str]]
"""Why something is not well; empty when it is."""


def create_app(
    *,
    ingester: Ingester,
    asking: Asking,
    state: OpenState,
    keys: Keys,
    clock: Clock,
    metrics: Metrics,
    unhealthy: Reasons,
    unready: Reasons,
    max_body: int,
    workspaces: Sequence[str] = (),
) -> Starlette:
    """The application; `max_body` is the size of the largest delivery in bytes.

    `app.state.end_queries()`, called when the server begins to end, lets no query hold that up.
    `workspaces` are the names of workspaces and databases it answers to, every name if there are none.

    `/metrics`, `/healthz` and `/readyz` need no key: they tell counts and names of tables and rules, never content.
    """
    records = Records(ingester, keys, metrics, max_body)
    incidents = IncidentPages(state, keys, clock)
    query = QueryPage(asking, keys)
    named = Workspaces(workspaces)
    log_analytics = LogAnalyticsPages(asking, keys, clock, named)
    kusto = KustoPages(asking, keys, clock, named)
    routes = [
        Route("/v1/records", records.post, methods=["POST"]),
        Route("/v1/query", query.post, methods=["POST"]),
        Route("/v1/schema", query.schema, methods=["GET"]),
        Route("/v1/workspaces/{workspace}/query", log_analytics.post, methods=["POST"]),
        Route("/v1/workspaces/{workspace}/query", log_analytics.get, methods=["GET"]),
        Route("/v1/$batch", log_analytics.batch, methods=["POST"]),
        Route("/v1/rest/mgmt", kusto.manage, methods=["POST"]),
        Route("/v1/rest/query", kusto.query(1), methods=["POST"]),
        Route("/v2/rest/query", kusto.query(2), methods=["POST"]),
        # Behind the others, whose paths it would match too.
        Route("/v1/{resource:path}/query", log_analytics.resource, methods=["POST"]),
        Route("/v1/incidents", incidents.list, methods=["GET"]),
        Route("/v1/incidents/{id}", incidents.get, methods=["GET"]),
        *(Route(f"/v1/incidents/{{id}}/{verb}", incidents.decide(verb), methods=["POST"]) for verb in VERBS),
        *_open_to_all(metrics, unhealthy, unready),
    ]
    app = Starlette(
        routes=routes,
        exception_handlers={Refused: refusal, HTTPException: _not_served, Exception: _crashed},
    )
    app.state.end_queries = asking.end
    app.add_middleware(CountedRequests, metrics=metrics)
    return app


def _open_to_all(metrics: Metrics, unhealthy: Reasons, unready: Reasons) -> Sequence[Route]:
    """What needs no key."""

    async def scrape(_request: Request) -> Response:
        return Response(await run_in_threadpool(metrics.scrape), media_type=CONTENT_TYPE)

    async def health(_request: Request) -> Response:
        return _verdict(await run_in_threadpool(unhealthy))

    async def readiness(_request: Request) -> Response:
        return _verdict(await run_in_threadpool(unready))

    return (
        Route("/metrics", scrape, methods=["GET"]),
        Route("/healthz", health, methods=["GET"]),
        Route("/readyz", readiness, methods=["GET"]),
    )


def _verdict(reasons: Sequence[str]) -> Response:
    if reasons:
        return answer({"status": "failing", "reasons": list(reasons)}, 503)
    return answer({"status": "ok", "reasons": []})


def _not_served(_request: Request, error: Exception) -> Response:
    if not isinstance(error, HTTPException):
        raise error
    code = {404: "NotFound", 405: "MethodNotAllowed"}.get(error.status_code, "HttpError")
    return answer({"error": {"code": code, "message": error.detail}}, error.status_code, error.headers)


def _crashed(_request: Request, _error: Exception) -> Response:
    # The server logs the error with its traceback; its text may hold what the asker must not see.
    said = {"code": "InternalError", "message": "this request met a defect; the log of the daemon tells more"}
    return answer({"error": said}, 500)
