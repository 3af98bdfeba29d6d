"""Settings from plain values into dataclasses, with every problem told at once."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from datetime import timedelta
from difflib import get_close_matches
from enum import StrEnum
from pathlib import Path
from types import MappingProxyType, NoneType, UnionType
from typing import Any, Final, Literal, TypeVar, get_args, get_origin, get_type_hints

from sentinel.clock import parse_span
from sentinel.config.secret import Secret

T = TypeVar("T")

_MISSING: Final = object()
"""What a value that cannot be used becomes, so that decoding goes on and finds the other problems."""


@dataclasses.dataclass(frozen=True, slots=True)
class Problem:
    """One setting that cannot be used: its dotted key and what is wrong with it."""

    key: str
    message: str

    def __str__(self) -> str:
        return f"{self.key}: {self.message}"


def decode(kind: type[T], values: Mapping[str, Any]) -> tuple[T | None, list[Problem]]:
    """The dataclass `kind` filled from `values`, and all problems found; `None` if there was one."""
    problems: list[Problem] = []
    decoded = _dataclass(kind, values, "", problems)
    return (None if problems or decoded is _MISSING else decoded), problems


def _value(kind: Any, value: Any, key: str, problems: list[Problem]) -> Any:
    origin, arguments = get_origin(kind), get_args(kind)
    if origin is UnionType:
        decoded = _union(kind, value, key, problems)
    elif origin is tuple:
        decoded = _tuple(arguments[0], value, key, problems)
    elif origin is Mapping:
        decoded = _mapping(arguments[1], value, key, problems)
    elif origin is Literal:
        decoded = _choice(arguments, value, key, problems)
    elif dataclasses.is_dataclass(kind):
        decoded = _dataclass(kind, value, key, problems)
    elif issubclass(kind, StrEnum):
        name = _choice(tuple(kind), value, key, problems)
        decoded = name if name is _MISSING else kind(name)
    else:
        decoded = _scalar(kind, value, key, problems)
    return decoded


def _scalar(kind: type, value: Any, key: str, problems: list[Problem]) -> Any:
    expected, accepts, make = _SCALARS[kind]
    if not isinstance(value, accepts) or (isinstance(value, bool) and kind is not bool):
        shown = "" if kind is Secret else f", not {_shown(value)}"
        problems.append(Problem(key, f"expected {expected}{shown}"))
        return _MISSING
    try:
        return make(value)
    except ValueError as error:
        problems.append(Problem(key, str(error)))
        return _MISSING


_SCALARS: Final[Mapping[type, tuple[str, type | tuple[type, ...], Callable[[Any], Any]]]] = MappingProxyType(
    {
        str: ("a text", str, str),
        int: ("a whole number", int, int),
        float: ("a number", (int, float), float),
        bool: ("true or false", bool, bool),
        timedelta: ("a duration such as 90s, 5m, 1h30m or 2d", str, parse_span),
        Path: ("a path", str, lambda text: Path(text).expanduser()),
        Secret: ("a text", str, Secret),
    }
)


def _shown(value: Any) -> str:
    if isinstance(value, Mapping):
        return "a table"
    return "a list" if isinstance(value, list) else repr(value)


def _choice(allowed: tuple[Any, ...], value: Any, key: str, problems: list[Problem]) -> Any:
    names = [str(name) for name in allowed]
    if value in names:
        return value
    near = get_close_matches(str(value), names, 1)
    hint = f"; did you mean {near[0]!r}?" if near else ""
    problems.append(Problem(key, f"expected one of {', '.join(names)}, not {_shown(value)}{hint}"))
    return _MISSING


def _tuple(kind: Any, value: Any, key: str, problems: list[Problem]) -> Any:
    if not isinstance(value, list):
        problems.append(Problem(key, f"expected a list, not {_shown(value)}"))
        return _MISSING
    return tuple(_value(kind, item, f"{key}[{index}]", problems) for index, item in enumerate(value))


def _mapping(kind: Any, value: Any, key: str, problems: list[Problem]) -> Any:
    if not isinstance(value, dict):
        problems.append(Problem(key, f"expected a table, not {_shown(value)}"))
        return _MISSING
    return MappingProxyType(
        {name: _value(kind, item, _dotted(key, name), problems) for name, item in value.items()}
    )


def _union(kind: Any, value: Any, key: str, problems: list[Problem]) -> Any:
    members = [member for member in get_args(kind) if member is not NoneType]
    if len(members) == 1:
        return _value(members[0], value, key, problems)
    by_kind = {get_args(get_type_hints(member)["kind"])[0]: member for member in members}
    if not isinstance(value, dict):
        problems.append(Problem(key, f"expected a table, not {_shown(value)}"))
        return _MISSING
    name = _choice(tuple(by_kind), value.get("kind"), f"{key}.kind", problems)
    return name if name is _MISSING else _dataclass(by_kind[name], value, key, problems)


def _dataclass(kind: Any, value: Any, key: str, problems: list[Problem]) -> Any:
    if not isinstance(value, Mapping):
        problems.append(Problem(key, f"expected a table, not {_shown(value)}"))
        return _MISSING
    hints = get_type_hints(kind)
    known = {field.name: field for field in dataclasses.fields(kind)}
    before = len(problems)
    for name in value:
        if name not in known:
            near = get_close_matches(name, known, 1)
            hint = f"did you mean {near[0]!r}?" if near else f"known here: {', '.join(known)}"
            problems.append(Problem(_dotted(key, name), f"unknown key; {hint}"))
    filled = {
        name: _value(hints[name], value[name], _dotted(key, name), problems)
        for name in known
        if name in value
    }
    for name, field in known.items():
        needed = field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING
        if needed and name not in value:
            problems.append(Problem(_dotted(key, name), "is needed here"))
    if len(problems) > before:
        return _MISSING
    try:
        return kind(**filled)
    except ValueError as error:
        problems.append(Problem(key or "the settings", str(error)))
        return _MISSING


def _dotted(key: str, name: str) -> str:
    return f"{key}.{name}" if key else name
