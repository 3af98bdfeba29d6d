from __future__ import annotations

import re
from pathlib import Path

import click
import pytest

from sentinel.cli.main import sentinel
from sentinel.cli.reference import reference
from tests.docs.sessions import REPOSITORY, command_lines, documents

NAMED = [
    pytest.param(words, id=f"{path.name}: {' '.join(words)[:60]}")
    for path in documents()
    for words in command_lines(path)
    if "[" not in " ".join(words)  # usage lines of the reference
]


def parsed(words: list[str]) -> list[str]:
    """The path of the command the words name; click refuses commands and options that do not exist."""
    path: list[str] = []
    command: click.Command = sentinel
    context = click.Context(sentinel, info_name="sentinel")
    rest = list(words)
    while True:
        _, rest, _ = command.make_parser(context).parse_args(args=rest)
        if not isinstance(command, click.Group) or not rest:
            return path
        name, found, rest = command.resolve_command(context, rest)
        if found is None or name is None:
            raise LookupError(words)
        path.append(name)
        command, context = found, click.Context(found, info_name=name, parent=context)


@pytest.mark.parametrize("words", NAMED)
def test_a_command_line_in_a_document_exists(words: list[str]) -> None:
    assert parsed(words) or words[-1].startswith("-")


def test_the_command_reference_is_current() -> None:
    written = (REPOSITORY / "docs" / "cli.md").read_text("utf-8")

    assert written == "\n".join(reference()) + "\n", "run: python -m sentinel.cli.reference > docs/cli.md"


def test_the_command_reference_names_every_exit_code() -> None:
    written = (REPOSITORY / "docs" / "cli.md").read_text("utf-8")

    assert re.findall(r"^\| (\d+) \|", written, re.MULTILINE) == ["0", "1", "2", "3", "4", "70", "130"]


@pytest.mark.parametrize(
    "target", re.findall(r"^([a-z]+):", (REPOSITORY / "Makefile").read_text(), re.MULTILINE)
)
def test_every_make_target_explains_itself(target: str) -> None:
    makefile = Path(REPOSITORY / "Makefile").read_text("utf-8")

    assert re.search(rf"^{target}:.*## [A-Z]", makefile, re.MULTILINE)


@pytest.mark.parametrize("path", documents(), ids=lambda path: path.name)
def test_every_make_target_a_document_names_exists(path: Path) -> None:
    targets = set(re.findall(r"^([a-z]+):", (REPOSITORY / "Makefile").read_text("utf-8"), re.MULTILINE))

    named = set(re.findall(r"(?:^|`|\$ )make ([a-z]+)", path.read_text("utf-8"), re.MULTILINE))

    assert named <= targets
