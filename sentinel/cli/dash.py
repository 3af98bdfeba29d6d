"""`sentinel dash`."""

from __future__ import annotations

import sys

import click

from sentinel.cli.home import Home
from sentinel.errors import ConfigError


@click.command("dash")
@click.pass_obj
def command(home: Home) -> None:
    """Open the dashboard in this terminal.

    It shows the fleet, jobs, incidents and plans that wait for a person, and answers KQL. It works whether or not a
    daemon runs.
    """
    from sentinel.cli.opened import must_exist

    must_exist(home)
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise ConfigError(
            "the dashboard needs a terminal; `sentinel incidents` and `sentinel jobs` write to a pipe"
        )
    from sentinel.tui.app import Dashboard  # Textual is slow to import; only this command pays

    Dashboard(home.directory).run()
