"""The terminal dashboard: screens that show what the store holds and ask for decisions."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import ClassVar, Final

from textual.app import App, ComposeResult
from textual.binding import Binding, BindingType
from textual.widgets import ContentSwitcher, Footer

from sentinel.clock import Clock
from sentinel.errors import DecisionError
from sentinel.report.plans import PlanRow
from sentinel.report.text import target_name
from sentinel.tui.approvals import ApprovalsPane, plan_lines
from sentinel.tui.ask import Ask
from sentinel.tui.boards import BoardsPane
from sentinel.tui.console import Console
from sentinel.tui.desk import Desk
from sentinel.tui.fleet import FleetPane
from sentinel.tui.incidents import IncidentsPane
from sentinel.tui.jobs import JobsPane
from sentinel.tui.overview import Overview, read_overview
from sentinel.tui.panel_view import PanelView
from sentinel.tui.status_bar import StatusBar
from sentinel.tui.tab_bar import Tab, TabBar
from sentinel.tui.theme import THEME

_TABS: Final = (
    Tab("fleet", "Fleet", "1"),
    Tab("jobs", "Jobs", "2"),
    Tab("incidents", "Incidents", "3"),
    Tab("approvals", "Approvals", "4"),
    Tab("console", "Query", "5"),
    Tab("boards", "Panels", "6"),
)
_Shown = FleetPane | JobsPane | IncidentsPane | ApprovalsPane | Console | BoardsPane
_MAKERS: Final[Mapping[str, Callable[[Desk], _Shown]]] = {
    "fleet": FleetPane,
    "jobs": JobsPane,
    "incidents": IncidentsPane,
    "approvals": ApprovalsPane,
    "console": Console,
    "boards": BoardsPane,
}


def _tab_binding(tab: Tab) -> Binding:
    return Binding(
        f"{tab.key},f{tab.key}",
        f"open('{tab.name}')",
        tab.title,
        show=False,
        id=f"app.{tab.name}",
        tooltip=f"Open {tab.title}",
    )


class Dashboard(App[None]):
    """Sentinel in a terminal, over one home directory."""

    TITLE = "Sentinel"
    CSS = """
    Screen { layout: vertical; }
    ContentSwitcher { height: 1fr; }
    """
    ENABLE_COMMAND_PALETTE = False
    BINDINGS: ClassVar[list[BindingType]] = [
        *map(_tab_binding, _TABS),
        Binding(
            "S,f9",
            "stop_or_resume",
            "Stop",
            id="app.stop",
            tooltip="Stop every change, or let changes be made again",
        ),
        Binding("question_mark", "toggle_keys", "Keys", id="app.keys", tooltip="List every key"),
        Binding("q", "quit", "Quit", id="app.quit", tooltip="Leave the dashboard; the daemon goes on"),
    ]

    def __init__(self, home: Path, clock: Clock | None = None) -> None:
        super().__init__()
        self._desk = Desk(home, clock)
        self._status_bar = StatusBar(home)
        self._tab_bar = TabBar(_TABS)
        self._stopped: str | None = None
        self._looking = False
        self._made: dict[str, _Shown] = {}

    def compose(self) -> ComposeResult:
        """The status, the screens, the keys."""
        yield self._status_bar
        yield self._tab_bar
        yield ContentSwitcher()
        yield Footer()

    async def on_mount(self) -> None:
        """Begin with the fleet."""
        self.register_theme(THEME)
        self.theme = THEME.name
        await self.action_open("fleet")
        self.set_interval(1.0, self._look)
        self._look()

    async def on_unmount(self) -> None:
        """Close what was opened."""
        self._desk.close()

    async def action_open(self, name: str) -> None:
        """Open a screen, which is made when it is first wanted."""
        switcher = self.query_one(ContentSwitcher)
        if name not in self._made:
            self._made[name] = _MAKERS[name](self._desk)
            await switcher.add_content(self._made[name])
        switcher.current = name
        self._tab_bar.mark(name)
        self._made[name].open()

    async def on_tab_bar_picked(self, event: TabBar.Picked) -> None:
        """Open the screen that was clicked."""
        await self.action_open(event.name)

    async def on_panel_view_opened(self, event: PanelView.Opened) -> None:
        """Ask a panel's query in the KQL panel."""
        await self.action_open("console")
        self.query_one(Console).put(event.query.strip())

    def action_toggle_keys(self) -> None:
        """List every key beside the screen, or take the list away."""
        if self.screen.query("HelpPanel"):
            self.action_hide_help_panel()
        else:
            self.action_show_help_panel()

    def action_stop_or_resume(self) -> None:
        """Ask whether to stop every change, or to let changes be made again."""
        if not self._desk.can_decide:
            self.notify(f"{self._desk.home} cannot be written", title="Read-only", severity="warning")
            return
        if self._stopped is None:
            question = Ask(
                "Stop every change, everywhere?",
                ["Nothing is applied or undone until someone resumes. Detection and telling go on."],
                yes="stop",
            )
            self.push_screen(question, partial(self._decide, self._desk.stop, "Stopped"))
        else:
            question = Ask("Let changes be made again?", [f"Stopped: {self._stopped}"], yes="resume")
            self.push_screen(question, partial(self._decide, self._resume, "Resumed"))

    def on_approvals_pane_decided(self, event: ApprovalsPane.Decided) -> None:
        """Ask before a decision is stored."""
        row, now = event.row, self._desk.now()
        verb, act, done = (
            ("Approve", self._desk.approve, "Approved")
            if event.approve
            else ("Deny", self._desk.deny, "Denied")
        )
        question = Ask(f"{verb} {_named(row)}?", plan_lines(row, now)[1:], yes=verb.lower())
        self.push_screen(question, partial(self._decide, partial(act, row.incident), f"{done} {_named(row)}"))

    def on_incidents_pane_undo_asked(self, event: IncidentsPane.UndoAsked) -> None:
        """Ask before a change is taken back."""
        if not self._desk.can_decide:
            self.notify(f"{self._desk.home} cannot be written", title="Read-only", severity="warning")
            return
        row = event.row
        question = Ask(
            f"Undo {row.changes or 'what was changed'} for {target_name(row.target)}?",
            [f"incident {row.id} ({row.state}): {row.why}"],
            yes="undo",
        )
        self.push_screen(question, partial(self._decide, partial(self._desk.undo, row.id), "Undo asked for"))

    def _resume(self, _reason: str) -> None:
        self._desk.resume()

    def _decide(self, act: Callable[[str], object], done: str, reason: str | None) -> None:
        if reason is not None:
            self.run_worker(self._store_decision(act, done, reason), group="decision")

    async def _store_decision(self, act: Callable[[str], object], done: str, reason: str) -> None:
        try:
            await self._desk.picture(lambda _desk: act(reason))
        except (DecisionError, OSError) as error:
            self.notify(str(error), title="Not done", severity="error", markup=False)
            return
        self.notify(done, markup=False)
        self._look()
        for shown in self._made.values():
            if isinstance(shown, IncidentsPane | ApprovalsPane) and shown.display:
                shown.reload()

    def _look(self) -> None:
        if not self._looking:
            self._looking = True
            self.run_worker(self._read_overview(), group="overview")

    async def _read_overview(self) -> None:
        try:
            self._show(await self._desk.picture(read_overview))
        finally:
            self._looking = False

    def _show(self, overview: Overview) -> None:
        self._stopped = overview.status.stopped
        self._status_bar.tell(overview.status)
        self._tab_bar.count({"incidents": overview.status.open_incidents, "approvals": overview.waiting})


def _named(row: PlanRow) -> str:
    return f"{row.changes} for {target_name(row.target)}"


def run_dashboard(home: Path) -> None:
    """Show the dashboard until the person leaves it."""
    Dashboard(home).run()
