"""`sentinel up`."""

from __future__ import annotations

import click

from sentinel.cli.home import Home


@click.command("up")
@click.pass_context
def command(context: click.Context) -> None:
    """Run the daemon in the foreground until it is told to end.

    It takes telemetry in over HTTP and from the sources of `sentinel.toml`, watches, diagnoses and, as far as its
    run mode allows, heals. It reads the rules again when a rule file changes, and on SIGHUP; SIGTERM and Ctrl-C end
    it. One daemon runs on a home at a time; where it listens stands in `http.json` there.
    """
    from sentinel.daemon.lifecycle import run

    home: Home = context.obj
    context.exit(run(home.directory))
