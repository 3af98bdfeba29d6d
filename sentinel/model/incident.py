"""The incident: the one thing that carries state through the flow."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from sentinel.model.diagnosis import Diagnosis
from sentinel.model.finding import Finding
from sentinel.model.plan import Plan, RunMode, Verification
from sentinel.model.target import Target


class IncidentState(StrEnum):
    """The stored steps of an incident."""

    OPEN = "open"
    DIAGNOSED = "diagnosed"
    PLANNED = "planned"
    WAITING = "waiting"
    APPLYING = "applying"
    SETTLING = "settling"
    CONFIRMED = "confirmed"
    UNDOING = "undoing"
    UNDONE = "undone"
    ESCALATED = "escalated"
    RESOLVED = "resolved"

    @property
    def is_closed(self) -> bool:
        """Nothing more will happen to such an incident."""
        return self is IncidentState.RESOLVED


class Approval(StrEnum):
    """What a person said of a plan."""

    NONE = ""
    APPROVED = "approved"
    DENIED = "denied"


@dataclass(frozen=True, slots=True)
class Incident:
    """One symptom of one target, from its first row to its end.

    There is at most one incident that is not closed for each target and symptom. `due` is when the next step
    is taken; waiting is a date, not a sleeping thread.
    """

    id: str
    symptom: str
    target: Target
    state: IncidentState
    opened: datetime
    updated: datetime
    due: datetime
    finding: Finding
    """The newest finding before anything was changed; what verification compares with."""
    last_seen: datetime
    """When the symptom last held."""
    why: str = ""
    """Why it is in its state, in one sentence."""
    diagnosis: Diagnosis | None = None
    plan: Plan | None = None
    mode: RunMode = RunMode.READONLY
    """The run mode its plan was made under."""
    approval: Approval = Approval.NONE
    tried: tuple[str, ...] = ()
    """The remedies already tried, as `cause#rung`."""
    verification: Verification | None = None
    closed: datetime | None = None

    @property
    def relaxes(self) -> bool:
        """Whether nothing hurts, and its plan puts back what recent traffic no longer needs."""
        return self.plan is not None and bool(self.plan.relaxes)


@dataclass(frozen=True, slots=True)
class Transition:
    """One change of an incident's state."""

    incident: str
    sequence: int
    at: datetime
    before: str
    after: IncidentState
    why: str
