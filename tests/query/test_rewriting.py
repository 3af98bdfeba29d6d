"""A constant is the same constant where it is written, in a `let` and in a column."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from sentinel.errors import QueryError
from sentinel.query.engine import Engine
from sentinel.query.parser import parse
from tests.query.corpus import own_texts, public_texts
from tests.query.rewriting import printed_from_columns, with_lets

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
SHORT = 300
KNOWN_BY_ITS_WORDS = ("pack_all", "datetime_diff")
"""What looks at the columns there are, or at how a constant is written, on purpose."""
Answer = tuple[list[tuple[str, str]], str]


def texts() -> list[str]:
    """The public cases, and queries of this repository that need no table."""
    ours = (text for text in own_texts() if text.startswith(("print ", "datatable")) and len(text) < SHORT)
    return [*ours, *public_texts()]


@pytest.fixture(scope="module")
def answer(empty: Engine) -> Any:
    def ask(text: str) -> Answer | None:
        try:
            found = empty.query(text, now=NOW)
        except QueryError:
            return None
        return [(column.name, column.type) for column in found.columns], repr(found.rows)

    return ask


def differing(answer: Any, one: str, other: str) -> bool:
    """Whether both are answered, and not alike."""
    here, there = answer(one), answer(other)
    return here is not None and there is not None and here != there


def test_a_let_stands_for_its_constant(answer: Any) -> None:
    pairs: list[tuple[str, str]] = []
    for text in texts():
        if answer(text) is not None:
            pairs.extend((text, other) for other in with_lets(parse(text)))

    assert len(pairs) > 500
    assert [other for one, other in pairs if differing(answer, one, other)] == []


def test_a_function_of_columns_gives_what_it_gives_of_constants(answer: Any) -> None:
    pairs = []
    for text in texts():
        if answer(text) is not None and not any(word in text for word in KNOWN_BY_ITS_WORDS):
            pair = printed_from_columns(parse(text))
            pairs.extend([pair] if pair else [])

    assert len(pairs) > 50
    assert [other for one, other in pairs if differing(answer, one, other)] == []
