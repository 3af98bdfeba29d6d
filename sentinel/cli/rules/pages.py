"""`sentinel rules pages`."""

from __future__ import annotations

from pathlib import Path

import click

from sentinel.cli.exits import ExitCode
from sentinel.cli.output import counted, narrate


@click.command("pages")
@click.argument("into", type=click.Path(path_type=Path, file_okay=False), metavar="DIR")
@click.argument("paths", nargs=-1, type=click.Path(path_type=Path, exists=True), metavar="[PATH]...")
@click.pass_context
def command(context: click.Context, into: Path, paths: tuple[Path, ...]) -> None:
    """Write a page for each rule into a folder, with an index.

    Files and folders; without any, the rules that come with Sentinel. A page says what the rule finds, by which
    evidence, what rules it out, what is done about it, and its cases.
    """
    from sentinel.detect.ruleset import default_rule_paths
    from sentinel.errors import RuleErrors
    from sentinel.rehearse.pages import rule_pages

    try:
        pages = rule_pages(paths or default_rule_paths())
    except RuleErrors as error:
        click.echo(str(error))
        narrate(f"{counted(len(error.problems), 'problem')}; nothing was written")
        context.exit(ExitCode.FINDING)
    for path, text in pages.items():
        (into / path).parent.mkdir(parents=True, exist_ok=True)
        (into / path).write_text(text, "utf-8")
    narrate(f"{counted(len(pages), 'page')} written into {into}")
