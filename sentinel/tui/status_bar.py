"""The first line: where we are, whether anything is stopped, what time it is."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from rich.cells import cell_len, set_cell_size
from rich.text import Text
from textual.widget import Widget

from sentinel.report.text import ago, time_of_day


@dataclass(frozen=True, slots=True)
class Status:
    """What the first line says."""

    now: datetime
    stopped: str | None
    """Why everything is stopped; `None` if it is not."""
    can_decide: bool
    evaluated: datetime | None
    """When a rule was last evaluated; `None` if none ever was."""
    open_incidents: int


class StatusBar(Widget):
    """Shows a `Status`; a stop is shouted, because nothing else matters then."""

    DEFAULT_CSS = """
    StatusBar { height: 1; background: $primary-muted; color: $foreground; }
    StatusBar.-stopped { background: $error; color: $background; text-style: bold; }
    """

    def __init__(self, home: Path) -> None:
        super().__init__()
        self._home = str(home).replace(str(Path.home()), "~", 1)
        self._status: Status | None = None

    def tell(self, status: Status) -> None:
        """Show a new status."""
        self._status = status
        self.set_class(status.stopped is not None, "-stopped")
        self.refresh()

    def render(self) -> Text:
        """The line: what it is on the left, the time on the right."""
        status, width = self._status, self.size.width
        if status is None:
            return Text(f" SENTINEL  {self._home}", no_wrap=True)
        right = f"{time_of_day(status.now)} UTC "
        left = f" SENTINEL  {self._news(status)}  {self._home}"
        room = max(0, width - cell_len(right) - 1)
        left = left if cell_len(left) <= room else set_cell_size(left, max(0, room - 1)) + "…"
        return Text(set_cell_size(left, room + 1) + right, no_wrap=True)

    def _news(self, status: Status) -> str:
        if status.stopped is not None:
            return f"■ STOPPED: {status.stopped}"
        parts = [self._pulse(status)]
        if status.open_incidents:
            parts.append(f"{status.open_incidents} open")
        if not status.can_decide and status.evaluated is not None:
            parts.append("read-only")
        return " · ".join(parts)

    def _pulse(self, status: Status) -> str:
        if status.evaluated is None:
            return "○ no rule was evaluated yet"
        quiet = (status.now - status.evaluated).total_seconds()
        last = ago(status.evaluated, status.now)
        return f"● watching ({last})" if quiet < 120 else f"○ last looked {last}: is the daemon up?"  # noqa: PLR2004
