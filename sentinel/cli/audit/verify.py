"""`sentinel audit verify`."""

from __future__ import annotations

import click

from sentinel.cli.exits import ExitCode
from sentinel.cli.home import Home
from sentinel.cli.output import narrate, noun, write_lines


@click.command("verify")
@click.option("--contains", metavar="HASH", help="A hash noted earlier that must still be there.")
@click.pass_obj
def command(home: Home, contains: str | None) -> int:
    """Follow the chain of hashes to its end or its first break.

    The number of rows and the hash of the newest one are written out; if the chain is broken, the first broken row is
    told and the exit code is 1.
    """
    from sentinel.cli.opened import opened_state
    from sentinel.store.audit import Audit

    with opened_state(home) as state:
        audit = Audit(state)
        checked = audit.check()
        missing = contains is not None and not audit.has(contains)
    if checked.broken is not None:
        narrate(f"The audit is broken at row {checked.broken}: {checked.why}.")
        return ExitCode.FINDING
    if missing:
        narrate(f"No row has the hash {contains}: rows were cut off or written anew.")
        return ExitCode.FINDING
    write_lines([f"{checked.rows} {noun(checked.rows, 'row')} {checked.head}"])
    return ExitCode.DONE
