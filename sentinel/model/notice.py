"""What people are told about: a stored transition of an incident."""

from __future__ import annotations

from dataclasses import dataclass

from sentinel.model.incident import Incident, Transition
from sentinel.model.rule import Severity


@dataclass(frozen=True, slots=True)
class Notice:
    """One transition, with the incident as it was right after."""

    key: str
    """The same for every delivery of the same transition: `incident/sequence`."""
    title: str
    severity: Severity
    incident: Incident
    transition: Transition
