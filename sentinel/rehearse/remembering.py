"""An engine that answers the same question once: for a store whose rows do not change while they are judged."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sentinel.model.tables import Table
from sentinel.query.engine import Engine, Parameter, Store
from sentinel.query.result import DEFAULT_LIMITS, Limits, Result


class RememberingEngine(Engine):
    """Answers KQL, each query over the whole store once for the same parameters and the same `now`."""

    def __init__(self, store: Store, catalogue: Mapping[str, Table] | None = None) -> None:
        super().__init__(store, catalogue)
        self._answered: dict[tuple[Any, ...], Result] = {}

    def query(
        self,
        text: str,
        *,
        now: datetime,
        parameters: Mapping[str, Parameter] | None = None,
        limits: Limits = DEFAULT_LIMITS,
        cancel: threading.Event | None = None,
        within: tuple[int, int] | None = None,
        resource: str = "",
    ) -> Result:
        """The answer of a query, as `Engine.query` gives it.

        Raises:
            QueryError: As `Engine.query`; what was refused is asked again.
        """
        asked = (text, now, tuple(sorted((parameters or {}).items())), limits, within, resource)
        if asked not in self._answered:
            self._answered[asked] = super().query(
                text,
                now=now,
                parameters=parameters,
                limits=limits,
                cancel=cancel,
                within=within,
                resource=resource,
            )
        return self._answered[asked]
