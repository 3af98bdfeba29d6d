"""What typed literals such as `datetime(2020-01-01)` or `int(null)` stand for."""

from __future__ import annotations

import json
import re
import uuid
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import Any, Final

from sentinel.clock import to_ticks
from sentinel.model.tables import KqlType
from sentinel.query.tokens import string_value
from sentinel.query.values import MAX_LONG, MIN_LONG, dump_json, parse_datetime, parse_timespan, wrap_long

Value = str | int | float | None

_QUOTED: Final = re.compile(r"""[hH]?@?(?:"[^"]*"|'[^']*')$""")
_DATE_PARTS: Final = re.compile(
    r"(\d+)\s*,\s*(\d+)\s*,\s*(\d+)(?:\s*,\s*(\d+)\s*,\s*(\d+)(?:\s*,\s*(\d+))?)?"
)
"""`datetime(2026, 11, 22)`, possibly with hours, minutes and seconds."""
_INT: Final = 2**31
_REALS: Final = {"nan": "nan", "+inf": "inf", "inf": "inf", "-inf": "-inf"}


def _unquoted(text: str) -> str:
    return string_value(text) if _QUOTED.match(text) else text


def _bool(text: str) -> Value:
    return {"true": 1, "1": 1, "false": 0, "0": 0}[_unquoted(text).lower()]


def _long(text: str) -> Value:
    value = int(_unquoted(text).replace(" ", ""), 0)
    if not MIN_LONG <= value <= (2 * MAX_LONG + 1 if "x" in text.lower() else MAX_LONG):
        raise ValueError(text)
    return wrap_long(value)


def _int(text: str) -> Value:
    value = int(_unquoted(text).replace(" ", ""), 0)
    if not -_INT <= value < _INT:
        raise ValueError(text)
    return value


def _real(text: str) -> Value:
    text = _unquoted(text).replace(" ", "")
    return float(_REALS.get(text.lower(), text))


def _decimal(text: str) -> Value:
    return f"{Decimal(_unquoted(text)):f}"


def _datetime(text: str) -> Value:
    parts = _DATE_PARTS.fullmatch(text)
    if parts is not None:
        try:
            return to_ticks(datetime(*map(int, parts.groups(default="0")), tzinfo=UTC))  # type: ignore[misc,arg-type]
        except OverflowError as error:
            raise ValueError(text) from error
    ticks = parse_datetime(_unquoted(text))
    if ticks is None:
        raise ValueError(text)
    return ticks


def _timespan(text: str) -> Value:
    ticks = parse_timespan(_unquoted(text))
    if ticks is None:
        raise ValueError(text)
    return ticks


def _guid(text: str) -> Value:
    return str(uuid.UUID(_unquoted(text)))


_INNER: Final = re.compile(
    r"""(?P<text>"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')
      |(?P<kind>datetime|timespan|time|real|double|long|int|bool|decimal|guid|dynamic)\s*\(\s*(?P<inside>[^()]*)\s*\)
      |(?P<span>(?<![\w.])\d+(?:\.\d+)?(?:ms|[dhms])\b)""",
    re.VERBOSE,
)


def _inner_json(match: re.Match[str]) -> str:
    if match["text"] is not None:
        return dump_json(string_value(match["text"]))
    if match["span"] is not None:
        return dump_json(json_of(KqlType.TIMESPAN, _timespan(match["span"])))
    kind = match["kind"]
    if kind == "dynamic":
        inside = match["inside"].strip()
        return _dynamic_text(inside) or "null"
    named = {"time": KqlType.TIMESPAN, "double": KqlType.REAL}
    literal = typed_literal(kind, match["inside"].strip())
    return dump_json(json_of(named.get(kind) or KqlType(kind), literal))


def _dynamic_text(text: str) -> str | None:
    while True:
        changed = _INNER.sub(_inner_json, text)
        if "dynamic(" not in changed or changed == text:
            break
        text = changed
    value: Any = json.loads(changed)
    return None if value is None else dump_json(value)


def json_of(kind: KqlType, value: Value) -> Any:
    """A constant as it stands inside a dynamic."""
    from sentinel.query.values import format_datetime_iso, format_timespan

    if value is None:
        return None
    if kind is KqlType.DATETIME:
        return format_datetime_iso(int(value))
    if kind is KqlType.TIMESPAN:
        return format_timespan(int(value))
    return bool(value) if kind is KqlType.BOOL else value


_READERS: Final[dict[str, Callable[[str], Value]]] = {
    "bool": _bool,
    "boolean": _bool,
    "int": _int,
    "long": _long,
    "real": _real,
    "double": _real,
    "decimal": _decimal,
    "datetime": _datetime,
    "date": _datetime,
    "timespan": _timespan,
    "time": _timespan,
    "guid": _guid,
    "dynamic": _dynamic_text,
    "string": _unquoted,
}


def typed_literal(kind: str, text: str) -> Value:
    """The value of `kind(text)` as the store keeps it, `None` for null.

    Raises:
        ValueError: The text is no such value.
    """
    if text.lower() == "null":
        return "" if kind == "string" else None
    try:
        return _READERS[kind](text)
    except (KeyError, InvalidOperation, RecursionError) as error:
        raise ValueError(text) from error
