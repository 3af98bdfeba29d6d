"""The `to:` of a remedy: one call of a named formula over named numbers.

An argument is a number, a name, or `+ - * /` of such. Nothing else is evaluated.
"""

from __future__ import annotations

import ast
import inspect
import operator
from collections.abc import Callable, Mapping
from functools import cache
from types import MappingProxyType
from typing import Any, Final

from sentinel.errors import FormulaError
from sentinel.model.plan import Formula
from sentinel.remediate.capacity import FORMULAS, Computed

_OPERATORS: Final[Mapping[type[ast.operator], Callable[[float, float], float]]] = MappingProxyType(
    {ast.Add: operator.add, ast.Sub: operator.sub, ast.Mult: operator.mul, ast.Div: operator.truediv}
)


@cache
def names_in(expression: str) -> frozenset[str]:
    """The names a formula needs a number for.

    Raises:
        FormulaError: It is not one call of a known formula with the right number of arguments.
    """
    call, function = _parse(expression)
    try:
        inspect.signature(function).bind(*call.args)
    except TypeError as error:
        raise FormulaError(f"{expression}: {error}") from None
    return frozenset(
        node.id for argument in call.args for node in ast.walk(argument) if isinstance(node, ast.Name)
    )


def compute(expression: str, numbers: Mapping[str, Any]) -> Formula:
    """The value of a formula, with its inputs and its working.

    Raises:
        FormulaError: It is not well formed, a number is missing, or the numbers do not fit.
    """
    used = names_in(expression)
    inputs: dict[str, float] = {}
    for name in sorted(used):
        value = numbers.get(name)
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise FormulaError(f"{expression}: {name} is {value!r}, so there is nothing to compute with")
        inputs[name] = float(value)
    call, function = _parse(expression)
    computed = function(*(_value(argument, inputs) for argument in call.args))
    return Formula(expression, inputs, computed.workings, computed.source, computed.value)


@cache
def _parse(expression: str) -> tuple[ast.Call, Callable[..., Computed]]:
    try:
        tree = ast.parse(expression.strip(), mode="eval").body
    except SyntaxError as error:
        raise FormulaError(f"{expression!r} is not a formula: {error.msg}") from None
    if not isinstance(tree, ast.Call) or not isinstance(tree.func, ast.Name) or tree.keywords:
        raise FormulaError(f"{expression!r} is not one call of {', '.join(FORMULAS)}")
    function = FORMULAS.get(tree.func.id)
    if function is None:
        raise FormulaError(f"{tree.func.id} is not one of {', '.join(FORMULAS)}")
    for argument in tree.args:
        _check(argument, expression)
    return tree, function


def _check(node: ast.expr, expression: str) -> None:
    match node:
        case ast.Constant(value=int() | float()) | ast.Name():
            return
        case ast.BinOp(left=left, op=op, right=right) if type(op) in _OPERATORS:
            _check(left, expression)
            _check(right, expression)
        case _:
            raise FormulaError(
                f"{expression!r}: {ast.unparse(node)} is not a number, a name or + - * / of such"
            )


def _value(node: ast.expr, inputs: Mapping[str, float]) -> float:
    match node:
        case ast.Constant(value=int() | float() as number):
            return float(number)
        case ast.Name(id=name):
            return inputs[name]
        case ast.BinOp(left=left, op=op, right=right):
            divisor = _value(right, inputs)
            if isinstance(op, ast.Div) and divisor == 0:
                raise FormulaError(f"{ast.unparse(node)} divides by zero")
            return _OPERATORS[type(op)](_value(left, inputs), divisor)
        case _:
            raise FormulaError(f"{ast.unparse(node)} is not a number")
