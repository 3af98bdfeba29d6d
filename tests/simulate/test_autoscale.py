"""How azureml-fe chooses the number of replicas."""

from __future__ import annotations

import pytest

from sentinel.model.settings import Settings
from sentinel.simulate.autoscale import Autoscaler, wanted_replicas

SETTINGS = Settings(min_replicas=2, max_replicas=10, target_utilization=70)


@pytest.mark.parametrize(("load", "wanted"), [(0, 2), (1, 2), (3, 5), (7, 10), (50, 10)])
def test_replicas_are_the_load_at_the_target_within_the_bounds(load: int, wanted: int) -> None:
    assert wanted_replicas(load, SETTINGS) == wanted


def test_a_replica_that_takes_more_at_a_time_counts_for_more() -> None:
    assert wanted_replicas(7, Settings(max_concurrency=4)) == 3


def test_a_higher_load_is_followed_at_once() -> None:
    assert Autoscaler(60).decide(0, current=2, load=7, settings=SETTINGS) == 10


def test_a_lower_load_is_not_followed_before_the_quiet_period_is_over() -> None:
    autoscaler = Autoscaler(60)

    decisions = [autoscaler.decide(second, current=10, load=0, settings=SETTINGS) for second in range(62)]

    assert decisions[59] == 10
    assert decisions[60] == 2


def test_removal_leaves_what_the_quiet_period_needed_at_most() -> None:
    autoscaler = Autoscaler(60)

    decisions = [
        autoscaler.decide(second, current=10, load=3 if second == 30 else 0, settings=SETTINGS)
        for second in range(70)
    ]

    assert decisions[-1] == 5


def test_a_maximum_below_the_present_number_is_obeyed_at_once() -> None:
    assert Autoscaler(60).decide(0, current=12, load=50, settings=SETTINGS) == 10
