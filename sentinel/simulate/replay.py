"""Requests replayed against a deployment that is scaled, fast enough to try many settings.

The model behind the router is a pool: the places of all ready replicas serve one queue in the order of arrival.
A request that finds no free place within the queue wait is refused; one that is not done at the time limit is
answered 504 while its replica works on. Replicas are looked after at ticks, and a replica that is removed first
ends what it works on. Callers do not try again.
"""

from __future__ import annotations

import heapq
import math
from array import array
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from sentinel.model.outlook import Outcome
from sentinel.model.settings import Settings
from sentinel.simulate.autoscale import Autoscaler, Scaler

SERVED: Final = 0
REFUSED: Final = 1
TIMED_OUT: Final = 2
_PENDING: Final = 3


@dataclass(frozen=True, slots=True)
class Demand:
    """Requests in the order of their arrival: when each came and how long a replica takes for it, in seconds."""

    arrivals: Sequence[float]
    services: Sequence[float]

    def __len__(self) -> int:
        return len(self.arrivals)


@dataclass(frozen=True, slots=True)
class Timing:
    """How fast a deployment scales, in seconds."""

    start: float = 30.0
    """From the decision to add a replica until it takes requests."""
    scale_in: float = 60.0
    """Lower load before azureml-fe removes replicas."""
    tick: float = 1.0
    """How often replicas are looked after."""


@dataclass(frozen=True, slots=True)
class Sample:
    """The state at a tick."""

    at: float
    ready: int
    replicas: int
    busy: int
    queued: int


class Replay:
    """A deployment on a time line in seconds that moves when it is told to.

    Args:
        demand: What arrives.
        settings: Those in force at first.
        timing: How fast it scales.
        scaler: What chooses the number of replicas; azureml-fe by default.
        begin: Where the time line begins.
        ready: The replicas that are ready at first; the minimum by default.
        watch: Keep a sample of every tick in `samples`.
    """

    def __init__(
        self,
        demand: Demand,
        settings: Settings,
        timing: Timing,
        scaler: Scaler | None = None,
        *,
        begin: float = 0.0,
        ready: int | None = None,
        watch: bool = False,
    ) -> None:
        self.settings = settings
        self.samples: list[Sample] = []
        self.status = bytearray([_PENDING]) * len(demand)
        """What became of each request."""
        self._demand = demand
        self._timing = timing
        self._scaler: Scaler = scaler or Autoscaler(timing.scale_in, timing.tick)
        self._watch = watch
        self._ready = settings.min_replicas if ready is None else ready
        self._starting: deque[float] = deque()
        self._running: list[float] = []
        self._queue: deque[int] = deque()
        self._seconds = array("d", bytes(8 * len(demand)))
        self._next = 0
        self._tick = self._asked = begin
        self._due = begin
        self._busy_ticks = 0.0
        self._ticks = 0
        self._replica_seconds: list[tuple[float, float]] = [(begin, 0.0)]
        self._peak = self._ready

    @property
    def replicas(self) -> int:
        """The replicas there are, ready or not."""
        return self._ready + len(self._starting)

    @property
    def ready(self) -> int:
        """The replicas that take requests."""
        return self._ready

    @property
    def arrived(self) -> int:
        """How many requests have arrived."""
        return self._next

    @property
    def begun(self) -> float:
        """Where the time line begins."""
        return self._replica_seconds[0][0]

    def ended(self, number: int) -> float:
        """When a replica was done with a request, which may lie in the future; its arrival if none took it."""
        return self._demand.arrivals[number] + self._seconds[number]

    def change(self, settings: Settings) -> None:
        """From now on run with these settings."""
        self.settings = settings

    def advance(self, until: float) -> None:
        """Live until then; what arrives at that moment or later is left for the next time."""
        while self._tick <= until:
            self._serve(self._tick)
            self._look_after(self._tick)
            self._tick += self._timing.tick
        self._serve(until)

    def finish(self) -> None:
        """Live until every request has arrived and been answered."""
        last = self._demand.arrivals[-1] if len(self._demand) else 0.0
        self.advance(max(self._tick, last + self.settings.queue_wait_ms / 1000 + 2 * self._timing.tick))
        while self._queue:
            self.advance(self._tick)

    def _serve(self, until: float) -> None:
        """Let requests arrive and end before `until`."""
        arrivals, services = self._demand.arrivals, self._demand.services
        running, queue = self._running, self._queue
        places = self._ready * self.settings.max_concurrency
        limit = self.settings.request_timeout_ms / 1000
        status, seconds = self.status, self._seconds
        number, count = self._next, len(arrivals)
        push, pop, replace = heapq.heappush, heapq.heappop, heapq.heapreplace
        while True:
            at = arrivals[number] if number < count else math.inf
            at = min(at, until)
            while running and running[0] <= at:
                if queue and len(running) <= places:
                    ended = running[0]
                    waiting = self._take(ended)
                    if waiting is None:
                        pop(running)
                        continue
                    took = services[waiting]
                    replace(running, ended + took)
                    took += ended - arrivals[waiting]
                    seconds[waiting] = took
                    status[waiting] = SERVED if took <= limit else TIMED_OUT
                else:
                    pop(running)
            if at >= until:
                break
            if len(running) < places and not queue:
                took = services[number]
                push(running, at + took)
                seconds[number] = took
                status[number] = SERVED if took <= limit else TIMED_OUT
            else:
                queue.append(number)
            number += 1
        self._next = number

    def _take(self, now: float) -> int | None:
        """The request that has waited longest and still waits; those that gave up before are refused."""
        queue, arrivals = self._queue, self._demand.arrivals
        wait, limit = self.settings.queue_wait_ms, self.settings.request_timeout_ms
        longest = min(wait, limit) / 1000
        while queue:
            number = queue.popleft()
            if arrivals[number] + longest >= now:
                return number
            self.status[number] = REFUSED if wait <= limit else TIMED_OUT
        return None

    def _look_after(self, now: float) -> None:
        """A tick: replicas become ready, those who waited too long give up, and the scaler decides."""
        while self._starting and self._starting[0] <= now:
            self._starting.popleft()
            self._ready += 1
        places = self._ready * self.settings.max_concurrency
        arrivals, services = self._demand.arrivals, self._demand.services
        while self._queue:
            number = self._take(now)
            if number is None:
                break
            if len(self._running) >= places:
                self._queue.appendleft(number)
                break
            heapq.heappush(self._running, now + services[number])
            took = now - arrivals[number] + services[number]
            self._seconds[number] = took
            self.status[number] = SERVED if took * 1000 <= self.settings.request_timeout_ms else TIMED_OUT
        busy = len(self._running)
        self._busy_ticks += busy
        self._ticks += 1
        if now >= self._due:
            load = busy + len(self._queue)
            average = self._busy_ticks / self._ticks
            self._busy_ticks, self._ticks = 0.0, 0
            decided = self._scaler.replicas(now, self.replicas, self._ready, load, average, self.settings)
            self._scale(now, decided)
            self._due = now + self._scaler.period - self._timing.tick / 2
        if self._watch:
            self.samples.append(Sample(now, self._ready, self.replicas, busy, len(self._queue)))
        before = self._replica_seconds[-1][1]
        self._replica_seconds.append((now, before + self.replicas * self._timing.tick))

    def _scale(self, now: float, decided: int) -> None:
        """Start replicas, or remove those that start, the newest first, and then ready ones."""
        more = decided - self.replicas
        for _ in range(more):
            self._starting.append(now + self._timing.start)
        for _ in range(-more):
            if self._starting:
                self._starting.pop()
            else:
                self._ready -= 1
        self._peak = max(self._peak, decided)

    def outcome(self, since: float = -math.inf, until: float = math.inf) -> Outcome:
        """What became of the requests that arrived within a span, and the replica-hours of that span."""
        arrivals = self._demand.arrivals
        within = [number for number in range(self._next) if since <= arrivals[number] < until]
        count = len(within)
        status, seconds = self.status, self._seconds
        refused = sum(status[number] == REFUSED for number in within)
        timed_out = sum(status[number] == TIMED_OUT for number in within)
        served = sorted(seconds[number] for number in within if status[number] == SERVED)
        return Outcome(
            requests=count,
            refused_share=refused / count if count else 0.0,
            timed_out_share=timed_out / count if count else 0.0,
            p50_ms=_percentile(served, 0.5),
            p95_ms=_percentile(served, 0.95),
            p99_ms=_percentile(served, 0.99),
            replica_hours=(self._used(until) - self._used(since)) / 3600,
            peak_replicas=self._peak,
        )

    def _used(self, until: float) -> float:
        """Replica-seconds from the beginning until then."""
        counted = self._replica_seconds
        ticks = math.floor((until - counted[0][0]) / self._timing.tick) if math.isfinite(until) else until
        if ticks >= len(counted) - 1:
            return counted[-1][1]
        return counted[max(0, int(ticks))][1] if math.isfinite(ticks) else 0.0


def _percentile(ordered: Sequence[float], share: float) -> float:
    """The value in milliseconds that `share` of the ordered seconds do not pass; 0 without any."""
    if not ordered:
        return 0.0
    return ordered[min(len(ordered) - 1, math.ceil(share * len(ordered)) - 1)] * 1000
