"""A printed tree parses to the same tree."""

from __future__ import annotations

import math
from dataclasses import fields, is_dataclass
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings

from sentinel.errors import QueryError
from sentinel.query import tree
from sentinel.query.parser import parse
from sentinel.query.printer import print_query
from tests.query.corpus import own_texts, public_texts
from tests.query.grammar import QUERIES


def shape(node: Any) -> Any:
    """A tree without the places of its nodes; NaN equals NaN."""
    if is_dataclass(node) and not isinstance(node, type):
        return (
            type(node).__name__,
            *(shape(getattr(node, field.name)) for field in fields(node) if field.name != "span"),
        )
    if isinstance(node, tuple):
        return tuple(map(shape, node))
    return "NaN" if isinstance(node, float) and math.isnan(node) else node


def parsed(text: str) -> tree.Query | None:
    try:
        return parse(text)
    except QueryError:
        return None


PARSED = {text: query for text in (*own_texts(), *public_texts()) if (query := parsed(text)) is not None}


def test_every_query_of_the_corpus_survives_printing() -> None:
    changed = [text for text, query in PARSED.items() if shape(parse(print_query(query))) != shape(query)]

    assert len(PARSED) > 100
    assert changed == []


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(QUERIES)
def test_any_query_survives_printing(text: str) -> None:
    query = parse(text)

    assert shape(parse(print_query(query))) == shape(query)


@pytest.mark.parametrize(
    ("text", "printed"),
    [
        ("T|where a==1 and(b or c)", "T\n| where a == 1 and (b or c)"),
        ("T | extend ['first'] = (1 + 2) * 3 // why", 'T\n| extend ["first"] = (1 + 2) * 3'),
        ("let f=(x:long=1){x}; print -(-f(2))", "let f = (x: long = 1) { x };\nprint -(-f(2))"),
        ("T | top 5 by a", "T\n| top 5 by a desc"),
    ],
)
def test_a_tree_is_printed_one_operator_a_line(text: str, printed: str) -> None:
    assert print_query(parse(text)) == printed
