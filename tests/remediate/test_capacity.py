from __future__ import annotations

import math
import re

import pytest
from hypothesis import given, strategies as st

from sentinel.errors import FormulaError
from sentinel.remediate.capacity import lower_by, replicas_for, timeout_for


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
