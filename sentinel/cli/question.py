"""What `sentinel query` asks: a KQL text, or the everyday question by flags."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from sentinel.query.engine import Parameter

_SHOWN: Final = (
    "TimeGenerated, JobName, ExecutionState, EventType, ClusterName, ExperimentName, JobErrorMessage"
)
_EVENTS: Final = "AmlComputeJobEvent"
_CURRENT: Final = "SentinelJobState_CL"


@dataclass(frozen=True, slots=True)
class Question:
    """A KQL text and the values its parameters are bound to."""

    text: str
    parameters: Mapping[str, Parameter] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Everyday:
    """Which jobs are asked for; an empty field asks for all.

    `latest` asks for the current state of each job instead of its events.
    """

    state: str = ""
    cluster: str = ""
    job: str = ""
    since: timedelta | None = None
    latest: bool = False

    def __bool__(self) -> bool:
        return self != Everyday()


def everyday_question(asked: Everyday, now: datetime) -> Question:
    """The everyday question as KQL, the newest events first; what was asked for is bound, never pasted in."""
    from sentinel.report.jobs import JobFilter, job_question

    wanted = JobFilter(asked.state, asked.cluster, asked.job, asked.since)
    text, parameters = job_question(wanted, now, table=_CURRENT if asked.latest else _EVENTS)
    return Question(f"{text}\n| sort by TimeGenerated desc\n| project {_SHOWN}", parameters)
