"""The fleet: every deployment in a line, and the selected one in full."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from textual.app import ComposeResult
from textual.widgets import Static

from sentinel.report.charts import columns, sparkline, stretched
from sentinel.report.fleet import WINDOW, FleetRow, fleet
from sentinel.report.text import NOTHING, ago, milliseconds, number, share
from sentinel.tui.desk import Desk
from sentinel.tui.grid import Cell, Column, Grid, Row, Tone
from sentinel.tui.paint import paint
from sentinel.tui.pane import Pane
from sentinel.tui.tones import INCIDENT

_COLUMNS: Final = (
    Column("DEPLOYMENT", least=12, most=28),
    Column("REPLICAS", right=True),
    Column("TARGET", right=True, from_width=86),
    Column("REQ/S", right=True, least=5),
    Column("LAST 5 MIN", least=10, most=20),
    Column("503", right=True, least=6),
    Column("504", right=True, least=6),
    Column("P95", right=True, least=6),
    Column("INCIDENT", grows=True, least=8),
    Column("SYMPTOM", most=24, from_width=104),
)
_EMPTY: Final = (
    "No deployment reported anything yet. `sentinel up` collects, `sentinel demo` shows it working."
)


@dataclass(frozen=True, slots=True)
class FleetPicture:
    """The deployments as they were read."""

    rows: tuple[FleetRow, ...]
    now: datetime


def read_fleet(desk: Desk) -> FleetPicture:
    """Read the deployments."""
    now, engine = desk.now(), desk.engine()
    return FleetPicture(fleet(engine, desk.state(), now) if engine else (), now)


class FleetPane(Pane[FleetPicture]):
    """The deployments."""

    DEFAULT_CSS = """
    FleetPane {
        & > #fleet-detail { height: 45%; min-height: 9; max-height: 16; padding: 0 1; background: $panel; }
    }
    """

    def __init__(self, desk: Desk) -> None:
        super().__init__(desk, id="fleet")
        self._picture: FleetPicture | None = None

    def compose(self) -> ComposeResult:
        """The grid and, below it, the selected deployment."""
        yield Grid(_COLUMNS, id="fleet-grid", empty=_EMPTY)
        yield Static("", id="fleet-detail", markup=False)

    def question(self) -> Callable[[Desk], FleetPicture]:
        """Read the fleet."""
        return read_fleet

    def draw(self, picture: FleetPicture) -> None:
        """Show the deployments."""
        self._picture = picture
        self.query_one("#fleet-grid", Grid).fill([fleet_line(row) for row in picture.rows])
        self._show_selected()

    def on_grid_moved(self, event: Grid.Moved) -> None:
        """Show the selected deployment."""
        event.stop()
        self._show_selected()

    def _show_selected(self) -> None:
        selected = self.query_one("#fleet-grid", Grid).selected
        rows = self._picture.rows if self._picture else ()
        row = next((row for row in rows if row.target.label == selected), None)
        detail = self.query_one("#fleet-detail", Static)
        detail.update(
            paint(fleet_detail(row, self._picture.now, detail.size.width, detail.size.height))
            if row and self._picture
            else ""
        )


def fleet_line(row: FleetRow) -> Row:
    """A deployment as a line of the grid."""
    settings, traffic, incident = row.settings, row.traffic, row.incident
    none = Cell(NOTHING, Tone.DIM)
    full = settings is not None and settings.replicas >= settings.maximum
    return Row(
        row.target.label,
        (
            Cell(row.target.label),
            Cell(
                f"{settings.ready}/{settings.maximum}{' full' if full else ''}",
                Tone.WARN if full else Tone.PLAIN,
            )
            if settings
            else none,
            Cell(f"{settings.target_utilization}%") if settings else none,
            Cell(number(round(traffic.per_second, 1))) if traffic else none,
            Cell(sparkline(traffic.trend, 10), Tone.CHART) if traffic else none,
            _share(traffic.refused_share) if traffic else none,
            _share(traffic.timed_out_share) if traffic else none,
            Cell(milliseconds(traffic.p95_ms)) if traffic else none,
            Cell(incident.state.value, INCIDENT[incident.state])
            if incident
            else Cell("none" if traffic else NOTHING, Tone.DIM),
            Cell(incident.symptom if incident else ""),
        ),
    )


def _share(part: float) -> Cell:
    tone = Tone.DIM if part == 0 else Tone.BAD if part >= 0.01 else Tone.WARN  # noqa: PLR2004
    return Cell(share(part), tone)


def fleet_detail(row: FleetRow, now: datetime, width: int, height: int) -> list[str]:
    """A deployment in full: settings, the request rate as columns, and what is known of its incident."""
    lines = [row.target.label]
    if row.settings is not None:
        one = row.settings
        lines[0] += f": {one.ready} of {one.replicas} replicas ready, {one.minimum} to {one.maximum}" + (
            ", update in flight" if one.updating else ""
        )
        lines.append(
            f"target {one.target_utilization}% · timeout {milliseconds(one.request_timeout_ms)} ·"
            f" concurrency {one.max_concurrency} · wait {milliseconds(one.queue_wait_ms)} ·"
            f" read {ago(one.at, now)}"
        )
    if row.incident is not None:
        lines.append(
            f"{row.incident.state}: {row.incident.cause or row.incident.why or row.incident.symptom}"
        )
        if row.incident.changes:
            lines.append(f"{row.incident.changes}")
    if row.traffic is not None:
        peak = max(row.traffic.trend, default=0)
        step = WINDOW.total_seconds() / max(1, len(row.traffic.trend))
        lines.append(f"requests/s over 5 minutes, at most {number(round(peak / step, 1))}")
        lines += columns(stretched(row.traffic.trend, width), width, max(1, height - len(lines)))
    return lines
