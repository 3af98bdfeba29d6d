"""Terminal sessions shown in documents, and the command lines they name."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

REPOSITORY: Final = Path(__file__).parents[2]
_BLOCK: Final = re.compile(r"(?P<marker><!-- session -->\s*)?```(?P<kind>\w*)\n(?P<text>.*?)```", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Step:
    """A command of a session and what the document says it prints; a line of `…` stands for any lines."""

    command: str
    shown: str


def documents() -> list[Path]:
    """The documents for people."""
    return [
        REPOSITORY / "README.md",
        REPOSITORY / "CONTRIBUTING.md",
        *sorted((REPOSITORY / "docs").glob("*.md")),
    ]


def sessions(path: Path) -> list[tuple[Step, ...]]:
    """The sessions of a document that a test runs: fenced blocks behind `<!-- session -->`."""
    blocks = _BLOCK.finditer(path.read_text("utf-8"))
    return [tuple(_steps(block["text"])) for block in blocks if block["marker"]]


def _steps(text: str) -> Iterator[Step]:
    for part in re.split(r"^\$ ", text, flags=re.MULTILINE)[1:]:
        lines = part.splitlines(keepends=True)
        count = next(i for i, line in enumerate(lines) if not line.endswith("\\\n")) + 1
        yield Step("".join(lines[:count]).strip(), "".join(lines[count:]))


def command_lines(path: Path) -> list[list[str]]:
    """The words of each `sentinel` command line in the fenced blocks of a document."""
    found = []
    for block in _BLOCK.finditer(path.read_text("utf-8")):
        if block["kind"] in ("", "console", "sh", "bash", "shell", "text"):
            text = block["text"].replace("\\\n", " ")
            found += [words for line in text.splitlines() for words in _calls(line)]
    return found


def _calls(line: str) -> Iterator[list[str]]:
    words = _words(line.strip().removeprefix("$ "))
    while "|" in words:
        at = words.index("|")
        yield from _call(words[:at])
        words = words[at + 1 :]
    yield from _call(words)


def _call(words: list[str]) -> Iterator[list[str]]:
    program = words[0].rsplit("/", 1)[-1] if words else ""
    if program == "sentinel":
        yield words[1:]


def _words(line: str) -> list[str]:
    lexer = shlex.shlex(line, posix=True, punctuation_chars="|<>")
    lexer.whitespace_split = True
    try:
        words = list(lexer)
    except ValueError:
        return []
    redirected = next((i for i, word in enumerate(words) if word in ("<", ">", ">>", "2>")), len(words))
    return words[:redirected]
