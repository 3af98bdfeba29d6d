"""KQL's filters, transforms and fits of whole series.

https://learn.microsoft.com/kusto/query/scalar-functions#series-processing-functions
"""

from __future__ import annotations

import cmath
import math
import statistics
from fractions import Fraction
from typing import Any, Final

from sentinel.query.scalar import JSON, B, D, L, R, Scalar, Unanswerable

_MOST_PRODUCTS: Final = 5_000_000
"""How many products a filter may need: about a second of them."""


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def numbers(series: Any, what: str) -> list[float]:
    """A series of finite numbers and nothing else."""
    if not isinstance(series, list) or not all(map(_is_number, series)):
        raise Unanswerable(f"{what} of a series that holds more than numbers")
    return [float(value) for value in series]


def _fir(series: Any, weights: Any, normalize: int | None = None, center: int | None = None) -> Any:
    """A weighted sum of the values up to each; what Kusto does where the window sticks out is not documented."""
    values, factors = numbers(series, "series_fir()"), numbers(weights, "series_fir()")
    _affordable("series_fir()", values, factors)
    negative = min(factors, default=0.0) < 0
    if normalize and negative:
        return None
    if normalize is None:
        normalize = not negative
    total = sum(factors)
    if normalize and total:
        factors = [factor / total for factor in factors]
    ahead = len(factors) // 2 if center else 0
    found: list[float] = []
    for at in range(len(values)):
        places = [at + ahead - back for back in range(len(factors))]
        inside = [place for place in places if 0 <= place < len(values)]
        if len(inside) < len(places) and any(values[place] for place in inside):
            raise Unanswerable("series_fir() at the ends of a series that are not zero")
        found.append(
            sum(
                factor * values[place]
                for factor, place in zip(factors, places, strict=True)
                if 0 <= place < len(values)
            )
        )
    return found


def _affordable(name: str, values: list[float], factors: list[float]) -> None:
    """Refuse a filter that nobody could wait for, since it cannot be stopped."""
    if len(values) * len(factors) > _MOST_PRODUCTS:
        raise Unanswerable(f"{name} of {len(values)} values by {len(factors)} coefficients")


def _iir(series: Any, numerators: Any, denominators: Any) -> Any:
    values = numbers(series, "series_iir()")
    b, a = numbers(numerators, "series_iir()"), numbers(denominators, "series_iir()")
    if not a or not a[0]:
        raise Unanswerable("series_iir() that begins with a denominator of 0")
    _affordable("series_iir()", values, [*b, *a])
    found: list[float] = []
    for at in range(len(values)):
        total = sum(factor * values[at - back] for back, factor in enumerate(b) if back <= at)
        total -= sum(factor * found[at - back] for back, factor in enumerate(a) if 0 < back <= at)
        found.append(total / a[0])
    return found


def _transform(values: list[complex], sign: int) -> list[complex]:
    """The discrete Fourier transform of a series whose length is a power of two."""
    size = len(values)
    if size <= 1:
        return values
    even, odd = _transform(values[::2], sign), _transform(values[1::2], sign)
    turned = [cmath.exp(sign * 2j * math.pi * at / size) * odd[at] for at in range(size // 2)]
    return [a + b for a, b in zip(even, turned, strict=True)] + [
        a - b for a, b in zip(even, turned, strict=True)
    ]


def _spectrum(real: Any, imaginary: Any, *, inverse: bool) -> Any:
    reals = numbers(real, "a Fourier transform")
    others = numbers(imaginary, "a Fourier transform") if imaginary is not None else [0.0] * len(reals)
    size = len(reals)
    if len(others) != size or size & (size - 1) or not size:
        raise Unanswerable("a Fourier transform of a length that is no power of two")
    found = _transform(list(map(complex, reals, others)), 1 if inverse else -1)
    scale = size if inverse else 1
    return {"real": [one.real / scale for one in found], "imag": [one.imag / scale for one in found]}


def _solved(matrix: list[list[Fraction]], right: list[Fraction]) -> list[Fraction]:
    """The solution of linear equations, exactly."""
    rows = [[*row, value] for row, value in zip(matrix, right, strict=True)]
    for at in range(len(rows)):
        pivot = next((k for k in range(at, len(rows)) if rows[k][at]), None)
        if pivot is None:
            raise Unanswerable("a polynomial through too few different points")
        rows[at], rows[pivot] = rows[pivot], rows[at]
        rows[at] = [value / rows[at][at] for value in rows[at]]
        for k, row in enumerate(rows):
            if k != at and row[at]:
                rows[k] = [value - row[at] * up for value, up in zip(row, rows[at], strict=True)]
    return [row[-1] for row in rows]


_HIGHEST: Final = 12
_LONGEST: Final = 5000


def _fit_poly(series: Any, places: Any = None, degree: int = 1) -> Any:
    """The polynomial nearest to a series by least squares, as a bag."""
    y = numbers(series, "series_fit_poly()")
    x = [float(at + 1) for at in range(len(y))] if places is None else numbers(places, "series_fit_poly()")
    if len(x) != len(y) or not 1 <= degree <= _HIGHEST or not degree < len(y) <= _LONGEST:
        raise Unanswerable("a polynomial of this degree through this series")
    exact = list(map(Fraction, x))
    powers = [sum(value**power for value in exact) for power in range(2 * degree + 1)]
    right = [
        sum((Fraction(b) * a**power for a, b in zip(exact, y, strict=True)), Fraction(0))
        for power in range(degree + 1)
    ]
    matrix = [[Fraction(powers[i + j]) for j in range(degree + 1)] for i in range(degree + 1)]
    solved = _solved(matrix, right)
    fitted = [float(sum(c * a**power for power, c in enumerate(solved))) for a in exact]
    mean = sum(y) / len(y)
    total = sum((value - mean) ** 2 for value in y)
    rest = sum((value - fit) ** 2 for value, fit in zip(y, fitted, strict=True))
    return {
        "rsquare": 1 - rest / total if total else 1.0,
        "coefficients": [float(c) for c in reversed(solved)],
        "variance": total / (len(y) - 1),
        "rvariance": rest / (len(y) - 1),
        "poly_fit": fitted,
    }


def _seasonal(series: Any, period: int) -> Any:
    """The median of the values of the same phase."""
    values = numbers(series, "series_seasonal()")
    if not 0 < period <= len(values):
        raise Unanswerable("series_seasonal() of a period that is to be found")
    medians = [statistics.median(values[phase::period]) for phase in range(period)]
    return [float(medians[at % period]) for at in range(len(values))]


def _paired(left: Any, right: Any) -> list[tuple[float, float]]:
    size = min((len(one) for one in (left, right) if isinstance(one, list)), default=0)
    sides = [one if isinstance(one, list) else [one] * size for one in (left, right)]
    return [(a, b) for a, b in zip(*sides, strict=False) if _is_number(a) and _is_number(b)]


def _dot(left: Any, right: Any) -> float | None:
    pairs = _paired(left, right)
    return float(sum(a * b for a, b in pairs)) if pairs else None


def _magnitude(series: Any) -> float | None:
    found = _dot(series, series) if isinstance(series, list) else None
    return None if found is None else math.sqrt(found)


def _cosine(left: Any, right: Any, *magnitudes: float) -> float | None:
    if not isinstance(left, list) or not isinstance(right, list):
        return None
    pairs = _paired(left, right)
    if not pairs:
        return None
    sides = [*magnitudes, *(math.sqrt(sum(v * v for v in side)) for side in list(zip(*pairs, strict=True)))]
    first = sides[0]
    second = sides[1] if len(magnitudes) != 1 else sides[2]
    if not first or not second:
        raise Unanswerable("the cosine similarity of a series without magnitude")
    return sum(a * b for a, b in pairs) / (first * second)


def filter_functions() -> tuple[Scalar, ...]:
    """The filters, transforms and fits."""
    return (
        Scalar("series_fir", (D, D, B, B), D, _fir, optional=2),
        Scalar("series_iir", (D, D, D), D, _iir),
        Scalar("op_series_fft", (D, D), D, lambda a, b=None: _spectrum(a, b, inverse=False), optional=1),
        Scalar("op_series_ifft", (D, D), D, lambda a, b=None: _spectrum(a, b, inverse=True), optional=1),
        Scalar("op_series_fit_poly", (D, D, L), D, _fit_poly, optional=2),
        Scalar("series_seasonal", (D, L), D, _seasonal),
        Scalar("series_dot_product", (JSON, JSON), R, _dot),
        Scalar("series_magnitude", (D,), R, _magnitude),
        Scalar("series_cosine_similarity", (D, D, R, R), R, _cosine, optional=2),
    )
