"""What every screen has in common: a picture read beside the screen every second, and drawn on it."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import ClassVar, Generic, TypeVar

from textual.containers import Vertical
from textual.css.query import NoMatches
from textual.events import Mount
from textual.message import Message
from textual.widgets import Static

from sentinel.clock import monotonic
from sentinel.tui.desk import Desk

P = TypeVar("P")


class Pane(Vertical, Generic[P]):
    """A screen that shows a picture of the store.

    A subclass says what to read (`question`, called in the event loop; its answer is called in a thread) and how to
    draw it (`draw`). A reading that fails is told at the foot of the pane, and the last picture stays.
    """

    DEFAULT_CSS = """
    Pane {
        height: 1fr;
        & > .pane--problem { display: none; height: auto; max-height: 4; color: $text-error; padding: 0 1; }
        & > .pane--problem.-told { display: block; }
    }
    """
    EVERY: ClassVar[float] = 1.0
    """Seconds between two readings, at the least."""
    RESTS: ClassVar[float] = 9.0
    """How many times as long as a reading took it rests after it, so that a large store is not read all the time."""
    FOCUS: ClassVar[str] = "Grid"
    """What gets the focus when the pane is opened."""

    class Drawn(Message):
        """A new picture is on the screen."""

    def __init__(self, desk: Desk, *, id: str) -> None:  # noqa: A002 - Textual's name
        super().__init__(id=id)
        self.desk = desk
        self._reading = False
        self._again = False
        self._rests_until = 0.0
        self._problem = Static("", classes="pane--problem", markup=False)

    def question(self) -> Callable[[Desk], P]:
        """What reads the picture, with all it needs to know of the screen bound to it."""
        raise NotImplementedError

    def draw(self, picture: P) -> None:
        """Show a picture."""
        raise NotImplementedError

    async def read(self, question: Callable[[Desk], P]) -> P:
        """Have a question answered beside the screen."""
        return await self.desk.picture(question)

    def _on_mount(self, event: Mount) -> None:
        super()._on_mount(event)
        self.mount(self._problem)
        self.set_interval(self.EVERY, self._tick)

    def reload(self) -> None:
        """Read a new picture as soon as the one being read is there."""
        if self._reading:
            self._again = True
            return
        self._reading = True
        self.run_worker(self._load(), group=f"picture-{self.id}")

    def open(self) -> None:
        """Show the pane's newest picture and take the focus."""
        self.reload()
        self.query(self.FOCUS).first().focus()

    def _tick(self) -> None:
        if self.display and self.screen.is_current and not self._reading and monotonic() >= self._rests_until:
            self.reload()

    async def _load(self) -> None:
        try:
            self._again = True
            while self._again:
                self._again = False
                await self._load_once()
        finally:
            self._reading = False

    async def _load_once(self) -> None:
        begin = monotonic()
        try:
            picture = await self.read(self.question())
        except Exception as error:  # noqa: BLE001 - the edge of the screen: whatever failed is told, and the next reading may work
            self._tell(f"{type(error).__name__}: {error}")
            return
        finally:
            self._rests_until = monotonic() + self.RESTS * (monotonic() - begin)
        self._tell("")
        with suppress(NoMatches):  # the dashboard is being closed: what was to be drawn on is gone
            self.draw(picture)
            self.post_message(self.Drawn())

    def _tell(self, problem: str) -> None:
        self._problem.update(problem)
        self._problem.set_class(bool(problem), "-told")
