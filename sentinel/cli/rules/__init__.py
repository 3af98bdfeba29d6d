"""`sentinel rules`: check rule files, and run the cases beside them."""

from __future__ import annotations

from typing import Final

import click

from sentinel.cli.lazy import LazyGroup, Listed

SECTIONS: Final = {
    "Commands": (
        Listed("backtest", "Replay history and say what the rules would have done."),
        Listed("check", "Check rule files and say everything that is wrong with them."),
        Listed("coverage", "Say which documented failure modes the rules recognise."),
        Listed("diff", "Say what two sets of rules make of the same history."),
        Listed("new", "Begin a rule: a file that works, with a case that fires and one that stays quiet."),
        Listed("pages", "Write a page for each rule into a folder, with an index."),
        Listed("schema", "Print the JSON Schema of rule files, for editors."),
        Listed("test", "Run the cases that lie beside rule files."),
    )
}


@click.group("rules", cls=LazyGroup, package="sentinel.cli.rules", sections=SECTIONS)
def command() -> None:
    """Check rule files and run the cases beside them."""
