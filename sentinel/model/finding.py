"""A symptom that held for a target."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sentinel.model.target import Target


@dataclass(frozen=True, slots=True)
class Finding:
    """A symptom that held for a target, and the row that shows it.

    `measure` is the symptom's measure on that row (a share, a count, seconds), `sample` the number of
    observations behind it.
    """

    symptom: str
    target: Target
    at: datetime
    row: Mapping[str, Any]
    measure: float
    sample: int


@dataclass(frozen=True, slots=True)
class Evaluation:
    """What one evaluation of a symptom found.

    `newest` is the event time of the newest row the symptom's tables hold, `None` when they hold none: no data
    is not health.
    """

    symptom: str
    at: datetime
    findings: tuple[Finding, ...]
    newest: datetime | None


@dataclass(frozen=True, slots=True)
class Measurement:
    """A symptom's measure for one target over a span of time, healthy or not."""

    target: Target
    since: datetime
    until: datetime
    measure: float
    sample: int
    holds: bool
    """Whether the symptom's threshold holds for that row."""
