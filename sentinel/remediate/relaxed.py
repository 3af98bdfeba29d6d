"""What was raised and is not needed any more: which settings, since when to leave them alone, and did it go well.

All is pure: what was made, what is open and what is measured come in as arguments.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from sentinel.clock import format_span
from sentinel.model.incident import Approval, Incident
from sentinel.model.plan import Action, ActionKind, ActionState, Effect, Plan, RunMode, Verification
from sentinel.model.rule import Symptom
from sentinel.model.settings import Change, Deployment, Knob
from sentinel.remediate.verify import (
    MINIMUM_SAMPLE,
    SLICES,
    Measure,
    Trial,
    difference_interval,
    measured_slices,
)
from sentinel.store.actions import Made

RAISED_BY: Final = {Knob.MIN_REPLICAS: 1, Knob.MAX_REPLICAS: 1, Knob.REPLICAS: 1, Knob.TARGET_UTILIZATION: -1}
"""The settings that cost replicas, with the direction that costs more; the others are left as they are."""


@dataclass(frozen=True, slots=True)
class Raised:
    """Settings that Sentinel raised, that were confirmed, and that nobody changed since."""

    by: Action
    """The change that left them as they are."""
    back: tuple[Change, ...]
    """From each setting as it is to what it was before Sentinel first changed it."""


def raised(made: Sequence[Made], deployment: Deployment) -> Raised | str:
    """What may be put back of a deployment, by all that was made on it in order; else why nothing may be."""
    if any(one.action.state is ActionState.CLAIMED for one in made):
        return "a change of it is in flight"
    applied = [one for one in made if one.action.state is ActionState.APPLIED]
    undone = {one.action.plan for one in applied if one.action.kind is ActionKind.UNDO}
    standing = [one for one in applied if one.action.plan not in undone]
    if not standing:
        return "nothing that Sentinel changed is in force"
    if applied[-1].action.revision != deployment.revision:
        return "it was changed since"
    if standing[-1].outcome != Effect.WORKED:
        return "its last change was not confirmed"
    chains: dict[Knob, tuple[int, int]] = {}
    for change in (change for one in applied for change in one.action.changes):
        base, left_at = chains.get(change.knob, (change.before, change.before))
        chains[change.knob] = (base if left_at == change.before else change.before, change.after)
    back = tuple(
        Change(knob, now, base)
        for knob, (base, now) in chains.items()
        if (now - base) * RAISED_BY.get(knob, 0) > 0 and deployment.settings.value(knob) == now
    )
    return Raised(standing[-1].action, back) if back else "every setting is as it was"


def resting(made: Sequence[Made], past: Iterable[Incident], now: datetime, rest: timedelta) -> str:
    """Why a target is left alone for now, as putting something back did not go well lately; empty if it is not."""
    bad = [
        (incident.updated, "it was not done")
        for incident in past
        if incident.relaxes and incident.closed is not None and incident.verification is None
    ]
    relaxations = [one for one in made if one.action.relaxes and one.action.kind is ActionKind.APPLY]
    for one in relaxations[-1:]:
        knobs = {change.knob for change in one.action.changes}
        later = [
            other.action
            for other in made[made.index(one) + 1 :]
            if other.action.plan != one.action.plan
            and knobs & {change.knob for change in other.action.changes}
        ]
        if one.outcome != Effect.WORKED:
            ends = [
                other.action.finished or other.action.claimed
                for other in made
                if other.action.plan == one.action.plan
            ]
            bad.append((max(ends), "it was undone" if len(ends) > 1 else "it failed"))
        bad += [(other.claimed, "it was raised again") for other in later]
    at, why = max(bad, default=(None, ""))
    if at is None or now - at >= rest:
        return ""
    return f"{why} {format_span(now - at)} ago, and is tried again after {format_span(rest)}"


def why_ended(incident: Incident, mode: RunMode, now: datetime) -> str:
    """Why a plan that puts something back is given up before it is begun; empty while it is not, and for remedies."""
    plan = incident.plan
    if plan is None or not plan.relaxes:
        return ""
    if incident.last_seen >= plan.created:
        return "the symptom is back"
    if mode is not incident.mode:
        return f"the run mode is {mode} now"
    if now < plan.expires:
        return ""
    asked = mode is RunMode.REVIEW and incident.approval is Approval.NONE
    return "nobody decided in time" if asked else f"not begun in time: {incident.why}"


def settling(plan: Plan, symptom: Symptom | None) -> timedelta:
    """How long an undone plan is given to show: what was put back and is raised again is the cure itself."""
    if symptom is None or not plan.relaxes:
        return timedelta(0)
    return symptom.window + symptom.keep_firing


def stayed_away(
    incident: Incident,
    plan: Plan,
    trial: Trial,
    now: datetime,
    measure: Measure,
    beside: str,
) -> Verification:
    """Judge a setting that was put back: the symptom must stay away until the deadline, and be seen to.

    It is worse as soon as the symptom holds over the time since, was found by its rule, or another incident of the
    target is open (`beside`). Before the deadline, and without enough data in each part of the time until then, it is
    inconclusive.
    """
    before = incident.finding
    after = measure(incident.target, trial.since, now)
    share, sample = (after.measure, after.sample) if after is not None else (0.0, 0)

    def verdict(effect: Effect, reason: str) -> Verification:
        low, high = difference_interval(before.measure, before.sample, share, sample)
        return Verification(effect, now, before.measure, before.sample, share, sample, low, high, reason)

    seen = f"{share:.1%} of {sample} since {plan.summary}"
    if beside:
        return verdict(Effect.WORSE, f"{beside} was opened beside it; {seen}")
    if incident.last_seen >= trial.since or (after is not None and after.holds):
        return verdict(Effect.WORSE, f"the symptom is back: {seen}")
    if now < trial.deadline:
        return verdict(Effect.INCONCLUSIVE, f"the symptom stays away so far: {seen}")
    parts = measured_slices(measure, incident.target, trial.since, now)
    if sample < MINIMUM_SAMPLE or len(parts) < SLICES:
        needed = f"{MINIMUM_SAMPLE} in all, and some in each sixth of the time, are needed"
        return verdict(Effect.INCONCLUSIVE, f"{sample} observations since the change; {needed}")
    if any(one.holds for one in parts):
        return verdict(Effect.WORSE, f"the symptom held at times: {seen}")
    return verdict(Effect.WORKED, f"the symptom stayed away for {format_span(now - trial.since)}: {seen}")
