"""Functions that look at their arguments as they are written: columns by name, tables, types, several results.

https://learn.microsoft.com/kusto/query/scalar-functions
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import cache
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from sentinel.model.tables import KqlType
from sentinel.query import ir, tree
from sentinel.query.bind_expressions import call_form, registered, truth
from sentinel.query.naming import argument_name

if TYPE_CHECKING:
    from sentinel.query.bind_calls import CallBinder
    from sentinel.query.bind_context import Place

_BOOL, _LONG, _REAL, _TEXT, _DYNAMIC = (
    KqlType.BOOL,
    KqlType.LONG,
    KqlType.REAL,
    KqlType.STRING,
    KqlType.DYNAMIC,
)

Form = Callable[["CallBinder", tree.Call, "Place"], ir.Expr]
Parts = list[tuple[str, ir.Expr]]


def _arguments(binder: CallBinder, node: tree.Call, place: Place) -> tuple[ir.Expr, ...]:
    return tuple(binder.expression(argument.value, place) for argument in node.arguments)


def _column_names_of(binder: CallBinder, node: tree.Call, place: Place) -> ir.Expr:
    if len(node.arguments) != 1:
        binder.fail("column_names_of() takes one table", node.span)
    value = node.arguments[0].value
    pipeline = value if isinstance(value, tree.Pipeline) else tree.Pipeline(value.span, value, ())
    rows = binder.pipeline(pipeline, replace(place, columns=()))
    names = tuple(ir.Const(_TEXT, column.name) for column in rows.columns)
    return call_form(registered("pack_array"), tuple(map(binder.as_json, names)))


def _bag_pack_columns(binder: CallBinder, node: tree.Call, place: Place) -> ir.Expr:
    parts: list[ir.Expr] = []
    for argument in node.arguments:
        value = binder.expression(argument.value, place)
        if not isinstance(value, ir.Ref):
            binder.fail("bag_pack_columns() takes columns", argument.value.span)
        parts += [ir.Const(_TEXT, value.col.name), value]
    if not parts:
        binder.fail("bag_pack_columns() takes columns", node.span)
    return call_form(registered("bag_pack"), tuple(map(binder.as_json, parts)))


def _column_ifexists(binder: CallBinder, node: tree.Call, place: Place) -> ir.Expr:
    values = [argument.value for argument in node.arguments]
    name = binder.expression(values[0], place) if len(values) == 2 else None  # noqa: PLR2004
    if not isinstance(name, ir.Const) or name.type is not _TEXT:
        binder.fail("column_ifexists() takes the name of a column and a value to give instead", node.span)
    column = place.column(str(name.value))
    return binder.expression(values[1], place) if column is None else ir.Ref(column)


def _typed(binder: CallBinder, node: tree.Call, place: Place) -> ir.Expr:
    """A call whose last argument may say which type to give."""
    name = "extract_json" if node.name == "extractjson" else node.name
    last = node.arguments[-1].value if node.arguments else None
    if not isinstance(last, tree.TypeOf):
        return binder.resolve(node, name, _arguments(binder, node, place))
    plain = replace(node, arguments=node.arguments[:-1])
    found = binder.resolve(plain, name, _arguments(binder, plain, place))
    if last.type is _DYNAMIC and found.type is not _DYNAMIC:
        binder.unsupported(
            f"{node.name}() with typeof(dynamic)", last.span, "parse_json(...) reads a dynamic"
        )
    return binder.convert(found, last.type)


_SIZED: Final = frozenset({_LONG, _REAL, KqlType.DATETIME, KqlType.TIMESPAN})


def _estimate_data_size(binder: CallBinder, node: tree.Call, place: Place) -> ir.Expr:
    """Eight bytes a number or time, and the bytes of texts."""
    starred = any(isinstance(argument.value, tree.Star) for argument in node.arguments)
    values: tuple[ir.Expr, ...] = tuple(map(ir.Ref, place.columns)) if starred else ()
    values = values or _arguments(binder, node, place)
    size: ir.Expr = ir.Const(_LONG, 0)
    for value in values:
        if value.type is not _TEXT and value.type not in _SIZED:
            binder.unsupported(f"estimate_data_size() of a {value.type}", node.span)
        part = call_form(registered("string_size"), (value,)) if value.type is _TEXT else ir.Const(_LONG, 8)
        size = binder.arithmetic("+", size, part, node.span)
    return size


def _around(binder: CallBinder, node: tree.Call, place: Place) -> ir.Expr:
    args = _arguments(binder, node, place)
    if len(args) != 3:  # noqa: PLR2004 - value, center, distance
        binder.fail("around() takes a value, a center and a distance", node.span)
    value, center, delta = args
    low = binder.arithmetic("-", center, delta, node.span)
    high = binder.arithmetic("+", center, delta, node.span)
    return truth(
        "and", binder.compare(">=", value, low, node.span), binder.compare("<=", value, high, node.span)
    )


def _assert(binder: CallBinder, node: tree.Call, place: Place) -> ir.Expr:
    args = _arguments(binder, node, place)
    if len(args) != 2 or args[0].type is not _BOOL or args[1].type is not _TEXT:  # noqa: PLR2004
        binder.fail("assert() takes a condition and a message", node.span)
    if not all(map(ir.is_constant, args)):
        binder.fail("assert() takes constants", node.span)
    return call_form(registered("op_assert"), args)


def _sorted_arrays(binder: CallBinder, node: tree.Call, place: Place) -> tuple[ir.Expr, int]:
    """The arrays of an `array_sort_asc` or `array_sort_desc`, sorted, as one array, and how many they are."""
    args = _arguments(binder, node, place)
    last: ir.Expr = ir.Const(_BOOL, 1)
    if args and args[-1].type is _BOOL:
        *arrays, last = args
    else:
        arrays = list(args)
    if not arrays or any(array.type is not _DYNAMIC for array in arrays):
        binder.fail(f"{node.name}() takes arrays, and whether nulls come last", node.span)
    descending = ir.Const(_BOOL, int(node.name == "array_sort_desc"))
    return call_form(registered("op_array_sort"), (descending, last, *arrays)), len(arrays)


def _array_sort(binder: CallBinder, node: tree.Call, place: Place) -> ir.Expr:
    arrays, _ = _sorted_arrays(binder, node, place)
    return call_form(registered("op_index"), (arrays, ir.Const(_LONG, 0)))


_LINE: Final = ("rsquare", "slope", "variance", "rvariance", "interception")
_STATISTICS: Final = {
    "min": _REAL,
    "min_idx": _LONG,
    "max": _REAL,
    "max_idx": _LONG,
    "avg": _REAL,
    "stdev": _REAL,
    "variance": _REAL,
}
_POLYNOMIAL: Final = {
    "rsquare": _REAL,
    "coefficients": _DYNAMIC,
    "variance": _REAL,
    "rvariance": _REAL,
    "poly_fit": _DYNAMIC,
}
_SPECTRUM: Final = {"real": _DYNAMIC, "imag": _DYNAMIC}
_SEVERAL: Final[dict[str, tuple[str, dict[str, KqlType]]]] = {
    "series_stats": ("series_stats_dynamic", _STATISTICS),
    "series_fit_line": (
        "series_fit_line_dynamic",
        {**dict.fromkeys(_LINE, _REAL), "line_fit": _DYNAMIC},
    ),
    "series_fit_poly": ("op_series_fit_poly", _POLYNOMIAL),
    "series_fft": ("op_series_fft", _SPECTRUM),
    "series_ifft": ("op_series_ifft", _SPECTRUM),
}
"""Functions of several results: the one that gives them in a bag, and their names and types."""


def several(binder: CallBinder, node: tree.Expression, place: Place) -> Parts | None:
    """The results of a function that gives several, with the names they have of themselves."""
    if not isinstance(node, tree.Call) or place.names.find(node.name) is not None:
        return None
    if node.name in {"array_sort_asc", "array_sort_desc"}:
        if len(node.arguments) == 1:
            return None
        arrays, count = _sorted_arrays(binder, node, place)
        shown = [argument_name(argument.value) or f"array{at}" for at, argument in enumerate(node.arguments)]
        return [
            (f"{shown[at]}_sorted", call_form(registered("op_index"), (arrays, ir.Const(_LONG, at))))
            for at in range(count)
        ]
    if node.name not in _SEVERAL:
        return None
    of, names = _SEVERAL[node.name]
    bag = binder.resolve(node, of, _arguments(binder, node, place))
    inner = argument_name(node.arguments[0].value)
    prefix = f"{node.name}_{inner}" if inner else node.name
    return [
        (
            f"{prefix}_{name}",
            binder.convert(call_form(registered("op_key"), (bag, ir.Const(_TEXT, name))), kind),
        )
        for name, kind in names.items()
    ]


def element(binder: CallBinder, node: tree.Index, place: Place) -> ir.Expr | None:
    """`array_sort_asc(a, b)[1]`: one of several results."""
    of, index = node.of, node.index
    if not isinstance(of, tree.Call) or of.name not in {"array_sort_asc", "array_sort_desc"}:
        return None
    parts = several(binder, of, place)
    if parts is None or len(parts) == 1:
        return None
    at = binder.expression(index, place)
    number = at.value if isinstance(at, ir.Const) else None
    if not isinstance(number, int) or not 0 <= number < len(parts):
        binder.fail(f"{of.name}() gives {len(parts)} arrays here", node.span)
    return parts[number][1]


def _first(binder: CallBinder, node: tree.Call, place: Place) -> ir.Expr:
    """The first of several results, where there is place for one."""
    parts = several(binder, node, place)
    if not parts:
        binder.fail(f"{node.name}() takes a series", node.span)
    return parts[0][1]


@cache
def forms() -> Mapping[str, Form]:
    """The functions that look at their arguments as they are written."""
    return MappingProxyType(
        {
            "column_names_of": _column_names_of,
            "bag_pack_columns": _bag_pack_columns,
            "column_ifexists": _column_ifexists,
            "columnifexists": _column_ifexists,
            "extract": _typed,
            "extract_json": _typed,
            "percentile_tdigest": _typed,
            "estimate_data_size": _estimate_data_size,
            "around": _around,
            "assert": _assert,
            "array_sort_asc": _array_sort,
            "array_sort_desc": _array_sort,
            **dict.fromkeys(_SEVERAL, _first),
        }
    )
