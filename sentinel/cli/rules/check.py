"""`sentinel rules check`."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import click

from sentinel.cli.exits import ExitCode
from sentinel.cli.home import Home
from sentinel.cli.output import counted, narrate


@click.command("check")
@click.argument("paths", nargs=-1, type=click.Path(path_type=Path, exists=True), metavar="[PATH]...")
@click.pass_context
def command(context: click.Context, paths: tuple[Path, ...]) -> None:
    """Check rule files and say everything that is wrong with them.

    Files and folders; without any, the rules in force. Every query is bound against the tables, every formula read,
    and every rule needs a case that fires and one that stays quiet. Problems go to standard output, one a line as
    FILE:LINE:COLUMN: KEY: MESSAGE, and the command ends with code 1 if there are any.
    """
    from sentinel.config import Config
    from sentinel.config.rules_in_force import rule_paths
    from sentinel.detect.ruleset import check_rules, find_rule_files
    from sentinel.query.engine import Engine
    from sentinel.remediate.formula import names_in
    from sentinel.store.telemetry import TelemetryStore

    home: Home = context.obj
    in_force = rule_paths(home.directory, Config.load(home.directory))
    wanted = paths or in_force
    with TelemetryStore.in_memory() as store, closing(Engine(store)) as engine:
        problems = check_rules(wanted, engine, names_in, with_rules=in_force)
    for problem in problems:
        click.echo(str(problem))
    files, _ = find_rule_files(wanted)
    narrate(f"{counted(len(files), 'rule file')}, {counted(len(problems), 'problem')}")
    if problems:
        context.exit(ExitCode.FINDING)
