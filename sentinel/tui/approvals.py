"""The plans that wait for a person, and those that were decided."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar, Final

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.message import Message
from textual.widgets import Static

from sentinel.report.explain import formula_lines
from sentinel.report.outlook import outlook_lines
from sentinel.report.plans import PlanRow, Standing, plan_list
from sentinel.report.text import ago, moment, target_name
from sentinel.tui.desk import Desk
from sentinel.tui.grid import Cell, Column, Grid, Row, Tone
from sentinel.tui.paint import paint
from sentinel.tui.pane import Pane
from sentinel.tui.tones import STANDING

_MARGIN: Final = 3
_COLUMNS: Final = (
    Column("STANDING", least=9),
    Column("TARGET", least=10, most=28),
    Column("CHANGE", least=16, most=36),
    Column("EXPIRES", right=True, least=8),
    Column("MODE", from_width=100),
    Column("CAUSE", grows=True, least=8),
)


@dataclass(frozen=True, slots=True)
class PlansPicture:
    """The plans as they were read."""

    rows: tuple[PlanRow, ...]
    now: datetime


def read_plans(desk: Desk) -> PlansPicture:
    """Read the plans."""
    now = desk.now()
    return PlansPicture(plan_list(desk.state(), now), now)


class ApprovalsPane(Pane[PlansPicture]):
    """The plans."""

    DEFAULT_CSS = """
    ApprovalsPane {
        & > #approvals-grid { height: 1fr; }
        & > #approvals-detail { height: auto; min-height: 4; max-height: 60%; padding: 0 1; background: $panel;
            scrollbar-size-vertical: 1; }
        & > #approvals-detail > Static { height: auto; }
    }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(
            "a", "decide(True)", "Approve", id="approvals.approve", tooltip="Let the selected plan be applied"
        ),
        Binding("d", "decide(False)", "Deny", id="approvals.deny", tooltip="Forbid the selected plan"),
        Binding(
            "tab", "swap_focus", "Scroll", id="approvals.focus", tooltip="Move between the plans and the text"
        ),
    ]

    @dataclass
    class Decided(Message):
        """A plan is to be approved or denied; nothing is stored yet."""

        row: PlanRow
        approve: bool

    def __init__(self, desk: Desk) -> None:
        super().__init__(desk, id="approvals")
        self._picture: PlansPicture | None = None

    def compose(self) -> ComposeResult:
        """The plans, and the selected one in full."""
        yield Grid(
            _COLUMNS, id="approvals-grid", empty="No plan was made yet, so there is nothing to decide."
        )
        with VerticalScroll(id="approvals-detail"):
            yield Static("", markup=False)

    def question(self) -> Callable[[Desk], PlansPicture]:
        """Read the plans."""
        return read_plans

    def draw(self, picture: PlansPicture) -> None:
        """Show the plans."""
        self._picture = picture
        self.query_one("#approvals-grid", Grid).fill([plan_line(row, picture.now) for row in picture.rows])
        self._show_selected()

    def on_grid_moved(self, event: Grid.Moved) -> None:
        """Show the selected plan."""
        event.stop()
        self._show_selected()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Offer decisions only where one can be made."""
        if action == "decide":
            row = self._selected()
            return self.desk.can_decide and row is not None and row.standing is Standing.WAITING
        return super().check_action(action, parameters)

    def action_decide(self, approve: bool) -> None:  # noqa: FBT001 - Textual passes what the binding says
        """Ask for a decision on the selected plan."""
        row = self._selected()
        if row is not None:
            self.post_message(self.Decided(row, approve))

    def action_swap_focus(self) -> None:
        """Move between the plans and the selected one in full."""
        grid, told = (
            self.query_one("#approvals-grid", Grid),
            self.query_one("#approvals-detail", VerticalScroll),
        )
        (told if grid.has_focus else grid).focus()

    def _selected(self) -> PlanRow | None:
        if self._picture is None:
            return None
        key = self.query_one("#approvals-grid", Grid).selected
        return next((row for row in self._picture.rows if row.plan.id == key), None)

    def _show_selected(self) -> None:
        row = self._selected()
        detail = self.query_one("#approvals-detail Static", Static)
        width = max(40, self.size.width - _MARGIN)
        if row is None or self._picture is None:
            detail.update("")
        else:
            detail.update(paint([*plan_lines(row, self._picture.now), *simulated_lines(row, width)]))
        self.refresh_bindings()


def plan_line(row: PlanRow, now: datetime) -> Row:
    """A plan as a line of the grid."""
    waits = row.standing is Standing.WAITING
    return Row(
        row.plan.id,
        (
            Cell(row.standing.value, STANDING[row.standing]),
            Cell(target_name(row.target)),
            Cell(row.changes),
            Cell(ago(row.plan.expires, now) if waits else "", Tone.WARN),
            Cell(row.mode.value, Tone.DIM),
            Cell(row.cause),
        ),
    )


def plan_lines(row: PlanRow, now: datetime) -> list[str]:
    """A plan in full: what changes, why, by which formula, and until when."""
    lines = [f"{target_name(row.target)}: {row.changes}", row.cause]
    lines += [row.reason] if row.reason else []
    lines += formula_lines(row.plan.formula)
    lines.append(
        f"incident {row.incident} ({row.state}), {row.mode} mode, made {ago(row.plan.created, now)},"
        f" expires {moment(row.plan.expires)}"
    )
    return lines


def simulated_lines(row: PlanRow, width: int) -> list[str]:
    """What a simulation says of a plan; nothing if none was asked."""
    outlook = row.plan.outlook
    return ["", "SIMULATION", *outlook_lines(outlook, width)] if outlook is not None else []
