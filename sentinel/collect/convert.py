"""Turns the values of JSON into the values of KQL's types, as the store keeps them."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, Final
from uuid import UUID

import msgspec

from sentinel.clock import TICKS_PER_DAY, TICKS_PER_SECOND
from sentinel.collect.times import ticks_of
from sentinel.model.tables import KqlType

INT_LIMIT: Final = 1 << 31
LONG_LIMIT: Final = 1 << 63
_TIMESPAN: Final = re.compile(r"(-?)(?:(\d+)\.)?(\d{1,2}):(\d{2})(?::(\d{2})(?:\.(\d{1,7}))?)?")
_TRUE: Final = frozenset({"true", "1"})
_FALSE: Final = frozenset({"false", "0"})

to_json: Final[Callable[[Any], bytes]] = msgspec.json.Encoder().encode


class Unconvertible(ValueError):
    """A value is not of its column's type."""


def to_string(value: Any) -> str:
    """A string; numbers and objects as their JSON text, null as the empty string."""
    if isinstance(value, str):
        return value
    return "" if value is None else to_json(value).decode()


def _integer(value: Any, limit: int) -> int | None:
    if isinstance(value, str):
        text = value.strip()
        if not text:
            return None
        try:
            value = int(text) if "_" not in text else math.nan
        except ValueError:
            value = _number(text)
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int) or not -limit <= value < limit:
        raise Unconvertible("not a whole number that fits")
    return value


def _number(text: str) -> float:
    try:
        return float(text) if "_" not in text else math.nan
    except ValueError as error:
        raise Unconvertible("not a number") from error


def to_int(value: Any) -> int | None:
    """A 32-bit whole number, also from text."""
    return None if value is None else _integer(value, INT_LIMIT)


def to_long(value: Any) -> int | None:
    """A 64-bit whole number, also from text."""
    return None if value is None else _integer(value, LONG_LIMIT)


def to_real(value: Any) -> float | None:
    """A finite number, also from text."""
    if isinstance(value, str):
        if not value.strip():
            return None
        value = _number(value)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise Unconvertible("not a number")
    try:
        number = float(value)
    except OverflowError as error:
        raise Unconvertible("too large") from error
    if not math.isfinite(number):
        raise Unconvertible("not finite")
    return number


def to_bool(value: Any) -> bool | None:
    """True or false, also from text or 0 and 1."""
    if value is None or isinstance(value, bool):
        return value
    text = to_string(value).strip().lower()
    if text in _TRUE:
        return True
    if text in _FALSE:
        return False
    if not text:
        return None
    raise Unconvertible("neither true nor false")


def to_datetime(value: Any) -> int | None:
    """The ticks of an ISO 8601 text."""
    if value is None or value == "":
        return None
    if not isinstance(value, str):
        raise Unconvertible("not a time")
    try:
        return ticks_of(value)
    except ValueError as error:
        raise Unconvertible("not a time") from error


def to_timespan(value: Any) -> int | None:
    """The ticks of a text such as `1.02:03:04.5`."""
    if value is None or value == "":
        return None
    match = _TIMESPAN.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        raise Unconvertible("not a timespan")
    sign, days, hours, minutes, seconds, fraction = match.groups()
    total = (int(hours) * 3600 + int(minutes) * 60 + int(seconds or 0)) * TICKS_PER_SECOND
    total += int(days or 0) * TICKS_PER_DAY + int((fraction or "").ljust(7, "0"))
    if total >= LONG_LIMIT:
        raise Unconvertible("too long")
    return -total if sign else total


def to_dynamic(value: Any) -> str | None:
    """The JSON text of a value; a text that holds a JSON object or array is that object or array."""
    if value is None or value == "":
        return None
    if isinstance(value, str) and value.lstrip()[:1] in {"{", "["}:
        try:
            value = msgspec.json.decode(value)
        except msgspec.DecodeError:
            return to_json(value).decode()
    return to_json(value).decode()


def to_guid(value: Any) -> str | None:
    """A GUID in its usual spelling."""
    if value is None or value == "":
        return None
    try:
        return str(UUID(value))
    except (ValueError, AttributeError, TypeError) as error:
        raise Unconvertible("not a GUID") from error


def to_decimal(value: Any) -> str | None:
    """The text of a number."""
    return None if to_real(value) is None else to_string(value).strip()


CONVERSIONS: Final[Mapping[KqlType, Callable[[Any], Any]]] = MappingProxyType(
    {
        KqlType.BOOL: to_bool,
        KqlType.INT: to_int,
        KqlType.LONG: to_long,
        KqlType.REAL: to_real,
        KqlType.DECIMAL: to_decimal,
        KqlType.STRING: to_string,
        KqlType.DATETIME: to_datetime,
        KqlType.TIMESPAN: to_timespan,
        KqlType.DYNAMIC: to_dynamic,
        KqlType.GUID: to_guid,
    }
)
"""How a JSON value becomes one of a column; each raises `Unconvertible`."""
