"""Calls that SQLite can compute itself for nearly every value, and asks Python for only where it cannot.

Where arguments are written more than once they must be cheap: columns, parameters and constants.
"""

from __future__ import annotations

from typing import Final

from sqlglot import exp

from sentinel.query import ir
from sentinel.query.values import MAX_DATETIME

_ARITHMETIC: Final[dict[str, type[exp.Expression]]] = {
    "kql_op_add": exp.Add,
    "kql_op_subtract": exp.Sub,
    "kql_op_multiply": exp.Mul,
}
_MOVES: Final[dict[str, type[exp.Expression]]] = {
    "kql_op_datetime_add": exp.Add,
    "kql_op_datetime_subtract": exp.Sub,
}
_TEXT_OF: Final = "kql_tostring_dynamic"


def is_inline(call: ir.Call) -> bool:
    """Whether `inline` can write a call."""
    if call.op in _MOVES:
        return True
    known = call.op in _ARITHMETIC or call.op == _TEXT_OF
    return known and all(isinstance(arg, ir.Ref | ir.Input | ir.Const) for arg in call.args)


def inline(op: str, args: list[exp.Expression]) -> exp.Expression:
    """A call for which `is_inline` holds, its arguments already written."""
    if op == _TEXT_OF:
        return _text_of(args[0])
    return _moved(_MOVES[op], args) if op in _MOVES else _whole(op, args)


def _call(name: str, *args: exp.Expression) -> exp.Expression:
    return exp.Anonymous(this=name, expressions=[arg.copy() for arg in args])


def _moved(kind: type[exp.Expression], args: list[exp.Expression]) -> exp.Expression:
    """A datetime moved by a timespan: null outside of what a datetime holds, also where SQLite goes over to reals."""
    low, high = exp.Literal.number("-1"), exp.Literal.number(str(MAX_DATETIME + 1))
    made = exp.Paren(this=kind(this=args[0], expression=args[1]))
    clipped = _call("max", _call("min", made, high), low)
    return _call("nullif", _call("nullif", clipped, low), high)


def _whole(op: str, args: list[exp.Expression]) -> exp.Expression:
    """Whole numbers, which SQLite makes a real of where they leave 64 bits: there they wrap around."""
    made = exp.Paren(this=_ARITHMETIC[op](this=args[0], expression=args[1]))
    fits = exp.EQ(this=_call("typeof", made), expression=exp.Literal.string("integer"))
    return exp.Paren(this=exp.Case(ifs=[exp.If(this=fits, true=made)], default=_call(op, *args)))


def _text_of(value: exp.Expression) -> exp.Expression:
    """The text in a JSON string without escapes is what stands between its quotes."""
    is_text = exp.EQ(this=_call("typeof", value), expression=exp.Literal.string("text"))
    quoted = exp.Glob(this=value.copy(), expression=exp.Literal.string('"*'))
    plain = exp.EQ(this=_call("instr", value, exp.Literal.string("\\")), expression=exp.Literal.number("0"))
    inner = exp.Sub(this=_call("length", value), expression=exp.Literal.number("2"))
    between = _call("substr", value, exp.Literal.number("2"), inner)
    simple = exp.And(this=exp.And(this=is_text, expression=quoted), expression=plain)
    return exp.Paren(this=exp.Case(ifs=[exp.If(this=simple, true=between)], default=_call(_TEXT_OF, value)))
