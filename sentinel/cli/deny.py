"""`sentinel deny`."""

from __future__ import annotations

import click

from sentinel.cli.deciding import by_option, decide
from sentinel.cli.home import Home


@click.command("deny")
@click.argument("incident", metavar="ID")
@click.option("--reason", required=True, metavar="TEXT", help="Why; it is kept with the incident.")
@by_option
@click.pass_obj
def command(home: Home, incident: str, reason: str, by: str | None) -> None:
    """Forbid the plan of an incident and hand it to people.

    The beginning of an id is enough. Nothing is changed, and the incident is escalated.
    """
    decide(home, by, lambda decisions, name: decisions.deny(incident, by=name, reason=reason))
