"""`sentinel plans`."""

from __future__ import annotations

from datetime import tzinfo
from typing import TYPE_CHECKING

import click

from sentinel.cli.home import Home
from sentinel.cli.output import format_option, zone_option

if TYPE_CHECKING:
    from sentinel.cli.listing import Field
    from sentinel.report.plans import PlanRow


def _fields() -> tuple[Field[PlanRow], ...]:
    from sentinel.cli.listing import Field
    from sentinel.model.tables import KqlType

    return (
        Field("Incident", lambda one: one.incident),
        Field("Standing", lambda one: one.standing.value),
        Field("Target", lambda one: str(one.target)),
        Field("Changes", lambda one: one.changes),
        Field("Formula", lambda one: one.formula),
        Field("Expires", lambda one: one.plan.expires, KqlType.DATETIME),
        Field("Symptom", lambda one: one.symptom, brief=False),
        Field("Cause", lambda one: one.cause, brief=False),
        Field("Reason", lambda one: one.reason, brief=False),
        Field("Created", lambda one: one.plan.created, KqlType.DATETIME, brief=False),
        Field("Plan", lambda one: one.plan.id, brief=False),
    )


@click.command("plans")
@click.option("--waiting", is_flag=True, help="Only those that wait for a person, the next to expire first.")
@click.option("--limit", type=click.IntRange(min=1), default=100, show_default=True, metavar="N")
@format_option
@zone_option
@click.pass_obj
def command(home: Home, waiting: bool, limit: int, form: str, zone: tzinfo) -> None:
    """List the plans, those that wait for a person first.

    `sentinel approve` and `sentinel deny` take the incident's id.
    """
    from sentinel.cli.listing import write_list
    from sentinel.cli.opened import opened_state
    from sentinel.clock import SystemClock
    from sentinel.report.plans import pending, plan_list

    now = SystemClock().now()
    with opened_state(home) as state:
        rows = pending(state, now)[:limit] if waiting else plan_list(state, now, limit=limit)
        write_list(form, _fields(), rows, zone=zone)
