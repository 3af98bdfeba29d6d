"""What SQLite computes itself is what the functions say, at the ends of their ranges too."""

from __future__ import annotations

from datetime import timedelta
from itertools import product

import pytest

from sentinel.clock import TICKS_PER_SECOND, to_ticks
from sentinel.query.engine import Engine
from sentinel.query.functions_convert import json_text
from sentinel.query.functions_time import in_range
from sentinel.query.values import dump_json, wrap_long
from tests.query.conftest import NOW

TEN_MINUTES = 600 * TICKS_PER_SECOND
LONGS = [0, 1, -1, 7, 2**31, 2**62, -(2**62), 2**63 - 1, -(2**63)]
ARITHMETIC = {"+": lambda a, b: a + b, "-": lambda a, b: a - b, "*": lambda a, b: a * b}
TICKS = [0, 1, 630_000_000_000_000_000, 3155378975999999999]
SPANS = [0, 1, -1, 600_000_000, -(2**62), 2**62, 2**63 - 1, -(2**63)]
DYNAMICS = ["", "plain", 'say "no"', "a\\b", "tab\t", "\u212aelvin", 1, 1.5, True, None, [1, "a"], {"a": "b"}]


def written(number: int) -> str:
    return f"long({number})" if number != -(2**63) else "(long(-9223372036854775807) - 1)"


@pytest.mark.parametrize("operator", ARITHMETIC)
def test_whole_numbers_wrap_around(empty: Engine, operator: str) -> None:
    pairs = list(product(LONGS, repeat=2))
    rows = ", ".join(f"print A = {written(a)}, B = {written(b)}" for a, b in pairs).replace(
        ", print", "), (print"
    )
    query = f"union ({rows}) | extend Found = A {operator} B | project A, B, Found"

    found = {(a, b): result for a, b, result in empty.query(query, now=NOW).rows}

    assert found == {(a, b): wrap_long(ARITHMETIC[operator](a, b)) for a, b in pairs}


@pytest.mark.parametrize("operator", ["+", "-"])
def test_a_datetime_stays_within_what_it_holds(empty: Engine, operator: str) -> None:
    pairs = list(product(TICKS, SPANS))
    rows = ", ".join(f"print A = {written(a)}, B = {written(b)}" for a, b in pairs).replace(
        ", print", "), (print"
    )
    query = (
        f"union ({rows}) | extend At = datetime(0001-01-01) + totimespan(A), Span = totimespan(B)"
        f" | project A, B, Found = tolong(At {operator} Span)"
    )

    found = {(a, b): result for a, b, result in empty.query(query, now=NOW).rows}

    assert found == {(a, b): in_range(ARITHMETIC[operator](a, b)) for a, b in pairs}


@pytest.mark.parametrize("value", DYNAMICS, ids=repr)
def test_the_text_of_a_dynamic(empty: Engine, value: object) -> None:
    query = f"datatable(Value: dynamic) [dynamic({dump_json(value)})] | project Text = tostring(Value)"

    assert empty.query(query, now=NOW).rows == [(json_text(value),)]


def test_rows_are_binned_by_a_size_that_is_computed(empty: Engine) -> None:
    query = "print At = now() | project bin(At, window / 6)"

    (row,) = empty.query(query, now=NOW, parameters={"window": timedelta(minutes=60)}).rows

    assert row == (to_ticks(NOW) // TEN_MINUTES * TEN_MINUTES,)
