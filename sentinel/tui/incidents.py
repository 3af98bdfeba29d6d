"""The incidents: the list, and the selected one explained or told as a time line."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import ClassVar, Final

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.events import Resize
from textual.message import Message
from textual.widgets import Static

from sentinel.report.explain import explain_lines, timeline_lines
from sentinel.report.incidents import IncidentDetail, IncidentRow, incident_detail, incident_list
from sentinel.report.text import ago, target_name
from sentinel.tui.desk import Desk
from sentinel.tui.grid import Cell, Column, Grid, Row, Tone
from sentinel.tui.paint import paint
from sentinel.tui.pane import Pane
from sentinel.tui.tones import INCIDENT

_COLUMNS: Final = (
    Column("STATE", least=9),
    Column("TARGET", least=10, most=28),
    Column("SYMPTOM", most=24, from_width=66),
    Column("OPENED", right=True),
    Column("CAUSE", grows=True, least=8),
    Column("CHANGE", most=28, from_width=100),
)
_MARGIN: Final = 1
_BESIDE_FROM: Final = 140


@dataclass(frozen=True, slots=True)
class IncidentsPicture:
    """The incidents as they were read, and the selected one told."""

    rows: tuple[IncidentRow, ...]
    told: tuple[str, ...]
    now: datetime


def read_incidents(
    desk: Desk, *, selected: str | None, closed: bool, whole: bool, width: int
) -> IncidentsPicture:
    """Read the list and tell the selected incident, else the first one."""
    state, now = desk.state(), desk.now()
    rows = tuple(sorted(incident_list(state, closed=closed), key=lambda row: row.state.is_closed))
    listed = [row.id for row in rows]
    shown = selected if selected in listed else next(iter(listed), None)
    detail = incident_detail(state, shown) if shown else None
    return IncidentsPicture(rows, tuple(_told(desk, detail, whole=whole, width=width)), now)


def _told(desk: Desk, detail: IncidentDetail | None, *, whole: bool, width: int) -> list[str]:
    if detail is None:
        return []
    if whole:
        return explain_lines(detail, desk.rules(), width=width)
    return list(timeline_lines(detail, width=width))


class IncidentsPane(Pane[IncidentsPicture]):
    """The incidents."""

    DEFAULT_CSS = """
    IncidentsPane {
        & > #incidents-grid { height: 1fr; max-height: 9; }
        & > #incidents-told { height: 2fr; padding: 0 1; background: $panel; scrollbar-size-vertical: 1; }
        & > #incidents-told > Static { height: auto; }
        &.-wide { layout: horizontal; }
        &.-wide > #incidents-grid { max-height: 100%; width: 2fr; }
        &.-wide > #incidents-told { width: 3fr; height: 1fr; }
    }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(
            "t",
            "toggle_told",
            "Time line",
            id="incidents.told",
            tooltip="Tell only the time line, or explain everything",
        ),
        Binding("c", "toggle_closed", "Closed", id="incidents.closed", tooltip="List closed incidents too"),
        Binding("u", "undo", "Undo", id="incidents.undo", tooltip="Take the applied change back"),
        Binding(
            "tab", "swap_focus", "Scroll", id="incidents.focus", tooltip="Move between the list and the text"
        ),
    ]

    @dataclass
    class UndoAsked(Message):
        """The change of an incident is to be taken back."""

        row: IncidentRow

    def __init__(self, desk: Desk) -> None:
        super().__init__(desk, id="incidents")
        self._with_closed = True
        self._whole = True
        self._listed: tuple[IncidentRow, ...] = ()

    def compose(self) -> ComposeResult:
        """The list and the text."""
        yield Grid(
            _COLUMNS,
            id="incidents-grid",
            empty="No incident. Nothing hurt for long enough, or no rule looked yet.",
        )
        with VerticalScroll(id="incidents-told"):
            yield Static("", markup=False)

    def question(self) -> Callable[[Desk], IncidentsPicture]:
        """Read the list and the selected incident."""
        return partial(
            read_incidents,
            selected=self.query_one("#incidents-grid", Grid).selected,
            closed=self._with_closed,
            whole=self._whole,
            width=max(40, self.query_one("#incidents-told").size.width - _MARGIN),
        )

    def draw(self, picture: IncidentsPicture) -> None:
        """Show the incidents."""
        self._listed = picture.rows
        self.query_one("#incidents-grid", Grid).fill(
            [incident_line(row, picture.now) for row in picture.rows]
        )
        self.query_one("#incidents-told Static", Static).update(paint(picture.told))

    def on_grid_moved(self, event: Grid.Moved) -> None:
        """Tell the selected incident."""
        event.stop()
        self.query_one("#incidents-told", VerticalScroll).scroll_home(animate=False)
        self.reload()

    def on_resize(self, event: Resize) -> None:
        """Put the text beside the list where there is room."""
        self.set_class(event.size.width >= _BESIDE_FROM, "-wide")

    def action_toggle_told(self) -> None:
        """Tell the time line, or explain."""
        self._whole = not self._whole
        self.reload()

    def action_toggle_closed(self) -> None:
        """List closed incidents, or leave them out."""
        self._with_closed = not self._with_closed
        self.reload()

    def action_undo(self) -> None:
        """Ask for the change to be taken back."""
        selected = self.query_one("#incidents-grid", Grid).selected
        row = next((row for row in self._listed if row.id == selected), None)
        if row is not None:
            self.post_message(self.UndoAsked(row))

    def action_swap_focus(self) -> None:
        """Move between the list and the text."""
        grid, told = (
            self.query_one("#incidents-grid", Grid),
            self.query_one("#incidents-told", VerticalScroll),
        )
        (told if grid.has_focus else grid).focus()


def incident_line(row: IncidentRow, now: datetime) -> Row:
    """An incident as a line of the grid."""
    return Row(
        row.id,
        (
            Cell(row.state.value, INCIDENT[row.state]),
            Cell(target_name(row.target)),
            Cell(row.symptom),
            Cell(ago(row.opened, now), Tone.DIM),
            Cell(row.cause or row.why),
            Cell(row.changes),
        ),
    )
