"""KQL's arithmetic: whole numbers wrap at 64 bits, reals know NaN and infinities, decimals are exact.

https://learn.microsoft.com/kusto/query/numerical-operators
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable
from decimal import ROUND_FLOOR, ROUND_HALF_UP, Decimal, localcontext
from functools import partial
from typing import Any, Final

from sentinel.query.functions_time import bin_at_whole, bin_datetime, bin_whole
from sentinel.query.scalar import ANY, B, G, I, L, N, P, R, S, Scalar, T, Unanswerable
from sentinel.query.values import DECIMALS, wrap_long

_NAN: Final = math.nan


def divide_long(a: int, b: int) -> int | None:
    """Whole division toward zero; null by zero."""
    if b == 0:
        return None
    quotient = abs(a) // abs(b)
    return wrap_long(quotient if (a < 0) == (b < 0) else -quotient)


def modulo_long(a: int, b: int) -> int | None:
    """The remainder that is never negative; null by zero."""
    return a % abs(b) if b else None


def divide_real(a: float, b: float) -> float:
    """Real division, as IEEE 754 has it."""
    if b:
        return a / b
    if a == 0 or math.isnan(a) or math.isnan(b):
        return _NAN
    return math.copysign(math.inf, a) * math.copysign(1.0, b)


def _modulo_real(a: float, b: float) -> float:
    if math.isinf(b) and math.isfinite(a):
        return a
    if not b or not math.isfinite(a) or math.isnan(b):
        return _NAN
    return a % abs(b)


def power(a: float, b: float) -> float:
    """A power, as IEEE 754 has it."""
    try:
        return math.pow(a, b)
    except OverflowError:
        return math.inf if a > 0 or b % 2 == 0 else -math.inf
    except ValueError:
        return math.inf if a == 0 else _NAN


def _real(function: Callable[[float], float]) -> Callable[[float], float]:
    """A function of the C library with IEEE's answers instead of exceptions."""

    def run(x: float) -> float:
        try:
            return function(x)
        except OverflowError:
            return math.inf
        except ValueError:
            return _NAN

    return run


def _log(function: Callable[[float], float]) -> Callable[[float], float | None]:
    """A logarithm: null below zero."""

    def run(x: float) -> float | None:
        if x == 0:
            return -math.inf
        return function(x) if not x < 0 else None

    return run


def round_real(x: float, digits: int = 0) -> float:
    """A real rounded to so many decimal digits, halves away from zero."""
    if not math.isfinite(x):
        return x
    with localcontext() as context:
        context.prec = 400
        step = Decimal(1).scaleb(-digits)
        return float(Decimal(repr(x)).quantize(step, ROUND_HALF_UP))


_LONG_DIGITS: Final = 19


def _round_long(x: int, digits: int = 0) -> int:
    if digits >= 0:
        return x
    if digits < -_LONG_DIGITS:
        return 0
    step: int = 10**-digits
    whole, rest = divmod(abs(x), step)
    rounded = (whole + (2 * rest >= step)) * step
    return rounded if x >= 0 else -rounded


def _round_decimal(x: Decimal, digits: int = 0) -> Decimal:
    with localcontext() as context:
        context.prec = 400
        return x.quantize(Decimal(1).scaleb(-digits), ROUND_HALF_UP)


_KEY_DIGITS: Final = 40


def _decimal_key(x: Decimal) -> str:
    """A text that sorts as the decimal does."""
    with localcontext() as context:
        context.prec = 400
        scaled = x.scaleb(_KEY_DIGITS)
        if scaled != scaled.to_integral_value() or abs(scaled) >= 10 ** (2 * _KEY_DIGITS):
            raise Unanswerable("sorting by a decimal of so many digits")
        return f"{int(scaled) + 10 ** (2 * _KEY_DIGITS):0{2 * _KEY_DIGITS + 1}d}"


def _floor_real(value: float, size: float) -> float | None:
    if size <= 0 or math.isnan(size):
        return None
    return math.floor(value / size) * size if math.isfinite(value) else value


def _bin_at_real(value: float, size: float, fixed: float) -> float | None:
    if size <= 0 or not math.isfinite(value):
        return None
    return fixed + math.floor((value - fixed) / size) * size


def _ceiling(x: float) -> float:
    if not math.isfinite(x):
        return x
    found = float(math.ceil(x))
    return -0.0 if found == 0 and x < 0 else found


def _sign(x: float) -> float:
    return float((x > 0) - (x < 0))


def _gamma(x: float) -> float:
    return _real(math.gamma)(x)


def _exact_divide(a: Decimal, b: Decimal) -> Decimal | None:
    return DECIMALS.divide(a, b) if b else None


def _exact_modulo(a: Decimal, b: Decimal) -> Decimal | None:
    if not b:
        return None
    remainder = DECIMALS.remainder(a, abs(b))
    return DECIMALS.add(remainder, abs(b)) if remainder < 0 else remainder


def _exact_bin(value: Decimal, size: Decimal) -> Decimal | None:
    if size <= 0:
        return None
    return DECIMALS.multiply(DECIMALS.divide(value, size).to_integral_value(ROUND_FLOOR), size)


def _most(better: Callable[[Any, Any], bool]) -> Callable[..., Any]:
    def run(*values: Any) -> Any:
        found = None
        for value in values:
            if isinstance(value, float) and math.isnan(value):
                raise Unanswerable("the extreme of values among which is NaN")
            if value is not None and (found is None or better(value, found)):
                found = value
        return found

    return run


_REALS: Final[dict[str, Callable[[float], float | None]]] = {
    "sqrt": _real(math.sqrt),
    "exp": _real(math.exp),
    "exp2": _real(lambda x: 2.0**x),
    "exp10": _real(lambda x: 10.0**x),
    "log": _log(math.log),
    "log10": _log(math.log10),
    "log2": _log(math.log2),
    "sin": _real(math.sin),
    "cos": _real(math.cos),
    "tan": _real(math.tan),
    "cot": _real(lambda x: divide_real(1.0, math.tan(x))),
    "asin": lambda x: None if abs(x) > 1 else math.asin(x),
    "acos": lambda x: None if abs(x) > 1 else math.acos(x),
    "atan": _real(math.atan),
    "degrees": math.degrees,
    "radians": math.radians,
    "gamma": _gamma,
    "loggamma": _real(math.lgamma),
    "erf": math.erf,
    "erfc": math.erfc,
}


def _comparisons() -> list[Scalar]:
    tests: dict[str, Callable[[Any, Any], bool]] = {
        "eq": operator.eq,
        "ne": operator.ne,
        "lt": operator.lt,
        "le": operator.le,
        "gt": operator.gt,
        "ge": operator.ge,
    }
    return [
        Scalar(f"op_{name}", (kind, kind), B, test, suffix=suffix)
        for name, test in tests.items()
        for kind, suffix in ((R, "real"), (N, "decimal"))
    ]


def _operators() -> list[Scalar]:
    return [
        Scalar("op_add", (L, L), L, lambda a, b: wrap_long(a + b)),
        Scalar("op_subtract", (L, L), L, lambda a, b: wrap_long(a - b)),
        Scalar("op_multiply", (L, L), L, lambda a, b: wrap_long(a * b)),
        Scalar("op_divide", (L, L), L, divide_long),
        Scalar("op_modulo", (L, L), L, modulo_long),
        Scalar("op_negate", (L,), L, lambda a: wrap_long(-a)),
        Scalar("op_add", (R, R), R, operator.add, suffix="real"),
        Scalar("op_subtract", (R, R), R, operator.sub, suffix="real"),
        Scalar("op_multiply", (R, R), R, operator.mul, suffix="real"),
        Scalar("op_divide", (R, R), R, divide_real, suffix="real"),
        Scalar("op_modulo", (R, R), R, _modulo_real, suffix="real"),
        Scalar("op_negate", (R,), R, operator.neg, suffix="real"),
        Scalar("op_add", (N, N), N, DECIMALS.add, suffix="decimal"),
        Scalar("op_subtract", (N, N), N, DECIMALS.subtract, suffix="decimal"),
        Scalar("op_multiply", (N, N), N, DECIMALS.multiply, suffix="decimal"),
        Scalar("op_divide", (N, N), N, _exact_divide, suffix="decimal"),
        Scalar("op_modulo", (N, N), N, _exact_modulo, suffix="decimal"),
        Scalar("op_negate", (N,), N, DECIMALS.minus, suffix="decimal"),
    ]


def _rounding() -> list[Scalar]:
    return [
        form
        for name in ("bin", "floor")
        for form in (
            Scalar(name, (L, L), L, bin_whole),
            Scalar(name, (T, P), T, bin_datetime, suffix="datetime"),
            Scalar(name, (P, P), P, bin_whole, suffix="timespan"),
            Scalar(name, (R, R), R, _floor_real, suffix="real"),
            Scalar(name, (N, N), N, _exact_bin, suffix="decimal"),
        )
    ] + [
        Scalar("bin_at", (L, L, L), L, bin_at_whole),
        Scalar("bin_at", (T, P, T), T, bin_at_whole, suffix="datetime"),
        Scalar("bin_at", (P, P, P), P, bin_at_whole, suffix="timespan"),
        Scalar("bin_at", (R, R, R), R, _bin_at_real, suffix="real"),
        Scalar("ceiling", (R,), R, _ceiling),
        Scalar("round", (L, L), L, _round_long, optional=1),
        Scalar("round", (R, L), R, round_real, optional=1, suffix="real"),
        Scalar("round", (N, L), N, _round_decimal, optional=1, suffix="decimal"),
        Scalar("op_decimal_key", (N,), G, _decimal_key),
        Scalar("abs", (L,), L, lambda x: wrap_long(abs(x))),
        Scalar("abs", (P,), P, abs, suffix="timespan"),
        Scalar("abs", (R,), R, abs, suffix="real"),
        Scalar("abs", (N,), N, DECIMALS.abs, suffix="decimal"),
        Scalar("sign", (R,), R, _sign),
    ]


_MOST_HEX: Final = 16


def _hex(bits: int, value: int, width: int = 0) -> str:
    return f"{value % 2**bits:x}".rjust(min(width, _MOST_HEX), "0")


def _bits() -> list[Scalar]:
    def shift_left(a: int, b: int) -> int | None:
        return wrap_long(a << (b % 64)) if b >= 0 else None

    def shift_right(a: int, b: int) -> int | None:
        return a >> (b % 64) if b >= 0 else None

    return [
        Scalar("binary_and", (L, L), L, operator.and_),
        Scalar("binary_or", (L, L), L, operator.or_),
        Scalar("binary_xor", (L, L), L, operator.xor),
        Scalar("binary_not", (L,), L, operator.invert),
        Scalar("binary_shift_left", (L, L), L, shift_left),
        Scalar("binary_shift_right", (L, L), L, shift_right),
        Scalar("bitset_count_ones", (L,), L, lambda a: (a % 2**64).bit_count()),
        Scalar("tohex", (L, L), S, partial(_hex, 64), optional=1),
        Scalar("tohex", (I, L), S, partial(_hex, 32), optional=1, suffix="int"),
    ]


def math_functions() -> tuple[Scalar, ...]:
    """The functions on numbers, and the arithmetic operators that need more than SQL has."""
    return (
        *_operators(),
        *_comparisons(),
        *_rounding(),
        *_bits(),
        *(Scalar(name, (R,), R, run) for name, run in _REALS.items()),
        Scalar("pow", (R, R), R, power),
        Scalar("atan2", (R, R), R, math.atan2),
        Scalar("pi", (), R, lambda: math.pi),
        Scalar("isnan", (R,), B, math.isnan),
        Scalar("isinf", (R,), B, math.isinf),
        Scalar("isfinite", (R,), B, math.isfinite),
        *(
            Scalar(f"op_{name}_of", (kind,), kind, _most(better), repeats=True, strict=False, suffix=suffix)
            for name, better in (("max", operator.gt), ("min", operator.lt))
            for kind, suffix in ((R, "real"), (N, "decimal"))
        ),
        Scalar("op_max_of", (ANY,), L, _most(operator.gt), repeats=True, strict=False),
        Scalar("op_min_of", (ANY,), L, _most(operator.lt), repeats=True, strict=False),
    )
