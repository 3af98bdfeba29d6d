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
    both = exp.And(this=_is_ascii(text), expression=_is_ascii(needle))
    return exp.Case(
        ifs=[exp.If(this=both, true=_FAST[op](text, needle))], default=_function(op, text, needle)
    )


def known_comparison(
    op: str, text: exp.Expression, needle: str, bind: Callable[[str], exp.Expression]
) -> exp.Expression:
    """The same with a text that is known: much of what a row would be asked is known, too."""
    if not needle.isascii() or "\0" in needle:
        return _function(op, text, bind(needle))
    if op == "kql_op_has" and needle.isalnum():
        found = exp.GT(
            this=_function("instr", _function("lower", text), bind(needle.lower())), expression=_ZERO
        )
        padded = _joined(_SPACE, _function("lower", text), _SPACE)
        alone = exp.Glob(this=padded, expression=bind(f"*[^0-9a-z]{needle.lower()}[^0-9a-z]*"))
        test: exp.Expression = exp.And(this=found, expression=alone)
    elif op == "kql_op_has":
        test = exp.And(this=_contains(text, bind(needle)), expression=_function(op, text, bind(needle)))
    else:
        test = _FAST[op](text, bind(needle))
    return exp.Case(ifs=[exp.If(this=_is_ascii(text), true=test)], default=_function(op, text, bind(needle)))


def _is_ascii(text: exp.Expression) -> exp.Expression:
    return exp.EQ(this=_function("octet_length", text), expression=_function("length", text))
