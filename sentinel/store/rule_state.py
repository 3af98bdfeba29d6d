"""Since when symptoms hold, and when each was last looked at."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from sentinel.clock import from_ticks, to_ticks
from sentinel.model.target import Target
from sentinel.store.state import State


@dataclass(frozen=True, slots=True)
class LastEvaluation:
    """How the last evaluation of a symptom went."""

    symptom: str
    at: datetime
    newest: datetime | None
    findings: int
    problem: str

    def is_past(self, every: timedelta, now: datetime) -> bool:
        """Whether it is `every` ago, or in the future, as after a clock stepped back."""
        return not timedelta(0) <= now - self.at < every


class RuleState:
    """Remembers symptoms between evaluations, so that `for` survives a restart."""

    def __init__(self, state: State) -> None:
        self._state = state
        self._db = state.database

    def seen(self, symptom: str, target: Target, now: datetime) -> datetime:
        """Note that a symptom holds now, and return since when it has without a break."""
        self._db.execute(
            "INSERT INTO pending(symptom, target, since, last_seen) VALUES (?, ?, ?, ?)"
            " ON CONFLICT(symptom, target) DO UPDATE"
            " SET last_seen = excluded.last_seen, since = min(since, excluded.since)",
            [symptom, str(target), to_ticks(now), to_ticks(now)],
        )
        row = self._db.execute(
            "SELECT since FROM pending WHERE symptom = ? AND target = ?", [symptom, str(target)]
        ).fetchone()
        return from_ticks(row[0])

    def forget_unseen(self, symptom: str, now: datetime) -> None:
        """Drop the targets for which a symptom did not hold at `now`."""
        self._db.execute("DELETE FROM pending WHERE symptom = ? AND last_seen < ?", [symptom, to_ticks(now)])

    def evaluated(self, last: LastEvaluation) -> None:
        """Note how an evaluation went."""
        row = {
            "symptom": last.symptom,
            "at": to_ticks(last.at),
            "newest": None if last.newest is None else to_ticks(last.newest),
            "findings": last.findings,
            "problem": last.problem,
        }
        self._state.insert("evaluations", row, or_else="REPLACE")

    def evaluations(self) -> dict[str, LastEvaluation]:
        """The last evaluation of each symptom."""
        rows = self._db.execute(
            "SELECT symptom, at, newest, findings, problem FROM evaluations ORDER BY symptom"
        )
        return {
            symptom: LastEvaluation(
                symptom, from_ticks(at), None if newest is None else from_ticks(newest), findings, problem
            )
            for symptom, at, newest, findings, problem in rows.fetchall()
        }

    def newest(self, symptom: str) -> datetime | None:
        """The event time of the newest telemetry that the last evaluation of a symptom saw."""
        last = self.evaluations().get(symptom)
        return last.newest if last else None
