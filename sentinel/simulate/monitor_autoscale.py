"""How Azure Monitor autoscale scales a managed online deployment.

Evaluated about once a minute; replicas are added when the average of the metric over a window is above the
threshold, removed when it is below the other one and would not be above the first one afterwards, and after every
action it waits (https://learn.microsoft.com/azure/azure-monitor/autoscale/autoscale-understanding-settings).
"""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass

from sentinel.model.settings import Settings


@dataclass(frozen=True, slots=True)
class ScaleRules:
    """A pair of rules on the utilisation, as the documentation's example has them; times in seconds.

    Out above the deployment's target utilisation, in below `scale_in_below` percent.
    """

    evaluate_every: float = 60.0
    window: float = 300.0
    scale_out_by: int = 2
    scale_in_by: int = 1
    scale_in_below: int = 30
    scale_out_cooldown: float = 300.0
    scale_in_cooldown: float = 300.0


class MonitorAutoscale:
    """Scales by the utilisation of the ready instances, averaged over the rules' window."""

    def __init__(self, rules: ScaleRules | None = None) -> None:
        self._rules = rules or ScaleRules()
        self.period = self._rules.evaluate_every
        self._seen: deque[tuple[float, float]] = deque()
        self._acted = -math.inf

    def replicas(
        self,
        now: float,
        current: int,
        ready: int,
        load: int,  # noqa: ARG002 - it sees what instances use, not what waits
        busy: float,
        settings: Settings,
    ) -> int:
        """The number of replicas there should be."""
        rules = self._rules
        bounded = max(settings.min_replicas, min(settings.max_replicas, current))
        self._seen.append((now, 100 * busy / (ready * settings.max_concurrency) if ready else 0.0))
        while self._seen[0][0] <= now - rules.window:
            self._seen.popleft()
        if bounded != current:
            return bounded
        average = sum(share for _, share in self._seen) / len(self._seen)
        if average > settings.target_utilization and now - self._acted >= rules.scale_out_cooldown:
            decided = min(settings.max_replicas, current + rules.scale_out_by)
        elif average < rules.scale_in_below and now - self._acted >= rules.scale_in_cooldown:
            fewer = max(settings.min_replicas, current - rules.scale_in_by)
            flaps = average * current > settings.target_utilization * fewer
            decided = current if flaps else fewer
        else:
            decided = current
        if decided != current:
            self._acted = now
        return decided
