"""How Azure Monitor autoscale chooses the number of instances."""

from __future__ import annotations

from sentinel.model.settings import Settings
from sentinel.simulate.monitor_autoscale import MonitorAutoscale

SETTINGS = Settings(min_replicas=2, max_replicas=5)


def test_it_looks_once_a_minute() -> None:
    assert MonitorAutoscale().period == 60


def test_two_are_added_above_the_threshold_and_none_within_the_cooldown() -> None:
    scaler = MonitorAutoscale()

    decided = [scaler.replicas(at, 2, 2, 2, 2.0, SETTINGS) for at in (0, 60, 240, 300)]

    assert decided == [4, 2, 2, 4]


def test_one_is_removed_below_the_lower_threshold() -> None:
    assert MonitorAutoscale().replicas(0, 4, 4, 0, 0.4, SETTINGS) == 3


def test_none_is_removed_where_it_would_be_added_again() -> None:
    settings = Settings(min_replicas=1, max_replicas=5, target_utilization=40)

    assert MonitorAutoscale().replicas(0, 2, 2, 0, 0.58, settings) == 2


def test_a_number_outside_the_bounds_is_moved_back_at_once() -> None:
    assert MonitorAutoscale().replicas(0, 9, 9, 9, 9.0, SETTINGS) == 5
