"""A question before something is decided."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Input, Static


class Ask(ModalScreen[str | None]):
    """Asks whether to go on, with room for a reason; answers with the reason, or with `None` for no."""

    DEFAULT_CSS = """
    Ask {
        align: center middle;
        & > Vertical {
            width: 72; max-width: 96%; height: auto; max-height: 90%;
            border: heavy $warning; background: $panel; padding: 0 1;
        }
        & .ask--question { text-style: bold; margin-bottom: 1; }
        & .ask--keys { color: $text-muted; margin-top: 1; }
        & Input { border: tall $border-blurred; }
    }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "leave", "No", id="ask.no", tooltip="Leave everything as it is"),
    ]

    def __init__(self, question: str, details: Sequence[str] = (), *, yes: str) -> None:
        super().__init__()
        self._question = question
        self._details = tuple(details)
        self._yes = yes

    def compose(self) -> ComposeResult:
        """The question, what it is about, and the field for the reason."""
        with Vertical():
            yield Static(self._question, classes="ask--question", markup=False)
            for line in self._details:
                yield Static(line, markup=False)
            yield Input(placeholder="reason (kept with the decision; may be empty)")
            yield Static(
                f"enter: {self._yes}    esc: leave everything as it is", classes="ask--keys", markup=False
            )

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Answer yes."""
        event.stop()
        self.dismiss(event.value.strip())

    def action_leave(self) -> None:
        """Answer no."""
        self.dismiss(None)
