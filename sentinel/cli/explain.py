"""`sentinel explain`."""

from __future__ import annotations

import shutil
import sys
from typing import TYPE_CHECKING

import click

from sentinel.cli.exits import ExitCode
from sentinel.cli.home import Home
from sentinel.cli.output import narrate, write_lines

if TYPE_CHECKING:
    from sentinel.model.rule import RuleSet


@click.command("explain")
@click.argument("incident", metavar="ID")
@click.option(
    "--format",
    "form",
    type=click.Choice(["text", "json"]),
    default="text",
    show_default=True,
    help="How it is told.",
)
@click.pass_context
def command(context: click.Context, incident: str, form: str) -> None:
    """Explain an incident, from verdict to measured effect.

    The verdict and its rule, the rows that show it, the causes that were ruled out, the formula with its numbers,
    the change and what it did. The beginning of an id is enough.
    """
    from sentinel.cli.opened import opened_state
    from sentinel.report.incidents import incident_detail

    home: Home = context.obj
    with opened_state(home) as state:
        detail = incident_detail(state, incident)
    if detail is None:
        narrate(
            f"sentinel: no incident, or more than one, begins with {incident!r}; `sentinel incidents --all` lists them"
        )
        context.exit(ExitCode.FINDING)
    if form == "json":
        from sentinel.store.wire import to_text

        click.echo(to_text(detail))
        return
    from sentinel.cli.formats import harmless
    from sentinel.report.explain import WIDTH, explain_lines

    width = min(WIDTH, shutil.get_terminal_size().columns) if sys.stdout.isatty() else WIDTH
    write_lines(map(harmless, explain_lines(detail, _rules(home), width=width)))


def _rules(home: Home) -> RuleSet | None:
    """The rules in force, for their places; the explanation stands without them too."""
    from sentinel.config import Config
    from sentinel.config.rules_in_force import rules_in_force
    from sentinel.errors import SentinelError

    try:
        return rules_in_force(home.directory, Config.load(home.directory))
    except SentinelError as error:
        narrate(f"sentinel: the places of rules are not shown: {error}")
        return None
