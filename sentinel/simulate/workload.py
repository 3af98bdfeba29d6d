"""What a simulated deployment is put through."""

from __future__ import annotations

import math
import random
from dataclasses import dataclass
from enum import StrEnum


class Failure(StrEnum):
    """What is wrong with the model."""

    NONE = "none"
    CRASHING = "crashing"
    """Its script cannot be imported: replicas exit with 3 and are started again and again."""
    HANGING = "hanging"
    """Its requests never end by themselves; a replica drops one when the router gives up on it."""


@dataclass(frozen=True, slots=True)
class Workload:
    """Requests arriving at random at a rate, and the time a replica takes for one."""

    rate: float = 0.0
    """Requests per second."""
    service_seconds: float = 0.1
    """The mean."""
    variation: float = 0.3
    """Standard deviation / mean of the service time."""
    failure: Failure = Failure.NONE

    def gap(self, chance: random.Random) -> float:
        """Seconds until the next request; infinite without any."""
        return chance.expovariate(self.rate) if self.rate > 0 else math.inf

    def service(self, chance: random.Random) -> float:
        """Seconds one request takes, log-normal around the mean; infinite if the model hangs."""
        if self.failure is Failure.HANGING:
            return math.inf
        spread = math.log1p(self.variation**2)
        return chance.lognormvariate(math.log(self.service_seconds) - spread / 2, math.sqrt(spread))
