"""One panel of a board: a title, and the rows of its query drawn below it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.events import Resize
from textual.message import Message
from textual.widgets import Static

from sentinel.report.panels import Panel
from sentinel.tui.paint import paint
from sentinel.tui.plot import Answer, plot


class PanelView(Static, can_focus=True):
    """Draws the newest answer of a panel, or why there is none."""

    DEFAULT_CSS = """
    PanelView {
        height: auto; min-height: 4; border: round $border-blurred; padding: 0 1;
        border-title-color: $text; border-title-style: bold; border-subtitle-color: $text-muted;
    }
    PanelView:focus { border: round $primary; }
    PanelView.-failed { color: $text-error; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(
            "enter",
            "open",
            "Open in Query",
            id="panel.open",
            tooltip="Put this panel's query into the KQL panel",
        ),
    ]

    @dataclass
    class Opened(Message):
        """The query of a panel is to be asked in the KQL panel."""

        query: str

    def __init__(self, panel: Panel) -> None:
        super().__init__("…", markup=False)
        self.panel = panel
        self.border_title = panel.title.replace("[", "(")
        self.border_subtitle = panel.unit
        self._answer: Answer | None = None

    def tell(self, answer: Answer | str) -> None:
        """Draw an answer, or say why there is none."""
        self.set_class(isinstance(answer, str), "-failed")
        if isinstance(answer, str):
            self._answer = None
            self.update(answer)
        else:
            self._answer = answer
            self._draw()

    def on_resize(self, _event: Resize) -> None:
        """Draw again as wide as there is room."""
        self._draw()

    def action_open(self) -> None:
        """Hand the query over."""
        self.post_message(self.Opened(self.panel.query))

    def _draw(self) -> None:
        if self._answer is not None:
            self.update(paint(plot(self._answer, self.panel.kind, max(20, self.size.width)), titled=False))
