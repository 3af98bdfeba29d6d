"""Plain lines with the few styles that help to find one's way in them."""

from __future__ import annotations

from collections.abc import Iterable

from rich.text import Text


def paint(lines: Iterable[str]) -> Text:
    """The lines as they are: the first one bold, section titles bold, what was held against a cause dim."""
    text = Text()
    for place, line in enumerate(lines):
        if place:
            text.append("\n")
        text.append(line, _style(line, first=place == 0))
    return text


def _style(line: str, *, first: bool) -> str:
    if first or (line and line == line.upper() and line[0].isalpha()):
        return "bold"
    bare = line.lstrip()
    if bare.startswith("+ "):
        return "bold" if line.startswith("  +") else ""
    return "dim" if bare.startswith("− ") else ""
