"""A replay told over time, in equal parts."""

from __future__ import annotations

import math

from sentinel.model.outlook import Course
from sentinel.simulate.replay import REFUSED, SERVED, TIMED_OUT, Demand, Replay


def course_of(name: str, replay: Replay, demand: Demand, parts: int) -> Course:
    """The course of a finished replay that was watched, from the first arrival to the last."""
    begin = demand.arrivals[0] if len(demand) else replay.begun
    last = demand.arrivals[-1] if len(demand) else begin
    seconds = max(1.0, last - begin) / parts
    counts = {status: [0] * parts for status in (SERVED, REFUSED, TIMED_OUT)}
    for at, status in zip(demand.arrivals, replay.status, strict=True):
        if status in counts:
            counts[status][min(parts - 1, max(0, int((at - begin) / seconds)))] += 1
    ready = [0] * parts
    for sample in replay.samples:
        part = math.floor((sample.at - begin) / seconds)
        if 0 <= part < parts:
            ready[part] = sample.ready
    return Course(
        name=name,
        seconds=seconds,
        served=tuple(counts[SERVED]),
        refused=tuple(counts[REFUSED]),
        timed_out=tuple(counts[TIMED_OUT]),
        ready=tuple(_filled(ready)),
        maximum=replay.settings.max_replicas,
    )


def _filled(ready: list[int]) -> list[int]:
    """The replicas, those before kept where a part is shorter than the time between two looks."""
    filled: list[int] = []
    for value in ready:
        filled.append(value or (filled[-1] if filled else 0))
    return filled
