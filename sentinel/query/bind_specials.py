"""Functions that no signature describes: their type or their meaning hangs on what they are given."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import cache
from types import MappingProxyType
from typing import TYPE_CHECKING

from sentinel.model.tables import KqlType
from sentinel.query import ir, tree
from sentinel.query.bind_expressions import NUMBERS, call_form, registered

if TYPE_CHECKING:
    from sentinel.query.bind_calls import CallBinder

_REAL, _BOOL, _TEXT = KqlType.REAL, KqlType.BOOL, KqlType.STRING

Special = Callable[["CallBinder", tree.Call, tuple[ir.Expr, ...]], ir.Expr]


def _iff(binder: CallBinder, node: tree.Call, args: tuple[ir.Expr, ...]) -> ir.Expr:
    if len(args) != 3:  # noqa: PLR2004 - condition, then, else
        binder.fail(f"{node.name}() takes a condition and two values", node.span)
    return _case(binder, node, args)


def _case(binder: CallBinder, node: tree.Call, args: tuple[ir.Expr, ...]) -> ir.Expr:
    if len(args) < 3 or len(args) % 2 == 0:  # noqa: PLR2004 - at least condition, then, else
        binder.fail(f"{node.name}() takes pairs of condition and value, and a value for the rest", node.span)
    conditions = args[:-1:2]
    for condition, argument in zip(conditions, node.arguments[::2], strict=False):
        if condition.type is not _BOOL:
            binder.fail(f"a condition is a bool, not a {condition.type}", argument.span)
    values = binder.common_type((*args[1::2], args[-1]), node)
    parts = [part for pair in zip(conditions, values[:-1], strict=True) for part in pair]
    return _like_any(ir.Call("case", (*parts, values[-1]), values[0].type), values)


def _like_any(call: ir.Call, values: Sequence[ir.Expr]) -> ir.Call:
    """A call whose value is one of `values`."""
    return replace(
        call,
        nullable=any(v.nullable for v in values),
        wild=any(v.wild for v in values),
        reach=max(v.reach for v in values),
    )


def _coalesce(binder: CallBinder, node: tree.Call, args: tuple[ir.Expr, ...]) -> ir.Expr:
    if len(args) < 2:  # noqa: PLR2004 - one value needs no choice
        binder.fail("coalesce() takes two values or more", node.span)
    values = binder.common_type(args, node)
    if values[0].type is _TEXT:
        parts = [
            p
            for v in values[:-1]
            for p in (ir.Call("!=", (v, ir.Const(_TEXT, "")), _BOOL, nullable=False), v)
        ]
        return ir.Call("case", (*parts, values[-1]), _TEXT, nullable=False)
    call = _like_any(ir.Call("coalesce", values, values[0].type), values)
    return replace(call, nullable=all(v.nullable for v in values))


def _isnull(_: CallBinder, __: tree.Call, args: tuple[ir.Expr, ...]) -> ir.Expr:
    if not args[0].nullable:
        return ir.Const(_BOOL, 0)
    return ir.Call("is_null", args, _BOOL, nullable=False, reach=1)


def _isnotnull(binder: CallBinder, node: tree.Call, args: tuple[ir.Expr, ...]) -> ir.Expr:
    return ir.Call("not", (_isnull(binder, node, args),), _BOOL, nullable=False, reach=1)


def _isempty(binder: CallBinder, node: tree.Call, args: tuple[ir.Expr, ...]) -> ir.Expr:
    if args[0].type in {_TEXT, KqlType.DYNAMIC, KqlType.GUID}:
        empty = (binder.as_text(args[0]), ir.Const(_TEXT, ""))
        return ir.Call("==", empty, _BOOL, nullable=False, reach=1)
    return _isnull(binder, node, args)


def _isnotempty(binder: CallBinder, node: tree.Call, args: tuple[ir.Expr, ...]) -> ir.Expr:
    return ir.Call("not", (_isempty(binder, node, args),), _BOOL, nullable=False, reach=1)


def _not(binder: CallBinder, node: tree.Call, args: tuple[ir.Expr, ...]) -> ir.Expr:
    if len(args) != 1 or args[0].type is not _BOOL:
        binder.fail("not() takes one bool", node.span)
    return ir.Call("not", args, _BOOL, args[0].nullable, reach=1)


def _now(binder: CallBinder, node: tree.Call, args: tuple[ir.Expr, ...]) -> ir.Expr:
    now = ir.Input(KqlType.DATETIME, "now")
    return binder.arithmetic("+", now, args[0], node.span) if args else now


def _ago(binder: CallBinder, node: tree.Call, args: tuple[ir.Expr, ...]) -> ir.Expr:
    if len(args) != 1:
        binder.fail("ago() takes one timespan", node.span)
    return binder.arithmetic("-", ir.Input(KqlType.DATETIME, "now"), args[0], node.span)


def _strcat(binder: CallBinder, node: tree.Call, args: tuple[ir.Expr, ...]) -> ir.Expr:
    if not args:
        binder.fail("strcat() takes at least one value", node.span)
    return ir.Call("||", tuple(map(binder.as_text, args)), _TEXT, nullable=False)


def _tostring(binder: CallBinder, node: tree.Call, args: tuple[ir.Expr, ...]) -> ir.Expr:
    if len(args) != 1:
        binder.fail("tostring() takes one value", node.span)
    return binder.as_text(args[0])


def _parse_json(binder: CallBinder, node: tree.Call, args: tuple[ir.Expr, ...]) -> ir.Expr:
    if len(args) == 1 and args[0].type is KqlType.DYNAMIC:
        return args[0]
    if len(args) == 1 and args[0].type is not _TEXT:
        return binder.as_json(args[0])
    return binder.resolve(node, "parse_json", args)


def _gettype(_: CallBinder, __: tree.Call, args: tuple[ir.Expr, ...]) -> ir.Expr:
    if args[0].type is KqlType.DYNAMIC:
        return call_form(registered("op_gettype"), args)
    return ir.Const(_TEXT, args[0].type.value)


def _extreme(op: str) -> Special:
    def bind(binder: CallBinder, node: tree.Call, args: tuple[ir.Expr, ...]) -> ir.Expr:
        values = binder.common_type(args, node)
        if values[0].type is _REAL and any(v.wild for v in values):
            return call_form(registered(f"op_{op}", "real"), values)
        if values[0].type is KqlType.DECIMAL:
            return call_form(registered(f"op_{op}", "decimal"), values)
        if values[0].type in {KqlType.DYNAMIC, KqlType.GUID}:
            binder.unsupported(f"{node.name}() of {values[0].type}", node.span)
        return _like_any(ir.Call(op, values, values[0].type), values)

    return bind


def _datetime_diff(binder: CallBinder, node: tree.Call, args: tuple[ir.Expr, ...]) -> ir.Expr:
    found = binder.resolve(node, "datetime_diff", args)
    weeks = isinstance(args[0], ir.Const) and str(args[0].value).lower() == "week"
    return binder.convert(found, _REAL) if weeks else found


def _range(binder: CallBinder, node: tree.Call, args: tuple[ir.Expr, ...]) -> ir.Expr:
    if len(args) not in {2, 3}:
        binder.fail("range() takes a start, a stop and a step", node.span)
    kind, steps = args[0].type, {arg.type for arg in args[2:]}
    if kind in {KqlType.DATETIME, KqlType.TIMESPAN}:
        if args[1].type is not kind or not steps <= {KqlType.TIMESPAN}:
            binder.fail(f"range() of a {kind} stops at a {kind} and steps by a timespan", node.span)
        return call_form(registered("op_range", kind.value), args)
    if not {arg.type for arg in args} <= NUMBERS:
        binder.fail(f"range() cannot count from a {kind}", node.span)
    return call_form(registered("op_range"), tuple(map(binder.as_json, args)))


@cache
def specials() -> Mapping[str, Special]:
    """Functions that no signature describes."""
    return MappingProxyType(
        {
            "iff": _iff,
            "case": _case,
            "coalesce": _coalesce,
            "isnull": _isnull,
            "isnotnull": _isnotnull,
            "isempty": _isempty,
            "isnotempty": _isnotempty,
            "not": _not,
            "now": _now,
            "ago": _ago,
            "strcat": _strcat,
            "tostring": _tostring,
            "parse_json": _parse_json,
            "gettype": _gettype,
            "max_of": _extreme("max_of"),
            "min_of": _extreme("min_of"),
            "range": _range,
            "datetime_diff": _datetime_diff,
        }
    )
