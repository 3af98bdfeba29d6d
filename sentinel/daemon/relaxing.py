"""The looks for raised settings to put back, and what the log says of them."""

from __future__ import annotations

from typing import Final

import structlog

from sentinel.clock import Clock
from sentinel.model.sentence import without_numbers
from sentinel.model.target import Target
from sentinel.remediate.relax import Relaxer

_log: Final = structlog.stdlib.get_logger("sentinel.relaxing")


class LooksBack:
    """Looks when it is told to, and tells once why a deployment's raised settings stay as they are."""

    def __init__(self, relaxer: Relaxer, clock: Clock) -> None:
        self._relaxer = relaxer
        self._clock = clock
        self._told: dict[Target, str] = {}

    def look(self) -> None:
        """Look once; a reason that differs in its numbers only is not told again."""
        for target, why in self._relaxer.look(self._clock.now()).items():
            kind = without_numbers(why)
            if self._told.get(target) != kind:
                _log.info("raised settings", target=str(target), outcome=why)
            self._told[target] = kind
