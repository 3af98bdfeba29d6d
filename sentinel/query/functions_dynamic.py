"""KQL's functions on dynamics: arrays, bags and what is in them.

Nothing here fails: what is not there, or not of the kind asked for, is null.
https://learn.microsoft.com/kusto/query/scalar-functions#dynamicarray-functions
"""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import partial
from itertools import pairwise
from typing import Any, Final

from sentinel.query.functions_arrays import array_functions, distinct, flat, identity, may_be_typed
from sentinel.query.functions_bags import bag_functions, json_steps, key_path
from sentinel.query.functions_convert import json_text
from sentinel.query.scalar import JSON, B, D, L, P, R, S, Scalar, T, Unanswerable
from sentinel.query.values import format_datetime_iso, format_timespan, read_json


def pick_key(value: Any, key: str) -> Any:
    """The value of a key of a bag."""
    return value.get(key) if isinstance(value, dict) else None


def pick_index(value: Any, index: int) -> Any:
    """An element of an array; negative places count from the end."""
    if not isinstance(value, list) or not -len(value) <= index < len(value):
        return None
    return value[index]


def pick_any(value: Any, key: Any) -> Any:
    """`value[key]` where only the row tells what key is."""
    if isinstance(key, str):
        return pick_key(value, key)
    if isinstance(key, int) and not isinstance(key, bool):
        return pick_index(value, key)
    return None


def _array_length(value: Any) -> int | None:
    return len(value) if isinstance(value, list) else None


def _set_union(*arrays: Any) -> Any:
    return distinct([value for array in arrays if isinstance(array, list) for value in array])


def _set_intersect(first: Any, *others: Any) -> Any:
    if not isinstance(first, list):
        return []
    kept = distinct(first)
    for other in others:
        known = {identity(value) for value in other} if isinstance(other, list) else set()
        kept = [value for value in kept if identity(value) in known]
    return kept


def _set_difference(first: Any, *others: Any) -> Any:
    if not isinstance(first, list):
        return []
    gone = {identity(value) for other in others if isinstance(other, list) for value in other}
    return [value for value in distinct(first) if identity(value) not in gone]


def _set_has_element(array: Any, value: Any) -> bool | None:
    if not isinstance(array, list):
        return None
    wanted = identity(value)
    return any(identity(one) == wanted for one in array)


def _array_concat(*arrays: Any) -> Any:
    return [value for array in arrays if isinstance(array, list) for value in array]


def _array_slice(array: Any, start: int, end: int) -> Any:
    if not isinstance(array, list):
        return None
    size = len(array)
    low = max(0, size + start) if start < 0 else start
    high = size + end if end < 0 else end
    return array[low : high + 1] if high >= 0 else []


def _array_index_of(
    array: Any, value: Any, start: int = 0, length: int = -1, occurrence: int = 1
) -> int | None:
    if not isinstance(array, list) or length < -1 or occurrence < 0:
        return None
    if start < 0:
        start = max(0, len(array) + start)
    end = len(array) if length < 0 else min(len(array), start + length)
    wanted = identity(value)
    for at in range(start, end):
        if identity(array[at]) == wanted:
            occurrence -= 1
            if occurrence <= 0:
                return at
    return -1


def _array_sum(array: Any) -> float | None:
    if not isinstance(array, list):
        return None
    numbers = [v for v in array if isinstance(v, int | float) and not isinstance(v, bool)]
    return float(sum(numbers)) if numbers and len(numbers) == len(array) else None


def _array_reverse(array: Any) -> Any:
    return array[::-1] if isinstance(array, list) else None


def _array_split(array: Any, places: Any) -> Any:
    if not isinstance(array, list):
        return None
    cuts = [places] if isinstance(places, int) else places
    if not isinstance(cuts, list):
        return None
    if not all(isinstance(cut, int) for cut in cuts):
        raise Unanswerable("array_split() at places that are no whole numbers")
    ends = [max(0, cut + len(array) if cut < 0 else cut) for cut in cuts]
    bounds = [0, *ends, len(array)]
    return [array[low:high] for low, high in pairwise(bounds)]


def _array_shift(array: Any, by: int | None, *fills: Any, sign: int = 1) -> Any:
    """The elements moved by so many places; the places left free hold the fill, null or the empty text by default."""
    if not isinstance(array, list) or by is None:
        return None
    by *= sign
    texts = sum(isinstance(one, str) for one in array)
    if not fills and by and 0 < texts < len(array):
        raise Unanswerable("a shift without a default of an array of texts and others")
    fill = fills[0] if fills else "" if texts else None
    size = len(array)
    return [array[i + by] if 0 <= i + by < size else fill for i in range(size)]


def _array_rotate(array: Any, by: int) -> Any:
    if not isinstance(array, list) or not array:
        return array if isinstance(array, list) else None
    by %= len(array)
    return array[by:] + array[:by]


def _array_iff(conditions: Any, yes: Any, no: Any) -> Any:
    if not isinstance(conditions, list):
        return None

    def choose(index: int, condition: Any) -> Any:
        if isinstance(condition, str) or condition is None:
            return None
        side = yes if condition else no
        return (side[index] if index < len(side) else None) if isinstance(side, list) else side

    return [choose(index, condition) for index, condition in enumerate(conditions)]


def _strcat_array(array: Any, delimiter: str) -> str:
    return delimiter.join(json_text(value) for value in array) if isinstance(array, list) else ""


def _bag_keys(bag: Any) -> Any:
    return list(bag) if isinstance(bag, dict) else None


def _bag_merge(*bags: Any) -> Any:
    found: dict[str, Any] = {}
    for bag in bags:
        if isinstance(bag, dict):
            for key, value in bag.items():
                found.setdefault(key, value)
    return found if any(isinstance(bag, dict) for bag in bags) else None


def _bag_has_key(bag: Any, key: str) -> bool | None:
    if not isinstance(bag, dict):
        return None
    found: Any = bag
    for step in key_path(key):
        if not isinstance(found, dict) or step not in found:
            return False
        found = found[step]
    return True


def _bag_pack(*parts: Any) -> Any:
    return dict(zip(map(json_text, parts[::2]), parts[1::2], strict=False))


def _pack_sparse(*parts: Any) -> Any:
    return {key: value for key, value in _bag_pack(*parts).items() if value is not None and value != ""}


def _zip(*arrays: Any) -> Any:
    lists = [array if isinstance(array, list) else [array] for array in arrays]
    longest = max(map(len, lists), default=0)
    return [[one[i] if i < len(one) else None for one in lists] for i in range(longest)]


def _range(start: Any, stop: Any, step: Any = 1) -> Any:
    if not all(isinstance(x, int | float) for x in (start, stop, step)) or not step:
        return None
    count = int((stop - start) / step + 1e-9) + 1
    return [start + i * step for i in range(max(0, min(count, _MOST)))]


_HOUR: Final = 36_000_000_000


def _range_times(show: Callable[[int], str], start: int, stop: int, step: int = _HOUR) -> Any:
    if not step:
        return None
    count = max(0, min((stop - start) // step + 1, _MOST))
    return [show(start + i * step) for i in range(count)]


def _in_array(value: Any, array: Any) -> bool:
    wanted = identity(value)
    return any(identity(one) == wanted for one in flat(array))


def _in_array_folded(value: Any, array: Any) -> bool:
    wanted = json_text(value).lower()
    return any(isinstance(one, str) and one.lower() == wanted for one in flat(array))


_MOST: Final = 1_048_576
"""Kusto's limit of elements in a dynamic array."""


def kind_of(value: Any) -> str:
    """The name `gettype` gives to a value in a dynamic."""
    if value is None:
        return "null"
    kinds: list[tuple[Any, str]] = [
        (bool, "bool"),
        (int, "long"),
        (float, "double"),
        (str, "string"),
        (list, "array"),
    ]
    return next((name for kind, name in kinds if isinstance(value, kind)), "dictionary")


def _sorted_json(value: Any) -> str:
    return json.dumps(value, sort_keys=True, ensure_ascii=False, separators=(",", ":"))


def _gettype(value: Any) -> str:
    if may_be_typed(value):
        raise Unanswerable("gettype() of a dynamic that may be a datetime, a timespan, a guid or a text")
    return kind_of(value)


def _treepath(value: Any) -> Any:
    found: list[str] = []

    def visit(one: Any, path: str) -> None:
        if isinstance(one, dict):
            for key, inner in one.items():
                found.append(f"{path}['{key}']")
                visit(inner, f"{path}['{key}']")
        elif isinstance(one, list):
            found.append(f"{path}[0]")
            for inner in one:
                visit(inner, f"{path}[0]")

    visit(value, "")
    return list(dict.fromkeys(found)) or None


def pick_path(value: Any, path: str) -> Any:
    """The value at a JSONPath made of names and indexes only."""
    if not path.startswith("$"):
        return None
    for step in json_steps(path):
        value = pick_index(value, step) if isinstance(step, int) else pick_key(value, step)
    return value


def _extract_json(path: str, text: str) -> Any:
    try:
        return pick_path(read_json(text), path)
    except ValueError:
        return None


def _arrays() -> list[Scalar]:
    return [
        Scalar("array_length", (D,), L, _array_length, reach=2**31),
        Scalar("array_concat", (D,), D, _array_concat, repeats=True, strict=False),
        Scalar("array_slice", (D, L, L), D, _array_slice),
        Scalar("array_index_of", (D, JSON, L, L, L), L, _array_index_of, optional=3),
        Scalar("array_sum", (D,), R, _array_sum),
        Scalar("array_reverse", (D,), D, _array_reverse),
        Scalar("array_split", (D, JSON), D, _array_split),
        Scalar("array_shift_left", (D, L, JSON), D, _array_shift, optional=1, strict=False),
        Scalar(
            "array_shift_right", (D, L, JSON), D, partial(_array_shift, sign=-1), optional=1, strict=False
        ),
        Scalar("array_rotate_left", (D, L), D, _array_rotate),
        Scalar("array_rotate_right", (D, L), D, lambda a, n: _array_rotate(a, -n)),
        Scalar("array_iff", (D, JSON, JSON), D, _array_iff, strict=False),
        Scalar("strcat_array", (D, S), S, _strcat_array),
        Scalar("pack_array", (JSON,), D, lambda *v: list(v), repeats=True, strict=False),
        Scalar("zip", (D, D), D, _zip, repeats=True, strict=False),
        Scalar("set_union", (D, D), D, _set_union, repeats=True, strict=False),
        Scalar("set_intersect", (D, D), D, _set_intersect, repeats=True, strict=False),
        Scalar("set_difference", (D, D), D, _set_difference, repeats=True, strict=False),
        Scalar("set_has_element", (D, JSON), B, _set_has_element),
    ]


def dynamic_functions() -> tuple[Scalar, ...]:
    """The functions on dynamics."""
    return (
        *_arrays(),
        *array_functions(),
        *bag_functions(),
        Scalar("op_key", (D, S), D, pick_key),
        Scalar("op_index", (D, L), D, pick_index),
        Scalar("op_pick", (D, D), D, pick_any),
        Scalar("op_gettype", (D,), S, _gettype, strict=False),
        Scalar("op_identity", (D,), S, identity),
        Scalar("bag_keys", (D,), D, _bag_keys),
        Scalar("bag_merge", (D, D), D, _bag_merge, repeats=True, strict=False),
        Scalar("bag_has_key", (D, S), B, _bag_has_key),
        Scalar("op_pack_sparse", (JSON,), D, _pack_sparse, repeats=True, strict=False),
        Scalar("bag_pack", (JSON, JSON), D, _bag_pack, repeats=True, strict=False),
        Scalar("dynamic_to_json", (D,), S, _sorted_json),
        Scalar("treepath", (D,), D, _treepath),
        Scalar("extract_json", (S, S), S, lambda path, text: json_text(_extract_json(path, text))),
        Scalar("op_range", (JSON, JSON, JSON), D, _range, optional=1),
        Scalar(
            "op_range",
            (T, T, P),
            D,
            partial(_range_times, format_datetime_iso),
            optional=1,
            suffix="datetime",
        ),
        Scalar("op_range", (P, P, P), D, partial(_range_times, format_timespan), suffix="timespan"),
        Scalar("op_in_array", (D, D), B, _in_array, strict=False, never_null=True),
        Scalar("op_in_array", (D, D), B, _in_array_folded, strict=False, suffix="folded", never_null=True),
    )
