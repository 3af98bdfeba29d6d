"""The model fitted to a deployment's own past, and checked on it before it may vote.

Service times, start time and scale-down speed come from its rows. Then its last window is replayed with the settings
that were in force: only a model that reproduces the shares of refused and of timed-out requests is calibrated.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import accumulate, pairwise
from random import Random
from statistics import median
from typing import Final

from sentinel.errors import QueryError
from sentinel.model.outlook import Course, Outcome
from sentinel.model.settings import Settings
from sentinel.model.target import Target
from sentinel.query.engine import Engine
from sentinel.simulate.autoscale import wanted_replicas
from sentinel.simulate.course import course_of
from sentinel.simulate.history import History, State, history as read_history
from sentinel.simulate.replay import Demand, Replay, Timing

LEAST_REQUESTS: Final = 50
"""Fewer requests say nothing of shares."""
ABSOLUTE_ERROR: Final = 0.02
RELATIVE_ERROR: Final = 0.2
"""A simulated share may differ from the observed one by the larger of two points and a fifth of it."""
MOST_REQUESTS: Final = 5000
"""So many are replayed for a plan, for each of the changes that are weighed."""
COURSE_PARTS: Final = 60
"""In so many parts the course of a plan is kept with it."""
_LEAST_RUNS: Final = 10
_SEED: Final = 11


@dataclass(frozen=True, slots=True)
class Model:
    """A deployment as it can be replayed, and how well that reproduces what was seen.

    `demand` begins at 0, the begin of the history's window.
    """

    demand: Demand
    timing: Timing
    settings: Settings
    """Those in force at the end of the window."""
    steps: tuple[State, ...]
    """What the states say, those of unchanged settings left out; the first holds at the begin."""
    replayed: Outcome
    refused_share: float
    timed_out_share: float
    note: str
    calibrated: bool

    def with_settings(self, settings: Settings) -> Outcome:
        """What would have become of the requests with these settings in force all the time, and before it."""
        return self._replay(settings).outcome()

    def course(self, name: str, settings: Settings, parts: int = COURSE_PARTS) -> Course:
        """What becomes of the requests with these settings over time, in so many equal parts."""
        return course_of(name, self._replay(settings, watch=True), self.demand, parts)

    def _replay(self, settings: Settings, *, watch: bool = False) -> Replay:
        begin = self.steps[0]
        ready = min(max(begin.ready, settings.min_replicas), settings.max_replicas)
        step = replace(begin, ready=ready, settings=settings)
        return replay_of(self.demand, self.timing, (step,), watch=watch)


@dataclass(frozen=True, slots=True)
class NoModel:
    """Too little is known of a deployment to replay it."""

    why: str


def calibrate(history: History) -> Model | NoModel:
    """The model of a deployment, fitted to its history and checked on it."""
    steps = tuple(_steps(history.states))
    if not steps:
        return NoModel("nothing is known of its settings and replicas")
    if len(history.requests) < LEAST_REQUESTS:
        return NoModel(f"{len(history.requests)} requests are too few, it takes {LEAST_REQUESTS}")
    services = service_times(history)
    if services is None:
        return NoModel("no request was served, so nothing is known of how long one takes")
    demand = Demand([one.at for one in history.requests], services)
    start, start_note = start_seconds(history)
    scale_in, scale_in_note = scale_in_seconds(history)
    timing = Timing(start=start, scale_in=scale_in, tick=min(1.0, max(0.05, start / 10)))
    outcome = replay_of(demand, timing, steps).outcome()
    pairs = (
        ("refused", history.refused_share, outcome.refused_share),
        ("timed out", history.timed_out_share, outcome.timed_out_share),
    )
    calibrated = all(
        abs(there - seen) <= max(ABSOLUTE_ERROR, RELATIVE_ERROR * seen) for _, seen, there in pairs
    )
    told = ", ".join(f"{name} {there:.1%} simulated, {seen:.1%} observed" for name, seen, there in pairs)
    note = (
        f"{told} over {history.seconds:.0f} s and {len(demand)} requests; a replica starts in {start:.1f} s"
        f" ({start_note}), removal waits {scale_in:.0f} s ({scale_in_note})"
    )
    return Model(
        demand=demand,
        timing=timing,
        settings=steps[-1].settings,
        steps=steps,
        replayed=outcome,
        refused_share=history.refused_share,
        timed_out_share=history.timed_out_share,
        note=note,
        calibrated=calibrated,
    )


def replay_of(demand: Demand, timing: Timing, steps: Sequence[State], *, watch: bool = False) -> Replay:
    """The demand replayed from 0 on, with the settings that each step puts in force."""
    begin = steps[0]
    replay = Replay(demand, begin.settings, timing, ready=max(begin.ready, 0), watch=watch)
    for step in steps[1:]:
        replay.advance(step.at)
        replay.change(step.settings)
    replay.finish()
    return replay


def _steps(states: Sequence[State]) -> Iterator[State]:
    """The state at the begin of the window, and every later change of the settings."""
    before = [state for state in states if state.at <= 0]
    current = before[-1] if before else (states[0] if states else None)
    if current is None:
        return
    yield replace(current, at=0.0)
    for state in states:
        if state.at > 0 and state.settings != current.settings:
            yield state
            current = state


def service_times(history: History) -> list[float] | None:
    """How long a replica takes for each request, or none if no request was served.

    What the router logs holds the wait for a replica too. Where the consoles tell of runs, the requests that reached
    a replica keep their order, and take the durations of the runs in theirs. What a refused one would have taken is
    drawn from the others.
    """
    reached = [number for number, one in enumerate(history.requests) if not one.refused]
    took = {number: history.requests[number].took for number in reached}
    if not took or not any(took.values()):
        return None
    if len(history.runs) >= _LEAST_RUNS:
        runs = sorted(history.runs)
        ordered = sorted(reached, key=lambda number: (took[number], number))
        for rank, number in enumerate(ordered):
            took[number] = runs[min(len(runs) - 1, int((rank + 0.5) * len(runs) / len(ordered)))]
    chance, known = Random(_SEED), list(took.values())  # noqa: S311 - the same past is to give the same model
    return [
        took[number] if number in took else chance.choice(known) for number in range(len(history.requests))
    ]


def start_seconds(history: History) -> tuple[float, str]:
    """How long a replica takes to start, and how that is known."""
    if history.starts:
        return median(history.starts), f"{len(history.starts)} seen"
    starting: deque[float] = deque()
    seen: list[float] = []
    for before, after in pairwise(history.states):
        added, became_ready = after.replicas - before.replicas, after.ready - before.ready
        starting.extend([after.at] * max(0, added))
        became_ready = min(max(0, became_ready), len(starting))
        seen.extend(after.at - starting.popleft() for _ in range(became_ready))
        for _ in range(min(max(0, -added), len(starting))):
            starting.pop()
    if seen:
        return max(0.1, median(seen)), f"{len(seen)} seen in the number of replicas"
    return Timing().start, "assumed"


def scale_in_seconds(history: History) -> tuple[float, str]:
    """How long the load must be lower before replicas go, and how that is known."""
    load = _load(history)
    seen: list[float] = []
    for before, after in pairwise(history.states):
        fewer = after.replicas < before.replicas and before.settings == after.settings
        if not fewer or not 0 < after.at < len(load):
            continue
        last = next(
            (
                second
                for second in range(int(after.at), -1, -1)
                if wanted_replicas(load[second], after.settings) > after.replicas
            ),
            None,
        )
        if last is not None:
            seen.append(after.at - last)
    if seen:
        return max(1.0, median(seen)), f"{len(seen)} seen"
    return Timing().scale_in, "assumed"


def _load(history: History) -> list[int]:
    """The requests in the router and its replicas at the begin of each second, as a scaler sees them."""
    edges = [0] * (math.ceil(history.seconds) + 2)
    for one in history.requests:
        first, after = math.ceil(max(0.0, one.at)), math.ceil(one.at + one.took)
        if first < after and first < len(edges) - 1:
            edges[first] += 1
            edges[min(len(edges) - 1, after)] -= 1
    return list(accumulate(edges[:-1]))


def recent_model(engine: Engine, target: Target, now: datetime, window: timedelta) -> Model | NoModel:
    """The model of a deployment from at most `MOST_REQUESTS` of its newest requests, quick enough for a plan."""
    try:
        return calibrate(read_history(engine, target, now, window, most=MOST_REQUESTS))
    except QueryError as error:
        return NoModel(f"its telemetry could not be read: {error}")
