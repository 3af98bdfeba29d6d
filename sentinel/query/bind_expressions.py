"""Binding expressions: every name gets its meaning and every value its type.

https://learn.microsoft.com/kusto/query/scalar-operators
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from sentinel.errors import QuerySemanticError, Span
from sentinel.model.tables import KqlType
from sentinel.query import ir, tree
from sentinel.query.bind_context import Context, Place, ScalarLet
from sentinel.query.catalogue import scalars
from sentinel.query.parse_expressions import TEXT_OPERATORS
from sentinel.query.scalar import Scalar

WHOLE: Final = frozenset({KqlType.INT, KqlType.LONG})
NUMBERS: Final = frozenset({KqlType.INT, KqlType.LONG, KqlType.REAL, KqlType.DECIMAL})
_ARITHMETIC: Final = {"+": "add", "-": "subtract", "*": "multiply", "/": "divide", "%": "modulo"}
_COMPARISON: Final = {"==": "eq", "!=": "ne", "<": "lt", "<=": "le", ">": "gt", ">=": "ge"}
_SPAN, _TIME, _REAL, _LONG = KqlType.TIMESPAN, KqlType.DATETIME, KqlType.REAL, KqlType.LONG


def registered(name: str, suffix: str = "") -> Scalar:
    """One form of a registered function."""
    return next(form for form in scalars()[name] if form.suffix == suffix)


def call_form(form: Scalar, args: tuple[ir.Expr, ...]) -> ir.Call:
    """A call of a registered function."""
    text = form.gives is KqlType.STRING
    nullable = not text and not (form.never_null and not any(arg.nullable for arg in args))
    wild = form.gives is _REAL and not form.tame
    return ir.Call(form.sql_name, args, form.gives, nullable, wild, form.reach or ir.reach_of(form.gives))


def truth(op: str, *args: ir.Expr) -> ir.Call:
    """A condition made of conditions."""
    return ir.Call(op, args, KqlType.BOOL, any(arg.nullable for arg in args), reach=1)


class ExpressionBinder(Context):
    """Binds expressions; calls are left to `call`, subqueries to `pipeline`."""

    def call(self, node: tree.Call, place: Place) -> ir.Expr:
        """A function call; provided by the whole binder."""
        raise NotImplementedError

    def element(self, node: tree.Index, place: Place) -> ir.Expr | None:
        """One of the results of a function that gives several; provided by the whole binder."""
        raise NotImplementedError

    def pipeline(self, node: tree.Pipeline, place: Place) -> ir.Rows:
        """A subquery; provided by the whole binder."""
        raise NotImplementedError

    def among(self, node: tree.Among, place: Place) -> ir.Expr:
        """`in`, `has_any` and their kin; provided by the whole binder."""
        raise NotImplementedError

    def expression(self, node: tree.Expression, place: Place) -> ir.Expr:
        """A scalar expression."""
        match node:
            case tree.Literal():
                return ir.Const(node.type, node.value)
            case tree.Name():
                return self._name(node, place)
            case tree.Call():
                return self.call(node, place)
            case tree.Binary():
                return self._binary(node, place)
            case tree.Unary():
                return self._unary(node, place)
            case _:
                return self._rarer(node, place)

    def _rarer(self, node: tree.Expression, place: Place) -> ir.Expr:
        match node:
            case tree.Member():
                return self._member(node, place)
            case tree.Index():
                return self._index(node, place)
            case tree.Between():
                return self._between(node, place)
            case tree.Among():
                return self.among(node, place)
            case tree.Pipeline(source=source, operators=()) if not isinstance(source, tree.SourceOperator):
                return self.expression(source, place)
            case tree.Pipeline():
                return self.fail(
                    "a table stands where a value belongs", node.span, "toscalar(...) takes its first value"
                )
            case _:
                what = {tree.Star: "'*'", tree.TypeOf: "typeof()"}.get(type(node), "this")
                return self.fail(f"{what} does not stand for a value here", node.span)

    def _name(self, node: tree.Name, place: Place) -> ir.Expr:
        column = place.column(node.text)
        if column is not None:
            return ir.Ref(column)
        found = place.names.find(node.text)
        if isinstance(found, ScalarLet):
            return found.value
        if found is not None:
            self.fail(
                f"{node.text!r} is a table, not a value", node.span, "toscalar(...) takes its first value"
            )
        known = [c.name for c in place.columns] + [
            name for name in place.names.all() if isinstance(place.names.find(name), ScalarLet)
        ]
        return self.unknown("column", node.text, known, node.span)

    def _member(self, node: tree.Member, place: Place) -> ir.Expr:
        if isinstance(node.of, tree.Name) and node.of.text in place.sides:
            columns = place.sides[node.of.text]
            column = next((c for c in columns if c.name == node.name), None)
            if column is None:
                side = "left" if node.of.text == "$left" else "right"
                self.unknown(
                    "column", node.name, [c.name for c in columns], node.span, f" on the {side} side"
                )
            return ir.Ref(column)
        of = self.expression(node.of, place)
        if of.type is not KqlType.DYNAMIC:
            self.fail(
                f"a {of.type} has no properties", node.span, "parse_json(...) makes a dynamic of a text"
            )
        return call_form(registered("op_key"), (of, ir.Const(KqlType.STRING, node.name)))

    def _index(self, node: tree.Index, place: Place) -> ir.Expr:
        picked = self.element(node, place)
        if picked is not None:
            return picked
        of = self.expression(node.of, place)
        index = self.expression(node.index, place)
        if of.type is not KqlType.DYNAMIC:
            self.fail(f"a {of.type} has no elements", node.span, "parse_json(...) makes a dynamic of a text")
        if index.type is KqlType.STRING:
            return call_form(registered("op_key"), (of, index))
        if index.type in WHOLE:
            return call_form(registered("op_index"), (of, index))
        if index.type is KqlType.DYNAMIC:
            return call_form(registered("op_pick"), (of, index))
        return self.fail(
            f"an element is chosen by a text or a whole number, not by a {index.type}", node.index.span
        )

    def _unary(self, node: tree.Unary, place: Place) -> ir.Expr:
        of = self.expression(node.of, place)
        if of.type not in NUMBERS and of.type is not _SPAN:
            self.fail(f"{node.operator!r} cannot be applied to a {of.type}", node.span)
        if node.operator == "+":
            return of
        if isinstance(of, ir.Const) and isinstance(of.value, int | float):
            if isinstance(of.value, float) or of.value != -(2**63):
                return ir.Const(of.type, -of.value)
            return of
        if of.type is _REAL:
            return self._reals(
                "*", of, ir.Const(_REAL, -1.0)
            )  # SQLite takes -x for 0 - x, which loses the sign of zero
        kind = _LONG if of.type is KqlType.INT else of.type
        op = "negate" if of.reach < ir.LONGEST else self._function("negate", kind)
        return ir.Call(op, (of,), kind, of.nullable, of.wild, of.reach)

    def _function(self, operation: str, kind: KqlType) -> str:
        suffix = {_REAL: "real", KqlType.DECIMAL: "decimal"}.get(kind, "")
        return registered(f"op_{operation}", suffix).sql_name

    def _binary(self, node: tree.Binary, place: Place) -> ir.Expr:
        operator = node.operator
        if operator in {"and", "or"}:
            left = self.condition(node.left, place)
            return truth(operator, left, self.condition(node.right, place))
        if operator in TEXT_OPERATORS:
            if isinstance(node.left, tree.Star):
                return self._any_column(node, place)
            left = self.expression(node.left, place)
            return self.text_test(operator, left, self.expression(node.right, place), node.span)
        left, right = self.expression(node.left, place), self.expression(node.right, place)
        if operator in _COMPARISON:
            return self.compare(operator, left, right, node.span)
        return self.arithmetic(operator, left, right, node.span)

    def condition(self, node: tree.Expression, place: Place) -> ir.Expr:
        """An expression that must be a bool."""
        value = self.expression(node, place)
        if value.type is KqlType.DYNAMIC:
            return call_form(registered("tobool", "dynamic"), (value,))
        if value.type in WHOLE:
            return call_form(registered("tobool", "long"), (value,))
        if value.type is not KqlType.BOOL:
            self.fail(f"a condition is a bool, not a {value.type}", node.span)
        return value

    def _any_column(self, node: tree.Binary, place: Place) -> ir.Expr:
        needle = self.expression(node.right, place)
        tests = [
            self.text_test(node.operator, self.as_text(ir.Ref(c)), needle, node.span) for c in place.columns
        ]
        joined = "and" if node.operator.startswith("!") else "or"
        if len(tests) == 1:
            return tests[0]
        return truth(joined, *tests) if tests else ir.Const(KqlType.BOOL, 0)

    def arithmetic(self, operator: str, left: ir.Expr, right: ir.Expr, span: Span) -> ir.Expr:
        """`left operator right` for numbers and times."""
        if left.type in NUMBERS and right.type in NUMBERS:
            return self._numbers(operator, left, right)
        found = self._times(operator, left, right)
        if found is None:
            hint = "tolong(...), todouble(...) or strcat(...) may be meant"
            self.fail(f"{operator!r} cannot be applied to a {left.type} and a {right.type}", span, hint)
        return found

    def _numbers(self, operator: str, left: ir.Expr, right: ir.Expr) -> ir.Expr:
        if KqlType.DECIMAL in {left.type, right.type}:
            args = (self.convert(left, KqlType.DECIMAL), self.convert(right, KqlType.DECIMAL))
            return ir.Call(self._function(_ARITHMETIC[operator], KqlType.DECIMAL), args, KqlType.DECIMAL)
        nullable = left.nullable or right.nullable or operator in {"/", "%"}
        if _REAL in {left.type, right.type}:
            return self._reals(operator, left, right)
        reach = {
            "+": left.reach + right.reach,
            "-": left.reach + right.reach,
            "*": left.reach * right.reach,
            "/": left.reach,
        }.get(operator, right.reach)
        nonzero = isinstance(right, ir.Const) and bool(right.value)
        native = reach < ir.LONGEST and (operator in {"+", "-", "*"} or (operator == "/" and nonzero))
        op = operator if native else self._function(_ARITHMETIC[operator], _LONG)
        nullable = left.nullable or right.nullable or (operator in {"/", "%"} and not nonzero)
        return ir.Call(op, (left, right), _LONG, nullable, reach=min(reach, ir.LONGEST))

    def _reals(self, operator: str, left: ir.Expr, right: ir.Expr) -> ir.Expr:
        left, right = self.convert(left, _REAL), self.convert(right, _REAL)
        tame = not left.wild and not right.wild
        by_constant = isinstance(right, ir.Const) and bool(right.value)
        native = tame and (operator in {"+", "-", "*"} or (operator == "/" and by_constant))
        op = operator if native else self._function(_ARITHMETIC[operator], _REAL)
        return ir.Call(op, (left, right), _REAL, left.nullable or right.nullable, wild=True)

    def _times(self, operator: str, left: ir.Expr, right: ir.Expr) -> ir.Expr | None:  # noqa: PLR0911 - a table of cases
        nullable = left.nullable or right.nullable
        match (left.type, operator, right.type):
            case (KqlType.DATETIME, "-", KqlType.DATETIME):
                return ir.Call("-", (left, right), _SPAN, nullable, reach=ir.reach_of(_TIME))
            case (KqlType.DATETIME, "+", KqlType.TIMESPAN):
                return call_form(registered("op_datetime_add"), (left, right))
            case (KqlType.TIMESPAN, "+", KqlType.DATETIME):
                return call_form(registered("op_datetime_add"), (right, left))
            case (KqlType.DATETIME, "-", KqlType.TIMESPAN):
                return call_form(registered("op_datetime_subtract"), (left, right))
            case (KqlType.TIMESPAN, "+" | "-", KqlType.TIMESPAN):
                return self._spans(operator, left, right)
            case (KqlType.TIMESPAN, "/", KqlType.TIMESPAN):
                args = (self._ticks_as_real(left), self._ticks_as_real(right))
                return ir.Call(self._function("divide", _REAL), args, _REAL, nullable, wild=True)
            case (KqlType.TIMESPAN, "%", KqlType.TIMESPAN):
                return ir.Call(self._function("modulo", _LONG), (left, right), _SPAN)
            case (KqlType.TIMESPAN, "*" | "/", _) if right.type in NUMBERS:
                name = "op_span_scale" if operator == "*" else "op_span_divide"
                return call_form(registered(name), (left, self.convert(right, _REAL)))
            case (_, "*", KqlType.TIMESPAN) if left.type in NUMBERS:
                return call_form(registered("op_span_scale"), (right, self.convert(left, _REAL)))
            case _:
                return None

    def _spans(self, operator: str, left: ir.Expr, right: ir.Expr) -> ir.Expr:
        """Two timespans added or subtracted, as the whole numbers they are."""
        found = self._numbers(operator, left, right)
        return replace(found, type=_SPAN) if isinstance(found, ir.Call) else found

    def _ticks_as_real(self, span: ir.Expr) -> ir.Expr:
        return call_form(registered("todouble", "timespan"), (span,))

    def compare(self, operator: str, left: ir.Expr, right: ir.Expr, span: Span) -> ir.Expr:
        """`left operator right` where both can be compared."""
        left, right = self.comparable(left, right, span)
        if left.type is KqlType.DYNAMIC:
            self.fail("two dynamics cannot be compared", span, "convert one of them, as with tostring(...)")
        if operator not in {"==", "!="} and left.type in {KqlType.BOOL, KqlType.GUID}:
            self.fail(f"{operator!r} cannot be applied to a {left.type}", span)
        special = left.type is KqlType.DECIMAL or (left.type is _REAL and (left.wild or right.wild))
        nullable = left.nullable or right.nullable
        if operator in {"==", "!="}:
            nullable = left.nullable and right.nullable
        op = f"?{operator}" if special else operator
        return ir.Call(op, (left, right), KqlType.BOOL, nullable, reach=1)

    def comparable(self, left: ir.Expr, right: ir.Expr, span: Span) -> tuple[ir.Expr, ir.Expr]:
        """Both values in one type."""
        if left.type is right.type:
            return left, right
        if left.type in NUMBERS and right.type in NUMBERS:
            kind = next(k for k in (KqlType.DECIMAL, _REAL, _LONG) if k in {left.type, right.type, _LONG})
            return self.convert(left, kind), self.convert(right, kind)
        number = self._written_number(left, right) or self._written_number(right, left)
        if number is not None:
            return (left, number) if left.type in NUMBERS else (number, right)
        if left.type is KqlType.DYNAMIC:
            return self.convert(left, _LONG if right.type is KqlType.INT else right.type), right
        if right.type is KqlType.DYNAMIC:
            return left, self.convert(right, _LONG if left.type is KqlType.INT else left.type)
        kinds = {left.type, right.type}
        if KqlType.GUID in kinds and KqlType.STRING in kinds:
            return self.as_text(left), self.as_text(right)
        if KqlType.BOOL in kinds and kinds <= {KqlType.BOOL, *WHOLE}:
            return left, right
        return self.fail(f"a {left.type} cannot be compared with a {right.type}", span, "convert one of them")

    @staticmethod
    def _written_number(number: ir.Expr, text: ir.Expr) -> ir.Expr | None:
        """A whole number written as a text literal beside a number, as in `ResponseCode != "200"`."""
        if number.type not in WHOLE or not isinstance(text, ir.Const) or text.type is not KqlType.STRING:
            return None
        written = str(text.value)
        return ir.Const(_LONG, int(written)) if written.isascii() and written.isdigit() else None

    def convert(self, value: ir.Expr, kind: KqlType) -> ir.Expr:
        """A value in another type, by the implicit conversions there are."""
        if value.type is kind or (kind is _LONG and value.type is KqlType.INT):
            return value
        if isinstance(value, ir.Const) and kind is _REAL and isinstance(value.value, int):
            return ir.Const(kind, float(value.value))
        if isinstance(value, ir.Const) and value.value is None:
            return ir.Const(kind, "" if kind is KqlType.STRING else None)
        names: dict[KqlType, str] = {
            KqlType.STRING: "tostring",
            _LONG: "tolong",
            KqlType.INT: "toint",
            _REAL: "todouble",
            KqlType.DECIMAL: "todecimal",
            _TIME: "todatetime",
            _SPAN: "totimespan",
            KqlType.BOOL: "tobool",
            KqlType.GUID: "toguid",
            KqlType.DYNAMIC: "op_json",
        }
        source = KqlType.LONG if value.type is KqlType.INT else value.type
        form = next((f for f in scalars()[names[kind]] if f.takes[0] is source), None)
        if form is None:
            raise QuerySemanticError(f"a {value.type} cannot become a {kind}", None, self.text)
        return call_form(form, (value,))

    def as_text(self, value: ir.Expr) -> ir.Expr:
        """A value as `tostring` writes it."""
        return self.convert(value, KqlType.STRING)

    def as_json(self, value: ir.Expr) -> ir.Expr:
        """A value as it stands in a dynamic."""
        if value.type is KqlType.DYNAMIC:
            return value
        source = KqlType.LONG if value.type is KqlType.INT else value.type
        form = next(f for f in scalars()["op_json"] if f.takes[0] is source)
        return call_form(form, (value,))

    def text_test(self, operator: str, left: ir.Expr, right: ir.Expr, span: Span) -> ir.Expr:
        """`left has right` and its kin."""
        for side in (left, right):
            if side.type not in {KqlType.STRING, KqlType.DYNAMIC, KqlType.GUID}:
                self.fail(
                    f"{operator!r} compares texts, not a {side.type}", span, "tostring(...) makes a text"
                )
        args = (self.as_text(left), self.as_text(right))
        negated = operator.startswith("!")
        name = {"=~": "op_same", "~": "op_same", "matches regex": "op_matches"}.get(
            operator.removeprefix("!"), f"op_{operator.removeprefix('!')}"
        )
        test = call_form(registered(name), args)
        return truth("not", test) if negated else test

    def _between(self, node: tree.Between, place: Place) -> ir.Expr:
        of, low, high = (self.expression(part, place) for part in (node.of, node.low, node.high))
        if of.type is _TIME and high.type is _SPAN and low.type is _TIME:
            high = self.arithmetic("+", low, high, node.span)
        inside = truth(
            "and", self.compare(">=", of, low, node.low.span), self.compare("<=", of, high, node.high.span)
        )
        return truth("not", inside) if node.negated else inside
