"""The port to whoever wants to know what the pipeline does, such as metrics and traces."""

from __future__ import annotations

from typing import Protocol

from sentinel.model.incident import Incident, Transition
from sentinel.model.plan import Action


class Observer(Protocol):
    """Told after the fact; it changes nothing and must not fail."""

    def evaluated(self, symptom: str, seconds: float, findings: int, problem: str) -> None:
        """A symptom was evaluated; `problem` is empty unless its query failed."""

    def stepped(self, incident: Incident, seconds: float) -> None:
        """An incident, as it was before, was taken one step, which may have moved it or not."""

    def moved(self, transition: Transition, incident: Incident) -> None:
        """A transition was stored."""

    def acted(self, action: Action) -> None:
        """An action ended."""


class Nobody:
    """An observer that does not listen."""

    def evaluated(self, symptom: str, seconds: float, findings: int, problem: str) -> None:
        """Not heard."""

    def stepped(self, incident: Incident, seconds: float) -> None:
        """Not heard."""

    def moved(self, transition: Transition, incident: Incident) -> None:
        """Not heard."""

    def acted(self, action: Action) -> None:
        """Not heard."""
