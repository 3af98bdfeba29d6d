"""Which tone a word has."""

from __future__ import annotations

from typing import Final

from sentinel.model.incident import IncidentState
from sentinel.report.plans import Standing
from sentinel.tui.grid import Tone

INCIDENT: Final = {
    IncidentState.OPEN: Tone.BAD,
    IncidentState.DIAGNOSED: Tone.WARN,
    IncidentState.PLANNED: Tone.WARN,
    IncidentState.WAITING: Tone.WARN,
    IncidentState.APPLYING: Tone.WARN,
    IncidentState.SETTLING: Tone.WARN,
    IncidentState.CONFIRMED: Tone.GOOD,
    IncidentState.UNDOING: Tone.WARN,
    IncidentState.UNDONE: Tone.WARN,
    IncidentState.ESCALATED: Tone.BAD,
    IncidentState.RESOLVED: Tone.GOOD,
}
STANDING: Final = {
    Standing.WAITING: Tone.WARN,
    Standing.PLANNED: Tone.DIM,
    Standing.APPROVED: Tone.GOOD,
    Standing.DENIED: Tone.DIM,
    Standing.EXPIRED: Tone.DIM,
    Standing.APPLYING: Tone.WARN,
    Standing.APPLIED: Tone.GOOD,
    Standing.FAILED: Tone.BAD,
    Standing.VOID: Tone.DIM,
    Standing.UNDONE: Tone.WARN,
}
_JOB: Final = {
    "failed": Tone.BAD,
    "running": Tone.GOOD,
    "queued": Tone.WARN,
    "succeeded": Tone.DIM,
    "canceled": Tone.DIM,
}


def of_job(state: str) -> Tone:
    """The tone of an ExecutionState, compared without case."""
    return _JOB.get(state.lower(), Tone.PLAIN)
