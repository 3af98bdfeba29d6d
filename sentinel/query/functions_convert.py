"""Conversions between KQL's types: they never fail, they give null.

https://learn.microsoft.com/kusto/query/scalar-functions#conversion-functions
"""

from __future__ import annotations

import json
import math
import re
import uuid
from decimal import Decimal, InvalidOperation
from typing import Any, Final

from sentinel.query.scalar import B, D, G, I, L, N, P, R, S, Scalar, T, Unanswerable
from sentinel.query.values import (
    MAX_DATETIME,
    MAX_LONG,
    MIN_LONG,
    format_datetime_iso,
    format_decimal,
    format_real,
    format_timespan,
    parse_datetime,
    parse_timespan,
    wrap_long,
)

_WHOLE: Final = re.compile(r"\s*[+-]?\d+\s*$", re.ASCII)
_HEX: Final = re.compile(r"\s*0[xX][0-9a-fA-F]+\s*$")
_NUMBER: Final = re.compile(r"\s*[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?\s*$", re.ASCII)
_SPECIAL: Final = {"nan": math.nan, "inf": math.inf, "+inf": math.inf, "-inf": -math.inf}
_INT: Final = 2**31


def text_to_long(text: str) -> int | None:
    """A whole number written in decimal or hexadecimal digits."""
    if _WHOLE.match(text):
        value = int(text)
        return value if MIN_LONG <= value <= MAX_LONG else None
    return int(text, 16) if _HEX.match(text) else None


def text_to_real(text: str) -> float | None:
    """A real number written in digits, or NaN, or an infinity."""
    if _NUMBER.match(text):
        return float(text)
    if _HEX.match(text):
        return float(int(text, 16))
    stripped = text.strip()
    if stripped in {"NaN", "inf", "-inf", "+inf", "nan"}:
        return _SPECIAL[stripped.lower()]
    return {"Infinity": math.inf, "-Infinity": -math.inf}.get(stripped)


def _int(value: int | None) -> int | None:
    return value if value is not None and -_INT <= value < _INT else None


def _wrap_int(value: int) -> int:
    return (value + _INT) % 2**32 - _INT


def real_to_long(value: float) -> int | None:
    """A real cut toward zero, held at the ends of 64 bits."""
    if math.isnan(value):
        return None
    return (
        max(MIN_LONG, min(MAX_LONG, int(value)))
        if math.isfinite(value)
        else (MAX_LONG if value > 0 else MIN_LONG)
    )


def _real_to_int(value: float) -> int | None:
    if math.isnan(value):
        return None
    if not math.isfinite(value):
        return _INT - 1 if value > 0 else -_INT
    return max(-_INT, min(_INT - 1, int(value)))


def text_to_bool(text: str) -> int | None:
    """`true`, `false` or a whole number."""
    lowered = text.strip().lower()
    if lowered in {"true", "false"}:
        return int(lowered == "true")
    number = text_to_long(text)
    return None if number is None else int(number != 0)


def _decimal(text: str) -> Decimal | None:
    if not _NUMBER.match(text):
        return None
    try:
        return Decimal(text.strip())
    except InvalidOperation:
        return None


def _guid(text: str) -> str | None:
    try:
        return str(uuid.UUID(text.strip()))
    except ValueError:
        return None


def json_text(value: Any) -> str:
    """A dynamic as `tostring` writes it: texts without quotes, the rest as JSON."""
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    if isinstance(value, float):
        return format_real(value)
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _json_long(value: Any) -> int | None:
    if isinstance(value, bool):
        return int(value)
    if isinstance(value, int):
        if value != wrap_long(value):
            raise Unanswerable("a long from a number of more than 64 bits")
        return value
    if isinstance(value, float):
        return real_to_long(value)
    return text_to_long(value) if isinstance(value, str) else None


def _json_int(value: Any) -> int | None:
    if isinstance(value, float):
        return _real_to_int(value)
    found = _json_long(value)
    return None if found is None else (_int(found) if isinstance(value, str) else _wrap_int(found))


def _json_real(value: Any) -> float | None:
    if isinstance(value, bool | int | float):
        return float(value)
    return text_to_real(value) if isinstance(value, str) else None


def _json_bool(value: Any) -> int | None:
    if isinstance(value, bool | int | float):
        return int(value != 0)
    return text_to_bool(value) if isinstance(value, str) else None


def _json_datetime(value: Any) -> int | None:
    if isinstance(value, str):
        return parse_datetime(value)
    if isinstance(value, int) and not isinstance(value, bool):
        return value if 0 <= value <= MAX_DATETIME else None
    return None


def _json_timespan(value: Any) -> int | None:
    if isinstance(value, str):
        return parse_timespan(value)
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _json_guid(value: Any) -> str | None:
    return _guid(value) if isinstance(value, str) else None


def _json_decimal(value: Any) -> Decimal | None:
    return (
        _decimal(str(value)) if isinstance(value, str | int | float) and not isinstance(value, bool) else None
    )


def _long_to_datetime(ticks: int) -> int | None:
    return ticks if 0 <= ticks <= MAX_DATETIME else None


def _real_to_datetime(ticks: float) -> int | None:
    whole = real_to_long(ticks)
    return None if whole is None else _long_to_datetime(whole)


def _to_text() -> list[Scalar]:
    return [
        Scalar("tostring", (S,), S, str),
        Scalar("tostring", (B,), S, lambda b: "True" if b else "False", suffix="bool"),
        Scalar("tostring", (L,), S, str, suffix="long"),
        Scalar("tostring", (R,), S, format_real, suffix="real"),
        Scalar("tostring", (N,), S, format_decimal, suffix="decimal"),
        Scalar("tostring", (T,), S, format_datetime_iso, suffix="datetime"),
        Scalar("tostring", (P,), S, format_timespan, suffix="timespan"),
        Scalar("tostring", (G,), S, str, suffix="guid"),
        Scalar("tostring", (D,), S, json_text, suffix="dynamic", strict=False),
    ]


def _to_json() -> list[Scalar]:
    return [
        Scalar("todynamic", (S,), D, lambda text: text, suffix="text"),
        Scalar("op_json", (B,), D, bool, suffix="bool"),
        Scalar("op_json", (L,), D, lambda x: x, suffix="long"),
        Scalar("op_json", (R,), D, lambda x: x, suffix="real"),
        Scalar("op_json", (N,), D, format_decimal, suffix="decimal"),
        Scalar("op_json", (T,), D, format_datetime_iso, suffix="datetime"),
        Scalar("op_json", (P,), D, format_timespan, suffix="timespan"),
        Scalar("op_json", (S,), D, lambda text: text, suffix="string"),
        Scalar("op_json", (G,), D, lambda text: text, suffix="guid"),
    ]


def _to_whole() -> list[Scalar]:
    return [
        Scalar("tolong", (S,), L, text_to_long),
        Scalar("tolong", (L,), L, lambda x: x, suffix="long"),
        Scalar("tolong", (B,), L, lambda x: x, suffix="bool"),
        Scalar("tolong", (R,), L, real_to_long, suffix="real"),
        Scalar("tolong", (N,), L, int, suffix="decimal"),
        Scalar("tolong", (T,), L, lambda x: x, suffix="datetime"),
        Scalar("tolong", (P,), L, lambda x: x, suffix="timespan"),
        Scalar("tolong", (D,), L, _json_long, suffix="dynamic"),
        Scalar("toint", (S,), I, lambda text: _int(text_to_long(text))),
        Scalar("toint", (I,), I, lambda x: x, suffix="int"),
        Scalar("toint", (B,), I, lambda x: x, suffix="bool"),
        Scalar("toint", (L,), I, _wrap_int, suffix="long"),
        Scalar("toint", (R,), I, _real_to_int, suffix="real"),
        Scalar("toint", (N,), I, lambda x: _wrap_int(int(x)), suffix="decimal"),
        Scalar("toint", (T,), I, _wrap_int, suffix="datetime"),
        Scalar("toint", (P,), I, _wrap_int, suffix="timespan"),
        Scalar("toint", (D,), I, _json_int, suffix="dynamic"),
        Scalar("tobool", (S,), B, text_to_bool),
        Scalar("tobool", (B,), B, lambda x: x, suffix="bool"),
        Scalar("tobool", (L,), B, lambda x: int(x != 0), suffix="long"),
        Scalar("tobool", (R,), B, lambda x: int(x != 0), suffix="real"),
        Scalar("tobool", (D,), B, _json_bool, suffix="dynamic"),
    ]


def _to_real() -> list[Scalar]:
    return [
        Scalar("todouble", (S,), R, text_to_real),
        Scalar("todouble", (L,), R, float, suffix="long", tame=True),
        Scalar("todouble", (B,), R, float, suffix="bool", tame=True),
        Scalar("todouble", (R,), R, lambda x: x, suffix="real"),
        Scalar("todouble", (N,), R, float, suffix="decimal"),
        Scalar("todouble", (T,), R, float, suffix="datetime", tame=True),
        Scalar("todouble", (P,), R, float, suffix="timespan", tame=True),
        Scalar("todouble", (D,), R, _json_real, suffix="dynamic"),
        Scalar("todecimal", (S,), N, _decimal),
        Scalar("todecimal", (L,), N, Decimal, suffix="long"),
        Scalar("todecimal", (N,), N, lambda x: x, suffix="decimal"),
        Scalar("todecimal", (R,), N, lambda x: Decimal(repr(x)) if math.isfinite(x) else None, suffix="real"),
        Scalar("todecimal", (D,), N, _json_decimal, suffix="dynamic"),
    ]


def _to_time() -> list[Scalar]:
    return [
        Scalar("todatetime", (S,), T, parse_datetime),
        Scalar("todatetime", (T,), T, lambda x: x, suffix="datetime"),
        Scalar("todatetime", (L,), T, _long_to_datetime, suffix="long"),
        Scalar("todatetime", (R,), T, _real_to_datetime, suffix="real"),
        Scalar("todatetime", (D,), T, _json_datetime, suffix="dynamic"),
        Scalar("totimespan", (S,), P, parse_timespan),
        Scalar("totimespan", (P,), P, lambda x: x, suffix="timespan"),
        Scalar("totimespan", (L,), P, lambda x: x, suffix="long"),
        Scalar("totimespan", (D,), P, _json_timespan, suffix="dynamic"),
        Scalar("toguid", (S,), G, _guid),
        Scalar("toguid", (G,), G, lambda x: x, suffix="guid"),
        Scalar("toguid", (D,), G, _json_guid, suffix="dynamic"),
    ]


def _number_only(value: Any) -> Any:
    return value if isinstance(value, int | float) and not isinstance(value, bool) else None


def _element_long(value: Any) -> int | None:
    number = _number_only(value)
    return None if number is None else _json_long(number)


def _element_real(value: Any) -> float | None:
    number = _number_only(value)
    return None if number is None else float(number)


def _elements() -> list[Scalar]:
    """What `mv-expand ... to typeof(...)` makes of an element."""
    return [
        Scalar("op_element", (D,), L, _element_long, suffix="long"),
        Scalar("op_element", (D,), I, lambda v: _int(_element_long(v)), suffix="int"),
        Scalar("op_element", (D,), R, _element_real, suffix="real"),
        Scalar("op_element", (D,), B, lambda v: v if isinstance(v, bool) else None, suffix="bool"),
        Scalar("op_element", (D,), T, _json_datetime, suffix="datetime"),
        Scalar("op_element", (D,), P, _json_timespan, suffix="timespan"),
        Scalar("op_element", (D,), G, _json_guid, suffix="guid"),
        Scalar("op_element", (D,), N, _json_decimal, suffix="decimal"),
    ]


def conversion_functions() -> tuple[Scalar, ...]:
    """The conversions."""
    return (*_to_text(), *_to_json(), *_to_whole(), *_to_real(), *_to_time(), *_elements())
