"""What is to be changed, why by so much, and how it is taken back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from sentinel.model.outlook import Outlook
from sentinel.model.settings import Change
from sentinel.model.target import Target


class RunMode(StrEnum):
    """How far Sentinel may go on its own."""

    READONLY = "readonly"
    REVIEW = "review"
    AUTONOMOUS = "autonomous"


@dataclass(frozen=True, slots=True)
class Formula:
    """A computed size: the expression of the rule, its inputs, and each step with numbers.

    `workings` is one line a person can check: `ceil(20 × 10 / 0.7 / 1) = 286`.
    """

    expression: str
    inputs: Mapping[str, float]
    workings: str
    source: str
    value: int


class ActionKind(StrEnum):
    """Why a deployment was changed."""

    APPLY = "apply"
    UNDO = "undo"


class ActionState(StrEnum):
    """How far an action got. CLAIMED is written before the adapter is called."""

    CLAIMED = "claimed"
    APPLIED = "applied"
    VOID = "void"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Action:
    """One change of a deployment that was claimed, and what came of it."""

    id: str
    plan: str
    incident: str
    target: Target
    kind: ActionKind
    state: ActionState
    changes: tuple[Change, ...]
    expect: str
    """The revision the deployment must have."""
    claimed: datetime
    finished: datetime | None = None
    revision: str = ""
    """The revision the deployment had afterwards."""
    detail: str = ""
    relaxes: bool = False
    """Whether it puts back what Sentinel raised itself, because recent traffic no longer needs it."""


@dataclass(frozen=True, slots=True)
class Plan:
    """A change that is stored before anything is called.

    `revision` is the one of the deployment the plan was computed from: applying is compare-and-set on it.
    """

    id: str
    incident: str
    target: Target
    cause: str
    remedy: int
    """The rung of the cause's ladder, from 0."""
    changes: tuple[Change, ...]
    formula: Formula
    revision: str
    created: datetime
    expires: datetime
    verify_after: timedelta
    verify_within: timedelta
    outlook: Outlook | None = None
    """What a simulation says of it; none if none was asked."""
    relaxes: str = ""
    """The plan whose raised settings it puts back, because recent traffic no longer needs them; empty for a remedy."""

    @property
    def inverse(self) -> tuple[Change, ...]:
        """The changes that take this plan back."""
        return tuple(change.inverse for change in reversed(self.changes))

    @property
    def summary(self) -> str:
        """The changes in one line: `max_replicas 4 → 10`."""
        return ", ".join(map(str, self.changes))

    def action(self, kind: ActionKind, expect: str, now: datetime) -> Action:
        """The claim to apply this plan, or to take it back, to a deployment of revision `expect`."""
        changes = self.changes if kind is ActionKind.APPLY else self.inverse
        return Action(
            id=f"{self.id}-{kind}",
            plan=self.id,
            incident=self.incident,
            target=self.target,
            kind=kind,
            state=ActionState.CLAIMED,
            changes=changes,
            expect=expect,
            claimed=now,
            relaxes=bool(self.relaxes),
        )


class Effect(StrEnum):
    """What verification says of an applied plan."""

    WORKED = "worked"
    HELPED = "helped, but not enough"
    NO_EFFECT = "no effect"
    WORSE = "worse"
    INCONCLUSIVE = "inconclusive"
    NOT_NEEDED = "not needed any more"


@dataclass(frozen=True, slots=True)
class Verification:
    """The symptom's measure before and after a change.

    `low` and `high` bound the difference after − before at 95 %.
    """

    effect: Effect
    at: datetime
    before: float
    before_sample: int
    after: float
    after_sample: int
    low: float
    high: float
    reason: str
