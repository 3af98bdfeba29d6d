"""A symptom's measure and what a change did to it, in words."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from sentinel.model.finding import Finding
from sentinel.model.plan import Effect, Verification
from sentinel.model.rule import Symptom
from sentinel.report.text import moment, number, points, share

_VERDICT: Final = {
    Effect.WORKED: "It worked",
    Effect.HELPED: "It helped, but not enough",
    Effect.NOT_NEEDED: "Not needed any more",
    Effect.NO_EFFECT: "It had no effect",
    Effect.WORSE: "It made things worse",
    Effect.INCONCLUSIVE: "Inconclusive",
}


def is_share(symptom: Symptom | None, *values: float) -> bool:
    """Whether a measure is a share of one.

    A symptom's measure is one if it divides and no value is past one. Without the symptom, values between 0 and 1
    that are not all whole are taken for shares.
    """
    within = all(0 <= value <= 1 for value in values)
    if symptom is not None:
        return within and "/" in symptom.measure
    return within and not all(float(value).is_integer() for value in values)


def measure_text(value: float, symptom: Symptom | None, finding: Finding) -> str:
    """A measure as a share or as a number."""
    return share(value) if is_share(symptom, value, finding.measure) else number(value)


def before_after(verification: Verification, symptom: Symptom | None = None) -> str:
    """The measure before and after a change: `31% → 0%`."""
    write = share if is_share(symptom, verification.before, verification.after) else number
    return f"{write(verification.before)} → {write(verification.after)}"


def effect_lines(verification: Verification, symptom: Symptom | None = None) -> Iterator[str]:
    """What a change did: the verdict, the measure before and after, and the interval of the difference."""
    shares = is_share(symptom, verification.before, verification.after)
    write = points if shares else _signed
    yield (
        f"{_VERDICT[verification.effect]}: {before_after(verification, symptom)}"
        f" ({number(verification.before_sample)} observed before, {number(verification.after_sample)} after)"
    )
    yield (
        f"difference {write(verification.after - verification.before)},"
        f" 95% interval {write(verification.low)} to {write(verification.high)},"
        f" measured {moment(verification.at)}"
    )
    if verification.reason:
        yield verification.reason


def _signed(value: float) -> str:
    return f"{'−' if value < 0 else '+'}{number(abs(value))}"
