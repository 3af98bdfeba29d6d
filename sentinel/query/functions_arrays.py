"""How elements of arrays compare, and KQL's functions that sort and compare arrays.

https://learn.microsoft.com/kusto/query/array-sort-asc-function
"""

from __future__ import annotations

import json
import re
from typing import Any, Final

from sentinel.query.scalar import JSON, B, D, L, R, Scalar, Unanswerable
from sentinel.query.values import parse_timespan


def identity(value: Any) -> str:
    """A text that is equal for equal dynamics."""
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return json.dumps(value, sort_keys=True, ensure_ascii=False)


def flat(value: Any) -> list[Any]:
    """The elements of an array, those of arrays within it in their place; of another value itself."""
    if not isinstance(value, list):
        return [value]
    return [element for one in value for element in flat(one)]


def distinct(values: list[Any]) -> list[Any]:
    """The elements without repetitions, in order of first appearance."""
    seen: dict[str, Any] = {}
    for value in values:
        seen.setdefault(identity(value), value)
    return list(seen.values())


_TYPED: Final = re.compile(
    r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{7}Z)|(-?(?:\d+\.)?\d\d:\d\d:\d\d(?:\.\d{7})?)"
    r"|([0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12})"
)
"""How a datetime, a timespan and a guid look once they are in a dynamic."""


def _typed_kind(value: Any) -> int:
    """Which of them an element may be, 0 for none."""
    match = _TYPED.fullmatch(value) if isinstance(value, str) else None
    return match.lastindex or 0 if match else 0


def may_be_typed(value: Any) -> bool:
    """Whether an element that is a text here may be a datetime, a timespan or a guid to Kusto."""
    return bool(_typed_kind(value))


def _check_sortable(elements: list[Any]) -> None:
    """Refuses elements whose order hangs on a type that is not known, or is not that of their texts."""
    kinds = set(map(_typed_kind, elements))
    if kinds <= {0}:
        return
    if len(kinds) > 1:
        raise Unanswerable("sorting an array of values that may be of several types")
    spans = [parse_timespan(text) or 0 for text in sorted(elements)]
    if kinds == {_A_SPAN} and spans != sorted(spans):
        raise Unanswerable("sorting an array of timespans")


_A_SPAN: Final = 2


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
    _check_sortable([array[at] for at in present])
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
