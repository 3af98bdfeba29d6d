"""`sentinel dash`."""

from __future__ import annotations

import click

from sentinel.cli.home import Home


@click.command("dash")
@click.pass_obj
def command(home: Home) -> None:
    """Open the dashboard in this terminal.

    It shows the fleet, jobs, incidents and plans that wait for a person, and answers KQL. It works whether or not a
    daemon runs.
    """
    from sentinel.tui.app import Dashboard  # Textual is slow to import; only this command pays

    Dashboard(home.directory).run()
