"""`sentinel rules new`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from sentinel.cli.exits import ExitCode
from sentinel.cli.home import Home
from sentinel.cli.output import narrate

if TYPE_CHECKING:
    from sentinel.rehearse.scaffold import Scaffold


@click.command("new")
@click.argument("kind", type=click.Choice(["symptom", "cause"]))
@click.argument("rule_id", metavar="ID")
@click.option(
    "--into",
    type=click.Path(path_type=Path, file_okay=False),
    default="rules",
    show_default=True,
    metavar="DIR",
    help="The folder of the pack; symptoms/ and causes/ are made in it.",
)
@click.option(
    "--target",
    type=click.Choice(["deployment", "job", "cluster"]),
    default="deployment",
    show_default=True,
    help="What a symptom is about.",
)
@click.option(
    "--explains", metavar="SYMPTOM", help="The symptom a cause explains; it must be in force or in the pack."
)
@click.pass_context
def command(
    context: click.Context, kind: str, rule_id: str, into: Path, target: str, explains: str | None
) -> None:
    """Begin a rule: a file that works, with a case that fires and one that stays quiet.

    A cause is tried on the rows of its symptom's own case. The names of the two files go to standard output; both
    pass `sentinel rules check` and `sentinel rules test`, and are there to be changed.
    """
    from sentinel.model.target import TargetKind
    from sentinel.rehearse.scaffold import new_symptom

    home: Home = context.obj
    if (kind == "cause") is not (explains is not None):
        raise click.UsageError("a cause needs --explains, and only a cause does")
    try:
        made = (
            new_symptom(rule_id, TargetKind(target))
            if explains is None
            else _cause(home, rule_id, into, explains)
        )
        written = made.write(into)
    except FileExistsError as error:
        narrate(f"sentinel: {error}")
        context.exit(ExitCode.FINDING)
    except ValueError as error:
        raise click.UsageError(str(error)) from None
    for path in written:
        click.echo(str(path))


def _cause(home: Home, rule_id: str, into: Path, explains: str) -> Scaffold:
    from sentinel.config import Config
    from sentinel.config.rules_in_force import rule_paths
    from sentinel.detect.ruleset import SYMPTOMS, find_rule_files, load_rules
    from sentinel.rehearse.scaffold import new_cause

    paths = rule_paths(home.directory, Config.load(home.directory))
    own = (into,) if (into / SYMPTOMS).is_dir() else ()
    files = {file.id: file for file in find_rule_files((*paths, *own))[0] if file.folder == SYMPTOMS}
    symptom = load_rules([files[explains].path]).symptom(explains) if explains in files else None
    if symptom is None:
        raise ValueError(f"there is no symptom {explains!r}; there are {', '.join(sorted(files))}")
    return new_cause(rule_id, symptom, files[explains])
