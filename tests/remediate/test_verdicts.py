"""How often verification is wrong, on traffic that comes in bursts and failures that come together."""

from __future__ import annotations

import math
import random
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import pytest

from sentinel.model.finding import Finding, Measurement
from sentinel.model.plan import ActionKind, Effect
from sentinel.model.target import Target, deployment
from sentinel.remediate.verify import Course, Trial, course, dispersion, examine
from tests.builders import CHAT_BLUE, NOON, a_plan
from tests.stories.world import SYMPTOM

SECOND = timedelta(seconds=1)
GREEN = deployment("chat", "green")
THRESHOLD = 0.05
LONG_SYMPTOM = replace(SYMPTOM, window=120 * SECOND, every=15 * SECOND)
CHANGED = NOON
LAST = timedelta(minutes=20)


@dataclass(frozen=True)
class Kind:
    """How requests come and fail: the mean share that fails before and after, and how both wander."""

    before: float
    after: float
    rate: float = 30.0
    rate_after: float = 30.0
    wander: float = 0.5
    """The standard deviation of the log odds of failing, over slow and fast movements."""


class Traffic:
    """Requests second by second: a rate and odds that wander (autoregressive), and Poisson arrivals on top."""

    def __init__(self, kind: Kind, chance: random.Random) -> None:
        self.begin = NOON - LAST
        self.counts: list[tuple[int, int]] = []
        slow = fast = load = 0.0
        for second in range(2 * int(LAST.total_seconds())):
            changed = self.begin + second * SECOND >= CHANGED
            slow = 0.98 * slow + math.sqrt(1 - 0.98**2) * chance.gauss(0, 1)
            fast = 0.7 * fast + math.sqrt(1 - 0.7**2) * chance.gauss(0, 1)
            load = 0.95 * load + math.sqrt(1 - 0.95**2) * chance.gauss(0, 1)
            mean = (kind.rate_after if changed else kind.rate) * math.exp(0.2 * load - 0.02)
            arrived = max(0, round(chance.gauss(mean, math.sqrt(mean))))
            share = kind.after if changed else kind.before
            odds = math.log(share / (1 - share)) + kind.wander * (0.8 * slow + 0.6 * fast)
            failed = sum(chance.random() < 1 / (1 + math.exp(-odds)) for _ in range(arrived))
            self.counts.append((arrived, failed))

    def measure(self, target: Target, since: datetime, until: datetime) -> Measurement | None:
        first, last = (int((at - self.begin).total_seconds()) for at in (since, until))
        seen = self.counts[max(0, first) : max(0, last)]
        arrived, failed = sum(a for a, _ in seen), sum(f for _, f in seen)
        if not arrived:
            return None
        share = failed / arrived
        return Measurement(target, since, until, share, arrived, failed >= 5 and share >= THRESHOLD)

    def finding(self) -> Finding | None:
        """What opens an incident: the symptom held when the change was made."""
        seen = self.measure(CHAT_BLUE, NOON - LONG_SYMPTOM.window, NOON)
        if seen is None or not seen.holds:
            return None
        return Finding(LONG_SYMPTOM.id, CHAT_BLUE, NOON, {}, seen.measure, seen.sample)


def judged(traffic: Traffic, finding: Finding, siblings: dict[Target, Traffic] | None = None) -> Effect:
    """The verdict as the pipeline reaches it, look after look until something follows."""
    plan = a_plan(verify_after=60 * SECOND, verify_within=600 * SECOND)
    applied = replace(plan.action(ActionKind.APPLY, "r1", CHANGED), finished=CHANGED)
    trial = Trial.of(plan, LONG_SYMPTOM, 30 * SECOND, applied)
    others = siblings or {}

    def measure(target: Target, since: datetime, until: datetime) -> Measurement | None:
        return others.get(target, traffic).measure(target, since, until)

    now = trial.since
    while True:
        verdict = examine(finding, LONG_SYMPTOM, trial, now, measure, tuple(others))
        if course(verdict, trial, now)[0] is not Course.WAIT:
            return verdict.effect
        now = min(now + LONG_SYMPTOM.every, trial.deadline)


def lives(kind: Kind, seed: int, count: int = 200) -> Iterator[tuple[Traffic, Finding]]:
    """As many changes as asked for, each made while the symptom held."""
    chance = random.Random(seed)
    while count:
        traffic = Traffic(kind, chance)
        finding = traffic.finding()
        if finding is not None:
            count -= 1
            yield traffic, finding


@pytest.mark.parametrize(
    ("kind", "seed"),
    [
        (Kind(before=0.3, after=0.3), 1),
        (Kind(before=0.08, after=0.08, wander=0.4), 2),
        (Kind(before=0.08, after=0.08, rate=3.0, rate_after=3.0, wander=0.4), 3),
    ],
    ids=["far above the threshold", "near the threshold", "little traffic near the threshold"],
)
def test_where_nothing_improved_it_worked_in_at_most_one_of_twenty(kind: Kind, seed: int) -> None:
    effects = [judged(traffic, finding) for traffic, finding in lives(kind, seed)]

    assert effects.count(Effect.WORKED) <= 0.05 * len(effects)


@pytest.mark.parametrize(
    ("kind", "seed"),
    [
        (Kind(before=0.3, after=0.002), 4),
        (Kind(before=0.12, after=0.005, wander=0.4), 5),
        (Kind(before=0.3, after=0.005, rate=3.0, rate_after=3.0), 6),
    ],
    ids=["large", "small", "little traffic"],
)
def test_a_real_improvement_worked_in_at_least_nine_of_ten(kind: Kind, seed: int) -> None:
    effects = [judged(traffic, finding) for traffic, finding in lives(kind, seed)]

    assert effects.count(Effect.WORKED) >= 0.9 * len(effects)


def test_less_demand_than_was_served_before_is_a_recovery_by_itself() -> None:
    kind = Kind(before=0.3, after=0.002, rate_after=8.0)
    effects = [judged(traffic, finding) for traffic, finding in lives(kind, 7, 50)]

    assert effects.count(Effect.NOT_NEEDED) >= 45


def test_a_sibling_that_recovered_unchanged_takes_the_credit_away() -> None:
    kind, chance = Kind(before=0.3, after=0.002), random.Random(9)
    effects = [
        judged(traffic, finding, {GREEN: Traffic(kind, chance)}) for traffic, finding in lives(kind, 8, 50)
    ]

    assert effects.count(Effect.NOT_NEEDED) >= 45


def test_a_sibling_that_was_never_ill_changes_no_verdict() -> None:
    kind, chance = Kind(before=0.3, after=0.002), random.Random(9)
    well = Kind(before=0.001, after=0.001)
    effects = [
        judged(traffic, finding, {GREEN: Traffic(well, chance)}) for traffic, finding in lives(kind, 8, 50)
    ]

    assert effects.count(Effect.WORKED) >= 45


def test_throws_of_a_coin_scatter_once_as_much() -> None:
    chance = random.Random(5)
    slices = [
        Measurement(CHAT_BLUE, NOON, NOON, sum(chance.random() < 0.3 for _ in range(500)) / 500, 500, True)
        for _ in range(200)
    ]

    assert dispersion(slices) == pytest.approx(1.0, abs=0.25)
