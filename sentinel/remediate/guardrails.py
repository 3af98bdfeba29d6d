"""May this plan be applied now? Pure judgements that say why not."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sentinel.clock import format_span
from sentinel.model.plan import Action, Plan
from sentinel.model.settings import Change, Deployment
from sentinel.remediate.policy import Policy
from sentinel.store.actions import ActionHistory

_RETRY = timedelta(seconds=10)


@dataclass(frozen=True, slots=True)
class Judgement:
    """Whether a change may be made, and why.

    `retry_at` is when the answer may be another one; `None` means that this plan will never be allowed.
    """

    allowed: bool
    reason: str
    retry_at: datetime | None = None


def judge(
    plan: Plan,
    deployment: Deployment,
    history: ActionHistory,
    policy: Policy,
    now: datetime,
    *,
    stopped: str | None,
    newest: datetime | None,
) -> Judgement:
    """Weigh a plan against everything that limits it; the first objection decides.

    `stopped` is the reason of the global stop, `newest` the event time of the newest telemetry the symptom reads.
    """
    if stopped is not None:
        return Judgement(False, f"stopped by a person: {stopped}", now + _RETRY)
    if now >= plan.expires:
        return Judgement(False, f"the plan expired {format_span(now - plan.expires)} ago")
    if newest is None or now - newest > policy.fresh_within:
        age = "missing" if newest is None else f"{format_span(now - newest)} old"
        return Judgement(False, f"the telemetry is {age}; nothing is changed on stale data", now + _RETRY)
    if deployment.revision != plan.revision:
        return Judgement(False, "the deployment was changed since the plan was made")
    if deployment.updating:
        return Judgement(False, "an update of the deployment is in flight", now + _RETRY)
    objection = out_of_bounds(plan.changes, deployment, policy)
    if objection:
        return Judgement(False, objection)
    return _within_limits(history, policy, now)


def why_not_start(claimed: Action, policy: Policy, now: datetime, *, stopped: str | None) -> str:
    """Why a change that was allowed and claimed, but perhaps not begun, must not begin now; empty if it may.

    Between claim and call a crash or an unreachable control plane may lie, and in that time a person's stop.
    """
    if stopped is not None:
        return f"stopped by a person: {stopped}"
    return "not started in time" * (now > claimed.claimed + policy.plan_expires)


def _within_limits(history: ActionHistory, policy: Policy, now: datetime) -> Judgement:
    if history.in_flight:
        return Judgement(False, f"another change of it is in flight ({history.in_flight[0]})", now + _RETRY)
    if history.last_on_knob is not None and now - history.last_on_knob < policy.cooldown:
        until = history.last_on_knob + policy.cooldown
        return Judgement(False, f"cooling down for another {format_span(until - now)}", until)
    if history.on_target >= policy.per_target_per_hour:
        spent = f"{history.on_target} changes of it in {format_span(policy.limit_window)}"
        return Judgement(
            False, f"{spent}; the limit is {policy.per_target_per_hour}", now + policy.limit_window / 10
        )
    if history.overall >= policy.per_hour:
        spent = f"{history.overall} changes in all in {format_span(policy.limit_window)}"
        return Judgement(False, f"{spent}; the limit is {policy.per_hour}", now + policy.limit_window / 10)
    return Judgement(True, "within all limits")


def out_of_bounds(changes: Sequence[Change], deployment: Deployment, policy: Policy) -> str:
    """Why the settings after the changes would not be allowed; empty if they would."""
    settings = deployment.settings
    for change in changes:
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
