"""How elements of arrays compare, and KQL's functions that sort and compare arrays.

https://learn.microsoft.com/kusto/query/array-sort-asc-function
"""

from __future__ import annotations

import json
from typing import Any

from sentinel.query.scalar import JSON, B, D, L, R, Scalar, Unanswerable


def identity(value: Any) -> str:
    """A text that is equal for equal dynamics."""
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return json.dumps(value, sort_keys=True, ensure_ascii=False)


def distinct(values: list[Any]) -> list[Any]:
    """The elements without repetitions, in order of first appearance."""
    seen: dict[str, Any] = {}
    for value in values:
        seen.setdefault(identity(value), value)
    return list(seen.values())


def _rank(value: Any) -> tuple[int, Any]:
    """Numbers before texts before anything else."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        return (0, value)
    if isinstance(value, str):
        return (1, value)
    return (2, identity(value))


def _order(array: list[Any], *, descending: bool, nulls_last: bool) -> list[int]:
    """The places of the elements in sorted order."""
    present = [at for at, value in enumerate(array) if value is not None]
    present.sort(key=lambda at: _rank(array[at]), reverse=descending)
    present.sort(key=lambda at: _rank(array[at])[0])
    nulls = [at for at, value in enumerate(array) if value is None]
    return [*present, *nulls] if nulls_last else [*nulls, *present]


def _array_sort(descending: int, nulls_last: int | None, first: Any, *others: Any) -> Any:
    """The arrays, the first of them sorted and the others in step with it; null where that cannot be."""
    if not isinstance(first, list):
        return [None] * (len(others) + 1)
    order = _order(first, descending=bool(descending), nulls_last=nulls_last != 0)
    fits = [isinstance(one, list) and len(one) == len(first) for one in (first, *others)]
    return [
        [one[at] for at in order] if fit else None for one, fit in zip((first, *others), fits, strict=True)
    ]


def _jaccard(left: Any, right: Any) -> float | None:
    if not isinstance(left, list) or not isinstance(right, list):
        return None
    a, b = set(map(identity, left)), set(map(identity, right))
    if not a | b:
        raise Unanswerable("jaccard_index() of two empty sets")
    return len(a & b) / len(a | b)


_MOST = 1_048_576


def _repeat(value: Any, count: int | None) -> Any:
    if count is None or count < 0:
        return None
    return [value] * min(count, _MOST)


def array_functions() -> tuple[Scalar, ...]:
    """The functions that sort and compare arrays."""
    return (
        Scalar("op_array_sort", (B, B, D), D, _array_sort, repeats=True, strict=False),
        Scalar("jaccard_index", (D, D), R, _jaccard),
        Scalar("repeat", (JSON, L), D, _repeat, strict=False),
    )
