"""`POST /v1/records`: telemetry in, answered once it is committed."""

from __future__ import annotations

import asyncio
from math import ceil

from starlette.requests import Request
from starlette.responses import Response

from sentinel.clock import monotonic
from sentinel.collect.ingest import Ingester
from sentinel.collect.table_names import must_be_table
from sentinel.config import Role
from sentinel.errors import IngestBusy, IngestError, StoreError
from sentinel.instrument.metrics import Metrics
from sentinel.web.answers import Refused, answer
from sentinel.web.body import body_of
from sentinel.web.keys import Keys


class Records:
    """Takes deliveries in any framing the ingester knows."""

    def __init__(self, ingester: Ingester, keys: Keys, metrics: Metrics, max_body: int) -> None:
        self._ingester = ingester
        self._keys = keys
        self._metrics = metrics
        self._max_body = max_body

    async def post(self, request: Request) -> Response:
        """Store a delivery; 429 with `Retry-After` when the writer is behind, and then nothing was taken."""
        holder = self._keys.holder(request, Role.INGEST)
        started = monotonic()
        table = request.query_params.get("table") or None
        body = await body_of(request, self._max_body)
        try:
            if table is not None:
                must_be_table(table)
            accepted = self._ingester.submit_later(
                body,
                origin=f"http:{holder}",
                encoding=request.headers.get("content-encoding") or None,
                table=table,
            )
            # The commit goes on when the sender goes away: a writer must not find its future cancelled.
            receipt = await asyncio.shield(asyncio.wrap_future(accepted))
        except IngestBusy as error:
            self._metrics.deliveries.labels("busy").inc()
            seconds = max(1, ceil(error.retry_after))
            raise Refused(429, "Busy", str(error), headers={"Retry-After": str(seconds)}) from None
        except IngestError as error:
            self._metrics.deliveries.labels("refused").inc()
            raise Refused(400, "BadBody", str(error)) from None
        except StoreError as error:
            self._metrics.deliveries.labels("failed").inc()
            raise Refused(503, "StoreUnavailable", str(error), headers={"Retry-After": "5"}) from None
        self._metrics.deliveries.labels("accepted").inc()
        self._metrics.ingest_seconds.observe(monotonic() - started)
        return answer(receipt)
