"""KQL's aggregates that SQL has not, as step-and-final pairs.

https://learn.microsoft.com/kusto/query/aggregation-functions
"""

from __future__ import annotations

import math
from collections.abc import Callable
from decimal import Decimal
from functools import reduce
from typing import Any, Final

from sentinel.query.functions_arrays import identity
from sentinel.query.functions_series import nearest_rank
from sentinel.query.functions_sketch import sketch_aggregates
from sentinel.query.scalar import Unanswerable
from sentinel.query.values import DECIMALS, dump_json, format_decimal, load_json, wrap_long

NAN: Final = b"NaN"
"""How NaN travels through SQLite, which has none."""

Aggregate = tuple[Any, Callable[..., None], Callable[[Any], Any]]


def plain_real(value: Any) -> float:
    """A number as SQLite holds it, with NaN for its stand-in."""
    return math.nan if value == NAN else float(value)


def held_real(value: float) -> float | bytes:
    """A real number as SQLite can hold it."""
    return NAN if value != value else value  # noqa: PLR0124 - only NaN differs from itself


class _Numbers:
    """Collects numbers."""

    def __init__(self) -> None:
        self.values: list[Any] = []


def _collect(state: _Numbers, value: Any, *_: Any) -> None:
    if value is not None:
        state.values.append(value)


def _sum_long(state: _Numbers) -> int:
    return wrap_long(sum(state.values))


def _sum_real(state: _Numbers) -> Any:
    total = 0.0
    for value in state.values:
        total += plain_real(value)
    return held_real(total)


def _average(state: _Numbers) -> Any:
    if not state.values:
        return NAN
    return held_real(sum(map(plain_real, state.values)) / len(state.values))


def _total(state: _Numbers) -> Decimal:
    return reduce(DECIMALS.add, map(Decimal, state.values), Decimal(0))


def _sum_decimal(state: _Numbers) -> str:
    return format_decimal(_total(state))


def _average_decimal(state: _Numbers) -> str | None:
    if not state.values:
        return None
    return format_decimal(DECIMALS.divide(_total(state), Decimal(len(state.values))))


def _least_decimal(state: _Numbers) -> str | None:
    return format_decimal(min(map(Decimal, state.values))) if state.values else None


def _most_decimal(state: _Numbers) -> str | None:
    return format_decimal(max(map(Decimal, state.values))) if state.values else None


def _extreme(better: Callable[[float, float], bool]) -> Callable[[_Numbers], Any]:
    def final(state: _Numbers) -> Any:
        found: float | None = None
        for held in state.values:
            value = plain_real(held)
            if found is None or math.isnan(found) or better(value, found):
                found = value
        return None if found is None else held_real(found)

    return final


class _Moments:
    """Welford's running mean and squared distance."""

    def __init__(self) -> None:
        self.count = 0
        self.mean = 0.0
        self.squares = 0.0


def _moment_step(state: _Moments, value: Any) -> None:
    if value is None:
        return
    number = plain_real(value)
    state.count += 1
    delta = number - state.mean
    state.mean += delta / state.count
    state.squares += delta * (number - state.mean)


def _variance(state: _Moments, less: int) -> float:
    return state.squares / (state.count - less) if state.count > less else 0.0


def _rounded(value: float) -> Any:
    return held_real(round(value, 10) if math.isfinite(value) else value)


_MOMENT_FINALS: Final[dict[str, Callable[[_Moments], Any]]] = {
    "kql_agg_variance": lambda s: _rounded(_variance(s, 1)),
    "kql_agg_variancep": lambda s: _rounded(_variance(s, 0)),
    "kql_agg_stdev": lambda s: held_real(math.sqrt(_variance(s, 1))),
    "kql_agg_stdevp": lambda s: held_real(math.sqrt(_variance(s, 0))),
}


class _Pairs:
    """Collects pairs of numbers."""

    def __init__(self) -> None:
        self.values: list[tuple[float, float]] = []


def _pair_step(state: _Pairs, left: Any, right: Any) -> None:
    if left is not None and right is not None:
        state.values.append((plain_real(left), plain_real(right)))


def _covariance(state: _Pairs, less: int) -> Any:
    size = len(state.values)
    if size <= less:
        raise Unanswerable("the covariance of so few values")
    mean_left, mean_right = (sum(side) / size for side in zip(*state.values, strict=True))
    total = sum((left - mean_left) * (right - mean_right) for left, right in state.values)
    return held_real(total / (size - less))


MOST_COLLECTED: Final = 1_048_576
"""How many values a list, a set, a bag or a series holds at most."""


class _Texts:
    """Collects JSON texts."""

    def __init__(self) -> None:
        self.values: list[str] = []
        self.seen: set[str] = set()
        self.texts: set[str] = set()
        self.limit = MOST_COLLECTED


def _list_step(state: _Texts, value: str | None, limit: int | None = None) -> None:
    if limit is not None:
        state.limit = min(limit, MOST_COLLECTED)
    if isinstance(value, bytes):
        raise Unanswerable("a list of sketches")
    if value is not None and len(state.values) < state.limit:
        state.values.append(value)


def _list_nulls_step(state: _Texts, value: str | None) -> None:
    if isinstance(value, bytes):
        raise Unanswerable("a list of sketches")
    if len(state.values) < state.limit:
        state.values.append("null" if value is None else value)


def _set_step(state: _Texts, value: str | None, limit: int | None = None) -> None:
    if limit is not None:
        state.limit = min(limit, MOST_COLLECTED)
    if value is None or value in state.texts:
        return
    state.texts.add(value)
    inner = load_json(value)
    for one in inner if isinstance(inner, list) else [inner]:
        key = identity(one)
        if key not in state.seen and len(state.values) < state.limit:
            state.seen.add(key)
            state.values.append(dump_json(one))


def _flat_list_step(state: _Texts, value: str | None, limit: int | None = None) -> None:
    inner = None if value is None else load_json(value)
    for one in inner if isinstance(inner, list) else [inner]:
        _list_step(state, dump_json(one), limit)


def _list_final(state: _Texts) -> str:
    return f"[{','.join(state.values)}]"


def _bag_step(state: dict[str, Any], value: str | None, limit: int | None = None) -> None:
    most = MOST_COLLECTED if limit is None else min(limit, MOST_COLLECTED)
    inner = load_json(value) if value is not None else None
    if isinstance(inner, dict):
        for key, one in inner.items():
            if len(state) < most:
                state.setdefault(key, one)


def _distinct_step(state: set[Any], value: Any, *_: Any) -> None:
    if value is not None:
        state.add(value)


class _Ranked:
    """Collects values with weights, and the percentiles asked for."""

    def __init__(self) -> None:
        self.values: list[tuple[Any, int]] = []
        self.wanted: tuple[float, ...] = ()


def _rank_step(state: _Ranked, value: Any, weight: int | None, *wanted: float) -> None:
    state.wanted = wanted
    if value is not None and weight is not None and weight > 0:
        state.values.append((math.nan if value == NAN else value, weight))


def _percentile(state: _Ranked) -> Any:
    if not state.values:
        return None
    found = nearest_rank(state.values, state.wanted[0])
    return NAN if found != found else found  # noqa: PLR0124 - only NaN differs from itself


class _Held:
    """Holds the best, or the first, value seen."""

    def __init__(self) -> None:
        self.empty = True
        self.rank: Any = None
        self.value: Any = None


def _first_step(state: _Held, value: Any) -> None:
    if state.empty:
        state.empty = False
        state.value = value


def _any_step(state: _Held, value: Any) -> None:
    if state.value is None or (state.value == "" and value):
        state.value = value


def _arg_step(better: Callable[[Any, Any], bool]) -> Callable[[_Held, Any, Any], None]:
    def step(state: _Held, rank: Any, value: Any) -> None:
        if rank == NAN:
            rank = None
        if state.empty or (rank is not None and (state.rank is None or better(rank, state.rank))):
            state.empty, state.rank, state.value = False, rank, value

    return step


def _held(state: _Held) -> Any:
    return state.value


def _average_ticks(state: _Numbers) -> int | None:
    return sum(state.values) // len(state.values) if state.values else None


def _binary(operation: Callable[[int, int], int]) -> Callable[[_Numbers], int | None]:
    def final(state: _Numbers) -> int | None:
        if not state.values:
            return None
        found: int = state.values[0]
        for value in state.values[1:]:
            found = operation(found, value)
        return found

    return final


class _Series:
    """The values of the bins of one series."""

    def __init__(self) -> None:
        self.bins: dict[int, str] = {}
        self.size = 0
        self.default = "null"


def _series_step(
    state: _Series, index: int | None, value: str | None, size: int | None, default: str | None
) -> None:
    state.size = size or 0
    state.default = "null" if default is None else default
    if index is not None:
        state.bins[index] = "null" if value is None else value


def _series_final(state: _Series) -> str:
    size = min(state.size, MOST_COLLECTED)
    return f"[{','.join(state.bins.get(i, state.default) for i in range(size))}]"


def aggregates() -> dict[str, Aggregate]:
    """The aggregates to register, by their SQL name."""
    numbers: dict[str, Callable[[_Numbers], Any]] = {
        "kql_agg_sum_long": _sum_long,
        "kql_agg_sum_real": _sum_real,
        "kql_agg_avg": _average,
        "kql_agg_avg_ticks": _average_ticks,
        "kql_agg_sum_decimal": _sum_decimal,
        "kql_agg_avg_decimal": _average_decimal,
        "kql_agg_min_decimal": _least_decimal,
        "kql_agg_max_decimal": _most_decimal,
        "kql_agg_min_real": _extreme(lambda a, b: a < b),
        "kql_agg_max_real": _extreme(lambda a, b: a > b),
        "kql_agg_and": _binary(lambda a, b: a & b),
        "kql_agg_or": _binary(lambda a, b: a | b),
        "kql_agg_xor": _binary(lambda a, b: a ^ b),
    }
    return {
        **{name: (_Numbers, _collect, final) for name, final in numbers.items()},
        **{name: (_Moments, _moment_step, final) for name, final in _MOMENT_FINALS.items()},
        "kql_agg_first": (_Held, _first_step, _held),
        "kql_agg_any": (_Held, _any_step, _held),
        "kql_agg_arg_max": (_Held, _arg_step(lambda a, b: a > b), _held),
        "kql_agg_arg_min": (_Held, _arg_step(lambda a, b: a < b), _held),
        "kql_agg_list": (_Texts, _list_step, _list_final),
        "kql_agg_list_flat": (_Texts, _flat_list_step, _list_final),
        "kql_agg_list_nulls": (_Texts, _list_nulls_step, _list_final),
        "kql_agg_set": (_Texts, _set_step, _list_final),
        "kql_agg_bag": (dict, _bag_step, dump_json),
        "kql_agg_dcount": (set, _distinct_step, len),
        "kql_agg_percentile": (_Ranked, _rank_step, _percentile),
        "kql_agg_covariance": (_Pairs, _pair_step, lambda s: _covariance(s, 1)),
        "kql_agg_covariancep": (_Pairs, _pair_step, lambda s: _covariance(s, 0)),
        **sketch_aggregates(),
        "kql_agg_series": (_Series, _series_step, _series_final),
    }
