"""How Kusto names columns that the query leaves unnamed.

https://learn.microsoft.com/kusto/query/summarize-operator
"""

from __future__ import annotations

from typing import Final

from sentinel.model.tables import KqlType
from sentinel.query import tree

_KEEPS_ARGUMENT: Final = frozenset(
    [
        "tostring",
        "toint",
        "tolong",
        "todouble",
        "toreal",
        "tobool",
        "toboolean",
        "todatetime",
        "totimespan",
        "todecimal",
        "toguid",
        "bin",
        "floor",
        "ceiling",
        "round",
        "abs",
        "split",
        "parse_json",
        "todynamic",
        "startofday",
        "startofweek",
        "startofmonth",
        "startofyear",
        "endofday",
        "endofweek",
        "endofmonth",
        "endofyear",
        "format_datetime",
        "format_timespan",
        "sqrt",
        "log",
        "log2",
        "log10",
        "exp",
        "exp2",
        "exp10",
        "bin_at",
    ]
)
_RENAMED: Final = {"gettype": "type"}


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
            before = argument_name(of) if isinstance(of, tree.Name | tree.Member | tree.Index) else None
            return f"{before}_{key}" if before else None
        case tree.Call(name=name, arguments=(first, *_)) if name in _KEEPS_ARGUMENT:
            return argument_name(first.value)
        case _:
            return None


def scalar_name(value: tree.Expression) -> str | None:
    """The name of an unnamed scalar expression, `None` for one that is only numbered."""
    known = argument_name(value)
    if known is not None:
        return known
    if isinstance(value, tree.Call) and len(value.arguments) == 1:
        inner = argument_name(value.arguments[0].value)
        return f"{_RENAMED.get(value.name, value.name)}_{inner}" if inner else None
    return None


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
}


def aggregate_name(call: tree.Call) -> str:
    """The name of an unnamed aggregate: `count_`, `sum_x`, `list_x`."""
    prefix = _PREFIXES.get(call.name, call.name)
    inner = argument_name(call.arguments[0].value) if call.arguments else None
    return f"{prefix}_{inner or ''}"


def percent_name(percent: float) -> str:
    """A percentile as part of a name: `95`, `99_9`."""
    return f"{percent:g}".replace(".", "_")
