"""`sentinel demo`."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import click

_ACTS: Final = ("a", "b", "c")
_MODES: Final = ("readonly", "review", "autonomous")


@click.command("demo")
@click.option(
    "--act",
    "acts",
    type=click.Choice(_ACTS),
    multiple=True,
    help="Only this act; may be repeated. a: demand outgrows the maximum, b: the model got slower, c: a broken script.",
)
@click.option(
    "--mode",
    type=click.Choice(_MODES),
    default="autonomous",
    show_default=True,
    help="How far Sentinel may go; review asks you.",
)
@click.option("--keep", is_flag=True, help="Leave the home directory behind, to look around in it.")
@click.pass_context
def command(context: click.Context, acts: tuple[str, ...], mode: str, keep: bool) -> None:
    """Watch Sentinel heal a real serving stack on this machine.

    Replicas are real processes behind a router that scales as Azure ML's front end does, under load that replays real
    arrivals; three acts take under four minutes. It plays in a temporary directory unless `--home` names an empty
    one, and ends every process it started. The command ends with code 1 if an act does not end as it should.
    """
    from rich.console import Console

    from sentinel.demo.acts import run_demo
    from sentinel.model.plan import RunMode

    root = context.find_root()
    asked_for = root.get_parameter_source("home") is click.core.ParameterSource.COMMANDLINE
    home: Path | None = root.params["home"] if asked_for else None
    context.exit(run_demo(home, acts, RunMode(mode), keep=keep, console=Console()))
