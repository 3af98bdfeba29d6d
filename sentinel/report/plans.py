"""Plans: those that wait for a person, and those that were decided."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final

from sentinel.model.incident import Approval, Incident, IncidentState
from sentinel.model.plan import Action, ActionKind, ActionState, Plan, RunMode
from sentinel.model.settings import Change
from sentinel.model.target import Target
from sentinel.store.actions import Actions
from sentinel.store.incidents import Incidents
from sentinel.store.state import State


class Standing(StrEnum):
    """How far a plan got."""

    WAITING = "waiting"
    PLANNED = "planned"
    APPROVED = "approved"
    DENIED = "denied"
    EXPIRED = "expired"
    APPLYING = "applying"
    APPLIED = "applied"
    FAILED = "failed"
    VOID = "void"
    UNDONE = "undone"


_NOT_NEEDED: Final = "Recent traffic no longer needs what was raised"


@dataclass(frozen=True, slots=True)
class PlanRow:
    """A plan in one line, with what a person needs to decide on it."""

    incident: str
    plan: Plan
    target: Target
    symptom: str
    cause: str
    """The title of the cause it is for."""
    reason: str
    """Why that cause, with numbers."""
    mode: RunMode
    """The run mode it was made under."""
    standing: Standing
    state: IncidentState

    @property
    def changes(self) -> str:
        """Each knob before → after."""
        return ", ".join(map(str, self.plan.changes))

    @property
    def formula(self) -> str:
        """The line that computes the size with numbers."""
        return self.plan.formula.workings or f"{self.plan.formula.expression} = {self.plan.formula.value}"


@dataclass(frozen=True, slots=True)
class PastChange:
    """A change that was claimed, whatever came of it."""

    incident: str
    target: Target
    kind: ActionKind
    state: ActionState
    changes: tuple[Change, ...]
    at: datetime
    detail: str


def plan_list(state: State, now: datetime, *, limit: int = 100) -> tuple[PlanRow, ...]:
    """The plans of the newest incidents: those waiting for a person first, then the newest."""
    rows = [
        _row(incident, incident.plan, Actions(state).of_incident(incident.id), now)
        for incident in Incidents(state).listed(closed=True, limit=limit)
        if incident.plan is not None
    ]
    newest = sorted(rows, key=lambda row: row.plan.created, reverse=True)
    return tuple(sorted(newest, key=lambda row: row.standing is not Standing.WAITING))


def pending(state: State, now: datetime) -> tuple[PlanRow, ...]:
    """The plans that wait for a person, the one that expires first first."""
    rows = (row for row in plan_list(state, now) if row.standing is Standing.WAITING)
    return tuple(sorted(rows, key=lambda row: row.plan.expires))


def past_changes(state: State, *, limit: int = 100) -> tuple[PastChange, ...]:
    """What was done to deployments, the newest first."""
    return tuple(
        PastChange(
            incident=action.incident,
            target=action.target,
            kind=action.kind,
            state=action.state,
            changes=action.changes,
            at=action.finished or action.claimed,
            detail=action.detail,
        )
        for action in Actions(state).listed(limit=limit)
    )


def _row(incident: Incident, plan: Plan, actions: list[Action], now: datetime) -> PlanRow:
    verdicts = incident.diagnosis.ranked if incident.diagnosis else ()
    verdict = next((one for one in verdicts if one.cause == plan.cause), None)
    return PlanRow(
        incident=incident.id,
        plan=plan,
        target=plan.target,
        symptom=incident.symptom,
        cause=_NOT_NEEDED if plan.relaxes else verdict.title if verdict else plan.cause,
        reason=verdict.reason if verdict and not plan.relaxes else "",
        mode=incident.mode,
        standing=_standing(incident, plan, actions, now),
        state=incident.state,
    )


def _standing(incident: Incident, plan: Plan, actions: list[Action], now: datetime) -> Standing:
    mine = {action.kind: action.state for action in actions if action.plan == plan.id}
    if mine.get(ActionKind.UNDO) is ActionState.APPLIED:
        return Standing.UNDONE
    if ActionKind.APPLY in mine:
        return {
            ActionState.CLAIMED: Standing.APPLYING,
            ActionState.APPLIED: Standing.APPLIED,
            ActionState.VOID: Standing.VOID,
            ActionState.FAILED: Standing.FAILED,
        }[mine[ActionKind.APPLY]]
    if incident.approval is Approval.DENIED:
        return Standing.DENIED
    if incident.approval is Approval.APPROVED:
        return Standing.APPROVED
    if plan.expires <= now:
        return Standing.EXPIRED
    asked = incident.state is IncidentState.WAITING and incident.mode is not RunMode.AUTONOMOUS
    return Standing.WAITING if asked else Standing.PLANNED
