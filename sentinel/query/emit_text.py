"""KQL's comparisons of text without case, as SQLite computes them itself.

Where both sides are ASCII, SQLite's folding of case is Kusto's, and no Python is called. A text is ASCII where it has
as many bytes as characters; one that holds a NUL counts as not.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from sqlglot import exp

from sentinel.query import ir

_ZERO: Final = exp.Literal.number("0")
_ONE: Final = exp.Literal.number("1")
_SPACE: Final = exp.Literal.string(" ")


def _function(name: str, *args: exp.Expression) -> exp.Expression:
    return exp.Anonymous(this=name, expressions=[arg.copy() for arg in args])


def _same(text: exp.Expression, needle: exp.Expression) -> exp.Expression:
    folded = exp.Collate(this=needle.copy(), expression=exp.Var(this="NOCASE"))
    return exp.EQ(this=text.copy(), expression=folded)


def _starts(text: exp.Expression, needle: exp.Expression) -> exp.Expression:
    return _same(_function("substr", text, _ONE, _function("length", needle)), needle)


def _ends(text: exp.Expression, needle: exp.Expression) -> exp.Expression:
    whole, part = _function("length", text), _function("length", needle)
    begin = exp.Add(this=exp.Sub(this=whole, expression=part), expression=_ONE.copy())
    fits = exp.GTE(this=whole.copy(), expression=part.copy())
    return exp.And(this=fits, expression=_same(_function("substr", text, begin), needle))


def _contains(text: exp.Expression, needle: exp.Expression) -> exp.Expression:
    at = _function("instr", _function("lower", text), _function("lower", needle))
    return exp.GT(this=at, expression=_ZERO.copy())


def _has(text: exp.Expression, needle: exp.Expression) -> exp.Expression:
    """A needle of nothing but letters and digits is a whole term where neither stands beside it."""
    other = exp.Glob(this=needle.copy(), expression=exp.Literal.string("*[^0-9A-Za-z]*"))
    something = exp.NEQ(this=needle.copy(), expression=exp.Literal.string(""))
    one_term = exp.And(this=something, expression=exp.Not(this=other))
    padded = _joined(_SPACE, _function("lower", text), _SPACE)
    edges = exp.Literal.string("*[^0-9a-z]"), exp.Literal.string("[^0-9a-z]*")
    alone = exp.Glob(this=padded, expression=_joined(edges[0], _function("lower", needle), edges[1]))
    test = exp.Case(ifs=[exp.If(this=one_term, true=alone)], default=_function("kql_op_has", text, needle))
    return exp.And(this=_contains(text, needle), expression=test)


def _joined(*parts: exp.Expression) -> exp.Expression:
    whole = parts[0].copy()
    for part in parts[1:]:
        whole = exp.DPipe(this=whole, expression=part.copy())
    return exp.Paren(this=whole)


_FAST: Final[dict[str, Callable[[exp.Expression, exp.Expression], exp.Expression]]] = {
    "kql_op_same": _same,
    "kql_op_startswith": _starts,
    "kql_op_endswith": _ends,
    "kql_op_contains": _contains,
    "kql_op_has": _has,
}


def is_comparison(call: ir.Call) -> bool:
    """Whether a call compares the text of a column with one that is the same for every row."""
    if call.op not in _FAST:
        return False
    text, needle = call.args
    return isinstance(text, ir.Ref) and ir.is_constant(needle)


def comparison(op: str, text: exp.Expression, needle: exp.Expression) -> exp.Expression:
    """A comparison for which `is_comparison` holds, its sides already written."""
    ascii_only = [
        exp.EQ(this=_function("octet_length", side), expression=_function("length", side))
        for side in (text, needle)
    ]
    both = exp.And(this=ascii_only[0], expression=ascii_only[1])
    return exp.Case(
        ifs=[exp.If(this=both, true=_FAST[op](text, needle))], default=_function(op, text, needle)
    )
