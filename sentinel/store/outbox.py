"""The outbox: notices are stored with the transition they tell of, and delivered from here."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from sentinel.clock import from_ticks, to_ticks
from sentinel.model.notice import Notice
from sentinel.store.state import State
from sentinel.store.wire import from_text, to_text


@dataclass(frozen=True, slots=True)
class Letter:
    """A notice on its way to one channel."""

    notice: Notice
    channel: str
    created: datetime
    attempts: int
    problem: str


class Outbox:
    """Reads and changes what is still to be told."""

    def __init__(self, state: State) -> None:
        self._state = state
        self._db = state.database

    def put(self, notice: Notice, channels: Iterable[str], now: datetime) -> None:
        """Store a notice for each channel; one that is there already stays as it is."""
        for channel in channels:
            row = {
                "key": notice.key,
                "channel": channel,
                "created": to_ticks(now),
                "due": to_ticks(now),
                "attempts": 0,
                "problem": "",
                "body": to_text(notice),
            }
            self._state.insert("outbox", row, or_else="IGNORE")

    def due(self, now: datetime, *, limit: int = 50, without: Iterable[str] = ()) -> list[Letter]:
        """The letters to be tried now, the oldest first, leaving out the channels `without`.

        A letter waits for the earlier ones of its incident to the same channel, so nobody hears of an end before
        the beginning.
        """
        skipped = tuple(without)
        rows = self._db.query(
            "WITH waiting AS (SELECT *, substr(key, 1, instr(key, '/')) AS incident,"
            " CAST(substr(key, instr(key, '/') + 1) AS INTEGER) AS sequence"
            " FROM outbox WHERE delivered IS NULL AND dead IS NULL)"
            " SELECT * FROM waiting AS letter WHERE due <= ?"
            f" AND channel NOT IN ({', '.join('?' * len(skipped))})"
            " AND NOT EXISTS (SELECT 1 FROM waiting AS earlier WHERE earlier.channel = letter.channel"
            " AND earlier.incident = letter.incident AND earlier.sequence < letter.sequence"
            " AND earlier.due > ?)"
            " ORDER BY created, incident, sequence, channel LIMIT ?",
            [to_ticks(now), *skipped, to_ticks(now), limit],
        )
        return [_letter(row) for row in rows]

    def delivered(self, letter: Letter, now: datetime) -> None:
        """Note that a letter arrived."""
        self._update(letter, "delivered = ?, attempts = attempts + 1, problem = ''", [to_ticks(now)])

    def failed(self, letter: Letter, problem: str, retry_at: datetime) -> None:
        """Note that a letter did not arrive, and when to try again."""
        self._update(letter, "problem = ?, due = ?, attempts = attempts + 1", [problem, to_ticks(retry_at)])

    def dead(self, letter: Letter, problem: str, now: datetime) -> None:
        """Give a letter up; it stays listed."""
        self._update(letter, "problem = ?, dead = ?, attempts = attempts + 1", [problem, to_ticks(now)])

    def dead_letters(self) -> list[Letter]:
        """The letters that were given up, the oldest first."""
        rows = self._db.query("SELECT * FROM outbox WHERE dead IS NOT NULL ORDER BY created, key, channel")
        return [_letter(row) for row in rows]

    def counts(self) -> dict[str, int]:
        """How many letters are `waiting`, `delivered` and `dead`."""
        rows = self._db.query(
            "SELECT CASE WHEN dead IS NOT NULL THEN 'dead' WHEN delivered IS NOT NULL THEN 'delivered'"
            " ELSE 'waiting' END AS fate, count(*) AS n FROM outbox GROUP BY fate"
        )
        return {"waiting": 0, "delivered": 0, "dead": 0, **{row["fate"]: row["n"] for row in rows}}

    def _update(self, letter: Letter, assignments: str, values: list[object]) -> None:
        self._db.execute(
            f"UPDATE outbox SET {assignments} WHERE key = ? AND channel = ?",
            [*values, letter.notice.key, letter.channel],
        )


def _letter(row: dict[str, object]) -> Letter:
    return Letter(
        from_text(str(row["body"]), Notice),
        str(row["channel"]),
        from_ticks(int(str(row["created"]))),
        int(str(row["attempts"])),
        str(row["problem"]),
    )
