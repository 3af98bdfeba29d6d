"""Values as people read them: pure functions from a value to text, the same in every face."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta, tzinfo
from decimal import Decimal
from typing import Any, Final

from sentinel.clock import format_span, from_ticks
from sentinel.model.tables import KqlType
from sentinel.model.target import Target, TargetKind

NOTHING: Final = "–"
"""What stands where there is no value."""

_WHITE: Final = re.compile(r"\s+")
_NOT_FINITE: Final = {math.inf: "Infinity", -math.inf: "-Infinity"}
_ZERO_OFFSET: Final = timedelta(0)


def moment(at: datetime, zone: tzinfo = UTC) -> str:
    """A date and time to the second, with the zone's offset: `2026-01-05 10:00:00Z`."""
    local = at.astimezone(zone)
    offset = local.utcoffset() or _ZERO_OFFSET
    suffix = "Z" if offset == _ZERO_OFFSET else local.strftime("%z")
    return f"{local:%Y-%m-%d %H:%M:%S}{suffix}"


def time_of_day(at: datetime, zone: tzinfo = UTC) -> str:
    """The time without its date: `10:00:00`."""
    return f"{at.astimezone(zone):%H:%M:%S}"


def ago(at: datetime, now: datetime) -> str:
    """How long ago, or in how long: `2m5s ago`, `in 30s`, `now`."""
    passed = now - at
    if abs(passed) < timedelta(seconds=1):
        return "now"
    return f"{format_span(passed)} ago" if passed > _ZERO_OFFSET else f"in {format_span(-passed)}"


def after(seconds: float) -> str:
    """The time since a beginning: `+31s`, `+2m5s`."""
    return f"+{format_span(timedelta(seconds=round(seconds)))}"


def share(part: float) -> str:
    """A share of one in percent, never rounded up to all or down to none."""
    percent = part * 100
    if percent == 0 or abs(percent) == 100:  # noqa: PLR2004
        return f"{percent:.0f}%"
    if 0 < percent < 0.1:  # noqa: PLR2004
        return "<0.1%"
    if 99.5 <= percent < 100:  # noqa: PLR2004
        return ">99%"
    return f"{percent:.0f}%" if abs(percent) >= 9.95 else f"{percent:.1f}%"  # noqa: PLR2004


def points(difference: float) -> str:
    """A difference of two shares in percentage points, signed: `−31.2 points`."""
    sign = "−" if difference < 0 else "+"
    return f"{sign}{abs(difference) * 100:.1f} points"


def number(value: float) -> str:
    """A number with thousands parted, cut to three digits behind the point."""
    if float(value).is_integer():
        return f"{int(value):,}"
    if abs(value) >= 100:  # noqa: PLR2004
        return f"{value:,.1f}"
    text = f"{value:.3g}" if abs(value) < 1 else f"{value:.2f}"
    return text if "e" in text else text.rstrip("0").rstrip(".")


def milliseconds(value: float) -> str:
    """A latency: `340 ms`, `2.4 s`, `60 s`."""
    return f"{value:.0f} ms" if value < 1000 else f"{number(round(value / 1000, 1))} s"  # noqa: PLR2004


def target_name(target: Target) -> str:
    """A target as people say it: a deployment without its kind, others with it (`job train-17`)."""
    return target.label if target.kind is TargetKind.DEPLOYMENT else f"{target.kind} {target.label}"


def one_line(text: str) -> str:
    """The text with every run of white space made one blank."""
    return _WHITE.sub(" ", text).strip()


def cut(text: str, width: int) -> str:
    """The text in at most `width` characters, with `…` where something is missing."""
    return text if len(text) <= width else text[: max(0, width - 1)] + "…"


def plain(value: Any) -> str:
    """A value of an evidence row or of a formula's inputs."""
    match value:
        case None:
            return "null"
        case bool():
            return "true" if value else "false"
        case datetime():
            return moment(value)
        case timedelta():
            return format_span(value)
        case float():
            return f"{value:.6g}" if math.isfinite(value) else _NOT_FINITE.get(value, "NaN")
        case Decimal():
            return f"{value.normalize():f}"
        case str() | int():
            return one_line(str(value))
        case _:
            return json.dumps(value, ensure_ascii=False, separators=(", ", ": "), default=str)


def row_text(row: Mapping[str, Any]) -> str:
    """A row in one line: `Replicas=4  MaxReplicas=4`."""
    return "  ".join(f"{name}={plain(value)}" for name, value in row.items())


def cell(value: Any, kind: KqlType, zone: tzinfo = UTC) -> str:
    """A value of a query's result as its column's type wants it; datetimes and timespans come as ticks."""
    if value is None:
        return ""
    if kind is KqlType.DATETIME:
        return _datetime(int(value), zone)
    if kind is KqlType.TIMESPAN:
        return _timespan(int(value))
    return plain(value)


def _datetime(ticks: int, zone: tzinfo) -> str:
    whole = moment(from_ticks(ticks), zone)
    fraction = f"{ticks % 10_000_000 // 10_000:03d}"
    return whole if fraction == "000" else f"{whole[:19]}.{fraction}{whole[19:]}"


def _timespan(ticks: int) -> str:
    """As Kusto writes it: `1.02:03:04.5`."""
    sign, rest = ("-", -ticks) if ticks < 0 else ("", ticks)
    seconds, fraction = divmod(rest, 10_000_000)
    minutes, second = divmod(seconds, 60)
    hours, minute = divmod(minutes, 60)
    days, hour = divmod(hours, 24)
    day = f"{days}." if days else ""
    tail = f".{fraction:07d}".rstrip("0") if fraction else ""
    return f"{sign}{day}{hour:02d}:{minute:02d}:{second:02d}{tail}"
