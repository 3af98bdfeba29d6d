"""Actions as stored, and the history the guardrails weigh."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from sentinel.clock import from_ticks, span_ticks, to_ticks
from sentinel.model.plan import Action, ActionKind, ActionState, Effect, Plan
from sentinel.model.settings import Change
from sentinel.model.target import Target
from sentinel.store.audit import Audit, AuditKind
from sentinel.store.state import State
from sentinel.store.wire import from_text, to_text

EDITED: Final = "edited"
"""The guard that refuses a plan because somebody else changed the deployment meanwhile."""
_APPLY: Final = ActionKind.APPLY.value
_MOST_WRONG: Final = span_ticks(timedelta(days=1))
_LAST: Final = 50
"""How many of the last changes are looked at for failures in a row."""


@dataclass(frozen=True, slots=True)
class Failures:
    """The changes that were no success since the last that was, and when the last of them was claimed."""

    in_a_row: int = 0
    last: datetime | None = None


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
    changes: tuple[Change, ...] = ()
    """The changes of the target that were made lately, undone ones and their undoing too, the oldest first."""
    on_trial: str = ""
    """Id of a change of the target that is not judged yet, or is to be taken back."""
    left_at: str = ""
    """The revision the last change made here left the target at."""
    edits: int = 0
    """Plans for the target that somebody else's edit made void lately."""
    others: int = 0
    """Other targets that were changed lately, in the span of the blast radius, or are being changed."""
    failed_target: Failures = Failures()
    failed_overall: Failures = Failures()


@dataclass(frozen=True, slots=True)
class Made:
    """An action and what came of it in the end: empty while nobody can say, and for undoing."""

    action: Action
    outcome: str


class Actions:
    """Reads and writes actions; a claim is written before the adapter is called."""

    def __init__(self, state: State) -> None:
        self._state = state
        self._db = state.database
        self._audit = Audit(state)

    def claim(self, action: Action) -> None:
        """Store a claimed action.

        It counts as made no earlier than the one before it, whatever the clock says: one that was behind by up to a
        day for a while must not let the limits forget what was done then.

        Raises:
            sqlite3.IntegrityError: The plan was claimed for that kind already.
        """
        with self._state.transaction():
            row, own = _row(action), to_ticks(action.claimed)
            before = self._db.execute("SELECT claimed FROM actions ORDER BY rowid DESC LIMIT 1").fetchone()
            if before is not None:
                row["claimed"] = max(own, min(before[0], own + _MOST_WRONG))
            self._state.insert("actions", row)
            self._record(AuditKind.CLAIM, action, action.claimed, {"expect": action.expect})

    def claimed_undo(self, plan: Plan, revision: str, now: datetime) -> Action:
        """The claim to take a plan back from a deployment of that revision: the stored one, or a new one."""
        with self._state.transaction():
            action = self.of_plan(plan.id, ActionKind.UNDO)
            if action is None:
                action = plan.action(ActionKind.UNDO, revision, now)
                self.claim(action)
        return action

    def finish(self, action: Action) -> None:
        """Store how a claimed action ended."""
        row = _row(action)
        with self._state.transaction():
            self._db.execute(
                "UPDATE actions SET state = ?, finished = ?, body = ? WHERE id = ?",
                [row["state"], row["finished"], row["body"], action.id],
            )
            ended = {"state": action.state.value, "detail": action.detail, "revision": action.revision}
            self._record(AuditKind.OUTCOME, action, action.finished or action.claimed, ended)

    def of_incident(self, incident_id: str) -> list[Action]:
        """The actions of an incident, oldest first."""
        rows = self._db.query(
            "SELECT body FROM actions WHERE incident = ? ORDER BY claimed, rowid", [incident_id]
        )
        return [from_text(row["body"], Action) for row in rows]

    def of_plan(self, plan: str, kind: ActionKind) -> Action | None:
        """The action that applied a plan, or took it back, if it was claimed."""
        row = self._db.execute(
            "SELECT body FROM actions WHERE plan = ? AND kind = ?", [plan, kind.value]
        ).fetchone()
        return from_text(row[0], Action) if row else None

    def listed(self, *, limit: int = 100) -> list[Action]:
        """The newest actions first."""
        rows = self._db.query("SELECT body FROM actions ORDER BY claimed DESC, rowid DESC LIMIT ?", [limit])
        return [from_text(row["body"], Action) for row in rows]

    def changed_targets(self) -> list[Target]:
        """The targets that were ever changed, in the order of their names."""
        rows = self._db.execute(
            "SELECT DISTINCT target FROM actions WHERE state = ? ORDER BY target", [ActionState.APPLIED.value]
        )
        return [Target.parse(text) for (text,) in rows.fetchall()]

    def made_on(self, target: Target) -> list[Made]:
        """Every action on a target but those that came to nothing, the oldest first."""
        rows = self._db.query(
            "SELECT body, outcome FROM actions WHERE target = ? AND state != ? ORDER BY claimed, rowid",
            [str(target), ActionState.VOID.value],
        )
        return [Made(from_text(row["body"], Action), row["outcome"]) for row in rows]

    def count_by_outcome(self) -> dict[tuple[str, str], int]:
        """How many actions there are by kind and state."""
        rows = self._db.query("SELECT kind, state, count(*) AS n FROM actions GROUP BY kind, state")
        return {(row["kind"], row["state"]): row["n"] for row in rows}

    def history(
        self,
        target: Target,
        knobs: frozenset[str],
        now: datetime,
        *,
        per: timedelta,
        blast: timedelta | None = None,
        lately: timedelta | None = None,
    ) -> ActionHistory:
        """What was done on a target and overall before `now`.

        The limits count over the span `per`, the blast radius over `blast`, turns and edits over `lately`; these two
        are as long as `per` unless told.
        """
        limit, blast_from, lately_from = (to_ticks(now - (span or per)) for span in (per, blast, lately))
        rows = list(
            self._db.query(
                "SELECT id, target, state, knobs, claimed, body, max(claimed, coalesce(finished, 0)) AS last"
                " FROM actions WHERE state != ? AND (last > ? OR target = ? OR state = ?) ORDER BY claimed, rowid",
                [ActionState.VOID.value, min(limit, blast_from), str(target), ActionState.CLAIMED.value],
            )
        )
        mine = [row for row in rows if row["target"] == str(target)]
        on_knob = [row["claimed"] for row in mine if knobs & set(row["knobs"].split(","))]
        made = [
            row for row in mine if row["claimed"] > lately_from and row["state"] == ActionState.APPLIED.value
        ]
        others = {
            row["target"]
            for row in rows
            if row["last"] > blast_from or row["state"] == ActionState.CLAIMED.value
        }
        applied = [from_text(row["body"], Action) for row in made]
        return ActionHistory(
            in_flight=tuple(row["id"] for row in mine if row["state"] == ActionState.CLAIMED.value),
            last_on_knob=from_ticks(max(on_knob)) if on_knob else None,
            on_target=sum(row["claimed"] > limit for row in mine),
            overall=sum(row["claimed"] > limit for row in rows),
            changes=tuple(change for action in applied for change in action.changes),
            on_trial=self._on_trial(target, lately_from),
            left_at=applied[-1].revision if applied else "",
            edits=self._edits(target, lately_from),
            others=len(others - {str(target)}),
            failed_target=self._failures(target),
            failed_overall=self._failures(None),
        )

    def conclude(self, plan: str, outcome: str, now: datetime) -> None:
        """Store what came of an applied plan; what was said first stays."""
        with self._state.transaction():
            done = self._db.execute(
                "UPDATE actions SET outcome = ? WHERE plan = ? AND kind = ? AND outcome = ''",
                [outcome, plan, _APPLY],
            )
            action = self.of_plan(plan, ActionKind.APPLY)
            if done.rowcount and action is not None:
                self._record(AuditKind.VERDICT, action, now, {"outcome": outcome})

    def _failures(self, target: Target | None) -> Failures:
        """Every end but "worked" counts; a change that is not judged yet counts neither way."""
        rows = self._db.query(
            "SELECT state, outcome, claimed FROM actions WHERE kind = ? AND state IN (?, ?)"
            " AND (? IS NULL OR target = ?) ORDER BY rowid DESC LIMIT ?",
            [
                _APPLY,
                ActionState.APPLIED.value,
                ActionState.FAILED.value,
                target and str(target),
                str(target),
                _LAST,
            ],
        )
        failed: list[int] = []
        for row in rows:
            if row["outcome"] == Effect.WORKED.value:
                break
            if row["outcome"] or row["state"] == ActionState.FAILED.value:
                failed.append(row["claimed"])
        return Failures(len(failed), from_ticks(max(failed)) if failed else None)

    def _on_trial(self, target: Target, since: int) -> str:
        """While a change is not judged, or not taken back yet, another one would keep it from being taken back."""
        row = self._db.execute(
            "SELECT id FROM actions AS made WHERE target = ? AND claimed > ? AND kind = ? AND state = ?"
            " AND (outcome = '' OR outcome NOT IN (?, ?) AND NOT EXISTS (SELECT 1 FROM actions"
            " WHERE plan = made.plan AND kind = ? AND state != ?)) ORDER BY rowid DESC LIMIT 1",
            [
                str(target),
                since,
                _APPLY,
                ActionState.APPLIED.value,
                Effect.WORKED.value,
                Effect.HELPED.value,
                ActionKind.UNDO.value,
                ActionState.CLAIMED.value,
            ],
        ).fetchone()
        return str(row[0]) if row else ""

    def _edits(self, target: Target, since: int) -> int:
        rows = self._db.execute(
            "SELECT count(*) FROM audit WHERE target = ? AND at > ? AND kind = ?"
            " AND json_extract(body, '$.guard') = ?",
            [str(target), since, AuditKind.REFUSAL.value, EDITED],
        )
        return int(rows.fetchone()[0])

    def _record(self, kind: AuditKind, action: Action, at: datetime, more: Mapping[str, str]) -> None:
        body = {
            "action": action.id,
            "kind": action.kind.value,
            "changes": ", ".join(map(str, action.changes)),
            **more,
        }
        self._audit.record(kind, action.incident, action.target, at, body)


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
