"""`sentinel diagnose`."""

from __future__ import annotations

import json
from contextlib import closing
from datetime import datetime
from pathlib import Path

import click

from sentinel.cli.arguments import INSTANT
from sentinel.cli.exits import ExitCode
from sentinel.cli.home import Home
from sentinel.cli.output import narrate, write_lines


@click.command("diagnose")
@click.argument("target", required=False, metavar="[TARGET]")
@click.option(
    "--from",
    "source",
    type=click.Path(path_type=Path, exists=True),
    metavar="DIR|FILE",
    help="Look at these records instead of the telemetry of the home; nothing is stored.",
)
@click.option(
    "--at",
    type=INSTANT,
    metavar="TIME",
    help="The instant to look from (default: the event time of the newest record; of files, where nothing is wrong"
    " then, the last minute of the hour before at which something is).",
)
@click.option("--symptom", default="", metavar="ID", help="Ask for this symptom only.")
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
    target: str | None,
    source: Path | None,
    at: datetime | None,
    symptom: str,
    form: str,
) -> None:
    """Say once what is wrong, why, and what would be done.

    A target is written chat/blue, chat (each deployment of the endpoint), job:train-17 or cluster:gpu; without one,
    all are looked at. Every symptom is asked at one instant, and each finding is told with its ranked causes, their
    rows, what was ruled out, what is missing to be surer, and the plan, if the settings are known from rows of
    SentinelDeploymentState_CL. Nothing is stored or changed. The command ends with code 0 if nothing is wrong, with 1
    if something is.
    """
    from sentinel.cli.recorded import telemetry_of
    from sentinel.config import Config
    from sentinel.config.rules_in_force import rules_in_force
    from sentinel.daemon.wiring import policy_of
    from sentinel.detect.yaml_places import nearest
    from sentinel.query.engine import Engine
    from sentinel.rehearse.one_shot import about, everything, examine_all, last_hurt, newest_of, targets_seen
    from sentinel.rehearse.written import examination_lines, examination_values
    from sentinel.report.text import cut

    home: Home = context.obj
    config = Config.load(home.directory)
    with telemetry_of(home, source) as store, closing(Engine(store)) as engine:
        rules = rules_in_force(home.directory, config)
        if symptom and rules.symptom(symptom) is None:
            raise click.UsageError(
                f"there is no symptom {symptom!r}; there are {', '.join(s.id for s in rules.symptoms)}"
            )
        moment = at or newest_of(store)
        if moment is None:
            raise click.UsageError("there is no telemetry to look at")
        wanted = everything if target is None else about(target)
        policy = policy_of(config)
        seen = examine_all(store, engine, rules, policy, moment, wanted=wanted, symptom=symptom)
        if source is not None and at is None and not seen.found:
            earlier = last_hurt(store, engine, rules, moment, wanted=wanted, symptom=symptom)
            if earlier is not None:
                seen = examine_all(store, engine, rules, policy, earlier, wanted=wanted, symptom=symptom)
        strangers = None
        if target is not None and not seen.found:
            known = targets_seen(store, engine, rules, moment)
            strangers = None if any(map(wanted, known)) else sorted({one.label for one in known})
    for problem in seen.problems:
        narrate(f"sentinel: {problem}")
    if strangers is not None:
        meant = cut(nearest(target or "", strangers), 200) if strangers else "it names no target at all"
        narrate(
            f"sentinel: nothing that the symptoms look at names {target!r}, which is not to say it is well; {meant}"
        )
    if form == "json":
        click.echo(json.dumps(examination_values(seen, rules), ensure_ascii=False, indent=2))
    else:
        from sentinel.cli.formats import harmless

        write_lines(map(harmless, examination_lines(seen)))
    if seen.found:
        context.exit(ExitCode.FINDING)
