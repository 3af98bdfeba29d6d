"""Spans of time as ISO 8601 writes them: `PT12H`, `start/end`, `start/PT12H`, `PT12H/end`."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Final

from sentinel.clock import TICKS_PER_SECOND
from sentinel.query.values import MAX_DATETIME, parse_datetime

_DURATION: Final = re.compile(
    r"P(?!$)(?:(?P<w>\d+)W)?(?:(?P<d>\d+(?:\.\d+)?)D)?"
    r"(?:T(?!$)(?:(?P<h>\d+(?:\.\d+)?)H)?(?:(?P<m>\d+(?:\.\d+)?)M)?(?:(?P<s>\d+(?:\.\d+)?)S)?)?"
)
_SECONDS: Final = {"w": 604_800, "d": 86_400, "h": 3600, "m": 60, "s": 1}


def ticks_within(text: str, now: int) -> tuple[int, int]:
    """The first and the last tick of a span; a duration alone ends now.

    Raises:
        ValueError: The text is no such span, or its end comes before its start.
    """
    first, slash, second = text.strip().partition("/")
    if not slash:
        start, end = now - _duration(first), now
    elif first.startswith("P"):
        end = _instant(second)
        start = end - _duration(first)
    elif second.startswith("P"):
        start = _instant(first)
        end = start + _duration(second)
    else:
        start, end = _instant(first), _instant(second)
    if end < start:
        raise ValueError(f"the timespan {text!r} ends before it starts")
    return max(start, 0), min(end, MAX_DATETIME)


def _duration(text: str) -> int:
    match = _DURATION.fullmatch(text)
    if match is None:
        raise ValueError(f"{text!r} is no ISO 8601 duration of weeks, days, hours, minutes and seconds")
    parts = match.groupdict(default="0")
    return int(sum(Decimal(parts[unit]) * seconds for unit, seconds in _SECONDS.items()) * TICKS_PER_SECOND)


def _instant(text: str) -> int:
    ticks = parse_datetime(text) if text[:4].isdecimal() else None
    if ticks is None:
        raise ValueError(f"{text!r} is no ISO 8601 date and time")
    return ticks
