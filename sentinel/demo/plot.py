"""The three acts: what happens to a deployment, and how each has to end."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

from sentinel.demo.settings import BROKEN_SCORE, DeploymentPlan, ServiceTime
from sentinel.demo.stage import Crowd, Stage
from sentinel.model.incident import Approval, IncidentState
from sentinel.model.plan import Action, ActionKind, ActionState, Effect, RunMode
from sentinel.model.settings import Knob, Settings
from sentinel.report.incidents import IncidentDetail

_GONE: Final = 0.02
"""The share of failed answers under which a problem counts as gone: real arrivals come in bursts."""


@dataclass(frozen=True, slots=True)
class Seen:
    """What there is to see of an act so far."""

    mode: RunMode
    incidents: tuple[IncidentDetail, ...]
    """Those of its deployment, the oldest first."""
    recent: Counter[int]
    """The answers of the last seconds by status code."""


@dataclass(frozen=True, slots=True)
class Act:
    """Something that happens to a deployment; `missing` says what is still to come before it is over."""

    key: str
    title: str
    scene: str
    deployment: DeploymentPlan
    calm_rate: float
    """Requests per second before the trouble."""
    trouble: Callable[[Stage, Crowd], str]
    """Makes the trouble, and says what it is."""
    missing: Callable[[Seen], list[str]]

    @property
    def name(self) -> str:
        """The deployment it plays on."""
        return self.deployment.name


def _rush(_stage: Stage, crowd: Crowd) -> str:
    crowd.come(45)
    return "45 requests/s: more than 4 replicas can answer"


def _slower(stage: Stage, _crowd: Crowd) -> str:
    stage.slow_down("green", ServiceTime(940, 0.8))
    return "about 1.1 s a request instead of 0.2 s; the timeout is 1.0 s"


def _break(stage: Stage, _crowd: Crowd) -> str:
    stage.roll("canary", BROKEN_SCORE)
    return "a new score.py was deployed; it imports a package the environment lacks"


def cured(seen: Seen, knob: Knob, status: int) -> list[str]:
    """What is missing until a knob was raised, that was seen to work, and the status code is gone."""
    if seen.mode is RunMode.READONLY:
        return _advised(seen, knob)
    if any(detail.incident.approval is Approval.DENIED for detail in seen.incidents):
        return []  # a person said no, and that is an end too
    missing = [*_opened(seen)]
    raised = [detail for detail in seen.incidents if any(_raises(one, knob) for one in detail.actions)]
    if not raised:
        missing.append(f"{knob} was not raised")
    elif not any(_confirmed(detail) for detail in raised):
        missing.append(f"raising {knob} was not confirmed to have worked")
    turned = {change.knob for detail in seen.incidents for one in detail.actions for change in one.changes}
    missing += [f"{other} was changed, which does not help here" for other in sorted(turned - {knob})]
    answers = seen.recent.total()
    if not answers or seen.recent[status] > _GONE * answers:
        missing.append(f"requests are still answered {status}")
    return missing


def escalated(seen: Seen) -> list[str]:
    """What is missing until people were asked with the console's words, and nothing was scaled."""
    missing = [*_opened(seen)]
    asked = [one for one in seen.incidents if one.incident.state is IncidentState.ESCALATED]
    if not asked:
        missing.append("nobody was asked for help")
    elif not any(_shows(detail, "ModuleNotFoundError") for detail in asked):
        missing.append("the console line that tells the cause is not among the evidence")
    if any(detail.actions for detail in seen.incidents):
        missing.append("a setting was changed, which does not help here")
    return missing


ACTS: Final = (
    Act(
        "a",
        "Demand outgrows the maximum",
        "chat/blue may have at most 4 replicas. Then everybody comes at once.",
        DeploymentPlan(
            "blue", Settings(max_replicas=4, request_timeout_ms=5000), service_time=ServiceTime(60, 0.6)
        ),
        calm_rate=10,
        trouble=_rush,
        missing=lambda seen: cured(seen, Knob.MAX_REPLICAS, 503),
    ),
    Act(
        "b",
        "The model becomes slower",
        "chat/green has replicas to spare and a timeout of one second. Then the model takes longer.",
        DeploymentPlan(
            "green",
            Settings(min_replicas=10, max_replicas=14, request_timeout_ms=1000),
            service_time=ServiceTime(80, 0.8),
        ),
        calm_rate=5,
        trouble=_slower,
        missing=lambda seen: cured(seen, Knob.REQUEST_TIMEOUT_MS, 504),
    ),
    Act(
        "c",
        "A broken score.py is deployed",
        "chat/canary does fine with the two replicas it may have. Then somebody deploys a new version.",
        DeploymentPlan(
            "canary",
            Settings(min_replicas=2, max_replicas=2, request_timeout_ms=5000),
            service_time=ServiceTime(40, 0.2),
        ),
        calm_rate=8,
        trouble=_break,
        missing=escalated,
    ),
)


def _opened(seen: Seen) -> Iterator[str]:
    if not seen.incidents:
        yield "no incident was opened"


def _advised(seen: Seen, knob: Knob) -> list[str]:
    plans = (detail.plan for detail in seen.incidents)
    planned = (change.knob for plan in plans if plan is not None for change in plan.changes)
    return [] if knob in planned else [*_opened(seen), f"a change of {knob} was not advised"]


def _raises(action: Action, knob: Knob) -> bool:
    applied = action.kind is ActionKind.APPLY and action.state is ActionState.APPLIED
    return applied and any(one.knob is knob and one.after > one.before for one in action.changes)


def _confirmed(detail: IncidentDetail) -> bool:
    settled = detail.incident.state in {IncidentState.CONFIRMED, IncidentState.RESOLVED}
    return settled and detail.verification is not None and detail.verification.effect is Effect.WORKED


def _shows(detail: IncidentDetail, text: str) -> bool:
    top = detail.diagnosis.top if detail.diagnosis else None
    rows = (row for one in (top.evidence if top else ()) for row in one.rows)
    return any(text in str(value) for row in rows for value in row.values())
