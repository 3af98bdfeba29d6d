"""The jobs: how many are in each state, the newest ones, and what the selected one says."""

from __future__ import annotations

import shlex
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from typing import ClassVar, Final

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.widgets import Input, Static

from sentinel.clock import format_span, parse_span
from sentinel.report.jobs import JobCount, JobFilter, JobRow, job_list, jobs_by_state
from sentinel.report.text import NOTHING, ago, moment, number, one_line
from sentinel.tui.desk import Desk
from sentinel.tui.grid import Cell, Column, Grid, Row, Tone
from sentinel.tui.paint import paint
from sentinel.tui.pane import Pane
from sentinel.tui.tones import of_job

LIMIT: Final = 500
"""Jobs listed; the counts are of all."""
_COLUMNS: Final = (
    Column("JOB", least=12, most=32),
    Column("STATE", least=9),
    Column("CLUSTER", most=20),
    Column("EXPERIMENT", most=20, from_width=100),
    Column("SINCE", right=True),
    Column("ERROR", grows=True, least=8),
)


@dataclass(frozen=True, slots=True)
class JobsPicture:
    """The jobs as they were read."""

    counts: tuple[JobCount, ...]
    rows: tuple[JobRow, ...]
    now: datetime


def read_jobs(desk: Desk, wanted: JobFilter) -> JobsPicture:
    """Read the jobs a filter asks for; the counts leave the state out of it."""
    now, engine = desk.now(), desk.engine()
    if engine is None:
        return JobsPicture((), (), now)
    counts = jobs_by_state(engine, now, replace(wanted, state=""))
    return JobsPicture(counts, job_list(engine, now, wanted, limit=LIMIT), now)


class JobsPane(Pane[JobsPicture]):
    """The jobs."""

    DEFAULT_CSS = """
    JobsPane {
        & > #jobs-counts { height: auto; max-height: 3; padding: 0 1; background: $panel; }
        & > #jobs-filter { display: none; height: 1; border: none; padding: 0 1; background: $boost; }
        & > #jobs-filter.-open { display: block; }
        & > #jobs-detail { height: 5; padding: 0 1; background: $panel; }
    }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("s", "next_state", "State", id="jobs.state", tooltip="Show only the jobs of the next state"),
        Binding("slash", "ask_filter", "Filter", id="jobs.filter", tooltip="Filter by name, cluster and age"),
        Binding("escape", "clear", "Clear", id="jobs.clear", tooltip="Show all jobs again"),
    ]

    def __init__(self, desk: Desk) -> None:
        super().__init__(desk, id="jobs")
        self._wanted = JobFilter()
        self._picture: JobsPicture | None = None

    def compose(self) -> ComposeResult:
        """The counts, the filter, the jobs, and the selected one."""
        yield Static("", id="jobs-counts", markup=False)
        yield Input(placeholder="name, cluster:gpu-*, state:Failed, since:24h", id="jobs-filter")
        yield Grid(
            _COLUMNS, id="jobs-grid", empty="No job is known. `sentinel ingest` takes AmlComputeJobEvent."
        )
        yield Static("", id="jobs-detail", markup=False)

    def question(self) -> Callable[[Desk], JobsPicture]:
        """Read the jobs the filter asks for."""
        return partial(read_jobs, wanted=self._wanted)

    def draw(self, picture: JobsPicture) -> None:
        """Show the jobs."""
        self._picture = picture
        self.query_one("#jobs-counts", Static).update(counts_line(picture.counts, self._wanted))
        grid = self.query_one("#jobs-grid", Grid)
        grid.fill([job_line(row, picture.now) for row in picture.rows])
        self._show_selected()

    def on_grid_moved(self, event: Grid.Moved) -> None:
        """Show the selected job."""
        event.stop()
        self._show_selected()

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Filter by what was typed."""
        event.stop()
        try:
            self._wanted = parse_filter(event.value)
        except ValueError as error:
            self.notify(str(error), title="This filter is not understood", severity="error", markup=False)
            return
        event.input.set_class(bool(event.value), "-open")
        self.query_one("#jobs-grid", Grid).focus()
        self.reload()

    def action_next_state(self) -> None:
        """Ask for the next state that has jobs, and after the last one for all."""
        counts = self._picture.counts if self._picture else ()
        states = ["", *(count.state for count in counts)]
        place = states.index(self._wanted.state) if self._wanted.state in states else 0
        self._wanted = replace(self._wanted, state=states[(place + 1) % len(states)])
        self.reload()

    def action_ask_filter(self) -> None:
        """Open the line the filter is typed into."""
        line = self.query_one("#jobs-filter", Input)
        line.add_class("-open")
        line.focus()

    def action_clear(self) -> None:
        """Forget the filter."""
        self._wanted = JobFilter()
        line = self.query_one("#jobs-filter", Input)
        line.value = ""
        line.remove_class("-open")
        self.query_one("#jobs-grid", Grid).focus()
        self.reload()

    def _show_selected(self) -> None:
        selected = self.query_one("#jobs-grid", Grid).selected
        rows = self._picture.rows if self._picture else ()
        row = next((row for row in rows if _key(row) == selected), None)
        self.query_one("#jobs-detail", Static).update(paint(job_detail(row)) if row else "")


def parse_filter(text: str) -> JobFilter:
    """The filter written as `train-*  cluster:gpu-*  state:Failed  since:24h`.

    Raises:
        ValueError: A key is unknown, a duration is none, or a quote is not closed.
    """
    fields: dict[str, str] = {}
    for word in shlex.split(text):
        key, colon, value = word.partition(":")
        if not colon:
            key, value = "name", f"*{word}*" if "*" not in word else word
        if key not in ("name", "cluster", "state", "since"):
            raise ValueError(f"{key!r} is not one of name, cluster, state, since")
        fields[key] = value
    since = parse_span(fields.pop("since")) if "since" in fields else None
    return JobFilter(**fields, since=since)


def counts_line(counts: tuple[JobCount, ...], wanted: JobFilter) -> str:
    """The states with their counts; the one asked for stands in brackets."""
    total = sum(count.jobs for count in counts)
    parts = [("all", total, not wanted.state)]
    parts += [(count.state or "(none)", count.jobs, count.state == wanted.state != "") for count in counts]
    line = "  ".join(
        f"[{name} {number(jobs)}]" if chosen else f" {name} {number(jobs)} " for name, jobs, chosen in parts
    )
    more = [f"cluster {wanted.cluster}"] if wanted.cluster else []
    more += [f"name {wanted.name}"] if wanted.name else []
    more += [f"since {format_span(wanted.since)}"] if wanted.since else []
    return line + (f"\nonly {', '.join(more)}" if more else "")


def job_line(row: JobRow, now: datetime) -> Row:
    """A job as a line of the grid."""
    return Row(
        _key(row),
        (
            Cell(row.name or row.id),
            Cell(row.state or NOTHING, of_job(row.state)),
            Cell(row.cluster or NOTHING),
            Cell(row.experiment or NOTHING),
            Cell(ago(row.at, now), Tone.DIM),
            Cell(one_line(row.error), Tone.BAD if row.error else Tone.PLAIN),
        ),
    )


def job_detail(row: JobRow) -> list[str]:
    """A job in full."""
    where = " · ".join(
        f"{name} {value}"
        for name, value in (
            ("cluster", row.cluster),
            ("node", row.node),
            ("experiment", row.experiment),
            ("workspace", row.workspace),
        )
        if value
    )
    head = f"{row.name or row.id}: {row.state} since {moment(row.at)} ({row.event or 'no event type'})"
    return [head, *([where] if where else []), *([one_line(row.error)] if row.error else [])]


def _key(row: JobRow) -> str:
    return f"{row.workspace}/{row.id or row.name}"
