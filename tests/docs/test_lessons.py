"""The lessons on the page are all there, and so are the tests they name."""

from __future__ import annotations

import ast
import re

import pytest

from tests.docs.sessions import REPOSITORY

PAGE = (REPOSITORY / "docs" / "lessons.md").read_text("utf-8")
LINES = re.findall(r"^\| (\d+) \|.*$", PAGE, re.MULTILINE)
NAMED = sorted(set(re.findall(r"`(tests/[^`]+\.py(?:::\w+)+)`", PAGE)))


def names_in(path: str) -> set[str]:
    """The tests of a file, those of a class with its name before them."""
    tree = ast.parse((REPOSITORY / path).read_text("utf-8"))
    functions = (ast.FunctionDef, ast.AsyncFunctionDef)
    classes = [node for node in tree.body if isinstance(node, ast.ClassDef)]
    own = {node.name for node in tree.body if isinstance(node, functions)}
    return own | {
        f"{each.name}::{node.name}" for each in classes for node in each.body if isinstance(node, functions)
    }


def test_all_twenty_lessons_are_there() -> None:
    assert [int(number) for number in LINES] == list(range(1, 21))


def test_every_lesson_names_a_test() -> None:
    rows = [line for line in PAGE.splitlines() if re.match(r"\| \d+ \|", line)]

    assert [row for row in rows if "`tests/" not in row] == []


@pytest.mark.parametrize("named", NAMED)
def test_the_test_is_there(named: str) -> None:
    path, _, name = named.partition("::")

    assert name in names_in(path)


def test_every_test_among_the_lessons_is_on_the_page() -> None:
    path = "tests/stories/test_lessons.py"
    tests = {f"{path}::{name}" for name in names_in(path) if name.startswith("test_")}

    assert tests <= set(NAMED)
