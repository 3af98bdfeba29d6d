"""The field a query is typed into, with the queries asked before."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from os.path import commonprefix

from textual.events import Key
from textual.message import Message
from textual.widgets import TextArea


class Editor(TextArea):
    """Enter asks, tab completes a word and then offers one after the other, ctrl+j begins a new line.

    Up on the first and down on the last line leaf through the history.
    """

    DEFAULT_CSS = """
    Editor { height: 5; border: none; padding: 0 1; background: $boost; }
    Editor:focus { border: none; background: $surface; }
    """

    @dataclass
    class Asked(Message):
        """A query is to be answered."""

        text: str

    @dataclass
    class Completing(Message):
        """A word is to be completed; `text` is what stands before the cursor."""

        text: str

    def __init__(self, history: Sequence[str] = ()) -> None:
        super().__init__(
            "",
            soft_wrap=True,
            show_line_numbers=False,
            tab_behavior="focus",
            highlight_cursor_line=False,
            placeholder="KQL, e.g. AmlOnlineEndpointTrafficLog | summarize count() by ResponseCode",
        )
        self._history = list(history)
        self._place = len(self._history)
        self._draft = ""
        self._offered: tuple[int, tuple[str, ...], str] = (0, (), "")

    async def _on_key(self, event: Key) -> None:
        row, last = self.cursor_location[0], self.document.line_count - 1
        if event.key == "enter":
            self._ask()
        elif event.key == "tab":
            self._complete()
        elif event.key in ("ctrl+j", "shift+enter", "alt+enter"):
            self.insert("\n")
        elif event.key == "up" and row == 0:
            self._leaf(-1)
        elif event.key == "down" and row == last:
            self._leaf(1)
        else:
            await super()._on_key(event)
            return
        event.stop()
        event.prevent_default()

    def put(self, text: str) -> None:
        """Replace the text and stand at its end."""
        self.load_text(text)
        self.move_cursor(self.document.end)

    @property
    def before_cursor(self) -> str:
        """What stands before the cursor."""
        return self.get_text_range((0, 0), self.cursor_location)

    def offer(self, text: str, start: int, words: Sequence[str]) -> None:
        """Complete the word that begins at `start`, as far as all words agree; only if `text` is still there."""
        if self.before_cursor != text:
            return
        typed = text[start:]
        common = commonprefix(list(words)) if words else typed  # noqa: RUF071 - characters are meant
        done = common if len(common) > len(typed) and common.lower().startswith(typed.lower()) else typed
        self._offered = (start, tuple(words), "")
        if len(words) == 1:
            done = words[0]
        self._put_word(start, done)

    def _complete(self) -> None:
        """Put the next of the words offered, or ask for some."""
        start, words, shown = self._offered
        before = self.before_cursor
        if len(words) > 1 and before == shown:
            at = words.index(before[start:]) + 1 if before[start:] in words else 0
            self._put_word(start, words[at % len(words)])
        else:
            self.post_message(self.Completing(before))

    def _put_word(self, start: int, word: str) -> None:
        before = self.before_cursor
        if before[start:] != word:
            lines = before[:start].split("\n")
            self.replace(word, (len(lines) - 1, len(lines[-1])), self.cursor_location)
        self._offered = (start, self._offered[1], self.before_cursor)

    def _ask(self) -> None:
        text = self.text.strip()
        if not text:
            return
        if not self._history or self._history[-1] != text:
            self._history.append(text)
        self._place = len(self._history)
        self.post_message(self.Asked(text))

    def _leaf(self, by: int) -> None:
        place = max(0, min(self._place + by, len(self._history)))
        if place == self._place:
            return
        if self._place == len(self._history):
            self._draft = self.text
        self._place = place
        self.put(self._draft if place == len(self._history) else self._history[place])
