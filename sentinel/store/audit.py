"""The audit: what was decided, refused and done, in rows that are only ever added and chained by their hashes.

A row's hash covers its content and the hash of the row before it, so that a row that was changed, taken out or
slipped in breaks the chain from there on. Only the newest rows can be cut off unseen; who keeps the hash of a row
elsewhere, such as in an export, sees that too.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from hashlib import sha256
from typing import Any, Final

import msgspec

from sentinel.clock import from_ticks, to_ticks
from sentinel.model.target import Target
from sentinel.store.state import State

BEGINNING: Final = "0" * 64
"""What stands in the place of the hash before the first row."""
_encoder: Final = msgspec.json.Encoder(order="deterministic")


class AuditKind(StrEnum):
    """What a row of the audit tells of."""

    TRANSITION = "transition"
    REFUSAL = "refusal"
    CLAIM = "claim"
    OUTCOME = "outcome"
    VERDICT = "verdict"


@dataclass(frozen=True, slots=True)
class Entry:
    """One row; `at` is in ticks, `body` the JSON text of what happened."""

    sequence: int
    at: int
    kind: str
    incident: str
    target: str
    body: str
    previous: str
    hash: str

    @property
    def digest(self) -> str:
        """The hash its content should have."""
        content = [self.sequence, self.at, self.kind, self.incident, self.target, self.body, self.previous]
        return sha256(_encoder.encode(content)).hexdigest()

    @property
    def line(self) -> str:
        """The row as a line of JSON, its instant readable."""
        row = {
            "sequence": self.sequence,
            "at": from_ticks(self.at),
            "kind": self.kind,
            "incident": self.incident,
            "target": self.target,
            "body": msgspec.json.decode(self.body),
            "previous": self.previous,
            "hash": self.hash,
        }
        return msgspec.json.encode(row).decode()


@dataclass(frozen=True, slots=True)
class Checked:
    """How far the chain holds: its rows, its last hash, and the first row that breaks it with the reason."""

    rows: int
    head: str
    broken: int | None = None
    why: str = ""


class Audit:
    """Adds to the audit inside the transaction that changes what it tells of, and checks it."""

    def __init__(self, state: State) -> None:
        self._state = state
        self._db = state.database

    def record(
        self, kind: AuditKind, incident: str, target: Target, at: datetime, body: Mapping[str, Any]
    ) -> None:
        """Add a row."""
        with self._state.transaction():
            last = self._db.execute(
                "SELECT sequence, hash FROM audit ORDER BY sequence DESC LIMIT 1"
            ).fetchone()
            sequence, previous = (last[0] + 1, last[1]) if last else (1, BEGINNING)
            text = _encoder.encode(body).decode()
            entry = Entry(sequence, to_ticks(at), kind.value, incident, str(target), text, previous, "")
            self._db.execute(
                "INSERT INTO audit(sequence, at, kind, incident, target, body, previous, hash)"
                " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                [
                    entry.sequence,
                    entry.at,
                    entry.kind,
                    entry.incident,
                    entry.target,
                    entry.body,
                    entry.previous,
                    entry.digest,
                ],
            )

    def refused(self, incident: str, target: Target, at: datetime, guard: str, reason: str) -> None:
        """Add that a guard held an incident's plan back, unless that is the last thing said of the incident."""
        last = self._db.execute(
            "SELECT kind, json_extract(body, '$.guard') FROM audit WHERE incident = ?"
            " ORDER BY sequence DESC LIMIT 1",
            [incident],
        ).fetchone()
        if last != (AuditKind.REFUSAL.value, guard):
            self.record(AuditKind.REFUSAL, incident, target, at, {"guard": guard, "reason": reason})

    def entries(self) -> Iterator[Entry]:
        """Every row, the oldest first."""
        cursor = self._db.execute(
            "SELECT sequence, at, kind, incident, target, body, previous, hash FROM audit ORDER BY sequence"
        )
        for row in cursor:
            yield Entry(*row)

    def check(self) -> Checked:
        """Follow the chain from its beginning to its end or its first break."""
        rows, head = 0, BEGINNING
        for entry in self.entries():
            why = ""
            if entry.sequence != rows + 1:
                why = f"row {rows + 1} is missing"
            elif entry.previous != head:
                why = "it does not follow the row before it"
            elif entry.digest != entry.hash:
                why = "its content is not what was written"
            if why:
                return Checked(rows, head, entry.sequence, why)
            rows, head = rows + 1, entry.hash
        return Checked(rows, head)

    def has(self, digest: str) -> bool:
        """Whether a row with that hash is there."""
        return self._db.execute("SELECT 1 FROM audit WHERE hash = ?", [digest]).fetchone() is not None
