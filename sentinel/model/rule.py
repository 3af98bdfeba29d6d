"""What a rule file says, decoded."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

from sentinel.model.settings import Knob
from sentinel.model.target import TargetKind


class Severity(StrEnum):
    """How much a symptom hurts, in the words of Azure Monitor's alert severities."""

    CRITICAL = "critical"
    ERROR = "error"
    WARNING = "warning"
    INFORMATIONAL = "informational"


@dataclass(frozen=True, slots=True)
class Place:
    """Where in a rule file something stands; `line` is 1-based."""

    file: str
    line: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line}"


@dataclass(frozen=True, slots=True)
class Symptom:
    """What hurts: a query with a row for each target, and the condition under which that row is pain.

    The query sees the parameters `window` (timespan) and `since` (datetime: where the window begins). Its rows
    carry the columns that name the target and those `threshold`, `measure` and `sample` need. The threshold is a
    key of its own, not a last `where` of the query, because verification asks the same query without it: a healthy
    row and no row are not the same.
    """

    id: str
    title: str
    severity: Severity
    target: TargetKind
    every: timedelta
    window: timedelta
    hold: timedelta
    """How long it must hold before an incident opens (`for` in the file)."""
    keep_firing: timedelta
    """How long it must be quiet before the incident closes (`keep-firing-for` in the file)."""
    query: str
    threshold: str
    """A boolean KQL expression over one row: the symptom holds (`when` in the file)."""
    measure: str
    """A scalar KQL expression over one row: what verification compares before and after."""
    sample: str
    """A scalar KQL expression over one row: the number of observations behind `measure`."""
    place: Place


@dataclass(frozen=True, slots=True)
class Clause:
    """One piece of evidence: it holds if its query answers with at least one row.

    The query sees the parameters of the target (`endpoint`, `deployment`, ...), `window` (timespan) and
    `since` (datetime: where the window begins).
    """

    says: str
    query: str
    place: Place


class RemedyKind(StrEnum):
    """What a remedy does."""

    RAISE = "raise"
    LOWER = "lower"
    ESCALATE = "escalate"


@dataclass(frozen=True, slots=True)
class VerifyWindow:
    """When a remedy is judged: first `after` it was applied, at the latest `within`."""

    after: timedelta
    within: timedelta


@dataclass(frozen=True, slots=True)
class Remedy:
    """One rung of a cause's ladder.

    A RAISE or LOWER names its knob and the formula for the new value; an ESCALATE says what a person should do.
    """

    kind: RemedyKind
    place: Place
    knob: Knob | None = None
    to: str = ""
    advice: str = ""
    verify: VerifyWindow | None = None


@dataclass(frozen=True, slots=True)
class Cause:
    """What would explain a symptom, what would refute it, and what to do about it.

    `facts` is a query answering one row, whose columns `because` and the formulas of `remedies` use.
    """

    id: str
    title: str
    explains: tuple[str, ...]
    requires: tuple[Clause, ...]
    excludes: tuple[Clause, ...]
    supports: tuple[Clause, ...]
    facts: str
    because: str
    """One sentence with `{name}` for the target's names, `window` and the columns of `facts`."""
    remedies: tuple[Remedy, ...]
    place: Place
    covers: tuple[str, ...] = ()
    """The ids of the documented failure modes it recognises."""

    @property
    def advice(self) -> str:
        """What a person should do: the first piece of advice among the remedies, or else the title."""
        return next((r.advice for r in self.remedies if r.kind is RemedyKind.ESCALATE), self.title)


@dataclass(frozen=True, slots=True)
class RuleSet:
    """All symptoms and causes in force, in the order of their ids."""

    symptoms: tuple[Symptom, ...]
    causes: tuple[Cause, ...]
    digest: str
    """A hash of all files, so that a verdict names the rules it was made with."""

    def symptom(self, symptom_id: str) -> Symptom | None:
        """The symptom of that id."""
        return next((s for s in self.symptoms if s.id == symptom_id), None)

    def cause(self, cause_id: str) -> Cause | None:
        """The cause of that id."""
        return next((c for c in self.causes if c.id == cause_id), None)

    def explaining(self, symptom_id: str) -> tuple[Cause, ...]:
        """The causes that would explain a symptom."""
        return tuple(c for c in self.causes if symptom_id in c.explains)
