"""The KQL panel: a query, its history, and its answer as a table or a chart."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from threading import Event
from typing import TYPE_CHECKING, ClassVar, Final

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.css.query import NoMatches
from textual.message import Message
from textual.widgets import Static

from sentinel.clock import monotonic
from sentinel.errors import QueryError, SentinelError
from sentinel.model.tables import Column as KqlColumn, KqlType, tables
from sentinel.report.panels import PanelKind, parameters
from sentinel.report.text import cell, number
from sentinel.tui.desk import Desk
from sentinel.tui.editor import Editor
from sentinel.tui.grid import Cell, Column, Grid, Row
from sentinel.tui.paint import paint
from sentinel.tui.plot import Answer, plot

if TYPE_CHECKING:
    from sentinel.query.completion import Completions
    from sentinel.query.result import Result

OFFERED: Final = 60
"""Words shown of those that complete another."""
LIMIT: Final = 10_000
"""Rows shown; the answer may hold more."""
WINDOW: Final = timedelta(minutes=30)
"""What `window`, `since` and `step` mean here, as in the panels."""
EXAMPLES: Final = (
    "AmlComputeJobEvent | where ExecutionState == 'Failed' | top 50 by TimeGenerated desc",
    "SentinelJobState_CL | summarize Jobs = count() by ExecutionState",
    "AmlOnlineEndpointConsoleLog | where Message has 'error' | top 100 by TimeGenerated desc",
    "AmlOnlineEndpointTrafficLog | where TimeGenerated > ago(15m) | summarize Requests = count() by ResponseCode",
)
_NUMBERS: Final = (KqlType.INT, KqlType.LONG, KqlType.REAL, KqlType.DECIMAL)
_WIDEST: Final = 60


@dataclass(frozen=True, slots=True)
class Asked:
    """A query's answer, ready to be shown."""

    answer: Answer
    rows: tuple[Row, ...]
    total: int
    seconds: float
    kind: PanelKind | None
    """How `render` wants it drawn."""


def ask(desk: Desk, text: str, cancel: Event) -> Asked:
    """Answer a query.

    Raises:
        QueryError: It is refused or failed, or `cancel` was set.
        SentinelError: There is no telemetry yet.
    """
    engine, now = desk.engine(), desk.now()
    if engine is None:
        raise SentinelError("there is no telemetry in this home yet, so there is nothing to ask")
    before = monotonic()
    bound = parameters(WINDOW, now)
    result = engine.query(text, now=now, parameters=bound, cancel=cancel)
    seconds = monotonic() - before
    answer = Answer(result.columns, result.rows, now - WINDOW, now, timedelta(seconds=30))
    return Asked(answer, grid_rows(result.columns, result.rows), len(result.rows), seconds, _kind(result))


def fitting(text: str, now: datetime) -> Completions:
    """The words that complete a query at its end; it is compiled for its columns, never run."""
    from sentinel.query.completion import completions
    from sentinel.query.parameters import kind_of

    kinds = {name: kind_of(value) for name, value in parameters(WINDOW, now).items()}
    return completions(text, tables(), kinds)


def grid_rows(columns: Sequence[KqlColumn], rows: Sequence[Sequence[object]]) -> tuple[Row, ...]:
    """The first rows of an answer as lines of a grid."""
    kinds = [column.type for column in columns]
    return tuple(
        Row(str(place), tuple(Cell(cell(value, kind)) for value, kind in zip(row, kinds, strict=True)))
        for place, row in enumerate(rows[:LIMIT])
    )


def _kind(result: Result) -> PanelKind | None:
    known = {
        "timechart": PanelKind.TIMECHART,
        "barchart": PanelKind.BARCHART,
        "columnchart": PanelKind.BARCHART,
    }
    return known.get(result.visualization or "")


class Console(Vertical):
    """The KQL panel."""

    DEFAULT_CSS = """
    Console {
        height: 1fr;
        & > #console-news { height: auto; max-height: 12; padding: 0 1; background: $panel; color: $text-muted; }
        & > #console-news.-failed { color: $text-error; }
        & > #console-chart { display: none; height: 1fr; padding: 1; }
        &.-chart > #console-chart { display: block; }
        &.-chart > #console-grid { display: none; }
    }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(
            "escape",
            "leave_editor",
            "To the rows",
            id="console.leave",
            tooltip="Leave the query, so that other keys work",
        ),
        Binding("slash,e", "edit", "Edit", id="console.edit", tooltip="Go back to the query"),
        Binding(
            "v", "toggle_chart", "Chart/table", id="console.view", tooltip="Draw the answer, or list its rows"
        ),
    ]

    class Answered(Message):
        """A query was answered or refused, and that is on the screen."""

    def __init__(self, desk: Desk) -> None:
        super().__init__(id="console")
        self._desk = desk
        self._asked: Asked | None = None
        self._cancel = Event()

    def compose(self) -> ComposeResult:
        """The query, what became of it, and the rows."""
        yield Editor(EXAMPLES)
        yield Static(
            "enter asks · tab completes · ctrl+j new line · up/down history · esc leaves the query",
            id="console-news",
            markup=False,
        )
        yield Grid(id="console-grid")
        yield Static("", id="console-chart", markup=False)

    def open(self) -> None:
        """Take the focus."""
        self.query_one(Editor).focus()

    def put(self, text: str) -> None:
        """Put a query into the editor and ask it."""
        editor = self.query_one(Editor)
        editor.put(text)
        editor.focus()
        self._ask(text)

    def on_editor_asked(self, event: Editor.Asked) -> None:
        """Answer beside the screen."""
        event.stop()
        self._ask(event.text)

    def on_editor_completing(self, event: Editor.Completing) -> None:
        """Find out what fits, beside the screen."""
        event.stop()
        self.run_worker(self._complete(event.text), exclusive=True, group="completion")

    async def _complete(self, text: str) -> None:
        found = await asyncio.to_thread(fitting, text, self._desk.now())
        with suppress(NoMatches):  # the dashboard is being closed
            self.query_one(Editor).offer(text, found.start, found.words)
            self._tell("  ".join(found.words[:OFFERED]) or "nothing completes this")

    def on_unmount(self) -> None:
        """Let nobody wait for an answer that nobody sees."""
        self._cancel.set()

    def _ask(self, text: str) -> None:
        """Begin to answer; a query that is still running is given up."""
        self._cancel.set()
        self._cancel = Event()
        self.run_worker(self._answer(text, self._cancel), exclusive=True, group="console")

    async def _answer(self, text: str, cancel: Event) -> None:
        self._tell("asking …")
        with suppress(NoMatches):  # the dashboard is being closed: what was to be drawn on is gone
            await self._answer_beside(text, cancel)
            self.post_message(self.Answered())

    async def _answer_beside(self, text: str, cancel: Event) -> None:
        try:
            asked = await self._desk.query(partial(ask, text=text, cancel=cancel))
        except QueryError as error:
            self._fail(str(error))
        except Exception as error:  # noqa: BLE001 - the edge of the screen: whatever failed is told
            self._fail(f"{type(error).__name__}: {error}")
        else:
            self._show(asked)

    def _show(self, asked: Asked) -> None:
        self._asked = asked
        columns = [
            Column(column.name, right=column.type in _NUMBERS, most=_WIDEST)
            for column in asked.answer.columns
        ]
        self.query_one(Grid).fill(asked.rows, columns)
        self.set_class(asked.kind is not None, "-chart")
        self._draw()
        shown = f", the first {number(LIMIT)} shown" if asked.total > LIMIT else ""
        rows = "1 row" if asked.total == 1 else f"{number(asked.total)} rows"
        self._tell(f"{rows}{shown} in {asked.seconds:.2f} s")

    def _draw(self) -> None:
        if self._asked is not None:
            width = max(20, self.size.width - 2)
            lines = plot(self._asked.answer, self._asked.kind or PanelKind.TIMECHART, width)
            self.query_one("#console-chart", Static).update(paint(lines, titled=False))

    def _fail(self, text: str) -> None:
        """Say why there is no answer, and take the older answer away."""
        self._asked = None
        self.query_one(Grid).fill((), ())
        self.remove_class("-chart")
        self._tell(text, failed=True)

    def _tell(self, text: str, *, failed: bool = False) -> None:
        news = self.query_one("#console-news", Static)
        news.update(text)
        news.set_class(failed, "-failed")

    def action_leave_editor(self) -> None:
        """Give the focus to the rows, and give a query that is still running up."""
        self._cancel.set()
        self.query_one(Grid).focus()

    def action_edit(self) -> None:
        """Give the focus to the query."""
        self.query_one(Editor).focus()

    def action_toggle_chart(self) -> None:
        """Draw the answer, or list it."""
        self.toggle_class("-chart")
        self._draw()
