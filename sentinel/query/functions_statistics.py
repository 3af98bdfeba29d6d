"""KQL's functions of statistics: the beta distribution and Welch's test.

https://learn.microsoft.com/kusto/query/beta-cdf-function
"""

from __future__ import annotations

import math
from typing import Final

from sentinel.query.scalar import R, Scalar, Unanswerable

_STEPS: Final = 20_000
_TINY: Final = 1e-300
_EXACT: Final = 1e-16
_LARGEST: Final = 10_000.0


def _fraction(x: float, a: float, b: float) -> float:
    """The continued fraction of the incomplete beta function, by Lentz's method."""
    c, d = 1.0, 1 / _not_zero(1 - (a + b) * x / (a + 1))
    found = d
    for m in range(1, _STEPS):
        for numerator in (
            m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m)),
            -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1)),
        ):
            d = 1 / _not_zero(1 + numerator * d)
            c = _not_zero(1 + numerator / c)
            found *= c * d
        if abs(c * d - 1) < _EXACT:
            break
    return found


def _not_zero(value: float) -> float:
    return value if abs(value) > _TINY else _TINY


def _log_beta(a: float, b: float) -> float:
    return math.lgamma(a) + math.lgamma(b) - math.lgamma(a + b)


def incomplete_beta(x: float, a: float, b: float) -> float:
    """The regularized incomplete beta function, for `x` from 0 to 1."""
    if x <= 0 or x >= 1:
        return float(x >= 1)
    front = math.exp(a * math.log(x) + b * math.log1p(-x) - _log_beta(a, b))
    if x < (a + 1) / (a + b + 2):
        return front * _fraction(x, a, b) / a
    return 1 - front * _fraction(1 - x, b, a) / b


def _allowed(alpha: float, beta: float) -> bool:
    return 0 < alpha <= _LARGEST and 0 < beta <= _LARGEST


def _cdf(x: float, alpha: float, beta: float) -> float:
    return incomplete_beta(x, alpha, beta) if 0 <= x <= 1 and _allowed(alpha, beta) else math.nan


def _pdf(x: float, alpha: float, beta: float) -> float:
    if not 0 < x < 1 or alpha <= 0 or beta <= 0:
        return math.nan
    return math.exp((alpha - 1) * math.log(x) + (beta - 1) * math.log1p(-x) - _log_beta(alpha, beta))


def _inverse(probability: float, alpha: float, beta: float) -> float | None:
    if not _allowed(alpha, beta):
        return math.nan
    if probability > 1:
        return None
    if not probability > 0:
        raise Unanswerable("beta_inv() of no probability")
    low, high = 0.0, 1.0
    while True:
        middle = (low + high) / 2
        if middle in {low, high}:
            return middle
        if incomplete_beta(middle, alpha, beta) < probability:
            low = middle
        else:
            high = middle


def _welch(
    mean1: float, var1: float, count1: float, mean2: float, var2: float, count2: float
) -> float | None:
    if count1 <= 1 or count2 <= 1 or var1 < 0 or var2 < 0 or not var1 + var2:
        raise Unanswerable("a Welch test of so little")
    share1, share2 = var1 / count1, var2 / count2
    squared = (mean1 - mean2) ** 2 / (share1 + share2)
    freedom = (share1 + share2) ** 2 / (share1**2 / (count1 - 1) + share2**2 / (count2 - 1))
    return incomplete_beta(freedom / (freedom + squared), freedom / 2, 0.5)


def statistics_functions() -> tuple[Scalar, ...]:
    """The functions of statistics."""
    return (
        Scalar("beta_cdf", (R, R, R), R, _cdf),
        Scalar("beta_pdf", (R, R, R), R, _pdf),
        Scalar("beta_inv", (R, R, R), R, _inverse),
        Scalar("welch_test", (R, R, R, R, R, R), R, _welch),
    )
