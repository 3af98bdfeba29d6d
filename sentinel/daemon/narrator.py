"""The log's share of what the pipeline does: every transition and action, and rules whose query fails."""

from __future__ import annotations

from typing import Final

import structlog

from sentinel.model.incident import Incident, Transition
from sentinel.model.plan import Action, ActionState

_log: Final = structlog.stdlib.get_logger("sentinel.pipeline")


class Narrator:
    """Writes a line for what a person would want to read later; a rule that keeps failing the same way is told once."""

    def __init__(self) -> None:
        self._problems: dict[str, str] = {}

    def evaluated(self, symptom: str, seconds: float, findings: int, problem: str) -> None:
        """Tell of a rule whose query begins to fail, fails in another way, or works again."""
        _ = (seconds, findings)
        before = self._problems.get(symptom, "")
        if problem and problem != before:
            _log.warning("rule not evaluated", symptom=symptom, problem=problem)
        elif before and not problem:
            _log.info("rule evaluated again", symptom=symptom)
        self._problems[symptom] = problem

    def stepped(self, incident: Incident, seconds: float) -> None:
        """Nothing: a step that matters is a transition."""

    def moved(self, transition: Transition, incident: Incident) -> None:
        """Tell of a transition and its reason."""
        _log.info(
            "incident moved",
            incident=incident.id,
            symptom=incident.symptom,
            target=str(incident.target),
            before=transition.before,
            after=transition.after.value,
            why=transition.why,
        )

    def acted(self, action: Action) -> None:
        """Tell of a change of a deployment and what came of it."""
        log = _log.info if action.state is ActionState.APPLIED else _log.warning
        log(
            "deployment changed" if action.state is ActionState.APPLIED else "deployment not changed",
            incident=action.incident,
            kind=action.kind.value,
            target=str(action.target),
            changes=", ".join(map(str, action.changes)),
            outcome=action.state.value,
            detail=action.detail,
        )
