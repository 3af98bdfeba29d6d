"""`sentinel rules test`."""

from __future__ import annotations

from pathlib import Path

import click

from sentinel.cli.exits import ExitCode
from sentinel.cli.home import Home
from sentinel.cli.output import counted, narrate


@click.command("test")
@click.argument("paths", nargs=-1, type=click.Path(path_type=Path, exists=True), metavar="[PATH]...")
@click.option("--verbose", "-v", is_flag=True, help="Name the cases that pass, too.")
@click.pass_context
def command(context: click.Context, paths: tuple[Path, ...], verbose: bool) -> None:
    """Run the cases that lie beside rule files.

    Files and folders; without any, the rules in force. A case gives rows and a time, and says what must be found; it
    runs through ingest, store, detection and diagnosis on a made-up clock. What fails goes to standard output, and
    the command ends with code 1.
    """
    from sentinel.config import Config
    from sentinel.config.rules_in_force import rule_paths
    from sentinel.errors import RuleErrors
    from sentinel.rehearse import run_all_cases

    home: Home = context.obj
    in_force = rule_paths(home.directory, Config.load(home.directory))
    try:
        report = run_all_cases(paths or in_force, with_rules=in_force)
    except RuleErrors as error:
        click.echo(str(error))
        narrate(f"{counted(len(error.problems), 'problem')}; nothing was run")
        context.exit(ExitCode.FINDING)
    for result in report.results:
        if verbose or not result.passed:
            click.echo(str(result))
    narrate(f"{counted(len(report.results), 'case')}, {len(report.failed)} failed")
    if not report.passed:
        context.exit(ExitCode.FINDING)
