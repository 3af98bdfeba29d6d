"""Expressions of the typed form as SQLite's expressions.

Constants of the query become bound parameters; nothing of its text reaches the SQL.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final

from sqlglot import exp

from sentinel.model.tables import KqlType
from sentinel.query import ir
from sentinel.query.emit_inline import inline, is_inline
from sentinel.query.emit_text import comparison, is_comparison, known_comparison

_SAFE_INTEGER: Final = 2**53
_BINS: Final = frozenset({"kql_bin_datetime", "kql_floor_datetime"})


def column(col: ir.Col) -> exp.Expression:
    """A column by its number."""
    return named_column(f"c{col.id}")


def name_of(col: ir.Col) -> exp.Identifier:
    """The SQL name of a column."""
    return identifier(f"c{col.id}")


def identifier(name: str) -> exp.Identifier:
    """A quoted name, made without the copies sqlglot's own helpers make."""
    return exp.Identifier(this=name, quoted=True)


def named_column(name: str, table: str = "") -> exp.Column:
    """A column of exactly that name, possibly of a table."""
    if table:
        return exp.Column(this=identifier(name), table=identifier(table))
    return exp.Column(this=identifier(name))


def function(name: str, *args: exp.Expression) -> exp.Expression:
    """A call of a function by exactly that name."""
    return exp.Anonymous(this=name, expressions=list(args))


def integer(value: int) -> exp.Expression:
    """A whole number written out."""
    if value < 0:
        return exp.Paren(this=exp.Neg(this=exp.Literal.number(str(-value))))
    return exp.Literal.number(str(value))


def _case(args: list[exp.Expression]) -> exp.Expression:
    ifs = [exp.If(this=a, true=b) for a, b in zip(args[:-1:2], args[1::2], strict=True)]
    return exp.Case(ifs=ifs, default=args[-1])


_BINARY: Final[dict[str, type[exp.Expression]]] = {
    "+": exp.Add, "-": exp.Sub, "*": exp.Mul, "/": exp.Div, "and": exp.And, "or": exp.Or,
    "<": exp.LT, "<=": exp.LTE, ">": exp.GT, ">=": exp.GTE,
}  # fmt: skip
_NULL_SAFE: Final = {"==": "eq", "!=": "ne", "<": "lt", "<=": "le", ">": "gt", ">=": "ge"}


class ExpressionEmitter:
    """Writes expressions; subqueries are left to `subquery`."""

    def __init__(self) -> None:
        self.bound: dict[tuple[type, Any], str] = {}
        self.inputs: set[str] = set()

    def subquery(self, plan: ir.Plan, col: ir.Col, order: ir.Order, *, one: bool) -> exp.Expression:
        """A column of a subquery; provided by the whole emitter."""
        raise NotImplementedError

    def parameter(self, value: Any) -> exp.Expression:
        """A bound parameter for a value."""
        key = (type(value), value)
        name = self.bound.setdefault(key, f"k{len(self.bound)}")
        return exp.Placeholder(this=name)

    def constant(self, const: ir.Const) -> exp.Expression:
        """A constant: whole numbers written out, the rest bound."""
        value = const.value
        if value is None:
            return exp.Null()
        if isinstance(value, int):
            return integer(value) if abs(value) < _SAFE_INTEGER else self.parameter(value)
        if isinstance(value, float) and value != value:  # noqa: PLR0124 - only NaN differs from itself
            return self.parameter(b"NaN")
        return self.parameter(value)

    def expression(self, value: ir.Expr) -> exp.Expression:
        """Any expression."""
        match value:
            case ir.Const():
                return self.constant(value)
            case ir.Input(name=name):
                self.inputs.add(name)
                return exp.Placeholder(this=f"p_{name}")
            case ir.Ref(col=col):
                return column(col)
            case ir.Call():
                return self._call(value)
            case ir.Window():
                return self._window(value)
            case ir.ScalarQuery():
                return self.subquery(value.plan, value.col, value.order, one=True)
            case ir.InQuery():
                return self._in_query(value)

    def condition(self, value: ir.Expr) -> exp.Expression:
        """A condition of which only true counts: null may stand for false."""
        if isinstance(value, ir.Call):
            if value.op == "and":
                return exp.And(this=self.condition(value.args[0]), expression=self.condition(value.args[1]))
            if value.op == "or":
                parts = [exp.Paren(this=self.condition(arg)) for arg in value.args]
                return self._joined(exp.Or, parts)
            if value.op == "==":
                left, right = map(self.expression, value.args)
                return exp.EQ(this=left, expression=right)
        return self.expression(value)

    @staticmethod
    def _joined(kind: type[exp.Expression], listed: Sequence[exp.Expression]) -> exp.Expression:
        """Many conditions as a balanced tree, so that their number does not become depth."""
        parts = list(listed)
        while len(parts) > 1:
            pairs = [parts[i : i + 2] for i in range(0, len(parts), 2)]
            parts = [
                exp.Paren(this=kind(this=pair[0], expression=pair[1])) if len(pair) > 1 else pair[0]
                for pair in pairs
            ]
        return parts[0]

    def _call(self, call: ir.Call) -> exp.Expression:
        op = call.op
        fast = self._fast(call)
        if fast is not None:
            return fast
        if op.startswith("kql_"):
            return function(op, *map(self.expression, call.args))
        if op.startswith("?"):
            return self._special_comparison(call)
        if op in {"==", "!="}:
            return self._equality(call)
        if op in {"and", "or"} and len(call.args) != 2:  # noqa: PLR2004 - the usual pair
            return self._joined(_BINARY[op], [exp.Paren(this=self.expression(arg)) for arg in call.args])
        binary = _BINARY.get(op)
        if binary is not None:
            left, right = map(self.expression, call.args)
            made = binary(this=left, expression=right)
            if op == "/":
                made.set("typed", True)
                made.set("safe", True)
            return exp.Paren(this=made)
        build = _FORMS[op]
        return build([self.expression(arg) for arg in call.args])

    def _fast(self, call: ir.Call) -> exp.Expression | None:
        """A call as SQLite computes it itself, None where Python must."""
        op, args = call.op, call.args
        if op in _BINS and isinstance(args[0], ir.Ref) and ir.is_constant(args[1]):
            return self._bin(args[0], args[1], call)
        if is_comparison(call):
            needle = args[1]
            if isinstance(needle, ir.Const) and isinstance(needle.value, str):
                return known_comparison(op, self.expression(args[0]), needle.value, self.parameter)
            return comparison(op, *map(self.expression, args))
        return inline(op, list(map(self.expression, args))) if is_inline(call) else None

    def _bin(self, value: ir.Ref, size: ir.Expr, call: ir.Call) -> exp.Expression:
        """A datetime rounded down to a constant multiple: ticks are never negative, so the remainder is plain."""
        of, by = column(value.col), self.expression(size)
        rest = exp.Mod(this=of.copy(), expression=by.copy())
        plain = exp.Paren(this=exp.Sub(this=of, expression=exp.Paren(this=rest)))
        if isinstance(size, ir.Const) and isinstance(size.value, int) and size.value > 0:
            return plain
        is_sized = exp.GT(this=by, expression=integer(0))
        return exp.Paren(this=_case([is_sized, plain, function(call.op, of.copy(), by.copy())]))

    def _special_comparison(self, call: ir.Call) -> exp.Expression:
        """Comparisons of decimals and of reals that may be NaN."""
        suffix = "decimal" if call.args[0].type is KqlType.DECIMAL else "real"
        operator = call.op[1:]
        left, right = map(self.expression, call.args)
        test = function(f"kql_op_{_NULL_SAFE[operator]}_{suffix}", left, right)
        if operator == "==":
            return self._nulls(call, test, whole=False)
        return self._nulls(call, test, whole=True) if operator == "!=" else test

    def _nulls(self, call: ir.Call, test: exp.Expression, *, whole: bool) -> exp.Expression:
        """What a comparison means where a side is null."""
        a, b = call.args
        settled = function("coalesce", test, integer(int(whole)))
        if a.nullable and b.nullable:
            left, right = self.expression(a), self.expression(b)
            both = exp.And(
                this=exp.Is(this=left, expression=exp.Null()),
                expression=exp.Is(this=right, expression=exp.Null()),
            )
            return _case([both, exp.Null(), settled])
        return settled if a.nullable or b.nullable else test

    def _equality(self, call: ir.Call) -> exp.Expression:
        left, right = map(self.expression, call.args)
        kind = exp.EQ if call.op == "==" else exp.NEQ
        test = exp.Paren(this=kind(this=left, expression=right))
        return self._nulls(call, test, whole=call.op == "!=")

    def _window(self, window: ir.Window) -> exp.Expression:
        args = [self.expression(arg) for arg in window.args]
        if window.op == "count_true":
            args = [_case([args[0], integer(1), integer(0)])]
        names = {"count_true": "sum", "lag": "lag", "lead": "lead", "row_number": "row_number", "max": "max"}
        this = function(names.get(window.op, window.op), *args)
        spec = None
        if window.running:
            spec = exp.WindowSpec(kind="ROWS", start="UNBOUNDED", start_side="PRECEDING", end="CURRENT ROW")
        return exp.Window(
            this=this,
            partition_by=[self.expression(part) for part in window.partition],
            order=self.order(window.order) if window.order else None,
            spec=spec,
        )

    def order(self, order: ir.Order) -> exp.Order:
        """An ORDER BY."""
        keys: list[exp.Expression] = []
        for key in order:
            ref = column(key.col)
            if key.col.wild:
                lost = function("typeof", ref)
                nothing = exp.In(
                    this=lost, expressions=[exp.Literal.string("null"), exp.Literal.string("blob")]
                )
                keys.append(exp.Ordered(this=exp.Paren(this=nothing), desc=key.nulls_first))
                keys.append(
                    exp.Ordered(this=exp.Is(this=ref.copy(), expression=exp.Null()), desc=key.nulls_first)
                )
            elif key.col.nullable and key.nulls_first is key.descending:
                absent = exp.Is(this=ref, expression=exp.Null())
                keys.append(exp.Ordered(this=exp.Paren(this=absent), desc=key.nulls_first))
            keys.append(
                exp.Ordered(this=column(key.col), desc=key.descending, nulls_first=not key.descending)
            )
        return exp.Order(expressions=keys)

    def _in_query(self, value: ir.InQuery) -> exp.Expression:
        of = self.expression(value.of)
        inside = exp.In(this=of, query=self.subquery(value.plan, value.col, (), one=False))
        return function("coalesce", inside, integer(0))


def _not(args: list[exp.Expression]) -> exp.Expression:
    return exp.Not(this=exp.Paren(this=args[0]))


def _in(args: list[exp.Expression]) -> exp.Expression:
    return function("coalesce", exp.In(this=args[0], expressions=args[1:]), integer(0))


def _is_true(args: list[exp.Expression]) -> exp.Expression:
    return function("coalesce", args[0], integer(0))


def _is_null(args: list[exp.Expression]) -> exp.Expression:
    return exp.Paren(this=exp.Is(this=args[0], expression=exp.Null()))


def _concatenated(args: list[exp.Expression]) -> exp.Expression:
    joined = args[0]
    for arg in args[1:]:
        joined = exp.DPipe(this=joined, expression=arg, safe=False)
    return exp.Paren(this=joined)


def _least(sign: str) -> Callable[[list[exp.Expression]], exp.Expression]:
    """The extreme of several values, nulls left out."""

    def build(args: list[exp.Expression]) -> exp.Expression:
        if len(args) == 1:
            return args[0]
        filled = [function("coalesce", arg, *(a for a in args if a is not arg)) for arg in args]
        return function(sign, *filled)

    return build


_FORMS: Final[dict[str, Callable[[list[exp.Expression]], exp.Expression]]] = {
    "not": _not,
    "negate": lambda args: exp.Paren(this=exp.Neg(this=args[0])),
    "case": lambda args: exp.Paren(this=_case(args)),
    "coalesce": lambda args: function("coalesce", *args),
    "is_null": _is_null,
    "not_null": lambda args: _not([_is_null(args)]),
    "is_true": _is_true,
    "is": lambda args: exp.Paren(this=exp.Is(this=args[0], expression=args[1])),
    "same": lambda args: args[0],
    "in": _in,
    "||": _concatenated,
    "max_of": _least("max"),
    "min_of": _least("min"),
}

SQL_FUNCTIONS: Final = frozenset(
    [
        "coalesce",
        "typeof",
        "sum",
        "max",
        "min",
        "avg",
        "count",
        "lag",
        "lead",
        "row_number",
        "dense_rank",
        "group_concat",
        "instr",
        "length",
        "lower",
        "nullif",
        "octet_length",
        "substr",
    ]
)
"""The functions of SQLite itself that may appear in what is emitted."""
