"""`sentinel query`."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable
from datetime import datetime, timedelta, tzinfo
from typing import IO, TYPE_CHECKING, Any, Final

import click

from sentinel.cli.arguments import DURATION, INSTANT
from sentinel.cli.home import Home
from sentinel.cli.output import format_option, narrate, noun, write_lines, write_rows, zone_option
from sentinel.cli.question import Everyday, Question, everyday_question

if TYPE_CHECKING:
    from sentinel.query.engine import Engine
    from sentinel.query.result import Result


_EXAMPLES: Final = """\b
Examples:
  sentinel query 'AmlComputeJobEvent | summarize count() by ExecutionState'
  sentinel query --state Failed --since 24h --cluster 'gpu-*' --format csv
  sentinel query --latest --job 'train-*' --tz local
  sentinel query --state Failed --follow
"""


@click.command("query", epilog=_EXAMPLES)
@click.argument("kql", required=False, metavar="[KQL]")
@click.option(
    "--file", "file", type=click.File(encoding="utf-8"), metavar="FILE", help="Read the KQL from a file."
)
@click.option("--state", default="", metavar="STATE", help="Jobs in this ExecutionState, such as Failed.")
@click.option("--cluster", default="", metavar="NAME", help="Jobs on this cluster; * stands for any text.")
@click.option("--job", default="", metavar="NAME", help="Jobs of this name; * stands for any text.")
@click.option("--since", type=DURATION, metavar="SPAN", help="Only this long before now: 90s, 15m, 24h, 7d.")
@click.option("--latest", is_flag=True, help="The current state of each job instead of its events.")
@click.option("--follow", is_flag=True, help="Then go on with new rows as they are taken in, until Ctrl-C.")
@click.option("--limit", type=click.IntRange(min=1), metavar="N", help="At most the first N rows.")
@click.option(
    "--now", type=INSTANT, metavar="TIME", help="What now() is in the query and --since counts from."
)
@click.option(
    "--chart/--no-chart",
    "chart",
    default=None,
    help="Draw what `render` asks for instead of a table. [default: on a terminal]",
)
@click.option("--explain", is_flag=True, help="Show the plan and the SQL of the KQL instead of running it.")
@click.option("--tables", is_flag=True, help="List the tables that can be asked.")
@click.option("--schema", metavar="TABLE", default="", help="List the columns of a table.")
@format_option
@zone_option
@click.pass_obj
def command(
    home: Home,
    kql: str | None,
    file: IO[str] | None,
    state: str,
    cluster: str,
    job: str,
    since: timedelta | None,
    latest: bool,
    follow: bool,
    limit: int | None,
    now: datetime | None,
    chart: bool | None,
    explain: bool,
    tables: bool,
    schema: str,
    form: str,
    zone: tzinfo,
) -> None:
    """Ask the telemetry in KQL, or by flags for the everyday question.

    KQL is the text of the query; `-` reads it from standard input. Without KQL the flags ask about jobs. It works
    whether or not a daemon runs. A query that is refused ends with code 4 and shows the place.
    """
    from sentinel.cli.opened import opened_engine
    from sentinel.clock import SystemClock

    if tables or schema:
        from sentinel.cli.catalogue import write_columns, write_tables

        if schema:
            write_columns(form, schema)
        else:
            write_tables(form)
        return
    everyday = Everyday(state, cluster, job, since, latest)
    ask = _question(kql, file, everyday)
    if explain:
        from sentinel.cli.catalogue import write_explanation

        write_explanation(ask(now or SystemClock().now()))
        return
    if follow and form == "json":
        raise click.UsageError("--follow never ends, so it cannot write one JSON array; take --format jsonl")
    if follow and now is not None:
        raise click.UsageError("--follow goes with the clock; leave --now out")
    with opened_engine(home) as engine:
        if follow:
            _follow(engine, ask, form, zone, limit)
        else:
            at = now or SystemClock().now()
            asked = ask(at)
            _write(engine.query(asked.text, now=at, parameters=asked.parameters), form, zone, limit, chart)


def _question(kql: str | None, file: IO[str] | None, everyday: Everyday) -> Callable[[datetime], Question]:
    if [kql is not None, file is not None, bool(everyday)].count(True) > 1:
        raise click.UsageError("give KQL, --file or flags such as --state, not several of them")
    if everyday:
        return lambda now: everyday_question(everyday, now)
    text = file.read() if file is not None else sys.stdin.read() if kql == "-" else kql
    if text is None or not text.strip():
        raise click.UsageError("nothing is asked; give KQL, or flags such as --state Failed --since 24h")
    return lambda _now: Question(text)


def _write(result: Result, form: str, zone: tzinfo, limit: int | None, chart: bool | None) -> None:
    rows = result.rows if limit is None else result.rows[:limit]
    wanted = sys.stdout.isatty() if chart is None else chart
    if not (wanted and form == "table" and _draw(result, rows, zone)):
        write_rows(form, result.columns, rows, zone=zone)
    if len(rows) < len(result.rows):
        left = len(result.rows) - len(rows)
        are = noun(left, "row is", "rows are")
        narrate(f"{left:,} more {are} not shown (--limit {limit})")


def _draw(result: Result, rows: list[tuple[Any, ...]], zone: tzinfo) -> bool:
    """Draw the chart `render` asks for; whether there is one for these rows."""
    from sentinel.cli.charts import drawn

    width = shutil.get_terminal_size().columns
    lines = drawn(result.visualization, result.columns, rows, width=width, zone=zone)
    if lines is not None:
        write_lines(lines)
    return lines is not None


def _follow(
    engine: Engine, ask: Callable[[datetime], Question], form: str, zone: tzinfo, limit: int | None
) -> None:
    from threading import Event

    from sentinel.cli.following import follow
    from sentinel.clock import SystemClock

    pause, first = Event(), True
    try:
        for result in follow(engine, ask, SystemClock().now, lambda: not pause.wait(1.0)):
            rows = result.rows[:limit] if first and limit is not None else result.rows
            if first or rows:
                write_rows(form, result.columns, rows, zone=zone, header=first)
            first = False
    except KeyboardInterrupt:
        return
