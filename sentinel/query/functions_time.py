"""KQL's functions on datetimes and timespans, all in ticks.

https://learn.microsoft.com/kusto/query/scalar-functions#datetimetimespan-functions
"""

from __future__ import annotations

import re
from calendar import monthrange
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial
from typing import Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from sentinel.clock import TICKS_PER_DAY, TICKS_PER_SECOND
from sentinel.query.scalar import I, L, P, R, S, Scalar, T, Unanswerable
from sentinel.query.values import MAX_DATETIME, MAX_LONG, MIN_LONG, join_ticks, split_ticks

_HOUR: Final = 3600 * TICKS_PER_SECOND
_MINUTE: Final = 60 * TICKS_PER_SECOND
_UNIX: Final = 621355968000000000
_SUNDAY_FIRST: Final = TICKS_PER_DAY
"""0001-01-01 was a Monday; weeks start on Sunday, so they are counted from the day before it."""


def in_range(ticks: int) -> int | None:
    """A datetime, or null where it falls outside of what a datetime can hold."""
    return ticks if 0 <= ticks <= MAX_DATETIME else None


def add_span(at: int, span: int) -> int | None:
    """A datetime moved by a timespan."""
    return in_range(at + span)


def _start_of_week(ticks: int) -> int:
    return (ticks + _SUNDAY_FIRST) // (7 * TICKS_PER_DAY) * (7 * TICKS_PER_DAY) - _SUNDAY_FIRST


def _month_start(ticks: int, months: int = 0) -> int:
    at, _ = split_ticks(ticks)
    index = at.year * 12 + at.month - 1 + months
    year, month = divmod(index, 12)
    if year > 9999:  # noqa: PLR2004 - the last year there is
        return MAX_DATETIME + 1
    return join_ticks(datetime(year, month + 1, 1))  # noqa: DTZ001 - UTC wall time


def _year_start(ticks: int, years: int = 0) -> int:
    year = split_ticks(ticks)[0].year + years
    if year > 9999:  # noqa: PLR2004 - the last year there is
        return MAX_DATETIME + 1
    return join_ticks(datetime(year, 1, 1))  # noqa: DTZ001 - UTC wall time


def _start_of(period: str, ticks: int, offset: int = 0) -> int | None:
    match period:
        case "day":
            found = (ticks // TICKS_PER_DAY + offset) * TICKS_PER_DAY
        case "week":
            found = _start_of_week(ticks) + offset * 7 * TICKS_PER_DAY
        case "month":
            found = _month_start(ticks, offset)
        case _:
            found = _year_start(ticks, offset)
    return in_range(found)


def _end_of(period: str, ticks: int, offset: int = 0) -> int | None:
    match period:
        case "day":
            found = (ticks // TICKS_PER_DAY + offset + 1) * TICKS_PER_DAY
        case "week":
            found = _start_of_week(ticks) + (offset + 1) * 7 * TICKS_PER_DAY
        case "month":
            found = _month_start(ticks, offset + 1)
        case _:
            found = _year_start(ticks, offset + 1)
    return in_range(found - 1)


_PART: Final[dict[str, Callable[[datetime, int], int]]] = {
    "year": lambda at, _: at.year,
    "quarter": lambda at, _: (at.month + 2) // 3,
    "month": lambda at, _: at.month,
    "week_of_year": lambda at, _: at.isocalendar()[1],
    "weekofyear": lambda at, _: at.isocalendar()[1],
    "day": lambda at, _: at.day,
    "dayofyear": lambda at, _: at.timetuple().tm_yday,
    "hour": lambda at, _: at.hour,
    "minute": lambda at, _: at.minute,
    "second": lambda at, _: at.second,
    "millisecond": lambda _, rest: rest // 10_000,
    "microsecond": lambda _, rest: rest // 10,
    "nanosecond": lambda _, rest: rest * 100,
}


def datetime_part(part: str, ticks: int) -> int:
    """One part of a datetime."""
    pick = _PART.get(part.lower())
    if pick is None:
        raise Unanswerable(f"the part {part!r} of a datetime")
    return pick(*split_ticks(ticks))


_PERIOD_TICKS: Final = {
    "day": TICKS_PER_DAY,
    "hour": _HOUR,
    "minute": _MINUTE,
    "second": TICKS_PER_SECOND,
    "millisecond": 10_000,
    "microsecond": 10,
}


def _boundaries(part: str, ticks: int) -> int:
    if part in {"year", "quarter", "month"}:
        at, _ = split_ticks(ticks)
        return {
            "year": at.year,
            "quarter": at.year * 4 + (at.month - 1) // 3,
            "month": at.year * 12 + at.month,
        }[part]
    if part == "week":
        return (ticks + _SUNDAY_FIRST) // (7 * TICKS_PER_DAY)
    if part == "nanosecond":
        return ticks * 100
    return ticks // _period(part)


def _period(part: str) -> int:
    if part not in _PERIOD_TICKS:
        raise Unanswerable(f"the period {part!r}")
    return _PERIOD_TICKS[part]


def datetime_diff(part: str, left: int, right: int) -> int:
    """How many boundaries of a period lie between two datetimes."""
    return _boundaries(part.lower(), left) - _boundaries(part.lower(), right)


def _whole_ticks(nanoseconds: int) -> int:
    if nanoseconds % 100:
        raise Unanswerable("a count of nanoseconds that is no multiple of 100")
    return nanoseconds // 100


def datetime_add(part: str, amount: int, ticks: int) -> int | None:
    """A datetime moved by periods; months are cut to their last day."""
    part = part.lower()
    months = {"year": 12, "quarter": 3, "month": 1}.get(part)
    if part == "nanosecond":
        return in_range(ticks + _whole_ticks(amount))
    if months is None:
        size = 7 * TICKS_PER_DAY if part == "week" else _period(part)
        return in_range(ticks + amount * size)
    at, rest = split_ticks(ticks)
    year, month = divmod(at.year * 12 + at.month - 1 + amount * months, 12)
    if not 1 <= year <= 9999:  # noqa: PLR2004 - the last year there is
        return None
    day = min(at.day, monthrange(year, month + 1)[1])
    return join_ticks(at.replace(year=year, month=month + 1, day=day), rest)


def _make_datetime(
    year: int, month: int, day: int, hour: int = 0, minute: int = 0, second: float = 0.0
) -> int | None:
    if not 0 <= second < 60:  # noqa: PLR2004 - a minute
        return None
    try:
        start = join_ticks(datetime(year, month, day, hour, minute))  # noqa: DTZ001 - UTC wall time
    except ValueError:
        return None
    return in_range(start + round(second * TICKS_PER_SECOND))


def _make_timespan(*parts: float) -> int | None:
    if len(parts) == 2:  # noqa: PLR2004 - hours and minutes
        days, (hours, minutes), seconds = 0.0, parts, 0.0
    elif len(parts) == 3:  # noqa: PLR2004 - and seconds
        days, (hours, minutes, seconds) = 0.0, parts
    else:
        days, hours, minutes, seconds = parts
    if not (0 <= hours < 24 and 0 <= minutes < 60 and 0 <= seconds < 60):  # noqa: PLR2004 - a clock's limits
        return None
    return (
        int(days) * TICKS_PER_DAY
        + int(hours) * _HOUR
        + int(minutes) * _MINUTE
        + round(seconds * TICKS_PER_SECOND)
    )


_LETTERS: Final = re.compile(r"yyyy|yy|y|MM|M|dd|d|HH|H|hh|h|mm|m|ss|s|f{1,7}|F{1,7}|tt|(.)", re.DOTALL)


def format_datetime(ticks: int, pattern: str) -> str:
    """A datetime by a pattern of letters."""
    at, rest = split_ticks(ticks)

    def piece(match: re.Match[str]) -> str:
        letters = match[0]
        if match[1]:
            return match[1]
        if letters[0] in "fF":
            digits = f"{rest:07d}"[: len(letters)]
            return digits.rstrip("0") if letters[0] == "F" else digits
        value = {
            "y": at.year if letters == "yyyy" else at.year % 100,
            "M": at.month,
            "d": at.day,
            "H": at.hour,
            "h": (at.hour + 11) % 12 + 1,
            "m": at.minute,
            "s": at.second,
            "t": 0,
        }[letters[0]]
        if letters == "tt":
            return "PM" if at.hour > 11 else "AM"  # noqa: PLR2004 - noon
        return str(value).rjust(len(letters), "0")

    return _LETTERS.sub(piece, pattern)


_SPAN_LETTERS: Final = re.compile(r"d{1,8}|HH|H|hh|h|mm|m|ss|s|f{1,7}|F{1,7}|(.)", re.DOTALL)


def format_span(ticks: int, pattern: str) -> str:
    """A timespan by a pattern of letters; a negative one is led by a minus."""
    sign, ticks = ("-", -ticks) if ticks < 0 else ("", ticks)
    seconds, rest = divmod(ticks, TICKS_PER_SECOND)
    values = {
        "d": seconds // 86_400,
        "h": seconds // 3600 % 24,
        "H": seconds // 3600 % 24,
        "m": seconds // 60 % 60,
        "s": seconds % 60,
    }

    def piece(match: re.Match[str]) -> str:
        letters = match[0]
        if match[1]:
            return match[1]
        if letters[0] in "fF":
            digits = f"{rest:07d}"[: len(letters)]
            return digits.rstrip("0") if letters[0] == "F" else digits
        return str(values[letters[0]]).rjust(len(letters), "0")

    return sign + _SPAN_LETTERS.sub(piece, pattern)


def bin_whole(value: int, size: int) -> int | None:
    """A whole number or a timespan rounded down to a multiple."""
    return value // size * size if size > 0 else None


def bin_datetime(value: int, size: int) -> int | None:
    """A datetime rounded down to a multiple counted from 0001-01-01."""
    return value // size * size if size > 0 else None


def bin_at_whole(value: int, size: int, fixed: int) -> int | None:
    """A value rounded down to a multiple counted from a fixed point."""
    return fixed + (value - fixed) // size * size if size > 0 else None


def _from_unix(ticks_per_unit: float, value: float) -> int | None:
    return in_range(_UNIX + round(value * ticks_per_unit))


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise Unanswerable(f"the time zone {name!r}") from None


def _utc_to_local(ticks: int, name: str) -> int | None:
    zone = _zone(name)
    at, rest = split_ticks(ticks)
    offset = zone.utcoffset(at.replace(tzinfo=ZoneInfo("UTC")).astimezone(zone)) or timedelta()
    return in_range(join_ticks(at + offset, rest))


def _local_to_utc(ticks: int, name: str) -> int | None:
    zone = _zone(name)
    at, rest = split_ticks(ticks)
    before, after = (at.replace(tzinfo=zone, fold=fold).utcoffset() or timedelta() for fold in (0, 1))
    if before != after:
        raise Unanswerable("a local time that comes twice or never")
    return in_range(join_ticks(at - before, rest))


def _saturate(value: float) -> int:
    return max(MIN_LONG, min(MAX_LONG, int(value)))


def divide_span(span: int, by: float) -> int | None:
    """A timespan divided by a number."""
    return _saturate(span / by) if by else None


def _periods() -> list[Scalar]:
    return [
        form
        for period in ("day", "week", "month", "year")
        for form in (
            Scalar(f"startof{period}", (T, L), T, partial(_start_of, period), optional=1),
            Scalar(f"endof{period}", (T, L), T, partial(_end_of, period), optional=1),
        )
    ]


def _parts() -> list[Scalar]:
    named = {
        "getyear": "year",
        "getmonth": "month",
        "monthofyear": "month",
        "dayofmonth": "day",
        "dayofyear": "dayofyear",
        "hourofday": "hour",
        "week_of_year": "week_of_year",
        "weekofyear": "week_of_year",
    }
    return [Scalar(name, (T,), I, partial(datetime_part, part)) for name, part in named.items()]


def time_functions() -> tuple[Scalar, ...]:
    """The functions on datetimes and timespans."""
    return (
        *_periods(),
        *_parts(),
        Scalar("dayofweek", (T,), P, lambda t: (t // TICKS_PER_DAY + 1) % 7 * TICKS_PER_DAY),
        Scalar("datetime_part", (S, T), I, datetime_part),
        Scalar("datetime_diff", (S, T, T), L, datetime_diff),
        Scalar("datetime_add", (S, L, T), T, datetime_add),
        Scalar("make_datetime", (L, L, L, L, L, R), T, _make_datetime, optional=3),
        Scalar("make_timespan", (L, L), P, _make_timespan),
        Scalar("make_timespan", (L, L, R), P, _make_timespan, suffix="seconds"),
        Scalar("make_timespan", (L, L, L, R), P, _make_timespan, suffix="days"),
        Scalar("format_datetime", (T, S), S, format_datetime),
        Scalar("format_timespan", (P, S), S, format_span),
        Scalar("unixtime_seconds_todatetime", (R,), T, partial(_from_unix, TICKS_PER_SECOND)),
        Scalar("unixtime_milliseconds_todatetime", (R,), T, partial(_from_unix, 10_000)),
        Scalar("unixtime_microseconds_todatetime", (R,), T, partial(_from_unix, 10)),
        Scalar("unixtime_nanoseconds_todatetime", (R,), T, partial(_from_unix, 0.01), suffix="real"),
        Scalar("unixtime_nanoseconds_todatetime", (L,), T, lambda n: in_range(_UNIX + n // 100)),
        Scalar("datetime_utc_to_local", (T, S), T, _utc_to_local),
        Scalar("datetime_local_to_utc", (T, S), T, _local_to_utc),
        Scalar("op_datetime_add", (T, P), T, add_span),
        Scalar("op_datetime_subtract", (T, P), T, lambda at, span: in_range(at - span)),
        Scalar("op_span_scale", (P, R), P, lambda span, by: _saturate(span * by)),
        Scalar("op_span_divide", (P, R), P, divide_span),
    )
