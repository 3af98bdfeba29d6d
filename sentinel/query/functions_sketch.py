"""KQL's intermediate results of counting and ranking, kept whole: `hll`, `tdigest` and what reads them.

Kusto's are estimates in a form of its own that is not documented. These keep every value, so what is read from them
is exact; they can be merged and asked, but not be looked into.
https://learn.microsoft.com/kusto/query/hll-aggregation-function
"""

from __future__ import annotations

import json
from bisect import insort
from collections.abc import Iterable
from typing import Any, Final

from sentinel.query.functions_series import nearest_rank
from sentinel.query.scalar import ANY, JSON, D, L, R, Scalar, Unanswerable
from sentinel.query.values import format_datetime_iso, format_timespan, load_json

_MARK: Final = b"\0"
"""What a sketch begins with; no text does."""


class Sketch:
    """Collects values with their weights, and the type they have."""

    def __init__(self) -> None:
        self.kind = ""
        self.values: dict[Any, int] = {}

    def add(self, kind: str, value: Any, weight: int) -> None:
        """One more value."""
        if self.kind not in {"", kind}:
            raise Unanswerable("merging sketches of different types")
        self.kind = kind
        self.values[value] = self.values.get(value, 0) + weight

    def merge(self, held: Any) -> None:
        """All the values of another sketch."""
        kind, pairs = opened(held)
        for value, weight in pairs:
            self.add(kind, value, weight)

    def close(self) -> bytes:
        """The sketch as a value of a row."""
        return _MARK + json.dumps([self.kind, list(self.values.items())]).encode()


def opened(held: Any) -> tuple[str, list[tuple[Any, int]]]:
    """The type of the values of a sketch, and each value with its weight."""
    if not isinstance(held, bytes) or not held.startswith(_MARK):
        raise Unanswerable("a sketch that was not made by this query")
    kind, pairs = json.loads(held[1:])
    return kind, [(value, weight) for value, weight in pairs]


def _count_step(state: Sketch, kind: str, value: Any) -> None:
    if value is not None:
        state.add(kind, value.hex() if isinstance(value, bytes) else value, 1)


def _rank_step(state: Sketch, kind: str, value: Any, weight: int | None) -> None:
    if isinstance(value, bytes):
        raise Unanswerable("a tdigest of NaN")
    if value is not None and weight is not None and weight > 0:
        state.add(kind, value, weight)


def _merge_step(state: Sketch, held: Any) -> None:
    if held is not None:
        state.merge(held)


def _merged(*held: Any) -> bytes:
    state = Sketch()
    for one in held:
        if one is not None:
            state.merge(one)
    return state.close()


def _shown(kind: str, value: Any) -> Any:
    """A value as it stands in a dynamic."""
    if kind == "datetime":
        return format_datetime_iso(value)
    return format_timespan(value) if kind == "timespan" else value


def _percentile(held: Any, percent: float) -> Any:
    kind, pairs = opened(held)
    return _shown(kind, nearest_rank(pairs, percent)) if pairs else None


def _percents(wanted: Iterable[Any]) -> list[float]:
    """Percentages given one by one or as arrays."""
    listed = [one for value in wanted for one in (value if isinstance(value, list) else [value])]
    if not all(isinstance(one, int | float) and not isinstance(one, bool) for one in listed):
        raise Unanswerable("a percentage that is no number")
    return [float(one) for one in listed]


def _percentiles(held: Any, *wanted: Any) -> Any:
    return [_percentile(held, percent) for percent in _percents(wanted)]


def _rank(held: Any, value: float) -> float:
    kind, pairs = opened(held)
    if kind not in {"long", "real"}:
        raise Unanswerable(f"the rank of a {kind}")
    return float(sum(weight for one, weight in pairs if one <= value))


def _percent_rank(held: Any, value: float) -> float | None:
    total = sum(weight for _, weight in opened(held)[1])
    return _rank(held, value) * 100 / total if total else None


class _Ranked:
    """Collects values with weights, their type, and the percentiles asked for."""

    def __init__(self) -> None:
        self.kind = ""
        self.values: list[tuple[Any, int]] = []
        self.wanted: list[float] = []


def _array_step(state: _Ranked, kind: str, value: Any, weight: int | None, *wanted: str) -> None:
    if not state.wanted:
        state.kind = kind
        state.wanted = _percents(map(load_json, wanted))
    if isinstance(value, bytes):
        raise Unanswerable("percentiles of NaN")
    if value is not None and weight is not None and weight > 0:
        state.values.append((value, weight))


def _array_final(state: _Ranked) -> str | None:
    if not state.values:
        return None
    found = [_shown(state.kind, nearest_rank(state.values, percent)) for percent in state.wanted]
    return json.dumps(found, separators=(",", ":"))


class _Schema:
    """The types seen at one place of dynamics: plain ones, those of keys of bags and those of elements."""

    def __init__(self) -> None:
        self.plain: list[str] = []
        self.keys: dict[str, _Schema] = {}
        self.elements: _Schema | None = None

    def add(self, value: Any) -> None:
        """One more value at this place."""
        names: dict[type, str] = {bool: "bool", int: "long", float: "double", str: "string"}
        if isinstance(value, dict):
            for key, inner in value.items():
                self.keys.setdefault(key, _Schema()).add(inner)
        elif isinstance(value, list):
            self.elements = self.elements or _Schema()
            for inner in value:
                self.elements.add(inner)
        elif type(value) not in names:
            raise Unanswerable("the schema of a null")
        elif names[type(value)] not in self.plain:
            self.plain.append(names[type(value)])

    def shown(self) -> Any:
        """The schema as `buildschema` writes it."""
        if self.keys and self.elements is not None:
            raise Unanswerable("the schema of bags and arrays in one place")
        ordered: list[str] = []
        for name in self.plain:
            insort(ordered, name)
        if ordered != self.plain:
            raise Unanswerable("a schema of types in this order")
        found: list[Any] = [*ordered]
        if self.keys:
            found.insert(0, {key: inner.shown() for key, inner in self.keys.items()})
        if self.elements is not None:
            found.insert(0, {"`indexer`": self.elements.shown()})
        return found[0] if len(found) == 1 else found


def _schema_step(state: _Schema, value: str | None) -> None:
    if value is not None:
        state.add(load_json(value))


def sketch_aggregates() -> dict[str, tuple[Any, Any, Any]]:
    """The aggregates to register, by their SQL name."""
    return {
        "kql_agg_hll": (Sketch, _count_step, Sketch.close),
        "kql_agg_tdigest": (Sketch, _rank_step, Sketch.close),
        "kql_agg_merge": (Sketch, _merge_step, Sketch.close),
        "kql_agg_percentiles": (_Ranked, _array_step, _array_final),
        "kql_agg_schema": (_Schema, _schema_step, lambda state: json.dumps(state.shown())),
    }


def sketch_functions() -> tuple[Scalar, ...]:
    """The functions that merge and read sketches."""
    return (
        *(
            Scalar(name, (ANY, ANY), D, _merged, repeats=True, strict=False)
            for name in ("hll_merge", "tdigest_merge", "merge_tdigest")
        ),
        Scalar("dcount_hll", (ANY,), L, lambda held: len(opened(held)[1])),
        Scalar("percentile_tdigest", (ANY, R), D, _percentile),
        Scalar("percentiles_array_tdigest", (ANY, JSON), D, _percentiles, repeats=True),
        Scalar("rank_tdigest", (ANY, R), R, _rank),
        Scalar("percentrank_tdigest", (ANY, R), R, _percent_rank),
    )
