"""The SQL that is emitted: which functions it calls, and that it holds no text of the query."""

from __future__ import annotations

import re

import apsw
import pytest

from sentinel.query.emit_expressions import SQL_FUNCTIONS
from sentinel.query.engine import Engine
from sentinel.query.functions_aggregate import aggregates
from sentinel.query.functions_windows import windows
from sentinel.query.registration import TABLE_FUNCTIONS, all_forms, prepare
from tests.query.test_functions import CASES
from tests.query.test_samples import SHAPES

_CALL = re.compile(r"([A-Za-z_][A-Za-z0-9_]*)\(")
_WORDS = {
    "in",
    "values",
    "as",
    "over",
    "and",
    "or",
    "not",
    "on",
    "from",
    "filter",
    "when",
    "then",
    "else",
    "by",
    "select",
}
QUERIES = [*SHAPES, *(f"print x = {text}" for text, _ in CASES)]


@pytest.mark.parametrize("text", QUERIES)
def test_only_known_functions_are_called(empty: Engine, text: str) -> None:
    known = (
        SQL_FUNCTIONS
        | TABLE_FUNCTIONS
        | {form.sql_name for form in all_forms()}
        | {*aggregates(), *windows()}
    )

    called = {name.lower() for name in _CALL.findall(empty.explain(text))} - _WORDS

    assert called <= known


def test_every_function_has_a_name_of_its_own() -> None:
    listed = [form.sql_name for form in all_forms()]

    assert sorted(listed) == sorted(set(listed))


def test_functions_of_the_query_language_never_hide_those_of_sqlite() -> None:
    connection = apsw.Connection(":memory:")
    before = {row[0] for row in connection.execute("SELECT name FROM pragma_function_list")}
    prepare(connection)

    after = {row[0] for row in connection.execute("SELECT name FROM pragma_function_list")}
    connection.close()

    assert all(name.startswith("kql_") for name in after - before)
