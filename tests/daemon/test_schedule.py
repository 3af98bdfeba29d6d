from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest

from sentinel.daemon.schedule import Job, Schedule
from sentinel.instrument.metrics import Metrics

SOON = timedelta(seconds=0.02)
LATE = timedelta(hours=1)
PATIENCE = 5.0

Start = Callable[..., Schedule]


@pytest.fixture
def metrics() -> Metrics:
    return Metrics()


@pytest.fixture
def start(metrics: Metrics) -> Iterator[Start]:
    started: list[Schedule] = []

    def make(*jobs: Job) -> Schedule:
        schedule = Schedule(jobs, metrics)
        schedule.start()
        started.append(schedule)
        return schedule

    yield make
    for schedule in started:
        schedule.stop(PATIENCE)


def test_a_job_runs_again_and_again(start: Start) -> None:
    runs = threading.Semaphore(0)

    start(Job("a", SOON, runs.release))

    assert all(runs.acquire(timeout=PATIENCE) for _ in range(3))


def test_a_job_that_waits_does_not_run_at_once(start: Start) -> None:
    ran, other = threading.Event(), threading.Event()

    start(Job("waits", LATE, ran.set, waits=True), Job("other", LATE, other.set))

    assert other.wait(PATIENCE)
    assert not ran.is_set()


def test_a_job_that_crashes_runs_again_and_is_reported(start: Start, metrics: Metrics) -> None:
    runs, others = threading.Semaphore(0), threading.Semaphore(0)

    def crash() -> None:
        runs.release()
        raise RuntimeError("no such thing")

    schedule = start(Job("bad", SOON, crash), Job("good", SOON, others.release))

    assert all(runs.acquire(timeout=PATIENCE) for _ in range(3))
    assert all(others.acquire(timeout=PATIENCE) for _ in range(3))
    assert "the job bad crashed: no such thing" in schedule.problems()
    assert (metrics.registry.get_sample_value("sentinel_job_failures_total", {"job": "bad"}) or 0) >= 2


def test_a_job_that_recovers_is_no_problem_any_more(start: Start) -> None:
    runs, answers = threading.Semaphore(0), iter([ZeroDivisionError("once")])

    def crash_once() -> None:
        error = next(answers, None)
        if error is not None:
            raise error
        runs.release()

    schedule = start(Job("a", SOON, crash_once))

    assert all(runs.acquire(timeout=PATIENCE) for _ in range(2))
    assert schedule.problems() == []


def test_a_job_never_runs_beside_itself(start: Start) -> None:
    under_way, most, runs = [], [], threading.Semaphore(0)

    def slow() -> None:
        under_way.append(1)
        most.append(len(under_way))
        threading.Event().wait(0.05)
        under_way.pop()
        runs.release()

    start(Job("slow", timedelta(seconds=0.01), slow))

    assert all(runs.acquire(timeout=PATIENCE) for _ in range(3))
    assert max(most) == 1


def test_stopping_waits_for_the_run_under_way(start: Start) -> None:
    begun, finished = threading.Event(), threading.Event()

    def run() -> None:
        begun.set()
        threading.Event().wait(0.1)
        finished.set()

    schedule = start(Job("a", LATE, run))
    assert begun.wait(PATIENCE)

    left = schedule.stop(PATIENCE)

    assert left == ()
    assert finished.is_set()


def test_stopping_does_not_wait_for_ever_and_says_which_job_it_left(start: Start) -> None:
    begun, release = threading.Event(), threading.Event()

    def hang() -> None:
        begun.set()
        release.wait(PATIENCE)

    schedule = start(Job("hangs", LATE, hang))
    assert begun.wait(PATIENCE)

    left = schedule.stop(0.05)
    release.set()

    assert left == ("hangs",)


def test_a_schedule_that_does_not_run_is_a_problem(metrics: Metrics) -> None:
    assert Schedule((), metrics).problems() == ["the scheduler does not run"]
