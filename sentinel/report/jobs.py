"""Jobs in their current state, by KQL over the table that keeps one row a job."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from sentinel.model.tables import JOB_STATE

if TYPE_CHECKING:
    from sentinel.query.engine import Engine, Parameter

_ORDER: Final = ("Running", "Queued", "Failed", "Canceled", "Succeeded")
"""The states an on-call person asks for first; others follow by name."""
_COLUMNS: Final = (
    "TimeGenerated, JobName, JobId, ExecutionState, EventType, ClusterName, ExperimentName, WorkspaceName, NodeId,"
    " JobErrorMessage, ErrorDetails"
)


@dataclass(frozen=True, slots=True)
class JobCount:
    """How many jobs are in a state."""

    state: str
    jobs: int


@dataclass(frozen=True, slots=True)
class JobRow:
    """A job as its newest event left it."""

    name: str
    id: str
    state: str
    event: str
    cluster: str
    experiment: str
    workspace: str
    node: str
    at: datetime
    """When its newest event happened."""
    error: str


@dataclass(frozen=True, slots=True)
class JobFilter:
    """Which jobs are asked for; an empty field asks for all.

    `state` is compared without case; `cluster` and `name` too, and may hold `*` for any run of characters.
    """

    state: str = ""
    cluster: str = ""
    name: str = ""
    since: timedelta | None = None
    """Only jobs with an event in this span before now."""

    def __bool__(self) -> bool:
        return self != JobFilter()


def jobs_by_state(engine: Engine, now: datetime, wanted: JobFilter | None = None) -> tuple[JobCount, ...]:
    """How many jobs are in each ExecutionState, the states that matter most first."""
    query, parameters = job_question(wanted or JobFilter(), now)
    result = engine.query(
        f"{query}\n| summarize Jobs = count() by ExecutionState", now=now, parameters=parameters
    )
    counts = [JobCount(row["ExecutionState"], row["Jobs"]) for row in result.records()]
    return tuple(sorted(counts, key=lambda count: (_rank(count.state), count.state)))


def job_list(
    engine: Engine, now: datetime, wanted: JobFilter | None = None, *, limit: int = 200
) -> tuple[JobRow, ...]:
    """The jobs with the newest events first."""
    query, parameters = job_question(wanted or JobFilter(), now)
    result = engine.query(
        f"{query}\n| top {int(limit)} by TimeGenerated desc\n| project {_COLUMNS}",
        now=now,
        parameters=parameters,
    )
    return tuple(_job(row) for row in result.records())


def job_question(
    wanted: JobFilter, now: datetime, *, table: str = JOB_STATE.name
) -> tuple[str, dict[str, Parameter]]:
    """A filter as KQL over the current states or the events of jobs, and the values its parameters are bound to."""
    clauses: list[str] = []
    parameters: dict[str, Parameter] = {}
    if wanted.state:
        clauses.append("ExecutionState =~ state")
        parameters["state"] = wanted.state
    for parameter, column, pattern in (
        ("cluster", "ClusterName", wanted.cluster),
        ("name", "JobName", wanted.name),
    ):
        if pattern and pattern.strip("*"):
            clauses.append(_matches(column, parameter, pattern))
            parameters[parameter] = _bound(pattern)
    if wanted.since is not None:
        clauses.append("TimeGenerated > since")
        parameters["since"] = now - wanted.since
    return "\n| where ".join([table, *clauses]), parameters


def _matches(column: str, parameter: str, pattern: str) -> str:
    """A pattern as the operator an index or a plain comparison can answer, a regex only where none can."""
    if "*" not in pattern:
        return f"{column} =~ {parameter}"
    if "*" not in pattern.strip("*"):
        starts, ends = not pattern.startswith("*"), not pattern.endswith("*")
        operator = "startswith" if starts else "endswith" if ends else "contains"
        return f"{column} {operator} {parameter}"
    return f"{column} matches regex {parameter}"


def _bound(pattern: str) -> str:
    inner = pattern.strip("*")
    if "*" not in inner:
        return inner
    return "(?i)^" + ".*".join(re.escape(part) for part in pattern.split("*")) + "$"


def _rank(state: str) -> int:
    lowered = [known.lower() for known in _ORDER]
    return lowered.index(state.lower()) if state.lower() in lowered else len(lowered)


def _job(row: dict[str, Any]) -> JobRow:
    return JobRow(
        name=row["JobName"],
        id=row["JobId"],
        state=row["ExecutionState"],
        event=row["EventType"],
        cluster=row["ClusterName"],
        experiment=row["ExperimentName"],
        workspace=row["WorkspaceName"],
        node=row["NodeId"],
        at=row["TimeGenerated"],
        error=row["JobErrorMessage"] or row["ErrorDetails"],
    )
