"""The command `sentinel`: which commands there are, and how they end."""

from __future__ import annotations

import sys
import traceback
from collections.abc import Sequence
from pathlib import Path
from typing import Final, NoReturn

import click

from sentinel import __version__
from sentinel.cli.exits import ExitCode, exit_code_of
from sentinel.cli.home import Home
from sentinel.cli.lazy import LazyGroup, Listed
from sentinel.cli.output import ReaderLeft
from sentinel.errors import SentinelError

SECTIONS: Final = {
    "Run": (
        Listed("up", "Run the daemon in the foreground until it is told to end."),
        Listed("demo", "Watch Sentinel heal a real serving stack on this machine."),
        Listed("ingest", "Take telemetry in from files, directories or standard input."),
        Listed("stop", "Stop all changes to deployments, or allow them again."),
    ),
    "Look": (
        Listed("query", "Ask the telemetry in KQL, or by flags for the everyday question."),
        Listed("jobs", "List the current state of each job."),
        Listed("endpoints", "List the deployments with their settings and traffic."),
        Listed("incidents", "List the incidents, the newest first."),
        Listed("explain", "Explain an incident, from verdict to measured effect."),
        Listed("diagnose", "Say once what is wrong, why, and what would be done."),
        Listed("simulate", "Replay the requests of a deployment with other settings."),
        Listed("audit", "Check or export the audit of every decision, refusal and change."),
        Listed("dash", "Open the dashboard in this terminal."),
    ),
    "Decide": (
        Listed("plans", "List the plans, those that wait for a person first."),
        Listed("approve", "Let the plan of an incident be applied."),
        Listed("deny", "Forbid the plan of an incident and hand it to people."),
        Listed("undo", "Take the applied change of an incident back."),
    ),
    "Write rules": (Listed("rules", "Check rule files and run the cases beside them."),),
}


@click.group(
    cls=LazyGroup,
    package="sentinel.cli",
    sections=SECTIONS,
    name="sentinel",
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="Data goes to standard output, narration to standard error; docs/cli.md tells the exit codes.",
)
@click.option(
    "--home",
    type=click.Path(path_type=Path, file_okay=False),
    envvar="SENTINEL_HOME",
    show_envvar=True,
    metavar="DIR",
    help="Where state and telemetry lie (default: sentinel in the XDG data directory).",
)
@click.version_option(__version__, "-V", "--version", prog_name="sentinel", message="%(prog)s %(version)s")
@click.pass_context
def sentinel(context: click.Context, home: Path | None) -> None:
    """Collect Azure ML telemetry, diagnose what is wrong, and apply a measured remedy."""
    if not context.resilient_parsing:
        context.obj = Home.chosen(home)


def run(arguments: Sequence[str] | None = None) -> int:
    """Run one command line and return its exit code; errors meant for people are written without a traceback."""
    try:
        result = sentinel.main(args=arguments, prog_name="sentinel", standalone_mode=False)
    except click.ClickException as error:
        error.show()
        return ExitCode.USAGE
    except (click.Abort, KeyboardInterrupt):
        click.echo("interrupted", err=True)
        return ExitCode.INTERRUPTED
    except SentinelError as error:
        click.echo(f"sentinel: {error}", err=True)
        return exit_code_of(error)
    except ReaderLeft:
        return ExitCode.DONE
    except Exception:  # noqa: BLE001 - the edge: whatever else escapes is a defect and is shown in full
        traceback.print_exc()
        return ExitCode.CRASHED
    return result if isinstance(result, int) else ExitCode.DONE


def main() -> NoReturn:
    """Run the command line of this process."""
    sys.exit(run())
