"""Incidents and their transitions, as stored."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from sentinel.clock import from_ticks, to_ticks
from sentinel.model.incident import Incident, IncidentState, Transition
from sentinel.model.target import Target, TargetKind
from sentinel.store.audit import Audit, AuditKind
from sentinel.store.state import State
from sentinel.store.wire import from_text, to_text


@dataclass(frozen=True, slots=True)
class Stored:
    """An incident and the version it was read at."""

    incident: Incident
    version: int


class Incidents:
    """Reads and changes incidents; a change needs the version it was read at."""

    def __init__(self, state: State) -> None:
        self._state = state
        self._db = state.database
        self._audit = Audit(state)

    def get(self, incident_id: str) -> Stored | None:
        """The incident of that id; an unambiguous beginning of one is enough."""
        rows = self._db.execute(
            "SELECT body, version FROM incidents WHERE substr(id, 1, ?) = ? ORDER BY id LIMIT 2",
            [len(incident_id), incident_id],
        ).fetchall()
        return _stored(rows[0]) if len(rows) == 1 and incident_id else None

    def open_for(self, symptom: str, target: Target) -> Stored | None:
        """The incident of that symptom and target that is not closed."""
        row = self._db.execute(
            "SELECT body, version FROM incidents WHERE symptom = ? AND target = ? AND closed IS NULL",
            [symptom, str(target)],
        ).fetchone()
        return _stored(row) if row else None

    def due(self, now: datetime) -> list[Stored]:
        """The incidents whose next step is due, the longest waiting first."""
        rows = self._db.execute(
            "SELECT body, version FROM incidents WHERE closed IS NULL AND due <= ? ORDER BY due, id",
            [to_ticks(now)],
        )
        return [_stored(row) for row in rows.fetchall()]

    def unclosed(self) -> list[Stored]:
        """Every incident that is not closed."""
        rows = self._db.execute("SELECT body, version FROM incidents WHERE closed IS NULL ORDER BY id")
        return [_stored(row) for row in rows.fetchall()]

    def sick(self, kind: TargetKind) -> int:
        """How many targets of a kind have an incident that is open, hurts, and is not confirmed as cured."""
        rows = self._db.execute(
            "SELECT count(DISTINCT target) FROM incidents WHERE closed IS NULL AND state != ?"
            " AND substr(target, 1, ?) = ? AND coalesce(json_extract(body, '$.plan.relaxes'), '') = ''",
            [IncidentState.CONFIRMED.value, len(kind) + 1, f"{kind}:"],
        )
        return int(rows.fetchone()[0])

    def beside(self, target: Target, incident: str = "") -> str:
        """The id of an incident of the target that is not closed and not `incident`; empty if there is none."""
        row = self._db.execute(
            "SELECT id FROM incidents WHERE target = ? AND closed IS NULL AND id != ? ORDER BY id LIMIT 1",
            [str(target), incident],
        ).fetchone()
        return str(row[0]) if row else ""

    def listed(self, *, closed: bool = True, limit: int = 100) -> list[Incident]:
        """The newest incidents first; without the closed ones unless asked for."""
        rows = self._db.query(
            "SELECT body FROM incidents WHERE closed IS NULL OR ? ORDER BY opened DESC, id LIMIT ?",
            [closed, limit],
        )
        return [from_text(row["body"], Incident) for row in rows]

    def of_target(self, target: Target, *, limit: int = 20) -> list[Incident]:
        """The newest incidents of a target first, closed ones too."""
        rows = self._db.execute(
            "SELECT body FROM incidents WHERE target = ? ORDER BY opened DESC, id LIMIT ?",
            [str(target), limit],
        )
        return [from_text(row[0], Incident) for row in rows.fetchall()]

    def count_by_state(self) -> dict[IncidentState, int]:
        """How many incidents are in each state."""
        rows = self._db.query("SELECT state, count(*) AS n FROM incidents GROUP BY state")
        return {IncidentState(row["state"]): row["n"] for row in rows}

    def transitions(self, incident_id: str) -> list[Transition]:
        """Every change of an incident's state, oldest first."""
        rows = self._db.query("SELECT * FROM transitions WHERE incident = ? ORDER BY sequence", [incident_id])
        return [
            Transition(
                row["incident"],
                row["sequence"],
                from_ticks(row["at"]),
                row["before"],
                IncidentState(row["after"]),
                row["why"],
            )
            for row in rows
        ]

    def create(self, incident: Incident) -> Transition:
        """Store a new incident with its first transition.

        Raises:
            sqlite3.IntegrityError: One of that target and symptom is open already.
        """
        with self._state.transaction():
            self._state.insert("incidents", {**_row(incident), "version": 0})
            return self._log(incident, "")

    def save(self, stored: Stored, incident: Incident) -> Transition | None:
        """Replace an incident if it is still at the version read; `None` if someone else was faster."""
        with self._state.transaction():
            row = _row(incident)
            done = self._db.execute(
                "UPDATE incidents SET state = ?, due = ?, closed = ?, body = ?, version = version + 1"
                " WHERE id = ? AND version = ?",
                [row["state"], row["due"], row["closed"], row["body"], incident.id, stored.version],
            )
            if done.rowcount == 0:
                return None
            return self._log(incident, stored.incident.state.value)

    def touch(self, stored: Stored, **changes: object) -> bool:
        """Change fields of an incident without a transition; `False` if someone else was faster."""
        incident = replace(stored.incident, **changes)  # type: ignore[arg-type]
        row = _row(incident)
        done = self._db.execute(
            "UPDATE incidents SET due = ?, body = ?, version = version + 1 WHERE id = ? AND version = ?",
            [row["due"], row["body"], incident.id, stored.version],
        )
        return bool(done.rowcount)

    def _log(self, incident: Incident, before: str) -> Transition:
        counted = self._db.execute("SELECT count(*) FROM transitions WHERE incident = ?", [incident.id])
        sequence = int(counted.fetchone()[0])
        transition = Transition(incident.id, sequence, incident.updated, before, incident.state, incident.why)
        self._state.insert(
            "transitions",
            {
                "incident": incident.id,
                "sequence": sequence,
                "at": to_ticks(incident.updated),
                "before": before,
                "after": incident.state.value,
                "why": incident.why,
            },
        )
        body = {
            "before": before,
            "after": incident.state.value,
            "why": incident.why,
            "plan": incident.plan.id if incident.plan else "",
            "changes": incident.plan.summary if incident.plan else "",
            "mode": incident.mode.value,
            "approval": incident.approval.value,
        }
        self._audit.record(AuditKind.TRANSITION, incident.id, incident.target, incident.updated, body)
        return transition


def _stored(row: tuple[str, int]) -> Stored:
    return Stored(from_text(row[0], Incident), row[1])


def _row(incident: Incident) -> dict[str, object]:
    return {
        "id": incident.id,
        "symptom": incident.symptom,
        "target": str(incident.target),
        "state": incident.state.value,
        "opened": to_ticks(incident.opened),
        "due": to_ticks(incident.due),
        "closed": None if incident.closed is None else to_ticks(incident.closed),
        "body": to_text(incident),
    }
