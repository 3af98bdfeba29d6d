from __future__ import annotations

import random
from datetime import timedelta

import pytest

from sentinel.model.finding import Measurement
from sentinel.model.plan import Effect
from sentinel.remediate.verify import difference_interval, verify
from tests.builders import CHAT_BLUE, NOON, a_finding

LATER = NOON + timedelta(minutes=3)


def after(measure: float, sample: int, *, holds: bool) -> Measurement:
    return Measurement(CHAT_BLUE, NOON, LATER, measure, sample, holds)


@pytest.mark.parametrize(
    ("measurement", "effect"),
    [
        (after(0.0, 1000, holds=False), Effect.WORKED),
        (after(0.2, 1000, holds=True), Effect.HELPED),
        (after(0.4, 1000, holds=True), Effect.NO_EFFECT),
        (after(0.6, 1000, holds=True), Effect.WORSE),
        (after(0.0, 19, holds=False), Effect.INCONCLUSIVE),
        (None, Effect.INCONCLUSIVE),
    ],
)
def test_the_effect_follows_from_the_shares_before_and_after(
    measurement: Measurement | None, effect: Effect
) -> None:
    assert verify(a_finding(measure=0.4, sample=1000), measurement, LATER).effect is effect


def test_the_interval_agrees_with_the_published_example() -> None:
    low, high = difference_interval(48 / 80, 80, 56 / 70, 70)

    assert (round(low, 4), round(high, 4)) == (0.0524, 0.3339)


def test_a_change_that_did_nothing_is_called_a_success_in_at_most_one_of_twenty() -> None:
    chance = random.Random(7)
    trials = 400

    def share(n: int) -> float:
        return sum(chance.random() < 0.3 for _ in range(n)) / n

    effects = [
        verify(a_finding(measure=share(300), sample=300), after(share(300), 300, holds=False), LATER).effect
        for _ in range(trials)
    ]

    assert effects.count(Effect.WORKED) <= trials * 0.05
