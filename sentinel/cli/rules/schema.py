"""`sentinel rules schema`."""

from __future__ import annotations

import json

import click


@click.command("schema")
@click.argument("kind", type=click.Choice(["symptom", "cause", "symptom-cases", "cause-cases"]))
def command(kind: str) -> None:
    """Print the JSON Schema of rule files, for editors.

    An editor that knows it completes keys, settings, tables and columns, and marks what the decoder would refuse.
    """
    from sentinel.rehearse.rule_schema import RuleFileKind, schema_of

    click.echo(json.dumps(schema_of(RuleFileKind(kind)), indent=2))
