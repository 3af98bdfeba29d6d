"""How the HorizontalPodAutoscaler of Kubernetes (autoscaling/v2) scales on the utilisation of its pods.

desired = ceil(replicas × utilisation / target), unless the ratio is within the tolerance; then the bounds, then the
behaviour (https://kubernetes.io/docs/tasks/run-application/horizontal-pod-autoscale/).
"""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass
from typing import Final

from sentinel.model.settings import Settings
from sentinel.simulate.autoscale import Highest

_EPSILON: Final = 1e-9


@dataclass(frozen=True, slots=True)
class Behavior:
    """The fields of `spec.behavior` and of the controller, with their defaults; times in seconds."""

    sync: float = 15.0
    tolerance: float = 0.1
    scale_up_percent: int = 100
    scale_up_pods: int = 4
    """Of the two the larger one is allowed in each `policy_period`."""
    scale_down_percent: int = 100
    policy_period: float = 15.0
    scale_up_stabilization: float = 0.0
    scale_down_stabilization: float = 300.0


class HorizontalPodAutoscaler:
    """Scales by the average utilisation of the pods since it last looked; a busy place is fully used."""

    def __init__(self, behavior: Behavior | None = None) -> None:
        self._behavior = behavior or Behavior()
        self.period = self._behavior.sync
        self._highest = Highest(self._behavior.scale_down_stabilization)
        self._lowest = Highest(self._behavior.scale_up_stabilization)
        self._changes: deque[tuple[float, int]] = deque()

    def replicas(
        self,
        now: float,
        current: int,
        ready: int,
        load: int,  # noqa: ARG002 - it sees what pods use, not what waits
        busy: float,
        settings: Settings,
    ) -> int:
        """The number of replicas there should be."""
        wanted = max(
            settings.min_replicas, min(settings.max_replicas, self.desired(current, ready, busy, settings))
        )
        highest, lowest = self._highest.add(now, wanted), -self._lowest.add(now, -wanted)
        stable = min(max(wanted, min(current, highest)), max(wanted, current))
        if wanted > current:
            stable = max(current, lowest)
        limited = self._limited(now, current, stable)
        decided = max(settings.min_replicas, min(settings.max_replicas, limited))
        if decided != current:
            self._changes.append((now, decided - current))
        return decided

    def desired(self, current: int, ready: int, busy: float, settings: Settings) -> int:
        """What the metric alone asks for; pods that are not ready count as idle when it goes up."""
        if not ready:
            return current
        at_target = settings.target_utilization / 100 * settings.max_concurrency
        tolerance = self._behavior.tolerance + _EPSILON
        ratio = busy / ready / at_target
        if abs(ratio - 1) <= tolerance:
            return current
        if ratio < 1 or ready >= current:
            return math.ceil(ratio * ready - _EPSILON)
        with_idle = busy / current / at_target
        if with_idle <= 1 + tolerance:
            return current
        return math.ceil(with_idle * current - _EPSILON)

    def _limited(self, now: float, current: int, wanted: int) -> int:
        """`wanted`, as far as the policies allow within their period."""
        behavior = self._behavior
        while self._changes and self._changes[0][0] <= now - behavior.policy_period + _EPSILON:
            self._changes.popleft()
        added = sum(change for _, change in self._changes if change > 0)
        removed = -sum(change for _, change in self._changes if change < 0)
        if wanted > current:
            began = current - added
            by_percent = math.ceil(began * (1 + behavior.scale_up_percent / 100) - _EPSILON)
            return min(wanted, max(by_percent, began + behavior.scale_up_pods, current))
        began = current + removed
        lowest = math.floor(began * (1 - behavior.scale_down_percent / 100) + _EPSILON)
        return max(wanted, min(lowest, current))
