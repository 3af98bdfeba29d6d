"""Did it help? The symptom's measure before and after, with the uncertainty of both.

Requests that fail come in bursts, so a share of 10 000 requests tells less than 10 000 throws of a coin. How much less
is seen by cutting both spans into slices: if their shares scatter more than throws would, the sample counts for so
much less (the design effect of cluster samples, Kish 1965, Survey Sampling, 5.4).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from sentinel.clock import format_span
from sentinel.deploy.adapters import Adapters
from sentinel.errors import AdapterError
from sentinel.model.finding import Finding, Measurement
from sentinel.model.plan import Action, Effect, Plan, Verification
from sentinel.model.rule import Symptom
from sentinel.model.target import Target
from sentinel.store.actions import Actions

MINIMUM_SAMPLE: Final = 20
"""Fewer observations than this decide nothing."""
SLICES: Final = 6
ENOUGH_DEMAND: Final = 0.9
"""Below this share of what was served before the change, the old settings would have served it too."""
_Z: Final = 1.959964
"""The 97.5 % quantile of the normal distribution: two-sided 95 %."""
_Z_EARLY: Final = 2.575829
"""99 %: a verdict before the deadline has many chances to be wrong, one at each look."""

Measure = Callable[[Target, datetime, datetime], Measurement | None]
"""The symptom's measure of a target between two instants."""


@dataclass(frozen=True, slots=True)
class Trial:
    """When a change is judged: from `since` on, not before `earliest`, and at `deadline` at the latest."""

    since: datetime
    earliest: datetime
    deadline: datetime
    forgotten: datetime
    """After this nobody can say any more what the change did: it is taken back whatever is seen."""

    @classmethod
    def of(cls, plan: Plan, symptom: Symptom, lag: timedelta, applied: Action | None) -> Trial:
        """The trial of a change, by the known lag of its effect and the times the symptom's rule needs.

        Judging takes half of what the symptom looks back, or as long as it must hold before it counts, at least. One
        that puts a raised setting back is watched from the first moment. The time to judge counts from the claim, as
        the change may have been made then; where the control plane took long, what judging needs is left of it.
        """
        if applied is None:
            raise AssertionError(f"{plan.id} is judged and was never applied")
        in_force = applied.finished or applied.claimed
        since = in_force if plan.relaxes else in_force + max(plan.verify_after, lag)
        earliest = since if plan.relaxes else since + max(symptom.window / 2, symptom.hold)
        within = max(plan.verify_within, earliest - in_force)
        deadline = max(applied.claimed + within, earliest)
        return cls(since, earliest, deadline, deadline + symptom.window)

    @property
    def opens(self) -> datetime:
        """Before this nothing is decided, so nothing need be measured."""
        return min(self.earliest, self.deadline)


def examine(
    finding: Finding,
    symptom: Symptom,
    trial: Trial,
    now: datetime,
    measure: Measure,
    siblings: Sequence[Target] = (),
) -> Verification:
    """Judge a change by what is measured since then, against what was found before it.

    A cure must be seen in every part of the time since, not be explained by less demand, and not have happened to
    the `siblings`, which nobody changed.
    """
    if now >= trial.forgotten:
        return verify(finding, None, now)
    after = measure(finding.target, trial.since, now)
    final = now >= trial.deadline
    plain = verify(finding, after, now)
    if after is None or plain.effect in {Effect.INCONCLUSIVE, Effect.NO_EFFECT}:
        return plain
    seen_before = measured_slices(measure, finding.target, finding.at - symptom.window, finding.at)
    seen_after = measured_slices(measure, finding.target, trial.since, now)
    certain = _Z if final else _Z_EARLY
    spread = max(1.0, dispersion(seen_before)), max(1.0, dispersion(seen_after))
    verdict = verify(finding, after, now, spread=spread, certain=certain)
    if verdict.effect is not Effect.WORKED:
        return verdict
    if any(one.holds for one in seen_after):
        return replace(verdict, effect=Effect.HELPED, reason=f"{verdict.reason}; it still held at times")
    return _needed(verdict, finding, symptom, seen_after) or _controlled(
        verdict, finding, symptom, trial, measure, siblings
    )


def verify(
    before: Finding,
    after: Measurement | None,
    now: datetime,
    *,
    spread: tuple[float, float] = (1.0, 1.0),
    certain: float = _Z,
) -> Verification:
    """Compare a share before a change with the one after it.

    Both are shares of a sample, so the difference is bounded by Newcombe's hybrid score interval (Newcombe 1998,
    Statistics in Medicine 17, 873-890, method 10), of samples divided by their design effects `spread`. No rows, or
    too few, are inconclusive.
    """
    if after is None or after.sample < MINIMUM_SAMPLE:
        seen = 0 if after is None else after.sample
        share = 0.0 if after is None else after.measure
        reason = f"{seen} observations since the change; {MINIMUM_SAMPLE} are needed"
        return Verification(
            Effect.INCONCLUSIVE, now, before.measure, before.sample, share, seen, -1.0, 1.0, reason
        )
    quantile = certain if spread == (1.0, 1.0) else _student(certain, SLICES - 1)
    low, high = difference_interval(
        before.measure, before.sample / spread[0], after.measure, after.sample / spread[1], quantile
    )
    effect = _effect(low, high, holds=after.holds)
    reason = (
        f"{before.measure:.1%} of {before.sample} before, {after.measure:.1%} of {after.sample} after"
        f" (difference {low:+.1%} to {high:+.1%} at {95 if certain == _Z else 99} %)"
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


def _needed(
    verdict: Verification, finding: Finding, symptom: Symptom, seen: Sequence[Measurement]
) -> Verification | None:
    """Recovered by itself: at no time since was there more to serve than what was served before the change.

    The busiest slice speaks, as records of the last moments may still be on their way.
    """
    served = finding.sample * (1 - finding.measure) / symptom.window.total_seconds()
    busiest = max((one.sample / (one.until - one.since).total_seconds() for one in seen), default=0.0)
    if not seen or busiest > ENOUGH_DEMAND * served:
        return None
    why = f"recovered by itself: at most {busiest:.3g}/s since, and {served:.3g}/s were served before the change"
    return replace(verdict, effect=Effect.NOT_NEEDED, reason=f"{verdict.reason}; {why}")


def _controlled(
    verdict: Verification,
    finding: Finding,
    symptom: Symptom,
    trial: Trial,
    measure: Measure,
    siblings: Sequence[Target],
) -> Verification:
    """Recovered by itself: a sibling that nobody changed recovered as well.

    That is, the difference of the differences may be none, or the sibling's is half of the target's at least.
    """
    for sibling in siblings:
        then = measure(sibling, finding.at - symptom.window, finding.at)
        later = measure(sibling, trial.since, verdict.at)
        if then is None or later is None or min(then.sample, later.sample) < MINIMUM_SAMPLE:
            continue
        low, high = difference_interval(then.measure, then.sample, later.measure, later.sample)
        own = verdict.after - verdict.before
        theirs = later.measure - then.measure
        alike = (own - theirs) + math.hypot(verdict.high - own, theirs - low) >= 0
        if high < 0 and (alike or theirs <= own / 2):
            why = f"{sibling.label} recovered as well, unchanged ({then.measure:.1%} to {later.measure:.1%})"
            return replace(verdict, effect=Effect.NOT_NEEDED, reason=f"{verdict.reason}; {why}")
    return verdict


def unchanged_siblings(plan: Plan, adapters: Adapters, actions: Actions) -> list[Target]:
    """The other deployments of the endpoint that were not changed since the plan, to compare with.

    One that was changed shortly before is on trial itself: that it recovers is its own change's doing.
    """
    try:
        known = adapters.targets()
    except AdapterError:
        return []  # a verdict without a control is better than none
    changed = {
        action.target for action in actions.listed() if action.claimed >= plan.created - plan.verify_within
    }
    endpoint = plan.target.names[0]
    return [one for one in known if one not in changed | {plan.target} and one.names[0] == endpoint]


def measured_slices(measure: Measure, target: Target, since: datetime, until: datetime) -> list[Measurement]:
    """What was measured in equal parts of a span, as far as there was anything."""
    part = (until - since) / SLICES
    seen = (measure(target, since + part * n, since + part * (n + 1)) for n in range(SLICES))
    return [one for one in seen if one is not None and one.sample > 0]


def dispersion(slices: Sequence[Measurement]) -> float:
    """How many times more the shares of slices scatter than throws of a coin would; 1 if nothing can be said."""
    total = sum(one.sample for one in slices)
    share = sum(one.measure * one.sample for one in slices) / total if total else 0.0
    if len(slices) < 2 or not 0 < share < 1:  # noqa: PLR2004 - one slice cannot scatter
        return 1.0
    squares = sum(one.sample * (one.measure - share) ** 2 for one in slices)
    return squares / (share * (1 - share)) / (len(slices) - 1)


def _student(z: float, freedom: int) -> float:
    """The quantile of Student's distribution for a normal one (Abramowitz and Stegun 1964, 26.7.5)."""
    first = (z**3 + z) / 4
    second = (5 * z**5 + 16 * z**3 + 3 * z) / 96
    third = (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / 384
    return z + first / freedom + second / freedom**2 + third / freedom**3


def difference_interval(
    before: float, before_n: float, after: float, after_n: float, quantile: float = _Z
) -> tuple[float, float]:
    """The interval of `after − before` for two shares of samples of the given sizes; 95 % unless told."""
    low_b, high_b = _wilson(before, before_n, quantile)
    low_a, high_a = _wilson(after, after_n, quantile)
    difference = after - before
    low = difference - math.hypot(after - low_a, high_b - before)
    high = difference + math.hypot(high_a - after, before - low_b)
    return max(-1.0, low), min(1.0, high)


def _wilson(share: float, n: float, quantile: float) -> tuple[float, float]:
    share = min(1.0, max(0.0, share))
    if n <= 0:
        return 0.0, 1.0
    z2 = quantile * quantile
    centre = (share + z2 / (2 * n)) / (1 + z2 / n)
    half = quantile * math.sqrt(share * (1 - share) / n + z2 / (4 * n * n)) / (1 + z2 / n)
    return max(0.0, centre - half), min(1.0, centre + half)


class Course(StrEnum):
    """What follows from a verdict."""

    KEEP = "keep"
    REOPEN = "reopen"
    UNDO = "undo"
    WAIT = "wait"


def course(verdict: Verification, trial: Trial, now: datetime) -> tuple[Course, str, str]:
    """What follows from a verdict now, the outcome to remember, and why.

    Only a verdict in time lets a change stay: one that nobody judged until it is `forgotten` is taken back.
    """
    effect, why = verdict.effect, f"{verdict.effect}: {verdict.reason}"
    if now >= trial.forgotten:
        outcome = "not confirmed in time"
        since = format_span(now - trial.since)
        return Course.UNDO, outcome, f"{outcome}: its effect could be seen {since} ago; taking it back"
    if now < trial.opens:
        return Course.WAIT, "", why
    if effect is Effect.WORKED:
        return Course.KEEP, effect, why
    if effect is not Effect.WORSE and now < trial.deadline:
        return Course.WAIT, "", why
    if effect is Effect.HELPED:
        return Course.REOPEN, effect, f"{why}; kept, and diagnosing again"
    return Course.UNDO, effect, f"{why}; taking it back"
