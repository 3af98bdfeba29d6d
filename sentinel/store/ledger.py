"""The ledger of incidents: every transition is stored together with the notices that tell of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, Final

from sentinel.clock import format_span
from sentinel.model.incident import Incident, IncidentState as At, Transition
from sentinel.model.notice import Notice
from sentinel.model.observer import Observer
from sentinel.model.rule import Severity, Symptom
from sentinel.store.audit import Audit
from sentinel.store.incidents import Incidents, Stored
from sentinel.store.outbox import Outbox
from sentinel.store.state import State

_TOLD: Final = frozenset(
    {At.DIAGNOSED, At.WAITING, At.SETTLING, At.CONFIRMED, At.UNDONE, At.ESCALATED, At.RESOLVED}
)
"""The states people are told of; the others last moments."""
_NOT_IN_FORCE: Final = frozenset({At.PLANNED, At.WAITING, At.APPLYING})
_MUST_END: Final = frozenset({At.APPLYING, At.UNDOING})
"""The states in which a change may be half made."""


class Ledger:
    """Opens, moves and postpones incidents, and tells of it."""

    def __init__(
        self,
        state: State,
        channels: tuple[str, ...],
        observe: Observer,
        symptom_of: Callable[[str], Symptom | None],
    ) -> None:
        self._state = state
        self._channels = channels
        self._observe = observe
        self._symptom_of = symptom_of
        self._incidents = Incidents(state)
        self._outbox = Outbox(state)
        self._audit = Audit(state)

    def open(self, incident: Incident) -> None:
        """Store a new incident.

        Raises:
            sqlite3.IntegrityError: One of that target and symptom is open already.
        """
        with self._state.transaction():
            self._tell(self._incidents.create(incident), incident)

    def move(self, stored: Stored, now: datetime, state: At, why: str, **changes: Any) -> bool:
        """Store a transition; `False` if someone else changed the incident meanwhile, and nothing is stored.

        Where a plan that puts a raised setting back falls before it is in force, nothing hurts that could be diagnosed
        again: the incident is closed instead of opened, and keeps its plan.
        """
        values = {"due": now, "updated": now, "state": state, "why": why, **changes}
        if state is At.OPEN and stored.incident.relaxes and stored.incident.state in _NOT_IN_FORCE:
            values |= {"state": At.RESOLVED, "closed": now, "plan": stored.incident.plan}
        incident = replace(stored.incident, **values)
        with self._state.transaction():
            transition = self._incidents.save(stored, incident)
            if transition is not None:
                self._tell(transition, incident)
        return transition is not None

    def wait(self, stored: Stored, due: datetime, why: str) -> None:
        """Look at an incident again at `due`; its state stays, so nobody is told."""
        self._incidents.touch(stored, due=due, why=why)

    def retry(self, stored: Stored, now: datetime, due: datetime, why: str, *, tell_after: timedelta) -> None:
        """Try again at `due` what could not be done.

        Of a change that was begun, or is to be taken back, people are told once when that has lasted for `tell_after`.
        """
        incident = stored.incident
        last = self._incidents.transitions(incident.id)[-1]
        if incident.state not in _MUST_END or last.before == last.after or now - last.at < tell_after:
            self.wait(stored, due, why)
            return
        lasting = f"not done for {format_span(now - last.at)}, and tried on: {why}"
        self.move(stored, now, incident.state, lasting, due=due)

    def hold(self, stored: Stored, now: datetime, due: datetime, why: str, *, guard: str = "") -> None:
        """Let an incident wait for something outside; told once, when the waiting begins.

        What `guard` refused is kept in the audit, once for each change of the guard.
        """
        with self._state.transaction():
            if stored.incident.state is At.WAITING:
                held = self._incidents.touch(stored, due=due, why=why)
            else:
                held = self.move(stored, now, At.WAITING, why, due=due)
            if held and guard:
                self.refused(stored, now, guard, why)

    def refused(self, stored: Stored, now: datetime, guard: str, why: str) -> None:
        """Keep in the audit that a guard held an incident's plan back."""
        self._audit.refused(stored.incident.id, stored.incident.target, now, guard, why)

    def _tell(self, transition: Transition, incident: Incident) -> None:
        self._observe.moved(transition, incident)
        symptom = self._symptom_of(incident.symptom)
        told = transition.after in _TOLD or transition.before == transition.after
        if told and symptom is not None:
            key = f"{incident.id}/{transition.sequence}"
            title = f"Not needed any more: {symptom.title}" if incident.relaxes else symptom.title
            severity = Severity.INFORMATIONAL if incident.relaxes else symptom.severity
            self._outbox.put(
                Notice(key, title, severity, incident, transition), self._channels, transition.at
            )
