"""How azureml-fe scales the replicas of a deployment.

Utilisation is (busy replicas + queued requests) / replicas; above the target replicas are added at once, below it
they are removed conservatively
(https://learn.microsoft.com/azure/machine-learning/how-to-kubernetes-inference-routing-azureml-fe).
"""

from __future__ import annotations

import math
from collections import deque

from sentinel.model.settings import Settings


def wanted_replicas(load: int, settings: Settings) -> int:
    """The replicas that `load` busy and queued requests need at the target utilisation, within the bounds."""
    at_target = settings.target_utilization / 100 * settings.max_concurrency
    return max(settings.min_replicas, min(settings.max_replicas, math.ceil(load / at_target)))


class Autoscaler:
    """Decides on the number of replicas: up at once, down to what a whole quiet period needed at most.

    Args:
        scale_in_after: Seconds of lower load before replicas are removed.
    """

    def __init__(self, scale_in_after: float) -> None:
        self._scale_in_after = scale_in_after
        self._needed: deque[tuple[float, int]] = deque()

    def decide(self, now: float, current: int, load: int, settings: Settings) -> int:
        """The number of replicas there should be; `now` counts seconds and never goes back."""
        wanted = wanted_replicas(load, settings)
        began = now - self._scale_in_after
        while len(self._needed) > 1 and self._needed[1][0] <= began:
            self._needed.popleft()
        whole = bool(self._needed) and self._needed[0][0] <= began
        self._needed.append((now, wanted))
        if wanted >= current:
            return wanted
        lower = max(needed for _, needed in self._needed) if whole else current
        return max(settings.min_replicas, min(current, lower, settings.max_replicas))
