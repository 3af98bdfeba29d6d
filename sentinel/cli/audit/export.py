"""`sentinel audit export`."""

from __future__ import annotations

import click

from sentinel.cli.home import Home
from sentinel.cli.output import write_lines


@click.command("export")
@click.pass_obj
def command(home: Home) -> None:
    """Write every row as a line of JSON, the oldest first."""
    from sentinel.cli.opened import opened_state
    from sentinel.store.audit import Audit

    with opened_state(home) as state:
        write_lines(entry.line for entry in Audit(state).entries())
