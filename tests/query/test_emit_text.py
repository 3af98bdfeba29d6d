"""Comparisons of text without case mean the same in SQLite's own words and in Python's."""

from __future__ import annotations

from collections.abc import Callable
from itertools import product

import pytest

from sentinel.query.engine import Engine
from sentinel.query.functions_text import text_functions
from tests.query.conftest import NOW

TEXTS = [
    "", "k", "Kelvin 300 K", "\u212aelvin", "worKer failed", "wor\u212aer failed", "STRASSE", "stra\u00dfe",
    "\u0130stanbul", "a\x00b", "100%_done", "failed", "x failed", "failed_x", "xfailed",
]  # fmt: skip
NEEDLES = [
    "", "k", "K", "\u212a", "worker", "stra\u00dfe", "i", "\u0130", "\x00", "a\x00b", "b", "%", "_", "failed", "FAILED",
    "Kelvin 300 K, and more",
]  # fmt: skip
OPERATORS = {
    "=~": "op_same",
    "startswith": "op_startswith",
    "endswith": "op_endswith",
    "contains": "op_contains",
    "has": "op_has",
}
RUNS: dict[str, Callable[[str, str], int]] = {form.name: form.run for form in text_functions()}


@pytest.mark.parametrize("operator", OPERATORS)
@pytest.mark.parametrize("needle", NEEDLES, ids=repr)
def test_a_column_compares_with_a_parameter_as_the_function_says(
    empty: Engine, operator: str, needle: str
) -> None:
    cells = ", ".join('"' + text.replace("\x00", "\\0") + '"' for text in TEXTS)
    query = f"datatable(Text: string) [{cells}] | extend Found = Text {operator} needle"

    found = empty.query(query, now=NOW, parameters={"needle": needle}).rows

    run = RUNS[OPERATORS[operator]]
    assert found == [(text, bool(run(text, needle))) for text, needle in product(TEXTS, [needle])]


@pytest.mark.parametrize("operator", OPERATORS)
@pytest.mark.parametrize("needle", NEEDLES, ids=repr)
def test_a_column_compares_with_a_known_text_as_the_function_says(
    empty: Engine, operator: str, needle: str
) -> None:
    cells = ", ".join('"' + text.replace("\x00", "\\0") + '"' for text in TEXTS)
    known = '"' + needle.replace("\x00", "\\0") + '"'
    query = f"datatable(Text: string) [{cells}] | extend Found = Text {operator} {known}"

    found = empty.query(query, now=NOW).rows

    run = RUNS[OPERATORS[operator]]
    assert found == [(text, bool(run(text, needle))) for text, needle in product(TEXTS, [needle])]


@pytest.mark.parametrize("operator", ["=~", "startswith", "endswith", "contains"])
def test_no_python_is_called_for_plain_text(empty: Engine, operator: str) -> None:
    sql = empty.explain(f"AmlComputeJobEvent | where JobName {operator} 'Train'").lower()

    assert "kql_" not in sql.partition(" then ")[2].partition(" else ")[0]
