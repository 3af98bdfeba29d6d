"""`sentinel simulate`."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import click

from sentinel.cli.arguments import DURATION, INSTANT
from sentinel.cli.exits import ExitCode
from sentinel.cli.home import Home
from sentinel.cli.output import format_option, narrate

if TYPE_CHECKING:
    from sentinel.model.outlook import Course, Outcome
    from sentinel.model.settings import Settings
    from sentinel.model.target import Target


_FIGURE_PARTS = 240


@dataclass(frozen=True, slots=True)
class _Row:
    name: str
    settings: Settings
    outcome: Outcome
    calibrated: bool


def _checked_plot(_context: click.Context, _parameter: click.Parameter, plot: Path | None) -> Path | None:
    """The file of a figure, refused before anything is replayed if nothing can be drawn there."""
    from sentinel.errors import FigureError
    from sentinel.simulate.figure import check

    if plot is not None:
        try:
            check(plot)
        except FigureError as error:
            raise click.BadParameter(str(error)) from None
    return plot


@click.command("simulate")
@click.argument("target", metavar="TARGET")
@click.option(
    "--set",
    "settings",
    multiple=True,
    metavar="KNOB=VALUE",
    help="A setting of the candidate, such as max_replicas=20; may be given several times.",
)
@click.option(
    "--window",
    type=DURATION,
    default="1h",
    show_default=True,
    metavar="SPAN",
    help="The span that is replayed.",
)
@click.option("--now", type=INSTANT, metavar="TIME", help="Where the span ends.")
@click.option(
    "--plot",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    callback=_checked_plot,
    help="Write a figure of requests and replicas over time, as SVG or PNG by the name's ending.",
)
@format_option
@click.pass_context
def command(
    context: click.Context,
    target: str,
    settings: tuple[str, ...],
    window: timedelta,
    now: datetime | None,
    plot: Path | None,
    form: str,
) -> None:
    """Replay the requests of a deployment with other settings.

    TARGET is ENDPOINT/DEPLOYMENT. What came in within the window is replayed with the settings in force now and with
    those of --set. The model is fitted to the deployment's own telemetry; it is calibrated if it reproduces the
    shares of refused and timed-out requests that were observed. An hour of a busy endpoint takes about a second.
    """
    from sentinel.cli.opened import opened_engine
    from sentinel.clock import SystemClock, format_span
    from sentinel.simulate.calibrate import NoModel, calibrate
    from sentinel.simulate.history import history

    home: Home = context.obj
    chosen = _target(target)
    with opened_engine(home) as engine:
        model = calibrate(history(engine, chosen, now or SystemClock().now(), window))
    if isinstance(model, NoModel):
        narrate(f"sentinel: {chosen.label} cannot be simulated: {model.why}")
        context.exit(ExitCode.CANNOT)
    candidate = _candidate(model.settings, settings)
    rows = [_Row("now", model.settings, model.with_settings(model.settings), model.calibrated)]
    if candidate != model.settings:
        rows.append(_Row("candidate", candidate, model.with_settings(candidate), model.calibrated))
    _write(form, rows)
    narrate(f"{'calibrated' if model.calibrated else 'not calibrated'}: {model.note}")
    if plot is not None:
        courses = [model.course(row.name, row.settings, _FIGURE_PARTS) for row in rows]
        _written(plot, f"{chosen.label}: {format_span(window)} replayed", courses)


def _target(text: str) -> Target:
    from sentinel.model.target import Target, TargetKind

    try:
        target = Target.parse(text)
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="TARGET") from None
    if target.kind is not TargetKind.DEPLOYMENT:
        raise click.BadParameter(f"{target} is not a deployment", param_hint="TARGET")
    return target


def _candidate(settings: Settings, given: tuple[str, ...]) -> Settings:
    from sentinel.deploy.limits import refusal
    from sentinel.model.settings import Knob

    for text in given:
        name, _, value = text.partition("=")
        if name not in list(Knob) or not value.strip().isdecimal():
            known = ", ".join(Knob)
            raise click.BadParameter(f"{text!r} is not KNOB=NUMBER with one of {known}", param_hint="--set")
        settings = settings.with_value(Knob(name), int(value))
    refused = refusal(settings)
    if refused is not None:
        raise click.BadParameter(refused, param_hint="--set")
    return settings


def _write(form: str, rows: list[_Row]) -> None:
    from sentinel.cli.listing import Field, write_list
    from sentinel.model.tables import KqlType

    whole, real = KqlType.INT, KqlType.REAL
    fields: tuple[Field[_Row], ...] = (
        Field("Settings", lambda one: one.name),
        Field("Min", lambda one: one.settings.min_replicas, whole),
        Field("Max", lambda one: one.settings.max_replicas, whole),
        Field("Target", lambda one: one.settings.target_utilization, whole),
        Field("Refused", lambda one: round(one.outcome.refused_share, 4), real),
        Field("TimedOut", lambda one: round(one.outcome.timed_out_share, 4), real),
        Field("P50Ms", lambda one: round(one.outcome.p50_ms, 1), real),
        Field("P95Ms", lambda one: round(one.outcome.p95_ms, 1), real),
        Field("P99Ms", lambda one: round(one.outcome.p99_ms, 1), real),
        Field("ReplicaHours", lambda one: round(one.outcome.replica_hours, 3), real),
        Field("Peak", lambda one: one.outcome.peak_replicas, whole),
        Field("RequestTimeoutMs", lambda one: one.settings.request_timeout_ms, whole, brief=False),
        Field("MaxConcurrency", lambda one: one.settings.max_concurrency, whole, brief=False),
        Field("QueueWaitMs", lambda one: one.settings.queue_wait_ms, whole, brief=False),
        Field("Requests", lambda one: one.outcome.requests, whole, brief=False),
        Field("Calibrated", lambda one: one.calibrated, KqlType.BOOL, brief=False),
    )
    write_list(form, fields, rows)


def _written(plot: Path, title: str, courses: list[Course]) -> None:
    from sentinel.simulate.figure import write_figure

    try:
        write_figure(plot, title, courses)
    except OSError as error:
        raise click.BadParameter(f"cannot write {plot}: {error.strerror}", param_hint="--plot") from None
