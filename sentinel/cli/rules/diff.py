"""`sentinel rules diff`."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path

import click

from sentinel.cli.exits import ExitCode
from sentinel.cli.home import Home
from sentinel.cli.output import write_lines
from sentinel.cli.rules.history import history_options, narrate_speed, replayed


@click.command("diff")
@click.argument("before", type=click.Path(path_type=Path, exists=True), metavar="A")
@click.argument("after", type=click.Path(path_type=Path, exists=True), metavar="B")
@history_options
@click.option(
    "--format",
    "form",
    type=click.Choice(["text", "json"]),
    default="text",
    show_default=True,
    help="How it is told.",
)
@click.pass_context
def command(
    context: click.Context,
    before: Path,
    after: Path,
    begin: datetime | None,
    end: datetime | None,
    records: Path | None,
    mode: str,
    form: str,
) -> None:
    """Say what two sets of rules make of the same history.

    A and B are whole packs, such as rules before and after an edit. Both are replayed as `sentinel rules backtest`
    does, and told is every incident that only one of them has, or whose cause, changes or end differ. The command
    ends with code 1 if there are any.
    """
    from sentinel.rehearse.differing import difference_lines, difference_values, differences

    home: Home = context.obj
    with replayed(home, records, begin, end, mode) as replay:
        sets = [replay.rules((path,)) for path in (before, after)]
        tests = []
        for rules in sets:
            tests.append(replay.run(rules))
            narrate_speed(tests[-1], replay.seconds)
    found = differences(*tests)
    if form == "json":
        click.echo(
            json.dumps(
                {"differences": [difference_values(one) for one in found]}, ensure_ascii=False, indent=2
            )
        )
    else:
        from sentinel.cli.formats import harmless

        write_lines(map(harmless, difference_lines(found)))
    if found:
        context.exit(ExitCode.FINDING)
