"""May this plan be applied now? Pure judgements that say why not."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import pairwise

from sentinel.clock import format_span
from sentinel.model.incident import Incident
from sentinel.model.plan import Action, Plan
from sentinel.model.settings import Change, Deployment, Knob
from sentinel.remediate.policy import Policy
from sentinel.store.actions import EDITED, ActionHistory

_RETRY = timedelta(seconds=10)
_A_STORM = 3
"""Fewer ill deployments than this are no storm, however small the fleet is."""


@dataclass(frozen=True, slots=True)
class Judgement:
    """Whether a change may be made, and why.

    `retry_at` is when the answer may be another one; `None` means that this plan will never be allowed. `guard` is
    the short name of what objects: the reason counts seconds, the name stays.
    """

    allowed: bool
    reason: str
    retry_at: datetime | None = None
    guard: str = ""


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a change is judged by besides the deployment itself."""

    newest: datetime | None
    """The event time of the newest telemetry the symptom reads."""
    quiet: bool = False
    """Whether the symptom did not hold when it was last looked for."""
    stopped: str | None = None
    """The reason of the global stop."""
    untrusted_until: datetime | None = None
    """Until when the clock is not trusted, because it stepped back."""
    fleet: int = 0
    """How many deployments there are; 0 if nobody knows."""
    sick: int = 0
    """How many of them are ill."""
    beside: str = ""
    """Another incident of the same target that is open."""


def judge(
    plan: Plan,
    deployment: Deployment,
    history: ActionHistory,
    policy: Policy,
    now: datetime,
    around: Surroundings,
) -> Judgement:
    """Weigh a plan against everything that limits it; the first objection decides."""
    objections = (
        _by_people_and_clock(plan, policy, now, around),
        _by_the_hour(plan, policy, now, around),
        _by_the_deployment(plan, deployment, history, policy, now),
        _by_limits(history, policy, now),
        _by_experience(plan, deployment, history, policy, now),
        _by_the_fleet(history, policy, now, around),
    )
    allowed = Judgement(allowed=True, reason="within all limits")
    return next((objection for objection in objections if objection is not None), allowed)


def _no(guard: str, reason: str, retry_at: datetime | None = None) -> Judgement:
    return Judgement(False, reason, retry_at, guard)


def _by_people_and_clock(plan: Plan, policy: Policy, now: datetime, around: Surroundings) -> Judgement | None:
    soon = now + _RETRY
    if around.stopped is not None:
        return _no("stop", f"stopped by a person: {around.stopped}", soon)
    if now >= plan.expires:
        return _no("expired", f"the plan expired {format_span(now - plan.expires)} ago")
    if around.untrusted_until is not None:
        left = format_span(around.untrusted_until - now)
        return _no("clock", f"the clock stepped back; nothing is changed for another {left}", soon)
    if plan.created - now > policy.clock_tolerance:
        return _no("clock", f"the plan is from {format_span(plan.created - now)} in the future")
    guard, reason = _by_telemetry(around.newest, policy, now)
    return _no(guard, reason, soon) if reason else None


def _by_telemetry(newest: datetime | None, policy: Policy, now: datetime) -> tuple[str, str]:
    """The guard and the reason why telemetry whose newest row is of `newest` does not do; empty if it does."""
    if newest is not None and newest - now > policy.clock_tolerance:
        return "clock", f"the telemetry is {format_span(newest - now)} in the future; some clock is wrong"
    if newest is None or now - newest > policy.fresh_within:
        age = "missing" if newest is None else f"{format_span(now - newest)} old"
        return "stale", f"the telemetry is {age}; nothing is changed on stale data"
    return "", ""


def _by_the_hour(plan: Plan, policy: Policy, now: datetime, around: Surroundings) -> Judgement | None:
    if plan.relaxes:
        if not around.quiet:
            return _no("needed", "the symptom holds, so what was raised is needed")
        if around.beside:
            return _no("needed", f"{around.beside} is open beside it, so what was raised may be needed")
    elif around.quiet:
        return _no("quiet", "the symptom does not hold just now", now + _RETRY)
    for freeze in policy.freezes:
        until = freeze.meets(now, now + plan.verify_within)
        if until is not None:
            why = f"{freeze.name} until {until:%Y-%m-%d %H:%M} UTC; a change could not be verified before it"
            return _no("freeze", why, min(until, now + plan.verify_within))
    return None


def _by_the_deployment(
    plan: Plan, deployment: Deployment, history: ActionHistory, policy: Policy, now: datetime
) -> Judgement | None:
    if deployment.revision != plan.revision:
        if deployment.revision == history.left_at:
            return _no("overtaken", "another change was made here since the plan was made")
        return _no(EDITED, "the deployment was changed since the plan was made")
    if deployment.updating:
        return _no("updating", "an update of the deployment is in flight", now + _RETRY)
    objection = out_of_bounds(plan.changes, deployment, policy)
    return _no("bounds", objection) if objection else None


def why_not_start(
    claimed: Action,
    policy: Policy,
    now: datetime,
    *,
    stopped: str | None,
    incident: Incident,
    newest: datetime | None,
) -> str:
    """Why a change that was allowed and claimed, but perhaps not begun, must not begin now; empty if it may.

    Between claim and call a crash or an unreachable control plane may lie, and in that time a person's stop, another
    run mode than that of the `incident`, or telemetry that ends; `newest` is the event time of its newest row.
    """
    if stopped is not None:
        return f"stopped by a person: {stopped}"
    mode = policy.mode_for(incident.symptom, incident.target)
    if mode is not incident.mode:
        return f"the run mode is {mode} now"
    if claimed.relaxes and incident.last_seen >= claimed.claimed:
        return "the symptom is back"
    if not -policy.clock_tolerance <= now - claimed.claimed <= policy.plan_expires:
        return "not started in time"
    return _by_telemetry(newest, policy, now)[1]


def _by_limits(history: ActionHistory, policy: Policy, now: datetime) -> Judgement | None:
    later = now + policy.limit_window / 10
    if history.in_flight:
        return _no("in flight", f"another change of it is in flight ({history.in_flight[0]})", now + _RETRY)
    if history.on_trial:
        return _no("on trial", f"another change of it is on trial ({history.on_trial})", now + _RETRY)
    if history.last_on_knob is not None and now - history.last_on_knob < policy.cooldown:
        until = history.last_on_knob + policy.cooldown
        return _no("cooldown", f"cooling down for another {format_span(until - now)}", until)
    if history.on_target >= policy.per_target_per_hour:
        spent = f"{history.on_target} changes of it in {format_span(policy.limit_window)}"
        return _no("limit", f"{spent}; the limit is {policy.per_target_per_hour}", later)
    if history.overall >= policy.per_hour:
        spent = f"{history.overall} changes in all in {format_span(policy.limit_window)}"
        return _no("limit", f"{spent}; the limit is {policy.per_hour}", later)
    return None


def _by_experience(
    plan: Plan, deployment: Deployment, history: ActionHistory, policy: Policy, now: datetime
) -> Judgement | None:
    for whose, failures, allowed in (
        ("its last", history.failed_target, policy.breaker_on_target),
        ("the last", history.failed_overall, policy.breaker_overall),
    ):
        if failures.last is not None and failures.in_a_row >= allowed:
            until = failures.last + policy.breaker_rest
            if now < until:
                left = f"left alone for another {format_span(until - now)}"
                return _no("breaker", f"{whose} {failures.in_a_row} changes were no success; {left}", until)
    later = now + policy.lately / 20
    for change in plan.changes:
        turns = _turns([*history.changes, change], change.knob)
        if turns > policy.turns:
            often = f"{change.knob} would turn for the {turns}th time in {format_span(policy.lately)}"
            return _no("flapping", f"{often}; the limit is {policy.turns}", later)
    edits = history.edits + foreign_edits(history.changes, deployment)
    if edits >= policy.foreign_edits:
        who = f"somebody else changed it {edits} times in {format_span(policy.lately)}"
        return _no("second controller", f"{who}; it is left to them", later)
    return None


def _by_the_fleet(
    history: ActionHistory, policy: Policy, now: datetime, around: Surroundings
) -> Judgement | None:
    if around.fleet == 0:
        return None
    if around.sick >= max(_A_STORM, math.floor(policy.storm_share * around.fleet) + 1):
        storm = f"{around.sick} of {around.fleet} deployments are ill: that is the platform"
        return _no("storm", f"{storm}, and nothing is changed", now + _RETRY)
    largest = max(1, math.floor(policy.blast_share * around.fleet))
    if history.others + 1 > largest:
        spent = f"{history.others} of {around.fleet} deployments were changed in {format_span(policy.blast_window)}"
        return _no("blast radius", f"{spent}; the limit is {largest}", now + policy.blast_window / 10)
    return None


def _turns(changes: Sequence[Change], knob: Knob) -> int:
    """How often the value of a knob changed its direction."""
    rising = [change.after > change.before for change in changes if change.knob is knob]
    return sum(one != other for one, other in pairwise(rising))


def foreign_edits(changes: Sequence[Change], deployment: Deployment) -> int:
    """How often a value that was set here was found to be another one later: somebody else sets it too."""
    count, left_at = 0, dict[Knob, int]()
    for change in changes:
        count += left_at.get(change.knob, change.before) != change.before
        left_at[change.knob] = change.after
    return count + sum(deployment.settings.value(knob) != value for knob, value in left_at.items())


def within_step(plan: Plan, policy: Policy) -> Plan:
    """The plan with its sizes cut to what one change may do; the formula says so."""
    cut = tuple(_stepped(change, policy.max_factor) for change in plan.changes)
    if cut == plan.changes:
        return plan
    note = f"cut to {cut[0].after}: one change makes at most {policy.max_factor:g} times as much"
    formula = replace(plan.formula, workings=f"{plan.formula.workings}, {note}", value=cut[0].after)
    return replace(plan, changes=cut, formula=formula)


def _stepped(change: Change, factor: float) -> Change:
    if change.before <= 0:
        return change
    low, high = math.ceil(change.before / factor), math.floor(change.before * factor)
    return replace(change, after=max(low, min(change.after, high)))


def out_of_bounds(changes: Sequence[Change], deployment: Deployment, policy: Policy) -> str:
    """Why the settings after the changes would not be allowed; empty if they would."""
    settings = deployment.settings
    for change in changes:
        withheld = deployment.why_not(change.knob)
        if withheld is not None:
            return withheld
        bounds = policy.bounds.get(change.knob)
        if bounds is None:
            return f"{change.knob} has no bounds, so it is not changed"
        if not bounds.low <= change.after <= bounds.high:
            return f"{change} is outside the bounds {bounds.low} to {bounds.high}"
        ceiling = deployment.ceiling(change.knob)
        if ceiling is not None and change.after > ceiling:
            return f"{change} is above the {ceiling} the platform takes"
        settings = settings.with_value(change.knob, change.after)
    if settings.min_replicas > settings.max_replicas:
        return f"min_replicas {settings.min_replicas} would be above max_replicas {settings.max_replicas}"
    return ""
