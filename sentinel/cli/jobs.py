"""`sentinel jobs`."""

from __future__ import annotations

from datetime import datetime, timedelta, tzinfo
from typing import TYPE_CHECKING

import click

from sentinel.cli.arguments import DURATION, INSTANT
from sentinel.cli.home import Home
from sentinel.cli.output import format_option, narrate, zone_option

if TYPE_CHECKING:
    from sentinel.cli.listing import Field
    from sentinel.report.jobs import JobRow


def _fields() -> tuple[Field[JobRow], ...]:
    from sentinel.cli.listing import Field
    from sentinel.model.tables import KqlType

    return (
        Field("Job", lambda one: one.name),
        Field("State", lambda one: one.state),
        Field("At", lambda one: one.at, KqlType.DATETIME),
        Field("Cluster", lambda one: one.cluster),
        Field("Experiment", lambda one: one.experiment),
        Field("Error", lambda one: one.error),
        Field("Id", lambda one: one.id, brief=False),
        Field("Event", lambda one: one.event, brief=False),
        Field("Workspace", lambda one: one.workspace, brief=False),
        Field("Node", lambda one: one.node, brief=False),
    )


@click.command("jobs")
@click.option("--state", default="", metavar="STATE", help="Jobs in this ExecutionState, such as Failed.")
@click.option("--cluster", default="", metavar="NAME", help="Jobs on this cluster; * stands for any text.")
@click.option("--job", default="", metavar="NAME", help="Jobs of this name; * stands for any text.")
@click.option("--since", type=DURATION, metavar="SPAN", help="Only jobs with an event this long before now.")
@click.option("--limit", type=click.IntRange(min=1), default=200, show_default=True, metavar="N")
@click.option("--now", type=INSTANT, metavar="TIME", help="What --since counts from.")
@format_option
@zone_option
@click.pass_obj
def command(
    home: Home,
    state: str,
    cluster: str,
    job: str,
    since: timedelta | None,
    limit: int,
    now: datetime | None,
    form: str,
    zone: tzinfo,
) -> None:
    """List the current state of each job.

    The jobs with the newest events come first; a count by state goes to standard error.
    """
    from sentinel.cli.listing import write_list
    from sentinel.cli.opened import opened_engine
    from sentinel.clock import SystemClock
    from sentinel.report.jobs import JobFilter, job_list, jobs_by_state

    at, wanted = now or SystemClock().now(), JobFilter(state, cluster, job, since)
    with opened_engine(home) as engine:
        write_list(form, _fields(), job_list(engine, at, wanted, limit=limit), zone=zone)
        counts = jobs_by_state(engine, at, wanted)
    narrate(", ".join(f"{count.jobs:,} {count.state or 'without a state'}" for count in counts) or "no jobs")
