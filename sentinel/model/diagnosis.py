"""Which causes explain a symptom, and by which rows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any


class ClauseRole(StrEnum):
    """What a clause means for its cause."""

    REQUIRES = "requires"
    EXCLUDES = "excludes"
    SUPPORTS = "supports"


@dataclass(frozen=True, slots=True)
class Evidence:
    """One clause as it was found: whether it held, and the first rows of its answer."""

    role: ClauseRole
    says: str
    place: str
    held: bool
    rows: tuple[Mapping[str, Any], ...] = ()


class Outcome(StrEnum):
    """What the evidence says of a cause."""

    EXPLAINS = "explains"
    RULED_OUT = "ruled out"
    NOT_SHOWN = "not shown"


@dataclass(frozen=True, slots=True)
class CauseVerdict:
    """What the evidence says of one cause.

    EXPLAINS: every required clause holds and no excluding one does. RULED_OUT: an excluding clause holds.
    NOT_SHOWN: a required clause does not hold. `confidence` is (1 + supports held) / (1 + supports), from 0 to 1,
    and 0 unless the cause explains.
    """

    cause: str
    title: str
    outcome: Outcome
    confidence: float
    reason: str
    """Why, in one sentence with numbers: `because` filled in, or the clause that decided."""
    evidence: tuple[Evidence, ...]
    facts: Mapping[str, Any] = field(default_factory=dict)
    place: str = ""
    """The file and line the cause stands in."""


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """The verdict on a symptom: its causes ranked, and those ruled out.

    `ranked` holds the causes that explain, the most specific and best supported first; it is empty when the
    cause is unknown. `others` holds the rest.
    """

    symptom: str
    at: datetime
    window_start: datetime
    ranked: tuple[CauseVerdict, ...]
    others: tuple[CauseVerdict, ...]
    newest: datetime | None
    rules: str
    """The digest of the rule set."""

    @property
    def top(self) -> CauseVerdict | None:
        """The cause that explains best."""
        return self.ranked[0] if self.ranked else None
