"""What runs again and again, and how it is going."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final

import structlog

from sentinel.clock import monotonic
from sentinel.instrument.metrics import Metrics

if TYPE_CHECKING:
    from apscheduler.schedulers.background import BackgroundScheduler

_THREADS: Final = 5
_STUCK_AFTER_SECONDS: Final = 120.0
_log: Final = structlog.stdlib.get_logger("sentinel.schedule")


@dataclass(frozen=True, slots=True)
class Job:
    """Something to do every `every`; the first run is at once unless `waits`."""

    name: str
    every: timedelta
    run: Callable[[], object]
    waits: bool = False


@dataclass(slots=True)
class _Course:
    started: float | None = None
    """When the run under way began, on the monotonic clock."""
    problem: str = ""
    """Why the last run crashed; empty when it did not."""


class Schedule:
    """Runs jobs in threads of its own, each job at most once at a time.

    A job that crashes is logged and counted, and runs again when it is due; the others do not notice. A run that is
    missed, because the one before took long or the machine slept, is made up for once. `ending` is set when the
    schedule is told to stop, so that a long job may look at it and end early.
    """

    def __init__(
        self, jobs: tuple[Job, ...], metrics: Metrics, ending: threading.Event | None = None
    ) -> None:
        from apscheduler.executors.pool import ThreadPoolExecutor
        from apscheduler.schedulers.background import BackgroundScheduler

        self._metrics = metrics
        self._courses = {job.name: _Course() for job in jobs}
        self._idle = threading.Condition()
        self._ending = ending or threading.Event()
        self._scheduler: BackgroundScheduler = BackgroundScheduler(
            timezone=UTC,
            executors={"default": ThreadPoolExecutor(_THREADS)},
            job_defaults={"misfire_grace_time": None, "coalesce": True, "max_instances": 1},
        )
        for job in jobs:
            later = job.every if job.waits else timedelta()
            self._scheduler.add_job(
                self._run,
                "interval",
                args=(job,),
                id=job.name,
                seconds=job.every.total_seconds(),
                next_run_time=datetime.now(UTC) + later,
            )

    def start(self) -> None:
        """Begin to run the jobs."""
        self._scheduler.start()

    def stop(self, within_seconds: float) -> tuple[str, ...]:
        """Start no further run, wait for those under way, and return the jobs that still run after that time."""
        self._ending.set()
        if self._scheduler.running:
            self._scheduler.shutdown(wait=False)
        with self._idle:
            self._idle.wait_for(lambda: not self._under_way(), within_seconds)
            return self._under_way()

    def problems(self) -> list[str]:
        """A sentence for everything that is wrong with the schedule: dead, or a job that crashes or hangs."""
        if not self._scheduler.running:
            return ["the scheduler does not run"]
        sentences = []
        for name, course in self._courses.items():
            started = course.started
            if course.problem:
                sentences.append(f"the job {name} crashed: {course.problem}")
            if started is not None and monotonic() - started > _STUCK_AFTER_SECONDS:
                sentences.append(f"the job {name} has been running for {monotonic() - started:.0f} s")
        return sentences

    def _under_way(self) -> tuple[str, ...]:
        return tuple(name for name, course in self._courses.items() if course.started is not None)

    def _run(self, job: Job) -> None:
        if self._ending.is_set():
            return
        course = self._courses[job.name]
        course.started = monotonic()
        try:
            with self._metrics.running(job.name):
                job.run()
        except Exception as error:  # noqa: BLE001 - the edge of a job: it is reported, and the others go on
            repeated = course.problem == str(error)
            course.problem = str(error) or type(error).__name__
            if not repeated:
                _log.exception("job crashed", job=job.name)
        else:
            course.problem = ""
        finally:
            with self._idle:
                course.started = None
                self._idle.notify_all()
