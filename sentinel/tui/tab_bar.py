"""The line of screens, with what waits in each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from rich.text import Text
from textual.events import Click
from textual.message import Message
from textual.widget import Widget


@dataclass(frozen=True, slots=True)
class Tab:
    """One screen: what it is called and the key that opens it."""

    name: str
    title: str
    key: str


class TabBar(Widget):
    """Names the screens; the one that is open stands between brackets."""

    DEFAULT_CSS = """
    TabBar { height: 1; background: $panel; color: $text-muted; }
    """

    @dataclass
    class Picked(Message):
        """A screen was asked for."""

        name: str

    def __init__(self, tabs: Sequence[Tab]) -> None:
        super().__init__()
        self._tabs = tuple(tabs)
        self._open = tabs[0].name
        self._waiting: Mapping[str, int] = {}

    def mark(self, name: str) -> None:
        """Show which screen is open."""
        self._open = name
        self.refresh()

    def count(self, waiting: Mapping[str, int]) -> None:
        """Show how much waits in each screen; nothing is shown for none."""
        if waiting != self._waiting:
            self._waiting = dict(waiting)
            self.refresh()

    def render(self) -> Text:
        """The line."""
        line = Text(no_wrap=True)
        for tab in self._tabs:
            label = self._label(tab)
            is_open = tab.name == self._open
            line.append(f"[{label}]" if is_open else f" {label} ", "bold reverse" if is_open else "")
        return line

    def on_click(self, event: Click) -> None:
        """Ask for the screen that was clicked."""
        end = 0
        for tab in self._tabs:
            end += len(self._label(tab)) + 2
            if event.x < end:
                self.post_message(self.Picked(tab.name))
                return

    def _label(self, tab: Tab) -> str:
        count = self._waiting.get(tab.name, 0)
        return f"{tab.key} {tab.title}" + (f" ({count})" if count else "")
