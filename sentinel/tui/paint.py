"""Plain lines with the few styles that help to find one's way in them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from rich.text import Text

from sentinel.tui.theme import CHART

_BLOCKS: Final = "[▁▂▃▄▅▆▇█▏▎▍▌▋▊▉]+"


def paint(lines: Iterable[str], *, titled: bool = True) -> Text:
    """The lines as they are: a title and section titles bold, what does not hold dim, charts in their colour."""
    text = Text()
    for place, line in enumerate(lines):
        if place:
            text.append("\n")
        text.append(line, _style(line, first=titled and place == 0))
    text.highlight_regex(_BLOCKS, CHART)
    return text


def _style(line: str, *, first: bool) -> str:
    if first or (line and line == line.upper() and line[0].isalpha()):
        return "bold"
    bare = line.lstrip()
    if bare.startswith("+ "):
        return "bold" if line.startswith("  +") else ""
    return "dim" if bare.startswith("− ") else ""
