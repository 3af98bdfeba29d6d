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
    context = sentinel.make_context("sentinel", [*words], resilient_parsing=True)
    path, command, rest = [], sentinel, [*context.protected_args, *context.args]  # type: ignore[attr-defined]
    while isinstance(command, click.Group) and rest:
        name, found, rest = command.resolve_command(context, rest)
        assert found is not None
        assert name is not None
        path.append(name)
        context, command = click.Context(found, info_name=name, parent=context, resilient_parsing=True), found
        parser = found.make_parser(context)
        if isinstance(found, click.Group):
            continue
        parser.parse_args(args=rest)
        rest = []
    return path


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
