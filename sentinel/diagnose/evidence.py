"""What the rows say to a clause: whether it holds, and the rows that show it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from sentinel.clock import format_span
from sentinel.errors import QueryError
from sentinel.model.diagnosis import ClauseRole, Evidence
from sentinel.model.finding import Finding
from sentinel.model.plain import plain_row
from sentinel.model.rule import Clause, Symptom

if TYPE_CHECKING:
    from sentinel.query.engine import Engine
    from sentinel.query.sitting import Sitting

MOST_ROWS: Final = 5
"""Rows of a clause's answer that are kept as evidence; how many there were is not needed to believe it."""
FAILED: Final = "could not be checked"
"""The column of the evidence row that says why a clause has no answer."""


@dataclass(frozen=True, slots=True)
class Scene:
    """Where and when a diagnosis looks: the target's names and the window that ends now."""

    engine: Engine
    now: datetime
    since: datetime
    names: Mapping[str, str]
    window: str
    """The length of the window as people write it."""
    parameters: Mapping[str, Any]
    sitting: Sitting | None = None
    answered: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    """What was asked before: causes share clauses, and the rows do not change while they are judged."""

    @classmethod
    def of(cls, finding: Finding, symptom: Symptom, engine: Engine, now: datetime) -> Scene:
        """The scene of a finding: the symptom's window up to `now`."""
        since = now - symptom.window
        names = finding.target.parameters
        parameters = {**names, "window": symptom.window, "since": since}
        return cls(engine, now, since, names, format_span(symptom.window), parameters)

    def ask(self, query: str) -> list[dict[str, Any]]:
        """The rows a query of a cause file answers with.

        Raises:
            QueryError: It was refused or ran out of a limit.
        """
        if query not in self.answered:
            answer = self.sitting.query(query) if self.sitting else None
            if answer is None:
                answer = self.engine.query(query, now=self.now, parameters=self.parameters)
            self.answered[query] = answer.records()
        return self.answered[query]


def examine(role: ClauseRole, clauses: Iterable[Clause], scene: Scene) -> tuple[Evidence, ...]:
    """Every clause as it was found, also after one has decided: a verdict shows all it looked at."""
    return tuple(_examine(role, clause, scene) for clause in clauses)


def _examine(role: ClauseRole, clause: Clause, scene: Scene) -> Evidence:
    try:
        answer = scene.ask(clause.query)
    except QueryError as error:
        return Evidence(role, clause.says, str(clause.place), False, ({FAILED: error.message},))
    kept = tuple(plain_row(row) for row in answer[:MOST_ROWS])
    return Evidence(role, clause.says, str(clause.place), bool(answer), kept)


def failure(evidence: Evidence) -> str:
    """Why a clause has no answer, or nothing when it has one."""
    return str(evidence.rows[0].get(FAILED, "")) if evidence.rows and not evidence.held else ""
