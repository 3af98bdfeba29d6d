"""`sentinel undo`."""

from __future__ import annotations

import click

from sentinel.cli.deciding import by_option, decide
from sentinel.cli.home import Home


@click.command("undo")
@click.argument("incident", metavar="ID")
@click.option("--reason", default="", metavar="TEXT", help="Why; it is kept with the incident.")
@by_option
@click.pass_obj
def command(home: Home, incident: str, reason: str, by: str | None) -> None:
    """Take the applied change of an incident back.

    The beginning of an id is enough. The daemon sets the values back at its next step, if nobody changed them since.
    """
    decide(home, by, lambda decisions, name: decisions.undo(incident, by=name, reason=reason))
