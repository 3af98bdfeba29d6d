"""`sentinel incidents`."""

from __future__ import annotations

from datetime import tzinfo
from typing import TYPE_CHECKING

import click

from sentinel.cli.home import Home
from sentinel.cli.output import format_option, zone_option

if TYPE_CHECKING:
    from sentinel.cli.listing import Field
    from sentinel.report.incidents import IncidentRow


def _fields() -> tuple[Field[IncidentRow], ...]:
    from sentinel.cli.listing import Field
    from sentinel.model.tables import KqlType

    return (
        Field("Id", lambda one: one.id),
        Field("Opened", lambda one: one.opened, KqlType.DATETIME),
        Field("State", lambda one: one.state.value),
        Field("Target", lambda one: str(one.target)),
        Field("Symptom", lambda one: one.symptom),
        Field("Cause", lambda one: one.cause),
        Field("Changes", lambda one: one.changes),
        Field("Updated", lambda one: one.updated, KqlType.DATETIME, brief=False),
        Field("Closed", lambda one: one.closed, KqlType.DATETIME, brief=False),
        Field("Why", lambda one: one.why, brief=False),
    )


@click.command("incidents")
@click.option("--all", "closed", is_flag=True, help="The closed ones too.")
@click.option("--limit", type=click.IntRange(min=1), default=100, show_default=True, metavar="N")
@format_option
@zone_option
@click.pass_obj
def command(home: Home, closed: bool, limit: int, form: str, zone: tzinfo) -> None:
    """List the incidents, the newest first.

    Without `--all` only those that are not closed. `sentinel explain ID` tells one in full; the beginning of an id
    is enough there.
    """
    from sentinel.cli.listing import write_list
    from sentinel.cli.opened import opened_state
    from sentinel.report.incidents import incident_list

    with opened_state(home) as state:
        write_list(form, _fields(), incident_list(state, closed=closed, limit=limit), zone=zone)
