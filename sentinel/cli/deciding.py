"""What the commands that decide on an incident have in common."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import click

from sentinel.cli.home import Home
from sentinel.cli.output import narrate

if TYPE_CHECKING:
    from sentinel.model.incident import Incident
    from sentinel.remediate.decisions import Decisions

by_option = click.option("--by", default=None, metavar="NAME", help="Who decides (default: the user name).")


def decide(home: Home, by: str | None, decision: Callable[[Decisions, str], Incident]) -> None:
    """Store a decision and tell how the incident stands; the daemon acts on it at its next step.

    Raises:
        DecisionError: The incident is in no state for it.
        StoreError: The state cannot be opened.
    """
    from getpass import getuser

    from sentinel.cli.opened import opened_state
    from sentinel.clock import SystemClock
    from sentinel.remediate.decisions import Decisions
    from sentinel.remediate.stop import StopSwitch

    with opened_state(home) as state:
        incident = decision(Decisions(state, SystemClock()), by or getuser())
    click.echo(f"{incident.id} {incident.state}: {incident.why}")
    stopped = StopSwitch(home.directory).reason()
    if stopped is not None:
        narrate(
            f"sentinel: nothing is changed while everything is stopped ({stopped}); `sentinel stop --resume` ends it"
        )
