"""KQL's functions on series: arrays of numbers.

https://learn.microsoft.com/kusto/query/scalar-functions#series-element-wise-functions
"""

from __future__ import annotations

import math
from typing import Any

from sentinel.query.scalar import JSON, D, Scalar


def nearest_rank(values: list[tuple[Any, int]], percent: float) -> Any:
    """The smallest value below or at which at least `percent` of the weight lies."""
    ordered = sorted(values, key=lambda pair: pair[0])
    total = sum(weight for _, weight in ordered)
    needed = total * percent / 100
    reached = 0
    for value, weight in ordered:
        reached += weight
        if reached >= needed - 1e-9 * total:
            return value
    return ordered[-1][0]


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _fill_forward(series: Any, missing: Any = None) -> Any:
    if not isinstance(series, list):
        return None
    found: list[Any] = []
    last = missing
    for value in series:
        last = last if value == missing else value
        found.append(last)
    return found


def _fill_backward(series: Any, missing: Any = None) -> Any:
    filled = _fill_forward(series[::-1], missing) if isinstance(series, list) else None
    return None if filled is None else filled[::-1]


def _fill_const(series: Any, constant: Any, missing: Any = None) -> Any:
    if not isinstance(series, list):
        return None
    return [constant if value == missing else value for value in series]


def _pearson(left: Any, right: Any) -> float | None:
    if not isinstance(left, list) or not isinstance(right, list) or len(left) != len(right) or not left:
        return None
    if not all(map(_is_number, [*left, *right])):
        return None
    mean_left, mean_right = sum(left) / len(left), sum(right) / len(right)
    covariance = sum((a - mean_left) * (b - mean_right) for a, b in zip(left, right, strict=True))
    spread = sum((a - mean_left) ** 2 for a in left) * sum((b - mean_right) ** 2 for b in right)
    return covariance / math.sqrt(spread) if spread else math.nan


def series_functions() -> tuple[Scalar, ...]:
    """The functions on series."""
    return (
        Scalar("series_fill_forward", (D, JSON), D, _fill_forward, optional=1),
        Scalar("series_fill_backward", (D, JSON), D, _fill_backward, optional=1),
        Scalar("series_fill_const", (D, JSON, JSON), D, _fill_const, optional=1),
    )
