from __future__ import annotations

import time
from dataclasses import replace

import pytest

from sentinel.model.settings import Settings
from sentinel.simulate.replay import REFUSED, SERVED, TIMED_OUT, Demand, Replay, Timing

TIMING = Timing(start=10, scale_in=60)


def replayed(demand: Demand, settings: Settings) -> Replay:
    replay = Replay(demand, settings, TIMING, watch=True)
    replay.finish()
    return replay


def test_a_request_that_finds_a_free_replica_takes_its_service_time() -> None:
    outcome = replayed(Demand([1.0, 5.0], [0.5, 1.5]), Settings()).outcome()

    assert (outcome.refused_share, outcome.timed_out_share) == (0, 0)
    assert outcome.p50_ms == pytest.approx(500)
    assert outcome.p99_ms == pytest.approx(1500)


def test_a_request_that_waits_is_served_when_the_replica_is_free() -> None:
    replay = replayed(Demand([1.0, 1.2], [0.5, 0.5]), Settings(max_replicas=1))

    assert list(replay.status) == [SERVED, SERVED]
    assert replay.ended(1) == pytest.approx(2.0)


def test_a_request_that_waits_longer_than_the_queue_wait_is_refused() -> None:
    replay = replayed(Demand([1.0, 1.2, 1.3], [2.0, 0.1, 0.1]), Settings(max_replicas=1))

    assert list(replay.status) == [SERVED, REFUSED, REFUSED]


def test_a_request_past_the_time_limit_keeps_its_replica_to_the_end() -> None:
    settings = Settings(max_replicas=1, request_timeout_ms=1000)

    replay = replayed(Demand([1.0, 3.0], [4.0, 0.1]), settings)

    assert list(replay.status) == [TIMED_OUT, REFUSED]


def test_the_wait_counts_towards_the_time_limit() -> None:
    settings = Settings(max_replicas=1, request_timeout_ms=1000)

    assert list(replayed(Demand([1.0, 1.1], [0.5, 0.8]), settings).status) == [SERVED, TIMED_OUT]


def test_a_replica_takes_as_many_requests_at_a_time_as_it_may() -> None:
    replay = replayed(Demand([1.0, 1.1, 1.2], [5, 5, 5]), Settings(max_replicas=1, max_concurrency=2))

    assert list(replay.status) == [SERVED, SERVED, REFUSED]


def test_replicas_are_added_after_their_start_time_and_removed_after_the_quiet_time() -> None:
    demand = Demand([at / 2 for at in range(80)], [2.0] * 80)

    samples = {sample.at: sample for sample in replayed(demand, Settings(max_replicas=5)).samples}
    replay = Replay(demand, Settings(max_replicas=5), TIMING)
    replay.advance(200)

    assert samples[9].ready == 1
    assert samples[9].replicas > 1
    assert samples[30].ready == 5
    assert replay.replicas == 1


def test_replica_hours_count_starting_replicas_too() -> None:
    replay = Replay(Demand([], []), Settings(min_replicas=3), TIMING)
    replay.advance(3600)

    assert replay.outcome(until=3600).replica_hours == pytest.approx(3, rel=0.001)
    assert replay.outcome(since=1800, until=3600).replica_hours == pytest.approx(1.5, rel=0.001)


def test_settings_changed_on_the_way_count_from_then_on() -> None:
    replay = Replay(Demand([1.0, 1.1, 50.0, 50.1], [3.0] * 4), Settings(max_replicas=1), TIMING)
    replay.advance(20)
    replay.change(replace(replay.settings, min_replicas=2, max_replicas=2))
    replay.finish()

    assert list(replay.status) == [SERVED, REFUSED, SERVED, SERVED]


def test_the_outcome_of_a_span_leaves_out_what_came_before() -> None:
    replay = replayed(Demand([1.0, 1.1, 50.0, 60.0], [3.0] * 4), Settings(max_replicas=1))

    assert replay.outcome().refused_share == 0.25
    assert replay.outcome(since=10).refused_share == 0


def test_an_hour_of_real_arrivals_takes_a_tenth_of_a_second(conversations: Demand) -> None:
    taken = []
    for _ in range(3):
        begun = time.process_time()
        replay = Replay(conversations, Settings(max_replicas=40), Timing())
        replay.finish()
        taken.append(time.process_time() - begun)

    assert min(taken) / (conversations.arrivals[-1] / 3600) < 0.1


def test_real_arrivals_are_refused_by_the_defaults_and_by_a_lower_target_alike(
    conversations: Demand,
) -> None:
    def refused(settings: Settings) -> float:
        replay = Replay(conversations, settings, Timing())
        replay.finish()
        return replay.outcome(since=60).refused_share

    defaults = refused(Settings())
    assert defaults > 0.15
    assert refused(Settings(target_utilization=30)) == pytest.approx(defaults, abs=0.03)
    assert refused(Settings(max_replicas=40)) < 0.25 * defaults
