"""`sentinel audit`: the chain of everything decided, refused and done."""

from __future__ import annotations

from typing import Final

import click

from sentinel.cli.lazy import LazyGroup, Listed

SECTIONS: Final = {
    "Audit": (
        Listed("verify", "Follow the chain of hashes to its end or its first break."),
        Listed("export", "Write every row as a line of JSON, the oldest first."),
    ),
}


@click.group(cls=LazyGroup, package="sentinel.cli.audit", sections=SECTIONS, name="audit")
def command() -> None:
    """Check or export the audit of every decision, refusal and change.

    Its rows are only ever added, and each carries the hash of the one before it. Kept elsewhere, the hash of the
    newest row also shows whether rows were cut off later.
    """
