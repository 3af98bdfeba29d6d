"""The boards of `dashboards/*.yaml`, one at a time."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import ClassVar, Final

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.events import Resize
from textual.widgets import Static

from sentinel.clock import format_span, monotonic
from sentinel.errors import ConfigError, SentinelError
from sentinel.report.panels import Board, Panel, load_boards, parameters
from sentinel.tui.desk import Desk
from sentinel.tui.pane import Pane
from sentinel.tui.panel_view import PanelView
from sentinel.tui.plot import Answer

_WINDOWS: Final = tuple(
    timedelta(minutes=minutes) for minutes in (5, 15, 30, 60, 180, 360, 720, 1440, 4320, 10080)
)
_TWO_COLUMNS_FROM: Final = 130


@dataclass(frozen=True, slots=True)
class PanelsPicture:
    """What the panels that were due answered, or why they did not."""

    answers: tuple[tuple[Panel, Answer | str], ...]


def read_panels(desk: Desk, panels: tuple[Panel, ...], window: timedelta) -> PanelsPicture:
    """Ask the queries of panels; one that fails does not stop the others."""
    return PanelsPicture(tuple((panel, _read(desk, panel, window)) for panel in panels))


def _read(desk: Desk, panel: Panel, window: timedelta) -> Answer | str:
    engine, now = desk.engine(), desk.now()
    if engine is None:
        return "no telemetry yet"
    bound = parameters(window, now)
    step = bound["step"]
    assert isinstance(step, timedelta)  # noqa: S101 - what PARAMETERS says
    try:
        result = engine.query(panel.query, now=now, parameters=bound, cancel=desk.closing)
    except SentinelError as error:
        return str(error)
    except Exception as error:  # noqa: BLE001 - a panel is an edge: what fails in one is told in it
        return f"{type(error).__name__}: {error}"
    return Answer(result.columns, result.rows, now - window, now, step)


class BoardsPane(Pane[PanelsPicture]):
    """One board at a time, each of its panels read as often as it says."""

    DEFAULT_CSS = """
    BoardsPane {
        & > #boards-head { height: 1; padding: 0 1; background: $panel; }
        & > #boards-panels { height: 1fr; scrollbar-size-vertical: 1; }
        & > #boards-panels.-wide { layout: grid; grid-size: 2; grid-rows: auto; grid-gutter: 0 1; }
    }
    """
    FOCUS: ClassVar[str] = "#boards-panels"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("b", "turn(1)", "Next board", id="boards.next", tooltip="Show the next board"),
        Binding(
            "left_square_bracket", "widen(-1)", "Shorter", id="boards.shorter", tooltip="Show a shorter span"
        ),
        Binding(
            "right_square_bracket", "widen(1)", "Longer", id="boards.longer", tooltip="Show a longer span"
        ),
    ]

    def __init__(self, desk: Desk) -> None:
        super().__init__(desk, id="boards")
        self._boards: tuple[Board, ...] = ()
        self._open = 0
        self._window = timedelta(minutes=30)
        self._asked: dict[int, float] = {}
        self._wrong = ""

    def compose(self) -> ComposeResult:
        """The names of the boards and the panels of the open one."""
        yield Static("", id="boards-head", markup=False)
        yield VerticalScroll(id="boards-panels")

    async def on_mount(self) -> None:
        """Read the files of boards."""
        try:
            self._boards = load_boards()
        except ConfigError as error:
            self._wrong = str(error)
        await self._show_board()

    def question(self) -> Callable[[Desk], PanelsPicture]:
        """Ask the panels that are due."""
        now, due = monotonic(), []
        for place, panel in enumerate(self._panels):
            if now - self._asked.get(place, float("-inf")) >= panel.every.total_seconds():
                self._asked[place] = now
                due.append(panel)
        return partial(read_panels, panels=tuple(due), window=self._window)

    async def read(self, question: Callable[[Desk], PanelsPicture]) -> PanelsPicture:
        """Ask in the thread of queries: a board may be slow, decisions must not wait for it."""
        return await self.desk.query(question)

    def draw(self, picture: PanelsPicture) -> None:
        """Show the answers."""
        views = {view.panel: view for view in self.query(PanelView)}
        for panel, answer in picture.answers:
            if panel in views:
                views[panel].tell(answer)

    def on_resize(self, event: Resize) -> None:
        """Use two columns where there is room."""
        self.query_one("#boards-panels").set_class(event.size.width >= _TWO_COLUMNS_FROM, "-wide")

    async def action_turn(self, by: int) -> None:
        """Open another board."""
        if self._boards:
            self._open = (self._open + by) % len(self._boards)
            await self._show_board()
            self.reload()

    def action_widen(self, by: int) -> None:
        """Show a longer or a shorter span."""
        nearest = min(range(len(_WINDOWS)), key=lambda place: abs(_WINDOWS[place] - self._window))
        self._window = _WINDOWS[max(0, min(nearest + by, len(_WINDOWS) - 1))]
        self._asked.clear()
        self._show_head()
        self.reload()

    @property
    def _panels(self) -> tuple[Panel, ...]:
        return self._boards[self._open].panels if self._boards else ()

    async def _show_board(self) -> None:
        if self._boards:
            self._window = self._boards[self._open].window
        self._asked.clear()
        self._show_head()
        panels = self.query_one("#boards-panels", VerticalScroll)
        await panels.remove_children()
        await panels.mount(*(PanelView(panel) for panel in self._panels))
        panels.scroll_home(animate=False)

    def _show_head(self) -> None:
        names = "  ".join(
            f"[{board.title}]" if place == self._open else f" {board.title} "
            for place, board in enumerate(self._boards)
        )
        text = self._wrong or (
            f"{names}   last {format_span(self._window)}" if names else "no dashboards/*.yaml"
        )
        self.query_one("#boards-head", Static).update(text)
