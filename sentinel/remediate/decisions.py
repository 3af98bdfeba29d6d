"""What people decide of an incident: approve, deny, undo."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from sentinel.clock import Clock
from sentinel.errors import DecisionError
from sentinel.model.incident import Approval, Incident, IncidentState
from sentinel.model.plan import ActionKind, ActionState, RunMode
from sentinel.store.actions import Actions
from sentinel.store.incidents import Incidents, Stored
from sentinel.store.state import State


class Decisions:
    """Stores a person's decision; the daemon acts on it at its next tick."""

    def __init__(self, state: State, clock: Clock) -> None:
        self._state = state
        self._incidents = Incidents(state)
        self._actions = Actions(state)
        self._clock = clock

    def approve(self, incident_id: str, *, by: str, reason: str = "") -> Incident:
        """Let the plan of a waiting incident be applied.

        Raises:
            DecisionError: There is no such incident, it waits for no approval, or its plan expired.
        """
        with self._state.transaction():
            stored, now = self._waiting(incident_id), self._clock.now()
            why = f"approved by {by}" + (f": {reason}" if reason else "")
            return self._store(stored, now, IncidentState.WAITING, why, approval=Approval.APPROVED)

    def deny(self, incident_id: str, *, by: str, reason: str = "") -> Incident:
        """Forbid the plan of a waiting incident and hand the incident to people.

        Raises:
            DecisionError: There is no such incident, it waits for no approval, or its plan expired.
        """
        with self._state.transaction():
            stored, now = self._waiting(incident_id), self._clock.now()
            why = f"denied by {by}" + (f": {reason}" if reason else "")
            return self._store(stored, now, IncidentState.ESCALATED, why, approval=Approval.DENIED)

    def undo(self, incident_id: str, *, by: str, reason: str = "") -> Incident:
        """Take the applied change of an incident back.

        Raises:
            DecisionError: There is no such incident, or nothing of it is in force.
        """
        with self._state.transaction():
            stored, now = self._found(incident_id), self._clock.now()
            incident = stored.incident
            if incident.state is IncidentState.UNDOING:
                raise DecisionError(f"{incident.id} is being undone already")
            plan = incident.plan
            applied = {
                action.kind
                for action in self._actions.of_incident(incident.id)
                if plan and action.plan == plan.id and action.state is ActionState.APPLIED
            }
            if plan is None or ActionKind.APPLY not in applied or ActionKind.UNDO in applied:
                raise DecisionError(f"nothing of {incident.id} is in force, so there is nothing to undo")
            why = f"undo asked for by {by}" + (f": {reason}" if reason else "")
            self._actions.conclude(plan.id, "taken back by a person", now)
            return self._store(stored, now, IncidentState.UNDOING, why)

    def _found(self, incident_id: str) -> Stored:
        stored = self._incidents.get(incident_id)
        if stored is None:
            raise DecisionError(f"there is no incident {incident_id}; `sentinel incidents` lists them")
        return stored

    def _waiting(self, incident_id: str) -> Stored:
        stored = self._found(incident_id)
        incident = stored.incident
        if incident.state is not IncidentState.WAITING or incident.plan is None:
            raise DecisionError(f"{incident.id} is {incident.state}; it waits for no approval")
        if incident.approval is not Approval.NONE:
            raise DecisionError(f"{incident.id} was {incident.approval} already")
        if incident.mode is RunMode.AUTONOMOUS:
            raise DecisionError(f"{incident.id} waits for its limits, not for a person: {incident.why}")
        if self._clock.now() >= incident.plan.expires:
            raise DecisionError(f"the plan of {incident.id} expired; a new one will be made from fresh data")
        return stored

    def _store(
        self,
        stored: Stored,
        now: datetime,
        state: IncidentState,
        why: str,
        *,
        approval: Approval | None = None,
    ) -> Incident:
        before = stored.incident
        incident = replace(
            before,
            state=state,
            why=why,
            updated=now,
            due=now,
            closed=None,
            approval=before.approval if approval is None else approval,
        )
        other = self._incidents.open_for(before.symptom, before.target)
        if other is not None and other.incident.id != before.id:
            raise DecisionError(f"{other.incident.id} is open for the same symptom; decide on that one")
        if self._incidents.save(stored, incident) is None:
            raise DecisionError(f"{before.id} changed just now; look at it again")
        return incident
