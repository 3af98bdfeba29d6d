"""Did it help? The symptom's measure before and after, with the uncertainty of both."""

from __future__ import annotations

import math
from datetime import datetime
from typing import Final

from sentinel.model.finding import Finding, Measurement
from sentinel.model.plan import Effect, Verification

MINIMUM_SAMPLE: Final = 20
"""Fewer observations than this decide nothing."""
_Z: Final = 1.959964


def verify(before: Finding, after: Measurement | None, now: datetime) -> Verification:
    """Compare a share before a change with the one after it.

    Both are shares of a sample, so the difference is bounded by Newcombe's hybrid score interval at 95 %
    (Newcombe 1998, Statistics in Medicine 17, 873-890, method 10). No rows, or too few, are inconclusive.
    """
    if after is None or after.sample < MINIMUM_SAMPLE:
        seen = 0 if after is None else after.sample
        share = 0.0 if after is None else after.measure
        reason = f"{seen} observations since the change; {MINIMUM_SAMPLE} are needed"
        return Verification(
            Effect.INCONCLUSIVE, now, before.measure, before.sample, share, seen, -1.0, 1.0, reason
        )
    low, high = difference_interval(before.measure, before.sample, after.measure, after.sample)
    effect = _effect(low, high, holds=after.holds)
    reason = (
        f"{before.measure:.1%} of {before.sample} before, {after.measure:.1%} of {after.sample} after"
        f" (difference {low:+.1%} to {high:+.1%} at 95 %)"
    )
    return Verification(
        effect, now, before.measure, before.sample, after.measure, after.sample, low, high, reason
    )


def _effect(low: float, high: float, *, holds: bool) -> Effect:
    if low > 0:
        return Effect.WORSE
    if high >= 0:
        return Effect.NO_EFFECT
    return Effect.HELPED if holds else Effect.WORKED


def difference_interval(before: float, before_n: int, after: float, after_n: int) -> tuple[float, float]:
    """The 95 % interval of `after − before` for two shares of samples of the given sizes."""
    low_b, high_b = _wilson(before, before_n)
    low_a, high_a = _wilson(after, after_n)
    difference = after - before
    low = difference - math.hypot(after - low_a, high_b - before)
    high = difference + math.hypot(high_a - after, before - low_b)
    return max(-1.0, low), min(1.0, high)


def _wilson(share: float, n: int) -> tuple[float, float]:
    share = min(1.0, max(0.0, share))
    if n <= 0:
        return 0.0, 1.0
    z2 = _Z * _Z
    centre = (share + z2 / (2 * n)) / (1 + z2 / n)
    half = _Z * math.sqrt(share * (1 - share) / n + z2 / (4 * n * n)) / (1 + z2 / n)
    return max(0.0, centre - half), min(1.0, centre + half)
