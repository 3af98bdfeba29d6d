"""`sentinel stop`."""

from __future__ import annotations

import click

from sentinel.cli.home import Home
from sentinel.cli.output import narrate


@click.command("stop")
@click.option(
    "--reason", default="", metavar="TEXT", help="Why; it is shown wherever something is held back."
)
@click.option("--resume", is_flag=True, help="Allow changes again.")
@click.pass_obj
def command(home: Home, reason: str, resume: bool) -> None:
    """Stop all changes to deployments, or allow them again.

    The daemon goes on watching, diagnosing and telling. The stop is the file `stop` in the home directory, so it
    works whether or not a daemon runs, and stays until it is lifted.
    """
    from sentinel.cli.opened import must_exist
    from sentinel.remediate.stop import StopSwitch

    must_exist(home)
    switch = StopSwitch(home.directory)
    if resume:
        switch.resume()
        narrate("Changes are allowed again.")
        return
    before = switch.reason()
    if before is None or reason:
        switch.stop(reason or _by_whom())
    if before is None:
        told = f"Nothing is changed from now on ({switch.reason()})."
    elif reason:
        told = f"It was stopped already ({before}); the reason is now: {switch.reason()}."
    else:
        told = f"It was stopped already ({before})."
    narrate(f"{told} `sentinel stop --resume` allows changes again.")


def _by_whom() -> str:
    from getpass import getuser

    return f"stopped by {getuser()}"
