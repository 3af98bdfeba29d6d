"""KQL's values as text: datetimes, timespans, numbers and dynamics, both ways.

A datetime is a count of 100 ns ticks since 0001-01-01, a timespan a count of ticks.
https://learn.microsoft.com/kusto/query/scalar-data-types/timespan
"""

from __future__ import annotations

import json
import math
import re
from datetime import UTC, datetime, timedelta, tzinfo
from decimal import Context, Decimal
from functools import lru_cache
from typing import Any, Final, Never

from sentinel.clock import TICKS_PER_DAY, TICKS_PER_SECOND
from sentinel.errors import QueryUnsupported
from sentinel.model.tables import KqlType

DECIMALS: Final = Context(prec=34)
"""How decimals are reckoned: in the 34 digits that 128 bits hold."""
MAX_DATETIME: Final = 3155378975999999999
MAX_LONG: Final = 2**63 - 1
MIN_LONG: Final = -(2**63)

_EPOCH: Final = datetime(1, 1, 1)  # noqa: DTZ001 - naive on purpose: the arithmetic is on UTC wall time
_DAY: Final = timedelta(days=1)


def wrap_long(value: int) -> int:
    """A whole number cut to 64 bits, as Kusto does."""
    if MIN_LONG <= value <= MAX_LONG:
        return value
    return (value - MIN_LONG) % 2**64 + MIN_LONG


def split_ticks(ticks: int) -> tuple[datetime, int]:
    """The naive UTC datetime of the whole seconds of a tick count, and the ticks left over."""
    seconds, rest = divmod(ticks, TICKS_PER_SECOND)
    return _EPOCH + timedelta(seconds=seconds), rest


def join_ticks(at: datetime, rest: int = 0) -> int:
    """The tick count of a naive UTC datetime, plus ticks."""
    delta = at - _EPOCH
    return delta.days * TICKS_PER_DAY + delta.seconds * TICKS_PER_SECOND + delta.microseconds * 10 + rest


def format_datetime_iso(ticks: int, tz: tzinfo | None = None) -> str:
    """A datetime as ISO text with all seven digits: `2026-11-22T20:00:00.0000000Z`.

    With a time zone the text is in that zone and ends in its offset.
    """
    at, rest = split_ticks(ticks)
    if tz is None:
        return f"{at:%Y-%m-%dT%H:%M:%S}".rjust(19, "0") + f".{rest:07d}Z"
    local = at.replace(tzinfo=UTC).astimezone(tz)
    offset = f"{local:%z}"
    return f"{local:%Y-%m-%dT%H:%M:%S}".rjust(19, "0") + f".{rest:07d}{offset[:3]}:{offset[3:5]}"


def format_timespan(ticks: int) -> str:
    """A timespan as Kusto writes it: `1.02:03:04.5000000`, without empty days or fractions."""
    sign, ticks = ("-", -ticks) if ticks < 0 else ("", ticks)
    seconds, rest = divmod(ticks, TICKS_PER_SECOND)
    days, seconds = divmod(seconds, 86_400)
    hours, seconds = divmod(seconds, 3600)
    minutes, seconds = divmod(seconds, 60)
    text = f"{hours:02d}:{minutes:02d}:{seconds:02d}"
    return sign + (f"{days}." if days else "") + text + (f".{rest:07d}" if rest else "")


def format_real(value: float) -> str:
    """A real number as `tostring` writes it: `1.0`, `0.1`, `1e+20`, `NaN`, `inf`."""
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "inf" if value > 0 else "-inf"
    text = _largest_shortest(value, repr(value))
    if "e" not in text:
        return text
    mantissa, exponent = text.split("e")
    return f"{mantissa}e{exponent[0] if exponent[0] == '-' else '+'}{exponent.lstrip('+-').rjust(2, '0')}"


_UNAMBIGUOUS: Final = 15
"""Up to so many digits only one decimal of that length reads back as a given double."""


def _largest_shortest(value: float, text: str) -> str:
    """The shortest text that reads back as the value; of several as short, the largest, as Kusto prints it."""
    mantissa, _, exponent = text.partition("e")
    digits = mantissa.lstrip("-").replace(".", "").lstrip("0")
    if len(digits) <= _UNAMBIGUOUS:
        return text
    sign = -1 if value < 0 else 1
    last = Decimal(1).scaleb(int(Decimal(text).as_tuple().exponent))
    best = Decimal(text)
    while float(best + sign * last) == value:
        best += sign * last
    if exponent:
        return f"{best.scaleb(-int(exponent)):f}e{exponent}"
    return f"{best:f}"


def format_decimal(value: Decimal) -> str:
    """A decimal without an exponent."""
    return f"{value:f}"


_DATETIME: Final = re.compile(
    r"(\d{4})-(\d{1,2})-(\d{1,2})"
    r"(?:[T ]\s*(\d{1,2}):(\d{1,2})(?::(\d{1,2})(?:\.(\d+))?)?)?\s*(Z|z|UTC|GMT|[+-]\d{1,2}:?\d{2})?$"
)
_COMPACT: Final = re.compile(r"(\d{4})(\d{2})(\d{2})(?:(\d{2})(\d{2})(\d{2})?)?$")
_SLASHED: Final = re.compile(r"\d{4}/\d{1,2}/\d{1,2}(?!\d)")
_DASHED: Final = re.compile(r"(\d{1,2})-(\d{1,2})-(\d{4})(?!\d)")
_AMERICAN: Final = re.compile(
    r"(\d{1,2})/(\d{1,2})/(\d{4})(?:\s+(\d{1,2}):(\d{2})(?::(\d{2})(?:\.(\d+))?)?\s*(AM|PM|am|pm)?)?$"
)
_MONTHS: Final = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"]
_RFC822: Final = re.compile(
    r"(?:[A-Za-z]{3,9},?\s+)?(\d{1,2})(\s+|-)([A-Za-z]{3})[a-z]*\2(\d{2,4})"
    r"(?:\s+(\d{1,2}):(\d{2})(?::(\d{2})(?:\.(\d+))?)?)?\s*(Z|UTC|GMT|[+-]\d{1,2}:?\d{2})?$"
)
_MONTH_ONLY: Final = re.compile(r"(\d{4})-(\d{1,2})$|(\d{4})$")


def _fraction(digits: str | None) -> int:
    return int((digits or "").ljust(7, "0")[:7])


def _offset_ticks(zone: str | None) -> int:
    if not zone or zone[0] not in "+-":
        return 0
    digits = zone[1:].replace(":", "")
    minutes = int(digits[:-2]) * 60 + int(digits[-2:])
    return (minutes if zone[0] == "+" else -minutes) * 60 * TICKS_PER_SECOND


def _ticks(date: tuple[int, int, int], clock: tuple[str | None, ...], zone: str | None = None) -> int | None:
    hour, minute, second, fraction = clock
    try:
        at = datetime(*date, int(hour or 0), int(minute or 0), int(second or 0))  # noqa: DTZ001 - see _EPOCH
    except ValueError:
        return None
    ticks = join_ticks(at, _fraction(fraction)) - _offset_ticks(zone)
    return ticks if 0 <= ticks <= MAX_DATETIME else None


def _american(match: re.Match[str]) -> int | None:
    month, day, year, hour, minute, second, fraction, half = match.groups()
    if half:
        hour = str(int(hour) % 12 + (12 if half.lower() == "pm" else 0))
    return _ticks((int(year), int(month), int(day)), (hour, minute, second, fraction))


def _rfc822(match: re.Match[str]) -> int | None:
    day, _, name, year, hour, minute, second, fraction, zone = match.groups()
    if name.lower() not in _MONTHS:
        return None
    full_year = int(year) if len(year) > 2 else 2000 + int(year)  # noqa: PLR2004 - a two-digit year
    date = (full_year, _MONTHS.index(name.lower()) + 1, int(day))
    return _ticks(date, (hour, minute, second, fraction), zone)


@lru_cache(maxsize=4096)
def parse_datetime(text: str) -> int | None:
    """The ticks of a datetime written in one of the forms Kusto reads, else `None`."""
    text = text.strip()
    if _SLASHED.match(text):
        text = text.replace("/", "-", 2)
    text = _DASHED.sub(r"\1/\2/\3", text, count=1) if _DASHED.match(text) else text
    match = _DATETIME.match(text)
    if match:
        year, month, day, *clock = match.groups()
        return _ticks((int(year), int(month), int(day)), tuple(clock[:4]), clock[4])
    match = _COMPACT.match(text)
    if match:
        year, month, day, hour, minute, second = match.groups()
        return _ticks((int(year), int(month), int(day)), (hour, minute, second, None))
    match = _AMERICAN.match(text)
    if match:
        return _american(match)
    match = _RFC822.match(text)
    if match:
        return _rfc822(match)
    match = _MONTH_ONLY.match(text)
    if match:
        return _ticks((int(match[1] or match[3]), int(match[2] or 1), 1), (None, None, None, None))
    return None


_CLOCK: Final = re.compile(
    r"(-)?(?:(\d+)\.|(\d+):(?=\d+:\d+:))?(\d{1,2}):(\d{1,2})(?::(\d{1,2})(?:\.(\d{1,7})\d*)?)?$"
)
_UNITS: Final = re.compile(r"(-)?\s*(\d+(?:\.\d+)?)\s*([A-Za-z]+)$")
_UNIT_TICKS: Final = {
    "tick": 1,
    "nano": 0.01,
    "micro": 10,
    "milli": 10_000,
    "second": TICKS_PER_SECOND,
    "minute": 60 * TICKS_PER_SECOND,
    "hour": 3600 * TICKS_PER_SECOND,
    "day": TICKS_PER_DAY,
}
_UNIT_NAMES: Final = {
    "tick": "tick ticks",
    "nano": "nano nanos nanosecond nanoseconds",
    "micro": "micro micros microsecond microseconds",
    "milli": "ms milli millis millisecond milliseconds",
    "second": "s sec second seconds",
    "minute": "m min minute minutes",
    "hour": "h hr hrs hour hours",
    "day": "d day days",
}
UNIT_TICKS: Final = {name: _UNIT_TICKS[unit] for unit, names in _UNIT_NAMES.items() for name in names.split()}


def parse_timespan(text: str) -> int | None:
    """The ticks of a timespan written as `1.02:03:04.5`, `1d`, `90s` or a count of days, else `None`."""
    text = text.strip()
    match = _CLOCK.match(text)
    if match:
        sign, days, also_days, hours, minutes, seconds, fraction = match.groups()
        days = days or also_days
        if int(hours) > 23 or int(minutes) > 59 or int(seconds or 0) > 59:  # noqa: PLR2004 - a clock's limits
            return None
        total = ((int(days or 0) * 24 + int(hours)) * 60 + int(minutes)) * 60 + int(seconds or 0)
        ticks = total * TICKS_PER_SECOND + _fraction(fraction)
        return -ticks if sign else ticks
    match = _UNITS.match(text)
    if match and match[3] in UNIT_TICKS:
        ticks = round(Decimal(match[2]) * Decimal(str(UNIT_TICKS[match[3]])))
        return -ticks if match[1] else ticks
    if re.fullmatch(r"-?\d+", text):
        days_only = int(text) * TICKS_PER_DAY
        return days_only if MIN_LONG <= days_only <= MAX_LONG else None
    return None


def _no_constant(name: str) -> Never:
    raise ValueError(f"{name} is no JSON")


_JSON: Final = json.JSONDecoder(parse_constant=_no_constant)


def read_json(text: str) -> Any:
    """The value of a text in JSON's own language, which knows no `NaN` and no infinity.

    Raises:
        ValueError: It is no JSON.
    """
    return _JSON.decode(text)


def dump_json(value: Any) -> str:
    """A dynamic value as JSON text, without blanks."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), default=str)


@lru_cache(maxsize=512)
def load_json(text: str | bytes) -> Any:
    """The value of a dynamic kept as JSON text; treat it as frozen, it is shared.

    Raises:
        QueryUnsupported: It is a sketch, as `hll` and `tdigest` make, which cannot be looked into.
    """
    if isinstance(text, bytes):
        raise QueryUnsupported("looking into an hll or a tdigest is not supported")
    return json.loads(text)


def json_value(value: Any, kind: KqlType) -> Any:
    """A value of a result row as JSON shows it: datetimes and timespans as text, dynamics as they are."""
    if value is None:
        return None
    match kind:
        case KqlType.DATETIME:
            return format_datetime_iso(value)
        case KqlType.TIMESPAN:
            return format_timespan(value)
        case KqlType.REAL if not math.isfinite(value):
            return "NaN" if math.isnan(value) else ("Infinity" if value > 0 else "-Infinity")
        case KqlType.DECIMAL:
            return format_decimal(value)
        case _:
            return value
