"""How azureml-fe scales the replicas of a deployment.

Utilisation is (busy replicas + queued requests) / replicas; above the target replicas are added at once, below it
they are removed conservatively
(https://learn.microsoft.com/azure/machine-learning/how-to-kubernetes-inference-routing-azureml-fe).
"""

from __future__ import annotations

import math
from collections import deque
from typing import Protocol

from sentinel.model.settings import Settings


def wanted_replicas(load: int, settings: Settings) -> int:
    """The replicas that `load` busy and queued requests need at the target utilisation, within the bounds."""
    at_target = settings.target_utilization / 100 * settings.max_concurrency
    return max(settings.min_replicas, min(settings.max_replicas, math.ceil(load / at_target)))


class Scaler(Protocol):
    """What chooses the number of replicas, asked once every `period` seconds."""

    period: float

    def replicas(
        self, now: float, current: int, ready: int, load: int, busy: float, settings: Settings
    ) -> int:
        """The number of replicas there should be.

        Args:
            now: Seconds; never goes back.
            current: The replicas there are, ready or not.
            ready: The replicas that take requests.
            load: The requests that are worked on and those that wait, now.
            busy: The requests that were worked on, on average since it was asked last.
            settings: Those in force.
        """
        ...


class Highest:
    """The largest value that was in force within a sliding window."""

    def __init__(self, window: float) -> None:
        self._window = window
        self._began: float | None = None
        self._kept: deque[list[float]] = deque()
        """[until when it was in force, value], with falling values: a larger one hides those before it."""

    def is_whole(self, now: float) -> bool:
        """Whether values were added since the window began."""
        return self._began is not None and self._began <= now - self._window

    def add(self, now: float, value: int) -> int:
        """From now on it is `value`; return the largest within the window."""
        if self._began is None:
            self._began = now
        kept = self._kept
        if kept:
            kept[-1][0] = now
        while kept and kept[-1][1] <= value:
            kept.pop()
        kept.append([math.inf, value])
        began = now - self._window
        while kept[0][0] <= began:
            kept.popleft()
        return int(kept[0][1])


class Autoscaler:
    """Decides on the number of replicas: up at once, down to what a whole quiet period needed at most.

    Args:
        scale_in_after: Seconds of lower load before replicas are removed.
        period: Seconds between two decisions.
    """

    def __init__(self, scale_in_after: float, period: float = 1.0) -> None:
        self.period = period
        self._needed = Highest(scale_in_after)

    def decide(self, now: float, current: int, load: int, settings: Settings) -> int:
        """The number of replicas there should be; `now` counts seconds and never goes back."""
        wanted = wanted_replicas(load, settings)
        whole = self._needed.is_whole(now)
        highest = self._needed.add(now, wanted)
        if wanted >= current:
            return wanted
        lower = highest if whole else current
        return max(settings.min_replicas, min(current, lower, settings.max_replicas))

    def replicas(
        self,
        now: float,
        current: int,
        ready: int,  # noqa: ARG002 - it counts replicas that start as well
        load: int,
        busy: float,  # noqa: ARG002 - it looks at what is busy now
        settings: Settings,
    ) -> int:
        """The number of replicas there should be."""
        return self.decide(now, current, load, settings)
