"""How the HorizontalPodAutoscaler chooses the number of replicas."""

from __future__ import annotations

import pytest

from sentinel.model.settings import Settings
from sentinel.simulate.kubernetes_autoscale import Behavior, HorizontalPodAutoscaler

SETTINGS = Settings(min_replicas=1, max_replicas=20, target_utilization=60)


@pytest.mark.parametrize(("busy", "desired"), [(3.6, 6), (2.6, 4), (1.2, 2)])
def test_the_documented_examples(busy: float, desired: int) -> None:
    assert HorizontalPodAutoscaler().desired(4, 4, busy, SETTINGS) == desired


def test_pods_that_start_count_as_idle_when_it_goes_up() -> None:
    assert HorizontalPodAutoscaler().desired(8, 4, 4.0, SETTINGS) == 8


def test_without_a_ready_pod_there_is_no_metric_and_nothing_changes() -> None:
    assert HorizontalPodAutoscaler().desired(3, 0, 0.0, SETTINGS) == 3


def test_a_step_up_is_limited_to_the_larger_of_four_pods_and_twice_as_many() -> None:
    scaler = HorizontalPodAutoscaler(Behavior(tolerance=0.1))
    settings = Settings(max_replicas=50, target_utilization=10)

    assert scaler.replicas(0, 2, 2, 9, 2.0, settings) == 6
    assert HorizontalPodAutoscaler().replicas(0, 8, 8, 9, 8.0, settings) == 16


def test_removal_waits_for_the_highest_of_the_last_five_minutes() -> None:
    scaler = HorizontalPodAutoscaler()
    scaler.replicas(0, 10, 10, 6, 6.0, SETTINGS)

    decided = [scaler.replicas(at, 10, 10, 1, 1.0, SETTINGS) for at in range(15, 330, 15)]

    assert decided[18] == 10
    assert decided[-1] == 2


def test_the_bounds_hold() -> None:
    scaler = HorizontalPodAutoscaler()

    assert scaler.replicas(0, 18, 18, 40, 18.0, SETTINGS) == 20
