"""Time: where it comes from, and Kusto's count of it.

A datetime outside the store is an aware `datetime` in UTC. Inside the store, and in KQL, it is a count of
ticks: 100 ns since 0001-01-01T00:00:00Z, as Kusto counts
(https://learn.microsoft.com/kusto/query/scalar-data-types/datetime).
"""

from __future__ import annotations

import re
import time as _time
from datetime import UTC, datetime, timedelta
from typing import Final, Protocol

TICKS_PER_SECOND: Final = 10_000_000
TICKS_PER_DAY: Final = 86_400 * TICKS_PER_SECOND
_EPOCH: Final = datetime(1, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)


class Clock(Protocol):
    """Where the daemon takes the time from."""

    def now(self) -> datetime:
        """The current instant, aware, in UTC."""


class SystemClock:
    """The clock of this machine."""

    def now(self) -> datetime:
        """The current instant, aware, in UTC."""
        return datetime.now(UTC)


class VirtualClock:
    """A clock that stands still until it is told to move."""

    def __init__(self, start: datetime) -> None:
        if start.tzinfo is None:
            raise ValueError("a virtual clock starts at an aware datetime")
        self._now = start.astimezone(UTC)

    def now(self) -> datetime:
        """The instant it was last set or advanced to."""
        return self._now

    def advance(self, by: timedelta) -> datetime:
        """Move forward by `by` and return the new instant."""
        self._now += by
        return self._now


def monotonic() -> float:
    """Seconds of a clock that never jumps, for measuring how long something took."""
    return _time.perf_counter()


def to_ticks(at: datetime) -> int:
    """The tick count of an aware datetime."""
    return (at - _EPOCH) // _MICROSECOND * 10


def from_ticks(ticks: int) -> datetime:
    """The aware UTC datetime of a tick count, cut to microseconds."""
    return _EPOCH + timedelta(microseconds=ticks // 10)


def span_ticks(span: timedelta) -> int:
    """The ticks of a duration."""
    return span // _MICROSECOND * 10


_SPAN = re.compile(r"\s*(\d+(?:\.\d+)?)\s*(ms|s|m|h|d|w)\s*")
_UNIT_SECONDS: Final = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0, "w": 604800.0}


def parse_span(text: str) -> timedelta:
    """The duration written as `90s`, `5m`, `1h30m`, `2d` or `250ms`.

    Raises:
        ValueError: The text is not such a duration.
    """
    seconds, at = 0.0, 0
    while at < len(text):
        match = _SPAN.match(text, at)
        if match is None:
            break
        seconds += float(match[1]) * _UNIT_SECONDS[match[2]]
        at = match.end()
    if at == 0 or at != len(text):
        raise ValueError(f"{text!r} is not a duration such as 90s, 5m, 1h30m or 2d")
    return timedelta(seconds=seconds)


def format_span(span: timedelta) -> str:
    """A duration as a person writes it: `90s` becomes `1m30s`."""
    total = span.total_seconds()
    if total < 0:
        return "-" + format_span(-span)
    if total < 1:
        return f"{round(total * 1000)}ms" if total else "0s"
    rest, parts = round(total), []
    for unit, size in (("d", 86400), ("h", 3600), ("m", 60), ("s", 1)):
        count, rest = divmod(rest, size)
        if count:
            parts.append(f"{count}{unit}")
    return "".join(parts[:2])
