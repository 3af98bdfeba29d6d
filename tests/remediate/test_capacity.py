from __future__ import annotations

import math
import re
from collections.abc import Callable
from inspect import signature

import pytest
from hypothesis import given, strategies as st

from sentinel.errors import FormulaError
from sentinel.remediate.capacity import (
    FORMULAS,
    Computed,
    burst_growth,
    concurrency_for,
    concurrent_load,
    dispersion,
    headroom_for,
    lower_by,
    max_replicas_for,
    observed_replicas_for,
    replicas_for,
    standing_replicas_for,
    target_utilization_for,
    timeout_for,
)


@pytest.mark.parametrize(("utilization", "seconds", "replicas"), [(70, 10, 286), (30, 10, 667), (70, 0.2, 6)])
def test_replicas_agree_with_the_documented_examples(
    utilization: float, seconds: float, replicas: int
) -> None:
    computed = replicas_for(20, seconds, utilization, 1)

    assert computed.value == replicas


def test_the_working_shows_every_number() -> None:
    computed = replicas_for(20, 10, 70, 1)

    assert computed.workings == "ceil(20 req/s × 10 s ÷ 0.7 ÷ 1) = ceil(285.71) = 286"


def test_the_working_does_not_drop_zeros_of_whole_numbers() -> None:
    computed = timeout_for(800, 300_000)

    assert computed.workings == "min(ceil(800 ms × 1.25 ÷ 100) × 100, 300000 ms) = 1000 ms"


@given(rps=st.floats(0.1, 5000), seconds=st.floats(0.01, 60), utilization=st.integers(20, 100))
def test_whoever_computes_the_working_of_replicas_again_gets_close_to_what_was_rounded_up(
    rps: float, seconds: float, utilization: int
) -> None:
    computed = replicas_for(rps, seconds, utilization, 2)

    shown = re.fullmatch(r"ceil\((.+) req/s × (.+) s ÷ (.+) ÷ 2\) = ceil\((.+)\) = (\d+)", computed.workings)
    assert shown
    exact = float(shown[1]) * float(shown[2]) / float(shown[3]) / 2
    assert exact == pytest.approx(float(shown[4]), rel=2e-4, abs=0.006)
    assert math.ceil(float(shown[4])) == int(shown[5]) == computed.value


def test_the_working_of_a_timeout_tells_that_it_is_rounded_up_to_whole_steps() -> None:
    computed = timeout_for(1799.76, 300_000)

    assert computed.workings == "min(ceil(1799.76 ms × 1.25 ÷ 100) × 100, 300000 ms) = 2300 ms"


@given(
    rps=st.floats(0.1, 5000),
    seconds=st.floats(0.01, 60),
    utilization=st.integers(20, 100),
    concurrency=st.integers(1, 16),
)
def test_the_replicas_carry_the_load_at_the_target_and_one_fewer_would_not(
    rps: float, seconds: float, utilization: int, concurrency: int
) -> None:
    value = replicas_for(rps, seconds, utilization, concurrency).value

    room = value * concurrency * utilization / 100
    less = (value - 1) * concurrency * utilization / 100
    assert room >= rps * seconds * (1 - 1e-6)
    assert less < rps * seconds * (1 + 1e-6)


@pytest.mark.parametrize("bad", [0.0, -1.0, math.nan, math.inf])
def test_a_number_that_is_not_positive_is_refused(bad: float) -> None:
    with pytest.raises(FormulaError, match="seconds is"):
        replicas_for(20, bad, 70, 1)


def test_a_timeout_leaves_a_quarter_and_is_rounded_up() -> None:
    assert timeout_for(1_930, 300_000).value == 2_500


def test_a_timeout_never_passes_the_ceiling() -> None:
    assert timeout_for(170_000, 180_000).value == 180_000


def test_a_latency_above_the_ceiling_has_no_timeout() -> None:
    with pytest.raises(FormulaError, match="more than the 180000 ms"):
        timeout_for(200_000, 180_000)


def test_lowering_stops_at_the_floor() -> None:
    assert lower_by(35, 20, 30).value == 30


def test_a_timeout_never_passes_the_time_the_client_waits() -> None:
    assert timeout_for(9_000, 300_000, 10_000).value == 10_000
    with pytest.raises(FormulaError, match="the client waits 5000 ms"):
        timeout_for(9_000, 300_000, 5_000)


def test_the_load_is_what_would_be_worked_on_if_nothing_were_refused() -> None:
    assert concurrent_load([0.0, 0.5, 3.0], [2.0, 0.1, 1.0]) == [2, 1, 1, 1]


def test_replicas_follow_the_peak_and_not_the_mean() -> None:
    arrivals = [*(float(at) for at in range(60)), *(30.0 + at / 10 for at in range(20))]
    computed = observed_replicas_for(sorted(arrivals), [1.0] * 80, 70, 1, share=1.0)

    assert computed.value == 32
    assert computed.workings == "ceil(p100 of concurrent requests 22 ÷ 0.7 ÷ 1) = ceil(31.429) = 32"


def test_growth_is_what_comes_while_replicas_start() -> None:
    assert burst_growth([4, 4, 6, 8, 8, 8], delay=3, share=1.0) == 2
    assert burst_growth([0, 0], delay=3) == 1


def test_a_load_that_doubles_while_replicas_start_is_aimed_at_with_half() -> None:
    computed = target_utilization_for(2.0)

    assert computed.value == 50
    assert computed.workings == "min(max(100 % ÷ growth 2, 20 %), 90 %) = 50 %"


@given(growth=st.floats(0.1, 1000))
def test_a_target_utilisation_stays_within_what_a_router_can_do(growth: float) -> None:
    assert 20 <= target_utilization_for(growth).value <= 90


def test_the_minimum_serves_what_comes_while_replicas_start() -> None:
    computed = standing_replicas_for(4, 2, 1.5, 1, 30)

    assert computed.value == 12
    assert computed.workings == "ceil(4 req/s × 2 s × growth 1.5 within 30 s ÷ 1) = ceil(12) = 12"


def test_the_maximum_leaves_as_much_again() -> None:
    assert max_replicas_for(14, 70, 1).value == 40


def test_workers_and_concurrency_are_raised_together_to_what_the_cores_carry() -> None:
    assert concurrency_for(1, 4, 0.5).value == 8
    assert concurrency_for(6, 1, 1).value == 6


def test_independent_arrivals_are_no_bursts_and_bunches_are() -> None:
    assert dispersion([at / 2 for at in range(100)]) < 1
    assert dispersion([at // 20 * 10 for at in range(100)]) > 10


def test_headroom_grows_with_bursts_and_shrinks_with_what_was_seen() -> None:
    assert headroom_for(1, 60).value == 150
    assert headroom_for(16, 60).value > headroom_for(16, 1800).value > 150


@pytest.mark.parametrize("formula", FORMULAS.values())
def test_every_formula_shows_its_numbers_and_names_its_source(formula: Callable[..., Computed]) -> None:
    count = sum(each.default is each.empty for each in signature(formula).parameters.values())
    computed = formula(*[2.0, 3.0, 1.0, 1.0, 1.0][:count])

    assert computed.source.startswith("https://")
    assert f"{computed.value}" in computed.workings
