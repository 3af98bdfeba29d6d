"""The model of a deployment from a long look back, with its peak in it and no hole that could hide one."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final, Protocol

from sentinel.clock import format_span, from_ticks
from sentinel.errors import QueryError
from sentinel.model.target import Target
from sentinel.query.engine import Engine, Parameter
from sentinel.simulate.calibrate import Model, NoModel, calibrate
from sentinel.simulate.history import history

MOST: Final = 100_000
"""So many requests are replayed; of more, those around the busiest part of the look back."""
_PARTS: Final = 288
"""The look back is counted in so many parts: five minutes of a day."""
_COUNTS: Final = """
AmlOnlineEndpointTrafficLog
| where TimeGenerated between (since .. now()) and EndpointName == endpoint and DeploymentName == deployment
| summarize Requests = count(), First = min(TimeGenerated), Last = max(TimeGenerated)
    by Part = tolong((TimeGenerated - since) / part)
| project First, Last, Requests
| sort by First asc
"""


class Looking(Protocol):
    """How far is looked back, and how long a time without a request may be in it."""

    @property
    def look_back(self) -> timedelta:
        """The span that must be known."""
        ...

    @property
    def gap(self) -> timedelta:
        """A longer time without a request is missing data."""
        ...


def peak_model(engine: Engine, target: Target, now: datetime, looking: Looking) -> Model | NoModel:
    """The model fitted to the look back, or to its busiest part where more than `MOST` requests came.

    There is none if the look back has a hole: what came then is not known, and may have been the peak.
    """
    since = now - looking.look_back
    endpoint, deployment = target.names
    parameters: dict[str, Parameter] = {
        "since": since,
        "part": looking.look_back / _PARTS,
        "endpoint": endpoint,
        "deployment": deployment,
    }
    try:
        rows = engine.query(_COUNTS, now=now, parameters=parameters).rows
        parts = [(from_ticks(first), from_ticks(last), count) for first, last, count in rows]
        hole = _hole(parts, since, now, looking.gap)
        if hole:
            return NoModel(hole)
        begin, end = busiest(parts, MOST)
        if begin == 0 and end == len(parts):
            return calibrate(history(engine, target, now, looking.look_back))
        first, last = parts[begin][0], parts[end - 1][1] + timedelta(microseconds=1)
        return calibrate(history(engine, target, last, last - first))
    except QueryError as error:
        return NoModel(f"its telemetry could not be read: {error}")


def _hole(
    parts: Sequence[tuple[datetime, datetime, int]], since: datetime, now: datetime, gap: timedelta
) -> str:
    """Where no request is known for longer than the gap; empty if nowhere."""
    begins = [since, *(last for _, last, _ in parts)]
    ends = [*(first for first, _, _ in parts), now]
    for begin, end in zip(begins, ends, strict=True):
        if end - begin > gap:
            return f"nothing is known of {format_span(end - begin)} from {begin:%Y-%m-%d %H:%M} UTC on"
    return ""


def busiest(parts: Sequence[tuple[datetime, datetime, int]], most: int) -> tuple[int, int]:
    """The parts around the busiest one, by their numbers, that hold at most so many requests together."""
    begin = max(range(len(parts)), key=lambda number: parts[number][2])
    end, total = begin + 1, parts[begin][2]
    while True:
        before = parts[begin - 1][2] if begin else most
        after = parts[end][2] if end < len(parts) else most
        if total + min(before, after) > most or (begin == 0 and end == len(parts)):
            return begin, end
        if before <= most - total and (before >= after or total + after > most):
            begin, total = begin - 1, total + before
        else:
            end, total = end + 1, total + after
