"""A table that draws only the rows one sees, so that ten thousand of them cost what twenty do."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import ClassVar

from rich.cells import cell_len, set_cell_size
from rich.segment import Segment
from rich.style import Style
from textual.binding import Binding, BindingType
from textual.events import Click, Resize
from textual.geometry import Size
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.strip import Strip

_MEASURED_ROWS = 500
_GAP = 2


class Tone(StrEnum):
    """What a cell's colour says besides its words."""

    PLAIN = ""
    GOOD = "good"
    WARN = "warn"
    BAD = "bad"
    DIM = "dim"
    CHART = "chart"


@dataclass(frozen=True, slots=True)
class Cell:
    """A text with a tone."""

    text: str
    tone: Tone = Tone.PLAIN


@dataclass(frozen=True, slots=True)
class Column:
    """How a column is laid out.

    Its width is that of its widest cell, between `least` and `most`; a column that `grows` takes what is left over.
    A column wanted `from_width` is left out while the grid is narrower.
    """

    title: str
    right: bool = False
    least: int = 0
    most: int = 40
    grows: bool = False
    from_width: int = 0


@dataclass(frozen=True, slots=True)
class Row:
    """A line of the grid; `key` is what it stays selected by when the rows change."""

    key: str
    cells: tuple[Cell, ...]


class Grid(ScrollView, can_focus=True):
    """A table with a cursor."""

    DEFAULT_CSS = """
    Grid {
        height: 1fr;
        background: $surface;
        scrollbar-size-vertical: 1;
        scrollbar-size-horizontal: 1;
        & > .grid--header { color: $text-muted; text-style: bold; background: $panel; }
        & > .grid--cursor { background: $primary-muted; text-style: bold; }
        & > .grid--good { color: $text-success; }
        & > .grid--warn { color: $text-warning; text-style: bold; }
        & > .grid--bad { color: $text-error; text-style: bold; }
        & > .grid--chart { color: $primary; }
        & > .grid--dim { color: $secondary; }
        &:focus > .grid--cursor { background: $primary; color: $foreground; text-style: bold; }
    }
    """
    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "grid--header",
        "grid--cursor",
        "grid--good",
        "grid--warn",
        "grid--bad",
        "grid--dim",
        "grid--chart",
    }
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up,k", "move(-1)", "Up", show=False, id="grid.up", tooltip="Select the row above"),
        Binding("down,j", "move(1)", "Down", show=False, id="grid.down", tooltip="Select the row below"),
        Binding("pageup", "page(-1)", "Page up", show=False, id="grid.pageup", tooltip="Move a page up"),
        Binding(
            "pagedown", "page(1)", "Page down", show=False, id="grid.pagedown", tooltip="Move a page down"
        ),
        Binding("home,g", "end(0)", "First", show=False, id="grid.first", tooltip="Select the first row"),
        Binding("end,G", "end(1)", "Last", show=False, id="grid.last", tooltip="Select the last row"),
        Binding("left", "sideways(-8)", "Left", show=False, id="grid.left", tooltip="Scroll to the left"),
        Binding("right", "sideways(8)", "Right", show=False, id="grid.right", tooltip="Scroll to the right"),
    ]

    @dataclass
    class Moved(Message):
        """Another row is selected; `key` is `None` when there are no rows."""

        grid: Grid
        key: str | None

        @property
        def control(self) -> Grid:
            """The grid that sent it."""
            return self.grid

    def __init__(
        self,
        columns: Sequence[Column] = (),
        *,
        id: str | None = None,  # noqa: A002 - Textual's name
        empty: str = "",
    ) -> None:
        super().__init__(id=id)
        self._columns = tuple(columns)
        self._rows: tuple[Row, ...] = ()
        self._widths: tuple[int, ...] = ()
        self._cursor = 0
        self._empty = empty
        self._filled = False

    @property
    def selected(self) -> str | None:
        """The key of the row under the cursor."""
        return self._rows[self._cursor].key if self._rows else None

    @property
    def row_count(self) -> int:
        """How many rows it holds."""
        return len(self._rows)

    def fill(self, rows: Sequence[Row], columns: Sequence[Column] | None = None) -> None:
        """Replace the rows, and the columns if given; the row that was selected stays so if it is still there."""
        before = self.selected
        if columns is not None:
            self._columns = tuple(columns)
            self._cursor, before = 0, None
            self.scroll_to(0, 0, animate=False)
        self._filled = True
        self._rows = tuple(rows)
        place = next((place for place, row in enumerate(self._rows) if row.key == before), None)
        last = max(0, len(self._rows) - 1)
        self._cursor = min(self._cursor, last) if place is None else place
        self._lay_out()
        if self.selected != before:
            self.post_message(self.Moved(self, self.selected))

    def render_line(self, y: int) -> Strip:
        """One line as it stands on the screen; the header does not scroll."""
        width = self.size.width
        if not self._columns:
            return Strip.blank(width, self.rich_style)
        place = round(self.scroll_offset.y) + y - 1
        if y == 0:
            style = self.get_component_rich_style("grid--header")
            cells = tuple(Cell(column.title) for column in self._columns)
            return self._strip(cells, style, toned=False)
        if not self._rows and self._empty:
            text = self._empty if self._filled else "reading …"
            told = ["", *textwrap.wrap(text, max(20, width - 4)), *([""] * y)][y - 1]
            return Strip(
                [Segment(set_cell_size("  " + told, width), self.get_component_rich_style("grid--dim"))]
            )
        if place >= len(self._rows):
            return Strip.blank(width, self.rich_style)
        on_cursor = place == self._cursor
        style = self.get_component_rich_style("grid--cursor") if on_cursor else self.rich_style
        return self._strip(self._rows[place].cells, style, toned=not (on_cursor and self.has_focus))

    def action_move(self, by: int) -> None:
        """Select the row `by` lines further down."""
        self._select(self._cursor + by)

    def action_page(self, by: int) -> None:
        """Select the row `by` pages further down."""
        self._select(self._cursor + by * max(1, self.size.height - 2))

    def action_end(self, last: int) -> None:
        """Select the first or the last row."""
        self._select(len(self._rows) - 1 if last else 0)

    def action_sideways(self, by: int) -> None:
        """Scroll sideways."""
        self.scroll_to(x=self.scroll_offset.x + by, animate=False)

    def on_click(self, event: Click) -> None:
        """Select the row that was clicked."""
        if event.y > 0:
            self._select(round(self.scroll_offset.y) + event.y - 1)

    def on_resize(self, _event: Resize) -> None:
        """Lay the columns out anew."""
        self._lay_out()

    def _select(self, place: int) -> None:
        if not self._rows:
            return
        place = max(0, min(place, len(self._rows) - 1))
        if place != self._cursor:
            self._cursor = place
            self.post_message(self.Moved(self, self.selected))
        self._keep_in_sight()
        self.refresh()

    def _keep_in_sight(self) -> None:
        top, shown = round(self.scroll_offset.y), max(1, self.scrollable_content_region.height - 1)
        if self._cursor < top:
            self.scroll_to(y=self._cursor, animate=False)
        elif self._cursor >= top + shown:
            self.scroll_to(y=self._cursor - shown + 1, animate=False)

    def _lay_out(self) -> None:
        scrolls = len(self._rows) + 1 > self.size.height
        available = self.size.width - (self.styles.scrollbar_size_vertical if scrolls else 0)
        shown = [available >= column.from_width for column in self._columns]
        widths = [self._width(place) if shown[place] else 0 for place in range(len(self._columns))]
        growing = [place for place, column in enumerate(self._columns) if column.grows and shown[place]]
        if growing and available:
            fixed = sum(width for place, width in enumerate(widths) if place not in growing)
            gaps = _GAP * (sum(shown) - 1) + 1
            each, rest = divmod(max(0, available - fixed - gaps), len(growing))
            for number, place in enumerate(growing):
                widths[place] = max(self._columns[place].least, each + (number < rest))
        self._widths = tuple(widths)
        total = sum(widths) + _GAP * max(0, sum(width > 0 for width in widths) - 1) + 1
        self.virtual_size = Size(max(total, 1), len(self._rows) + 1)
        self.call_after_refresh(self._keep_in_sight)
        self.refresh()

    def _width(self, place: int) -> int:
        column = self._columns[place]
        texts = (row.cells[place].text for row in self._rows[:_MEASURED_ROWS])
        widest = max((cell_len(text[: column.most]) for text in texts), default=0)
        return max(column.least, min(column.most, max(widest, cell_len(column.title))))

    def _strip(self, cells: tuple[Cell, ...], style: Style, *, toned: bool) -> Strip:
        segments = [Segment(" ", style)]
        for column, cell, width in zip(self._columns, cells, self._widths, strict=False):
            if width:
                tone = (
                    self.get_component_rich_style(f"grid--{cell.tone}", partial=True)
                    if toned and cell.tone
                    else None
                )
                text = _fit(cell.text, width, right=column.right) + " " * _GAP
                segments.append(Segment(text, style + tone if tone else style))
        left, width = round(self.scroll_offset.x), self.size.width
        return Strip(segments).adjust_cell_length(max(width + left, 1), style).crop(left, left + width)


def _fit(text: str, width: int, *, right: bool) -> str:
    length = cell_len(text)
    if length > width:
        return set_cell_size(text, width - 1) + "…"
    return " " * (width - length) + text if right else text + " " * (width - length)
