"""A deployment behind azureml-fe, event by event: its queue, its replicas, and the records it leaves.

It reproduces what telemetry shows of the router: 503 after the queue wait, 504 at the timeout while the replica
works on (its console says later how long it took), replicas added at once and removed slowly, and crash loops
whose restarts wait twice as long each time. The same seed gives the same records.
"""

from __future__ import annotations

import heapq
import math
import random
import uuid
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Final

from sentinel.model.settings import Settings
from sentinel.simulate import console, records
from sentinel.simulate.autoscale import Autoscaler
from sentinel.simulate.records import Record, RecordMaker, Request
from sentinel.simulate.workload import Failure, Workload

_REFRESH_SECONDS: Final = 1.0
_CRASH_SECONDS: Final = 0.6
"""How long the inference server takes to find out that a script cannot be imported."""
_FIRST_BACKOFF: Final = 10.0
_LONGEST_BACKOFF: Final = 300.0
_ANSWER_BYTES: Final = 64
_MISSING: Final = "lightgbm"


@dataclass(frozen=True, slots=True)
class Delays:
    """How long a deployment takes for what it does, in seconds."""

    start: float = 20.0
    """From the start of a replica until it is ready."""
    scale_in: float = 60.0
    """Lower load before replicas are removed."""
    settings: float = 0.0
    """From a change of the settings until it takes effect."""


@dataclass(slots=True, eq=False)
class _Replica:
    instance: str
    pid: int
    ready: bool = False
    busy: int = 0
    crashes: int = 0
    gone: bool = False


@dataclass(slots=True, eq=False)
class _Pending:
    at: float
    id: str
    waiting: bool = False
    answered: bool = False


class QueueModel:
    """One deployment on a time line that begins at `start` and moves when it is told to.

    It begins with its minimum of replicas ready.
    """

    def __init__(
        self,
        maker: RecordMaker,
        settings: Settings,
        workload: Workload,
        delays: Delays,
        *,
        start: datetime,
        seed: int,
    ) -> None:
        self.settings = settings
        """The settings in effect."""
        self._maker = maker
        self._workload = workload
        self._delays = delays
        self._start = start
        self._now = 0.0
        self._chance = random.Random(seed)  # noqa: S311 - the same seed is to give the same records
        self._agenda: list[tuple[float, int, Callable[[], None]]] = []
        self._planned = 0
        self._arrivals = 0
        self._autoscaler = Autoscaler(delays.scale_in)
        self._replicas: list[_Replica] = []
        self._queue: deque[_Pending] = deque()
        self._written: list[Record] = []
        for _ in range(settings.min_replicas):
            self._add_replica(after=0)
        self._after(0, self._scale)
        self._expect_arrival()

    @property
    def replicas(self) -> int:
        """The replicas there are, ready or not."""
        return len(self._replicas)

    @property
    def ready_replicas(self) -> int:
        """The replicas that take requests."""
        return sum(replica.ready for replica in self._replicas)

    def advance(self, now: datetime) -> list[Record]:
        """Live until `now` and return the records written since the last call, in the order they were written."""
        until = (now - self._start).total_seconds()
        while self._agenda and self._agenda[0][0] <= until:
            self._now, _, happen = heapq.heappop(self._agenda)
            happen()
        self._now = max(self._now, until)
        written, self._written = self._written, []
        return written

    def change_workload(self, workload: Workload) -> None:
        """From now on put it through this; a change of the failure restarts every replica, as a deployment does."""
        before, self._workload = self._workload, workload
        if before.failure is not workload.failure:
            for replica in self._replicas:
                self._event(replica, records.STOPPED)
                self._retire(replica)
            for _ in range(len(self._replicas)):
                self._add_replica(after=self._delays.start)
            self._replicas = [replica for replica in self._replicas if not replica.gone]
        self._expect_arrival()

    def change_settings(self, settings: Settings) -> None:
        """Run with these settings once the delay of a change has passed."""
        self._after(self._delays.settings, partial(setattr, self, "settings", settings))

    def _after(self, seconds: float, happen: Callable[[], None]) -> None:
        self._planned += 1
        heapq.heappush(self._agenda, (self._now + seconds, self._planned, happen))

    def _instant(self, seconds: float) -> datetime:
        return self._start + timedelta(seconds=seconds)

    def _expect_arrival(self) -> None:
        self._arrivals += 1
        gap = self._workload.gap(self._chance)
        if math.isfinite(gap):
            self._after(gap, partial(self._arrive, self._arrivals))

    def _arrive(self, arrival: int) -> None:
        if arrival != self._arrivals:
            return  # the rate was changed since this one was drawn
        self._expect_arrival()
        pending = _Pending(self._now, str(uuid.UUID(int=self._chance.getrandbits(128), version=4)))
        replica = self._idle()
        if replica is not None:
            self._work(pending, replica)
            return
        pending.waiting = True
        self._queue.append(pending)
        self._after(self.settings.queue_wait_ms / 1000, partial(self._give_up, pending))

    def _give_up(self, pending: _Pending) -> None:
        if not pending.waiting:
            return
        self._queue.remove(pending)
        pending.waiting = False
        service = self._maker.endpoint
        overloaded = f"Too many requests for service {service} (overloaded)"
        self._answer(
            pending, 503, overloaded if self.ready_replicas else f"No ready replicas for service {service}"
        )

    def _work(self, pending: _Pending, replica: _Replica) -> None:
        pending.waiting = False
        replica.busy += 1
        takes = self._workload.service(self._chance)
        left = max(0.0, pending.at + self.settings.request_timeout_ms / 1000 - self._now)
        if takes > left:
            hangs = math.isinf(takes)
            self._after(left, partial(self._time_out, pending, replica, hangs=hangs))
        if math.isfinite(takes):
            self._after(takes, partial(self._finish, pending, replica, takes))

    def _time_out(self, pending: _Pending, replica: _Replica, *, hangs: bool) -> None:
        if pending.answered:
            return
        limit = self.settings.request_timeout_ms
        self._answer(pending, 504, f"Replica did not reply within {limit} ms")
        if hangs:
            self._release(replica)

    def _finish(self, pending: _Pending, replica: _Replica, took: float) -> None:
        if replica.gone:
            return
        self._print(
            replica, console.answered(self._instant(self._now), replica.pid, 200, took * 1000, _ANSWER_BYTES)
        )
        if not pending.answered:
            self._answer(pending, 200, "")
        self._release(replica)

    def _release(self, replica: _Replica) -> None:
        replica.busy -= 1
        self._serve_waiting()

    def _serve_waiting(self) -> None:
        while self._queue and (replica := self._idle()) is not None:
            self._work(self._queue.popleft(), replica)

    def _idle(self) -> _Replica | None:
        places = self.settings.max_concurrency
        free = (replica for replica in self._replicas if replica.ready and replica.busy < places)
        return min(free, key=lambda replica: replica.busy, default=None)

    def _answer(self, pending: _Pending, status: int, reason: str) -> None:
        pending.answered = True
        took = (self._now - pending.at) * 1000
        reached = status in {200, 502}
        self._written.append(
            self._maker.traffic(
                Request(
                    at=self._instant(pending.at),
                    id=pending.id,
                    status=status,
                    reason=reason,
                    total_ms=took,
                    model_status=status if reached else None,
                    response_ms=took if reached else None,
                    received_bytes=_ANSWER_BYTES,
                    sent_bytes=_ANSWER_BYTES if reached else len(reason),
                )
            )
        )

    def _scale(self) -> None:
        load = sum(replica.busy for replica in self._replicas) + len(self._queue)
        decided = self._autoscaler.decide(self._now, len(self._replicas), load, self.settings)
        for _ in range(decided - len(self._replicas)):
            self._add_replica(after=self._delays.start)
        spare = sorted(self._replicas, key=lambda replica: (replica.ready, replica.busy))
        for replica in spare[: max(0, len(self._replicas) - decided)]:
            self._event(replica, records.STOPPED)
            self._retire(replica)
        self._replicas = [replica for replica in self._replicas if not replica.gone]
        self._after(_REFRESH_SECONDS, self._scale)

    def _add_replica(self, after: float) -> None:
        number = self._chance.getrandbits(32)
        replica = _Replica(
            f"{self._maker.deployment}-{self._maker.endpoint}-{number:08x}", pid=20 + number % 80
        )
        self._replicas.append(replica)
        self._boot(replica, after)

    def _boot(self, replica: _Replica, after: float) -> None:
        if replica.gone:
            return
        self._event(replica, records.CREATED)
        self._event(replica, records.STARTED)
        if self._workload.failure is Failure.CRASHING:
            self._after(_CRASH_SECONDS, partial(self._crash, replica))
        else:
            self._after(after, partial(self._become_ready, replica))

    def _become_ready(self, replica: _Replica) -> None:
        if not replica.gone:
            replica.ready = True
            self._print(replica, *console.ready(self._instant(self._now), replica.pid))
            self._serve_waiting()

    def _crash(self, replica: _Replica) -> None:
        if replica.gone:
            return
        self._print(replica, *console.missing_module(self._instant(self._now), replica.pid, _MISSING))
        self._event(replica, records.BACK_OFF)
        wait = min(_FIRST_BACKOFF * 2**replica.crashes, _LONGEST_BACKOFF)
        replica.crashes += 1
        self._after(wait, partial(self._boot, replica, self._delays.start))

    def _retire(self, replica: _Replica) -> None:
        replica.gone, replica.ready = True, False

    def _event(self, replica: _Replica, named: tuple[str, str]) -> None:
        self._written.append(self._maker.event(self._instant(self._now), replica.instance, *named))

    def _print(self, replica: _Replica, *lines: str) -> None:
        for number, text in enumerate(lines):
            at = self._instant(self._now) + timedelta(microseconds=number)
            self._written.append(self._maker.console(at, replica.instance, text))
