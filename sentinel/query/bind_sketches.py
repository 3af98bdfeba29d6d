"""Binding the aggregates that measure or keep all values: sketches, arrays of percentiles, schemas, covariance.

https://learn.microsoft.com/kusto/query/aggregation-functions
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sentinel.model.tables import KqlType
from sentinel.query import ir, tree

if TYPE_CHECKING:
    from sentinel.query.bind_calls import CallBinder

_LONG, _REAL, _TEXT, _DYNAMIC = KqlType.LONG, KqlType.REAL, KqlType.STRING, KqlType.DYNAMIC
_RANKED = frozenset({_LONG, _REAL, KqlType.INT, KqlType.DATETIME, KqlType.TIMESPAN})
SKETCHES = frozenset(
    ["hll", "hll_merge", "tdigest", "tdigest_merge", "merge_tdigest", "percentiles_array", "percentilesw_array",
     "buildschema", "covariance", "covariancep"]
)  # fmt: skip
"""The aggregates bound here."""


def _kind(value: ir.Expr) -> ir.Const:
    return ir.Const(_TEXT, "long" if value.type is KqlType.INT else value.type.value)


def _ranked(binder: CallBinder, node: tree.Call, value: ir.Expr) -> None:
    if value.type not in _RANKED:
        binder.fail(f"{node.name}() cannot rank a {value.type}", node.span)


def weighed(binder: CallBinder, node: tree.Call, weight: ir.Expr) -> ir.Expr:
    """The weight of a value, which is a whole number."""
    if weight.type not in {KqlType.INT, _LONG}:
        binder.fail(f"{node.name}() takes whole numbers for weights, not a {weight.type}", node.span)
    return weight


def _percentiles(
    binder: CallBinder, node: tree.Call, name: str, args: list[ir.Expr]
) -> tuple[KqlType, ir.Aggregation]:
    weight, wanted = (args[1], args[2:]) if name == "percentilesw_array" else (ir.Const(_LONG, 1), args[1:])
    if not wanted:
        binder.fail(f"{node.name}() takes percentages", node.span)
    _ranked(binder, node, args[0])
    parts = (_kind(args[0]), args[0], weighed(binder, node, weight), *map(binder.as_json, wanted))
    return _DYNAMIC, ir.Aggregation("kql_agg_percentiles", parts)


def sketch(
    binder: CallBinder, node: tree.Call, name: str, args: list[ir.Expr]
) -> tuple[KqlType, ir.Aggregation]:
    """The type and the computation of one of the aggregates bound here."""
    value = args[0]
    if name in {"percentiles_array", "percentilesw_array"}:
        return _percentiles(binder, node, name, args)
    if name == "hll":
        if value.type in {_REAL, KqlType.BOOL, KqlType.DECIMAL, _DYNAMIC}:
            binder.unsupported(f"hll() of a {value.type}", node.span)
        return _DYNAMIC, ir.Aggregation("kql_agg_hll", (_kind(value), value))
    if name == "tdigest":
        _ranked(binder, node, value)
        weight = args[1] if len(args) > 1 else ir.Const(_LONG, 1)
        return _DYNAMIC, ir.Aggregation(
            "kql_agg_tdigest", (_kind(value), value, weighed(binder, node, weight))
        )
    if name in {"covariance", "covariancep"}:
        pair = tuple(binder.convert(arg, _REAL) for arg in args)
        return _REAL, ir.Aggregation(f"kql_agg_{name}", pair)
    if value.type is not _DYNAMIC:
        binder.fail(f"{node.name}() takes a dynamic", node.span)
    return _DYNAMIC, ir.Aggregation("kql_agg_schema" if name == "buildschema" else "kql_agg_merge", (value,))
