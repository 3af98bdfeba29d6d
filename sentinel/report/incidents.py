"""Incidents as a list, one in full, and its time line."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sentinel.model.diagnosis import Diagnosis
from sentinel.model.incident import Incident, IncidentState, Transition
from sentinel.model.plan import Action, Plan, Verification
from sentinel.model.target import Target
from sentinel.store.actions import Actions
from sentinel.store.incidents import Incidents
from sentinel.store.state import State

MEANING: Final = {
    IncidentState.OPEN: "The symptom holds.",
    IncidentState.DIAGNOSED: "The cause is known.",
    IncidentState.PLANNED: "A remedy is planned.",
    IncidentState.WAITING: "A person is asked.",
    IncidentState.APPLYING: "The change is being made.",
    IncidentState.SETTLING: "The change is made; its effect is watched.",
    IncidentState.CONFIRMED: "The change helped.",
    IncidentState.UNDOING: "The change is being taken back.",
    IncidentState.UNDONE: "The change was taken back.",
    IncidentState.ESCALATED: "A person has to act.",
    IncidentState.RESOLVED: "The symptom is gone.",
}
"""What each state means, for steps that were stored without a reason."""


@dataclass(frozen=True, slots=True)
class IncidentRow:
    """An incident in one line."""

    id: str
    symptom: str
    target: Target
    state: IncidentState
    opened: datetime
    updated: datetime
    closed: datetime | None
    cause: str
    """The title of the cause that explains best, empty while none does."""
    changes: str
    """What its plan changes, empty without one."""
    why: str


@dataclass(frozen=True, slots=True)
class IncidentDetail:
    """An incident with everything that happened to it."""

    incident: Incident
    transitions: tuple[Transition, ...]
    actions: tuple[Action, ...]

    @property
    def plan(self) -> Plan | None:
        """The plan made last."""
        return self.incident.plan

    @property
    def diagnosis(self) -> Diagnosis | None:
        """The verdict, once there is one."""
        return self.incident.diagnosis

    @property
    def verification(self) -> Verification | None:
        """What the last change did to the symptom, once measured."""
        return self.incident.verification


@dataclass(frozen=True, slots=True)
class TimelineEntry:
    """One step of an incident."""

    seconds: float
    """Since the incident was opened."""
    at: datetime
    state: IncidentState
    sentence: str


def incident_list(state: State, *, closed: bool = False, limit: int = 100) -> tuple[IncidentRow, ...]:
    """The newest incidents first; without the closed ones unless asked for."""
    return tuple(incident_row(one) for one in Incidents(state).listed(closed=closed, limit=limit))


def incident_row(incident: Incident) -> IncidentRow:
    """An incident in one line."""
    top = incident.diagnosis.top if incident.diagnosis else None
    return IncidentRow(
        id=incident.id,
        symptom=incident.symptom,
        target=incident.target,
        state=incident.state,
        opened=incident.opened,
        updated=incident.updated,
        closed=incident.closed,
        cause=top.title if top else "",
        changes=", ".join(map(str, incident.plan.changes)) if incident.plan else "",
        why=incident.why,
    )


def incident_detail(state: State, incident_id: str) -> IncidentDetail | None:
    """The incident of that id, or of an unambiguous beginning of one; `None` if there is none."""
    stored = Incidents(state).get(incident_id)
    if stored is None:
        return None
    return IncidentDetail(
        incident=stored.incident,
        transitions=tuple(Incidents(state).transitions(stored.incident.id)),
        actions=tuple(Actions(state).of_incident(stored.incident.id)),
    )


def timeline(detail: IncidentDetail) -> tuple[TimelineEntry, ...]:
    """Every step of an incident, the first one first."""
    return tuple(
        TimelineEntry(
            seconds=(step.at - detail.incident.opened).total_seconds(),
            at=step.at,
            state=step.after,
            sentence=step.why or MEANING[step.after],
        )
        for step in detail.transitions
    )


def state_counts(state: State) -> dict[IncidentState, int]:
    """How many incidents are in each state, in the order of the flow; states nobody is in are left out."""
    counts = Incidents(state).count_by_state()
    return {one: counts[one] for one in IncidentState if counts.get(one)}
