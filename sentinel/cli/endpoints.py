"""`sentinel endpoints`."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta, tzinfo
from typing import TYPE_CHECKING, Any

import click

from sentinel.cli.arguments import DURATION, INSTANT
from sentinel.cli.home import Home
from sentinel.cli.output import format_option, zone_option

if TYPE_CHECKING:
    from sentinel.cli.listing import Field
    from sentinel.report.fleet import DeploymentSettings, FleetRow, Traffic


def _fields() -> tuple[Field[FleetRow], ...]:
    from sentinel.cli.listing import Field
    from sentinel.model.tables import KqlType

    whole, real = KqlType.INT, KqlType.REAL
    return (
        Field("Endpoint", lambda one: one.target.names[0]),
        Field("Deployment", lambda one: one.target.names[1]),
        Field("Ready", _setting(lambda it: it.ready), whole),
        Field("Replicas", _setting(lambda it: it.replicas), whole),
        Field("Min", _setting(lambda it: it.minimum), whole),
        Field("Max", _setting(lambda it: it.maximum), whole),
        Field("PerSecond", _traffic(lambda it: round(it.per_second, 3)), real),
        Field("Refused", _traffic(lambda it: round(it.refused_share, 4)), real),
        Field("TimedOut", _traffic(lambda it: round(it.timed_out_share, 4)), real),
        Field("P95Ms", _traffic(lambda it: round(it.p95_ms, 1)), real),
        Field("Incident", lambda one: one.incident.id if one.incident else None),
        Field("IncidentState", lambda one: one.incident.state.value if one.incident else None, brief=False),
        Field("TargetUtilization", _setting(lambda it: it.target_utilization), whole, brief=False),
        Field("RequestTimeoutMs", _setting(lambda it: it.request_timeout_ms), whole, brief=False),
        Field("MaxConcurrency", _setting(lambda it: it.max_concurrency), whole, brief=False),
        Field("QueueWaitMs", _setting(lambda it: it.queue_wait_ms), whole, brief=False),
        Field("Updating", _setting(lambda it: it.updating), KqlType.BOOL, brief=False),
        Field("SettingsAt", _setting(lambda it: it.at), KqlType.DATETIME, brief=False),
        Field("Requests", _traffic(lambda it: it.requests), whole, brief=False),
    )


def _setting(of: Callable[[DeploymentSettings], Any]) -> Callable[[FleetRow], Any]:
    return lambda row: None if row.settings is None else of(row.settings)


def _traffic(of: Callable[[Traffic], Any]) -> Callable[[FleetRow], Any]:
    return lambda row: None if row.traffic is None else of(row.traffic)


@click.command("endpoints")
@click.option(
    "--window",
    type=DURATION,
    default="5m",
    show_default=True,
    metavar="SPAN",
    help="The span traffic is counted over.",
)
@click.option("--now", type=INSTANT, metavar="TIME", help="Where the span ends.")
@format_option
@zone_option
@click.pass_obj
def command(home: Home, window: timedelta, now: datetime | None, form: str, zone: tzinfo) -> None:
    """List the deployments with their settings and traffic.

    Refused and TimedOut are the shares of requests answered 503 and 504.
    """
    from sentinel.cli.listing import write_list
    from sentinel.cli.opened import opened_engine, opened_state
    from sentinel.clock import SystemClock
    from sentinel.report.fleet import fleet

    with opened_state(home) as state, opened_engine(home) as engine:
        rows = fleet(engine, state, now or SystemClock().now(), window=window)
        write_list(form, _fields(), rows, zone=zone)
