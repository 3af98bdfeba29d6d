"""Actions as stored, and the history the guardrails weigh."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from sentinel.clock import from_ticks, to_ticks
from sentinel.model.plan import Action, ActionState
from sentinel.model.target import Target
from sentinel.store.state import State
from sentinel.store.wire import from_text, to_text


@dataclass(frozen=True, slots=True)
class ActionHistory:
    """What was done lately, as far as it limits what may be done now.

    A claim that came to nothing (`void`) changed nothing and is not counted.
    """

    in_flight: tuple[str, ...]
    """Ids of actions on the target that are claimed but not finished."""
    last_on_knob: datetime | None
    """When one of the knobs of the target was last changed."""
    on_target: int
    """Actions on the target in the last hour."""
    overall: int
    """Actions on all targets in the last hour."""


class Actions:
    """Reads and writes actions; a claim is written before the adapter is called."""

    def __init__(self, state: State) -> None:
        self._state = state
        self._db = state.database

    def claim(self, action: Action) -> None:
        """Store a claimed action.

        Raises:
            sqlite3.IntegrityError: The plan was claimed for that kind already.
        """
        self._db.table("actions").insert(_row(action))

    def finish(self, action: Action) -> None:
        """Store how a claimed action ended."""
        row = _row(action)
        self._db.execute(
            "UPDATE actions SET state = ?, finished = ?, body = ? WHERE id = ?",
            [row["state"], row["finished"], row["body"], action.id],
        )

    def of_incident(self, incident_id: str) -> list[Action]:
        """The actions of an incident, oldest first."""
        rows = self._db.query(
            "SELECT body FROM actions WHERE incident = ? ORDER BY claimed, rowid", [incident_id]
        )
        return [from_text(row["body"], Action) for row in rows]

    def listed(self, *, limit: int = 100) -> list[Action]:
        """The newest actions first."""
        rows = self._db.query("SELECT body FROM actions ORDER BY claimed DESC, rowid DESC LIMIT ?", [limit])
        return [from_text(row["body"], Action) for row in rows]

    def count_by_outcome(self) -> dict[tuple[str, str], int]:
        """How many actions there are by kind and state."""
        rows = self._db.query("SELECT kind, state, count(*) AS n FROM actions GROUP BY kind, state")
        return {(row["kind"], row["state"]): row["n"] for row in rows}

    def history(
        self, target: Target, knobs: frozenset[str], now: datetime, *, per: timedelta
    ) -> ActionHistory:
        """What was done on a target and overall in the span `per` before `now`."""
        rows = list(
            self._db.query(
                "SELECT id, target, state, knobs, claimed FROM actions"
                " WHERE state != ? AND (claimed > ? OR target = ?)",
                [ActionState.VOID.value, to_ticks(now - per), str(target)],
            )
        )
        recent = [row for row in rows if row["claimed"] > to_ticks(now - per)]
        mine = [row for row in rows if row["target"] == str(target)]
        on_knob = [row["claimed"] for row in mine if knobs & set(row["knobs"].split(","))]
        return ActionHistory(
            in_flight=tuple(row["id"] for row in mine if row["state"] == ActionState.CLAIMED.value),
            last_on_knob=from_ticks(max(on_knob)) if on_knob else None,
            on_target=sum(row["target"] == str(target) for row in recent),
            overall=len(recent),
        )


def _row(action: Action) -> dict[str, object]:
    return {
        "id": action.id,
        "plan": action.plan,
        "incident": action.incident,
        "target": str(action.target),
        "kind": action.kind.value,
        "state": action.state.value,
        "knobs": ",".join(change.knob.value for change in action.changes),
        "claimed": to_ticks(action.claimed),
        "finished": None if action.finished is None else to_ticks(action.finished),
        "body": to_text(action),
    }
