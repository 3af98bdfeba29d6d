"""How Kusto names columns that the query leaves unnamed.

https://learn.microsoft.com/kusto/query/summarize-operator
"""

from __future__ import annotations

from typing import Final

from sentinel.model.tables import KqlType
from sentinel.query import tree

_KEEPS_ARGUMENT: Final = frozenset(
    {
        "abs",
        "acos",
        "asin",
        "atan",
        "atan2",
        "bin",
        "bin_auto",
        "bin_at",
        "binary_and",
        "binary_not",
        "binary_or",
        "binary_shift_left",
        "binary_shift_right",
        "binary_xor",
        "bitset_count_ones",
        "ceiling",
        "cos",
        "erf",
        "erfc",
        "exp",
        "exp10",
        "exp2",
        "floor",
        "format_bytes",
        "format_datetime",
        "format_timespan",
        "gamma",
        "log",
        "log10",
        "log2",
        "parse_csv",
        "loggamma",
        "parse_json",
        "parse_xml",
        "parsejson",
        "pow",
        "round",
        "series_fill_backward",
        "series_fill_const",
        "series_fill_forward",
        "series_fill_linear",
        "series_fir",
        "series_iir",
        "series_outliers",
        "sin",
        "split",
        "sqrt",
        "startofday",
        "tan",
        "tobool",
        "toboolean",
        "todatetime",
        "todecimal",
        "todouble",
        "todynamic",
        "toguid",
        "tohex",
        "toint",
        "tolong",
        "toobject",
        "toreal",
        "tostring",
        "totime",
        "totimespan",
    }
)
_SHAPED: Final = {
    "gettype": "type_{}",
    "strlen": "strlen_{}",
    "string_size": "string_size_{}",
    "treepath": "tree_{}",
    "repeat": "repeat_{}",
    "dcount_hll": "dcount_hll_{}",
    "percentile_tdigest": "percentile_tdigest_{}",
    "percentiles_array_tdigest": "percentile_tdigest_{}",
    "array_sort_asc": "{}_sorted",
    "array_sort_desc": "{}_sorted",
}
_FIXED: Final = {
    "hll_merge": "hll_merged_result",
    "tdigest_merge": "tdigests_merge_result",
    "merge_tdigest": "tdigests_merge_result",
}
"""The names of what merges several values; as aggregates the same functions take one."""
AGGREGATE_NAMES: Final = frozenset(
    [
        "count",
        "countif",
        "sum",
        "sumif",
        "avg",
        "avgif",
        "min",
        "minif",
        "max",
        "maxif",
        "dcount",
        "dcountif",
        "percentile",
        "percentiles",
        "arg_max",
        "arg_min",
        "make_list",
        "make_list_if",
        "make_list_with_nulls",
        "make_set",
        "make_set_if",
        "make_bag",
        "make_bag_if",
        "take_any",
        "take_anyif",
        "any",
        "anyif",
        "stdev",
        "stdevp",
        "stdevif",
        "variance",
        "variancep",
        "varianceif",
        "count_distinct",
        "count_distinctif",
        "makelist",
        "makeset",
        "argmax",
        "argmin",
        "percentiles_array",
        "percentilew",
        "percentilesw",
        "binary_all_and",
        "binary_all_or",
        "binary_all_xor",
        "percentilesw_array",
        "buildschema",
        "covariance",
        "covarianceif",
        "covariancep",
        "covariancepif",
        "variancepif",
        "hll",
        "hll_if",
        "hll_merge",
        "tdigest",
        "tdigest_merge",
        "merge_tdigest",
    ]
)


def argument_name(value: tree.Expression) -> str | None:
    """The name a value lends to what is computed from it, if it has one."""
    match value:
        case tree.Name(text=text):
            return text
        case tree.Member(of=tree.Name(text="$left" | "$right"), name=name):
            return name
        case tree.Member(of=of, name=name):
            before = argument_name(of)
            return f"{before}_{name}" if before else None
        case tree.Index(of=of, index=tree.Literal(type=KqlType.STRING | KqlType.LONG, value=key)):
            before = argument_name(of)
            return f"{before}_{key}" if before else None
        case tree.Call():
            return _call_name(value)
        case _:
            return None


def _call_name(call: tree.Call) -> str | None:
    if call.name in _FIXED and len(call.arguments) > 1:
        return _FIXED[call.name]
    if call.name in AGGREGATE_NAMES:
        return aggregate_name(call)
    if call.name in {"make_datetime", "make_timespan"} and len(call.arguments) == 1:
        return argument_name(call.arguments[0].value)
    inner = argument_name(call.arguments[0].value) if call.arguments else None
    if inner is None or call.name in _KEEPS_ARGUMENT:
        return inner if call.name in _KEEPS_ARGUMENT else None
    shape = _SHAPED.get(call.name)
    return shape.format(inner) if shape else None


def is_unnameable(value: tree.Expression) -> bool:
    """Whether Kusto makes up a name of its own for what is computed from a value."""
    if isinstance(value, tree.Call) and value.arguments:
        if value.name.startswith("covariance"):
            return not all(argument_name(argument.value) for argument in value.arguments[:2])
        if value.name in _PLAIN and value.name != "take_any":
            return not argument_name(value.arguments[0].value)
        named = value.name in _KEEPS_ARGUMENT or value.name in AGGREGATE_NAMES
        return named and is_unnameable(value.arguments[0].value)
    return isinstance(value, tree.Index) and not isinstance(value.index, tree.Literal)


_PREFIXES: Final = {
    "make_list": "list",
    "makelist": "list",
    "make_list_with_nulls": "list",
    "make_list_if": "list",
    "make_set": "set",
    "makeset": "set",
    "make_set_if": "set",
    "make_bag": "bag",
    "make_bag_if": "bag",
    "take_any": "any",
    "take_anyif": "anyif",
    "any": "any",
    "anyif": "anyif",
    "count_distinct": "count_distinct",
    "argmax": "max",
    "argmin": "min",
    "percentiles_array": "percentiles",
    "percentilesw_array": "percentiles",
    "buildschema": "schema",
    "tdigest_merge": "merge_tdigests",
    "merge_tdigest": "merge_tdigests",
}


_PLAIN: Final = frozenset({"take_any", "take_anyif", "binary_all_and", "binary_all_or", "binary_all_xor"})


def aggregate_name(call: tree.Call) -> str:
    """The name of an unnamed aggregate: `count_`, `sum_x`, `list_x`."""
    prefix = _PREFIXES.get(call.name, call.name)
    inner = argument_name(call.arguments[0].value) if call.arguments else None
    if call.name in _PLAIN and inner:
        return inner
    if call.name == "take_any":
        return "any_arg0"
    if call.name in {"percentile", "percentilew"} and len(call.arguments) > 1:
        percent = call.arguments[-1].value
        number = percent.value if isinstance(percent, tree.Literal) else 0
        return f"percentile_{inner or ''}_{percent_name(float(number or 0))}"
    if call.name.startswith("covariance") and len(call.arguments) > 1:
        return f"{prefix}_{inner or ''}_{argument_name(call.arguments[1].value) or ''}"
    return f"{prefix}_{inner or ''}"


def percent_name(percent: float) -> str:
    """A percentile as part of a name: `95`, `99_9`."""
    return f"{percent:.15g}".replace(".", "_")
