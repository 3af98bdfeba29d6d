"""Sentinel as it is played beside fixed advice reacts as its rule and its guardrails let it."""

from __future__ import annotations

from dataclasses import replace

from sentinel.model.settings import Knob, Settings
from sentinel.rehearse.contest import KEEP_FIRING, WINDOW, Score, played
from sentinel.remediate.policy import Bounds, Policy
from sentinel.simulate.replay import Demand, Timing

BOUNDS = {Knob.MIN_REPLICAS: Bounds(1, 1000), Knob.MAX_REPLICAS: Bounds(1, 1000)}
POLICY = replace(Policy(), bounds=BOUNDS)


def reactions(*bursts: tuple[float, int], seconds: int = 900) -> list[float]:
    """When Sentinel acts on a request a second and bursts, given as begin and size, that last for five seconds."""
    arrivals = [float(second) for second in range(seconds)]
    for begin, size in bursts:
        arrivals += [begin + 5 * number / size for number in range(size)]
    demand = Demand(sorted(arrivals), [0.5] * len(arrivals))
    own: Score = played(demand, Timing(30.0, 60.0), POLICY, Settings())[-1]
    return [one.at for one in own.did]


def test_what_hurts_during_the_cooldown_is_answered_when_it_ends() -> None:
    cooldown = POLICY.cooldown.total_seconds()

    first, second = reactions((60, 150), (250, 600))

    assert first < 250
    assert second == first + cooldown


def test_what_was_quiet_for_long_enough_is_gone() -> None:
    cooldown = POLICY.cooldown.total_seconds()

    (first,) = reactions((60, 150), (120, 600))

    assert first + cooldown > 120 + WINDOW + KEEP_FIRING
