"""`sentinel rules backtest`."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path

import click

from sentinel.cli.exits import ExitCode
from sentinel.cli.home import Home
from sentinel.cli.output import counted, narrate, write_lines
from sentinel.cli.rules.history import history_options, narrate_speed, replayed


@click.command("backtest")
@click.argument("paths", nargs=-1, type=click.Path(path_type=Path, exists=True), metavar="[PATH]...")
@history_options
@click.option(
    "--format",
    "form",
    type=click.Choice(["text", "json"]),
    default="text",
    show_default=True,
    help="How it is told.",
)
@click.option(
    "--policies/--no-policies",
    default=True,
    show_default=True,
    help="Whether fixed advice and Sentinel are simulated on the requests of each deployment.",
)
@click.pass_context
def command(
    context: click.Context,
    paths: tuple[Path, ...],
    begin: datetime | None,
    end: datetime | None,
    records: Path | None,
    mode: str,
    form: str,
    policies: bool,
) -> None:
    """Replay history and say what the rules would have done.

    Rules of files and folders; without any, the rules in force. The telemetry of the home, or of --records, goes
    through detection, diagnosis, planning and guardrails on a made-up clock, with the settings of deployments as
    SentinelDeploymentState_CL told them at the time. Nothing is changed: told are the changes that would have been
    made, the plans that would have been held back and by what, and every incident with its steps. For each deployment
    whose requests a model reproduces, what fixed advice and Sentinel would have done, and with what effect, is
    simulated. The same history gives the same bytes.
    """
    from sentinel.rehearse.policy_backtest import contest_lines, contest_values
    from sentinel.rehearse.written_backtest import backtest_lines, backtest_values

    home: Home = context.obj
    with replayed(home, records, begin, end, mode) as replay:
        found = replay.run(replay.rules(paths))
        contested = replay.contests() if policies else None
    narrate_speed(found, replay.seconds)
    if form == "json":
        told = backtest_values(found)
        if contested is not None:
            told["policies"] = contest_values(contested)
        click.echo(json.dumps(told, ensure_ascii=False, indent=2))
    else:
        from sentinel.cli.formats import harmless

        write_lines(map(harmless, backtest_lines(found)))
        if contested is not None:
            write_lines(map(harmless, ["", *contest_lines(contested)]))
    if found.problems:
        narrate(f"{counted(len(found.problems), 'symptom')} could not be asked")
        context.exit(ExitCode.QUERY)
