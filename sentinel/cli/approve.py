"""`sentinel approve`."""

from __future__ import annotations

import click

from sentinel.cli.deciding import by_option, decide
from sentinel.cli.home import Home


@click.command("approve")
@click.argument("incident", metavar="ID")
@click.option("--reason", default="", metavar="TEXT", help="Why; it is kept with the incident.")
@by_option
@click.pass_obj
def command(home: Home, incident: str, reason: str, by: str | None) -> None:
    """Let the plan of an incident be applied.

    The beginning of an id is enough. The daemon applies the plan at its next step, if the deployment is still as the
    plan read it.
    """
    decide(home, by, lambda decisions, name: decisions.approve(incident, by=name, reason=reason))
