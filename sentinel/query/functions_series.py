"""KQL's functions on series: arrays of numbers.

https://learn.microsoft.com/kusto/query/scalar-functions#series-element-wise-functions
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable
from typing import Any, Final

from sentinel.query.functions_math import divide_real, power
from sentinel.query.scalar import JSON, B, D, L, P, R, Scalar, T, Unanswerable
from sentinel.query.values import format_datetime_iso, format_timespan

_MOST: Final = 1_048_576


def nearest_rank(values: list[tuple[Any, int]], percent: float) -> Any:
    """The smallest value below or at which at least `percent` of the weight lies."""
    ordered = sorted(values, key=lambda pair: (pair[0] == pair[0], pair[0]))  # NaN ranks lowest
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
    if constant is None:
        raise Unanswerable("series_fill_const() with null")
    return [constant if value == missing else value for value in series]


def _fill_linear(series: Any, missing: Any = None, edges: Any = True, constant: Any = 0.0) -> Any:  # noqa: FBT002 - as KQL calls it
    if not isinstance(series, list):
        return None
    known = [at for at, value in enumerate(series) if value != missing and _is_number(value)]
    if not known:
        return [constant] * len(series)
    found = list(series)
    whole = all(isinstance(value, int) for value in series if value is not None)
    if edges is None or (whole and isinstance(constant, float) and constant):
        raise Unanswerable("series_fill_linear() of whole numbers with a real, or with null for a bool,")
    for at, value in enumerate(series):
        if value != missing:
            continue
        before = max((k for k in known if k < at), default=None)
        after = min((k for k in known if k > at), default=None)
        if before is not None and after is not None:
            share = (at - before) / (after - before)
            filled = series[before] + (series[after] - series[before]) * share
            found[at] = int(filled) if whole else filled
        elif edges:
            found[at] = series[known[0] if before is None else known[-1]]
    return found


def _numbers(*series: Any) -> bool:
    return all(isinstance(one, list) and one and all(map(_is_number, one)) for one in series)


def _pearson(left: Any, right: Any) -> float | None:
    if not _numbers(left, right) or len(left) != len(right):
        return None
    mean_left, mean_right = sum(left) / len(left), sum(right) / len(right)
    covariance = sum((a - mean_left) * (b - mean_right) for a, b in zip(left, right, strict=True))
    spread = sum((a - mean_left) ** 2 for a in left) * sum((b - mean_right) ** 2 for b in right)
    return covariance / math.sqrt(spread) if spread else math.nan


def _stats(series: Any, only_finite: Any = 0) -> Any:
    if only_finite and isinstance(series, list):
        return _stats_among([at for at, value in enumerate(series) if _is_finite(value)], series)
    return _stats_among(list(range(len(series))), series) if _numbers(series) else None


def _is_finite(value: Any) -> bool:
    return _is_number(value) and math.isfinite(value)


def _stats_among(places: list[int], whole: list[Any]) -> Any:
    """The statistics of the values at some places."""
    if not places:
        return None
    series = [whole[at] for at in places]
    size, total = len(series), float(sum(series))
    mean = total / size
    variance = sum((v - mean) ** 2 for v in series) / (size - 1) if size > 1 else 0.0
    low, high = min(series), max(series)
    if any(places[series.index(one)] != series.index(one) for one in (low, high)):
        raise Unanswerable("the place of an extreme behind values that are left out")
    return {
        "min": float(low),
        "min_idx": series.index(low),
        "max": float(high),
        "max_idx": series.index(high),
        "avg": mean,
        "stdev": math.sqrt(variance),
        "variance": variance,
        "sum": total,
        "len": size,
    }


def _fit_line(series: Any) -> Any:
    """The least-squares line through a series, as a bag."""
    if not _numbers(series) or len(series) < 2:  # noqa: PLR2004 - a line needs two points
        return None
    size = len(series)
    mean_x, mean_y = (size - 1) / 2, sum(series) / size
    slope = sum((x - mean_x) * (y - mean_y) for x, y in enumerate(series)) / sum(
        (x - mean_x) ** 2 for x in range(size)
    )
    start = mean_y - slope * mean_x
    line = [start + slope * x for x in range(size)]
    total = sum((y - mean_y) ** 2 for y in series)
    rest = sum((y - fitted) ** 2 for y, fitted in zip(series, line, strict=True))
    return {
        "rsquare": 1 - rest / total if total else 1.0,
        "slope": slope,
        "variance": total / (size - 1),
        "rvariance": rest / (size - 1),
        "interception": start,
        "line_fit": line,
    }


def _pairwise(run: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
    """An operation on two series element by element; a number stands for a series of it."""

    def apply(left: Any, right: Any) -> Any:
        size = max(len(one) for one in (left, right) if isinstance(one, list))
        sides = [one if isinstance(one, list) else [one] * size for one in (left, right)]
        found = []
        for at in range(size):
            pair = [side[at] if at < len(side) else None for side in sides]
            found.append(run(*pair) if all(map(_is_number, pair)) else None)
        return found

    return apply


def _elementwise(run: Callable[[Any], Any]) -> Callable[[Any], Any]:
    def one(value: Any) -> Any:
        try:
            return run(value) if _is_number(value) else None
        except (ValueError, OverflowError) as error:
            if value == 0 or isinstance(error, OverflowError):
                raise Unanswerable("an infinite element of a series") from None
            return None

    return lambda series: [one(value) for value in series] if isinstance(series, list) else None


_PAIRWISE: Final[dict[str, Callable[[Any, Any], Any]]] = {
    "series_add": operator.add,
    "series_subtract": operator.sub,
    "series_multiply": operator.mul,
    "series_divide": lambda a, b: divide_real(float(a), float(b)),
    "series_pow": lambda a, b: power(float(a), float(b)),
    "series_equals": operator.eq,
    "series_not_equals": operator.ne,
    "series_less": operator.lt,
    "series_less_equals": operator.le,
    "series_greater": operator.gt,
    "series_greater_equals": operator.ge,
}
_ELEMENTWISE: Final[dict[str, Callable[[Any], Any]]] = {
    "series_abs": abs,
    "series_acos": math.acos,
    "series_asin": math.asin,
    "series_atan": math.atan,
    "series_cos": math.cos,
    "series_sin": math.sin,
    "series_tan": math.tan,
    "series_exp": math.exp,
    "series_log": math.log,
    "series_ceiling": lambda x: float(math.ceil(x)),
    "series_floor": lambda x: float(math.floor(x)),
    "series_sign": lambda x: (x > 0) - (x < 0),
}


def _bin_count(start: Any, stop: Any, step: Any) -> int | None:
    _check_step(step)
    if not math.isfinite(start) or not math.isfinite(stop):
        raise Unanswerable("make-series without a finite beginning and end")
    return (
        max(0, math.ceil((stop - start) / step))
        if isinstance(step, float)
        else max(0, int(-((start - stop) // step)))
    )


def _bin_number(value: Any, start: Any, step: Any) -> int:
    _check_step(step)
    return int((value - start) // step)


def _check_step(step: Any) -> None:
    if not 0 < step < math.inf:
        raise Unanswerable("make-series with a step that is not above 0")


def _axis(show: Callable[[Any], Any]) -> Callable[[Any, Any, int], Any]:
    return lambda start, step, size: [show(start + at * step) for at in range(min(size, _MOST))]


def _series_or(series: Any, size: int | None, default: Any) -> Any:
    if size is None:
        raise Unanswerable("make-series with an end or a step that is null")
    return series or [default] * min(size, _MOST)


def _making() -> list[Scalar]:
    """What `make-series` is made of."""
    return [
        Scalar("op_bin_count", (L, L, L), L, _bin_count),
        Scalar("op_bin_count", (R, R, R), L, _bin_count, suffix="real"),
        Scalar("op_bin_number", (L, L, L), L, _bin_number),
        Scalar("op_bin_number", (R, R, R), L, _bin_number, suffix="real"),
        Scalar("op_axis", (L, L, L), D, _axis(lambda v: v)),
        Scalar("op_axis", (R, R, L), D, _axis(lambda v: v), suffix="real"),
        Scalar("op_axis", (T, P, L), D, _axis(format_datetime_iso), suffix="datetime"),
        Scalar("op_axis", (P, P, L), D, _axis(format_timespan), suffix="timespan"),
        Scalar("op_series_or", (D, L, JSON), D, _series_or, strict=False),
    ]


def series_functions() -> tuple[Scalar, ...]:
    """The functions on series."""
    return (
        *_making(),
        *(Scalar(name, (JSON, JSON), D, _pairwise(run)) for name, run in _PAIRWISE.items()),
        *(Scalar(name, (D,), D, _elementwise(run)) for name, run in _ELEMENTWISE.items()),
        Scalar("series_fill_forward", (D, JSON), D, _fill_forward, optional=1, strict=False),
        Scalar("series_fill_backward", (D, JSON), D, _fill_backward, optional=1, strict=False),
        Scalar("series_fill_const", (D, JSON, JSON), D, _fill_const, optional=1, strict=False),
        Scalar("series_fill_linear", (D, JSON, B, JSON), D, _fill_linear, optional=3, strict=False),
        Scalar("series_pearson_correlation", (D, D), R, _pearson),
        Scalar("series_stats_dynamic", (D, B), D, _stats, optional=1),
        Scalar("series_fit_line_dynamic", (D,), D, _fit_line),
        Scalar("series_sum", (D,), R, lambda s: float(sum(s)) if _numbers(s) else None),
        Scalar("series_product", (D,), R, lambda s: float(math.prod(s)) if _numbers(s) else None),
    )
