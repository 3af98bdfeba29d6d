"""Values of KQL rows as JSON has them, so that a row stored and read again is the same row."""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final

LONGEST_TEXT: Final = 400
"""Characters a text of an evidence row keeps; console messages run to pages."""


def plain_row(row: Mapping[str, Any], longest: int = LONGEST_TEXT) -> dict[str, Any]:
    """A row with every value plain."""
    return {name: plain(value, longest) for name, value in row.items()}


def plain(value: Any, longest: int = LONGEST_TEXT) -> Any:
    """A datetime or timespan as KQL prints it, NaN and infinity as null, a long text cut and marked with `…`."""
    match value:
        case datetime():
            return value.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        case timedelta():
            return _timespan(value)
        case float():
            return value if math.isfinite(value) else None
        case str():
            return value if len(value) <= longest else value[: longest - 1] + "…"
        case Mapping():
            return {str(key): plain(inner, longest) for key, inner in value.items()}
        case list() | tuple():
            return [plain(inner, longest) for inner in value]
        case _:
            return value


def _timespan(span: timedelta) -> str:
    sign, span = ("-", -span) if span < timedelta() else ("", span)
    hours, rest = divmod(span.seconds, 3600)
    minutes, seconds = divmod(rest, 60)
    days = f"{span.days}." if span.days else ""
    part = f".{span.microseconds:06d}" if span.microseconds else ""
    return f"{sign}{days}{hours:02d}:{minutes:02d}:{seconds:02d}{part}"
