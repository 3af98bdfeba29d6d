"""KQL's functions that change bags; a key that begins with `$` is a path into the bag.

https://learn.microsoft.com/kusto/query/bag-remove-keys-function
"""

from __future__ import annotations

import re
from typing import Any, Final

from sentinel.query.scalar import JSON, D, S, Scalar, Unanswerable

_STEP: Final = re.compile(r"""\.([A-Za-z_][\w-]*)|\[(?:'([^']*)'|"([^"]*)"|(\d+))\]""")


def json_steps(path: str) -> list[str | int]:
    """The keys and the places a JSONPath goes through, from the outside inwards.

    https://learn.microsoft.com/kusto/query/jsonpath
    """
    found: list[str | int] = []
    at = 1
    while at < len(path):
        match = _STEP.match(path, at)
        if match is None:
            raise Unanswerable(f"the path {path!r}")
        *keys, place = match.groups()
        found.append(int(place) if place else next(key for key in keys if key is not None))
        at = match.end()
    return found


def key_path(key: str) -> list[str]:
    """The keys a key goes through: one that begins with `$` is a path, without places in arrays."""
    steps = json_steps(key) if key.startswith("$") else [key]
    keys = [step for step in steps if isinstance(step, str)]
    if len(keys) < len(steps):
        raise Unanswerable(f"the path {key!r} into an array")
    return keys


def _without(value: Any, path: list[str]) -> Any:
    if not isinstance(value, dict) or not path:
        return value
    first, *rest = path
    if rest:
        return {key: _without(one, rest) if key == first else one for key, one in value.items()}
    return {key: one for key, one in value.items() if key != first}


def _remove_keys(bag: Any, keys: Any) -> Any:
    if not isinstance(bag, dict):
        return None
    for key in keys if isinstance(keys, list) else []:
        if isinstance(key, str):
            bag = _without(bag, key_path(key))
    return bag


def _with(value: Any, path: list[str], new: Any) -> Any:
    if not path:
        return new
    if value is not None and not isinstance(value, dict):
        raise Unanswerable("bag_set_key() within a value that is no bag")
    first, *rest = path
    bag = value or {}
    return {**bag, first: _with(bag.get(first), rest, new)}


def _set_key(bag: Any, key: str, value: Any) -> Any:
    return _with(bag, key_path(key), value) if isinstance(bag, dict) else None


def _zip(keys: Any, values: Any) -> Any:
    if not isinstance(keys, list):
        return None
    listed = values if isinstance(values, list) else []
    return {k: listed[i] if i < len(listed) else None for i, k in enumerate(keys) if isinstance(k, str)}


def bag_functions() -> tuple[Scalar, ...]:
    """The functions that change bags."""
    return (
        Scalar("bag_remove_keys", (D, D), D, _remove_keys),
        Scalar("bag_set_key", (D, S, JSON), D, _set_key),
        Scalar("bag_zip", (D, D), D, _zip),
    )
