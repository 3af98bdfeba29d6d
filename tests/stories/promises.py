"""What holds whatever goes wrong in a world: limits, claims, confirmation in time, and an audit that tells it all."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from sentinel.model.incident import Approval, IncidentState as At
from sentinel.model.plan import Action, ActionKind, ActionState, Effect, RunMode
from sentinel.model.settings import Change, Knob, Settings
from sentinel.model.target import Target
from sentinel.remediate.policy import Policy
from sentinel.remediate.stop import StopSwitch
from sentinel.store.actions import Actions
from sentinel.store.audit import Audit
from sentinel.store.incidents import Incidents
from sentinel.store.state import State

SECOND: Final = timedelta(seconds=1)
EVERY: Final = 30 * SECOND
WITHIN: Final = 180 * SECOND
GRACE: Final = 120 * SECOND
"""How much longer than its window a change may stay in force unconfirmed: its lag and one look at the symptom."""


class Broken(AssertionError):
    """A promise was broken."""


@dataclass
class Served:
    """A deployment as the control plane keeps it, which lives on while the daemon does not."""

    settings: Settings
    cure: Knob | None = None
    """The setting whose change ends its illness."""
    ill: bool = False
    worse: bool = False
    """Whether any change makes it worse."""
    revision: int = 1
    healthy_from: Settings | None = None
    done: dict[str, tuple[Change, ...]] = field(default_factory=dict)
    edited: datetime | None = None
    """When somebody else last changed it."""
    refused: datetime | None = None
    """When the control plane last refused something for good, so that a person must act."""

    @property
    def share(self) -> float:
        """The share of requests refused now."""
        if not self.ill:
            return 0.0
        if self.worse and self.settings != self.healthy_from:
            return 0.9
        if self.cure is None or self.healthy_from is None:
            return 0.4
        moved = self.settings.value(self.cure) != self.healthy_from.value(self.cure)
        return 0.0 if moved else 0.4


@dataclass
class InForce:
    """A change of ours and what the world saw of it."""

    action: str
    incident: str
    target: Target
    at: datetime


class Promises:
    """The promises about what a world knows to be true."""

    people: State
    stop: StopSwitch
    policy: Policy
    true: datetime
    jumped: bool
    behind: timedelta
    newest: datetime
    fault: str
    served: dict[Target, Served]
    claimed: dict[str, datetime]
    in_force: dict[str, InForce]
    able_since: datetime | None
    ticks_able: int
    seen: Counter[str]
    _actions_seen: int

    def now(self) -> datetime:
        """What the daemon's clock shows."""
        raise NotImplementedError

    def _action(self, key: str) -> Action:
        found = [one for one in Actions(self.people).listed(limit=1000) if one.id == key]
        if not found:
            raise Broken(f"{key} was made without a claim")
        return found[0]

    def _allowed(self, target: Target, key: str) -> None:
        """What must hold the moment a change is made."""
        action = self._action(key)
        stored = Incidents(self.people).get(action.incident)
        incident = stored.incident if stored else None
        if self.stop.reason() is not None:
            raise Broken(f"{key} was made while stopped")
        if incident is None or (action.kind is ActionKind.UNDO and incident.state is not At.UNDOING):
            raise Broken(f"{key} was made in {incident and incident.state}")
        if action.kind is ActionKind.UNDO:
            return
        if action.relaxes and Incidents(self.people).beside(target, incident.id):
            raise Broken(f"{key} was made beside another incident")
        mode = self.policy.mode_for(incident.symptom, target)
        approved = mode is RunMode.REVIEW and incident.approval is Approval.APPROVED
        if incident.state is not At.APPLYING or not (approved or mode is RunMode.AUTONOMOUS):
            raise Broken(f"{key} was made in {incident.state} under {mode} ({incident.approval!r})")
        claimed = self.claimed.setdefault(key, self.true)
        ahead = self.newest - self.now()
        if ahead > self.policy.clock_tolerance or -ahead > self.policy.fresh_within + EVERY:
            raise Broken(f"{key} was made on telemetry {ahead} ahead of the clock")
        if self.now() - action.claimed > self.policy.plan_expires:
            raise Broken(f"{key} was begun {self.now() - action.claimed} after its claim")
        self._in_small_numbers(action, claimed)
        slack = self.policy.fresh_within + 2 * EVERY + self.behind if self.jumped else timedelta(0)
        self._within_limits(action, claimed, slack)

    def _within_limits(self, action: Action, claimed: datetime, slack: timedelta) -> None:
        others = [
            one
            for one in Actions(self.people).listed(limit=1000)
            if one.id != action.id and one.state is not ActionState.VOID and one.id in self.claimed
        ]
        recent = [one for one in others if claimed - self.claimed[one.id] < self.policy.limit_window - slack]
        mine = [one for one in recent if one.target == action.target]
        if len(mine) >= self.policy.per_target_per_hour or len(recent) >= self.policy.per_hour:
            raise Broken(f"{action.id}: {len(mine)} of its target and {len(recent)} in all before it")
        knobs = {change.knob for change in action.changes}
        for one in others:
            same = one.target == action.target and knobs & {change.knob for change in one.changes}
            apart = claimed - self.claimed[one.id]
            if same and apart < self.policy.cooldown - slack:
                raise Broken(f"{action.id} came {apart} after {one.id}")

    def _in_small_numbers(self, action: Action, claimed: datetime) -> None:
        """Half of the fleet at once, at most, unless the clock cannot tell what at once is."""
        window = self.policy.blast_window
        recent = {change.target for change in self.in_force.values() if claimed - change.at < window}
        if not self.jumped and len(recent - {action.target}) + 1 > max(1, len(self.served) // 2):
            raise Broken(f"{action.id} came while {recent} had just been changed")

    def check_audit(self) -> None:
        """The audit holds, and tells every transition and every claim."""
        checked = Audit(self.people).check()
        if checked.broken is not None:
            raise Broken(f"audit row {checked.broken}: {checked.why}")
        for table, kind in (("transitions", "transition"), ("actions", "claim")):
            stored, told = (
                self.people.database.execute(sql).fetchone()[0]
                for sql in (
                    f"SELECT count(*) FROM {table}",
                    f"SELECT count(*) FROM audit WHERE kind = '{kind}'",
                )
            )
            if stored != told:
                raise Broken(f"{told} of {stored} {table} are in the audit")

    def _note(self, target: Target, key: str) -> None:
        action = self._action(key)
        self.claimed.setdefault(key, self.true)
        self.seen[action.kind.value] += 1
        self.seen["relaxed"] += action.relaxes and action.kind is ActionKind.APPLY
        if action.kind is ActionKind.APPLY:
            self.in_force[key] = InForce(key, action.incident, target, self.true)
        else:
            self.in_force.pop(f"{action.plan}-{ActionKind.APPLY}", None)

    def able(self) -> bool:
        """Whether the daemon can do what it must."""
        return self.fault == "" and self.stop.reason() is None

    def be_patient(self) -> None:
        """What is overdue may take its time from now on: the daemon could do nothing until now."""
        self.able_since, self.ticks_able = None, 0

    def _look(self) -> None:
        """What must hold after every step."""
        actions = self.people.database.execute("SELECT count(*) FROM actions").fetchone()[0]
        if actions != self._actions_seen:
            self._actions_seen = actions
            for action in Actions(self.people).listed(limit=1000):
                self.claimed.setdefault(action.id, self.true)
        if not self.able():
            self.be_patient()
            return
        self.able_since = self.able_since or self.true
        self.ticks_able += 1
        patience = self.able_since + 5 * EVERY
        for change in list(self.in_force.values()):
            if self._is_settled(change):
                del self.in_force[change.action]
            elif self.true - change.at > WITHIN + GRACE and self.true > patience and self.ticks_able > 5:
                raise Broken(f"{change} is in force and unconfirmed at {self.true}: {self._story(change)}")

    def _is_settled(self, change: InForce) -> bool:
        one = self.served[change.target]
        if any(at is not None and at >= change.at for at in (one.refused, one.edited)):
            return True
        stored = Incidents(self.people).get(change.incident)
        if stored is None:
            raise Broken(f"{change} has no incident")
        incident, verified = stored.incident, stored.incident.verification
        good = verified is not None and verified.effect in {Effect.WORKED, Effect.HELPED}
        settled = good and incident.state not in {At.APPLYING, At.SETTLING, At.UNDOING}
        self.seen["confirmed"] += settled
        return settled

    def _story(self, change: InForce) -> str:
        steps = Incidents(self.people).transitions(change.incident)
        return "; ".join(f"{one.at:%H:%M:%S} {one.after} ({one.why})" for one in steps)
