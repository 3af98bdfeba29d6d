"""What came of a cause's remedies on the same target before."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from sentinel.model.incident import Incident
from sentinel.model.plan import Effect

REMEMBERED_FOR: Final = timedelta(days=30)
"""What is older tells little of the deployment as it is now."""


@dataclass(frozen=True, slots=True)
class Experience:
    """What came of a remedy the last time it was tried, and when that was."""

    worked: bool
    at: datetime

    @property
    def rank(self) -> int:
        """What worked comes before what was never tried (0), and that before what did not help."""
        return -1 if self.worked else 1


Memory = Mapping[int, Experience]
"""By the rung of the cause's ladder."""


def remembered(past: Iterable[Incident], cause: str, now: datetime) -> Memory:
    """The last experience with each rung of a cause, from incidents of the target, the newest first.

    A recovery by itself says nothing of the remedy; every other end but "worked" is a remedy that did not help.
    """
    found: dict[int, Experience] = {}
    for incident in past:
        if now - incident.updated > REMEMBERED_FOR:
            continue
        remedy = incident.plan if not incident.relaxes else None
        plan = remedy if remedy and remedy.cause == cause else None
        verified = incident.verification
        if plan and verified and verified.effect is not Effect.NOT_NEEDED:
            found.setdefault(plan.remedy, Experience(verified.effect is Effect.WORKED, verified.at))
        for key in incident.tried:
            of, _, rung = key.rpartition("#")
            if of == cause:
                found.setdefault(int(rung), Experience(worked=False, at=incident.updated))
    return found
