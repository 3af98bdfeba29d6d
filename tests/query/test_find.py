"""`find`: rows of several tables, by what one predicate says of each."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from sentinel.errors import QueryError, QueryUnsupported
from sentinel.query.engine import Engine
from tests.query.judging import NOW, EmptyStore

Ask = Callable[[str], list[tuple[Any, ...]]]
EVENTS = """
let Events1 = view () { datatable(Session_Id: string, Level: string, EventText: string, Version: string)[
    "acbd207d", "Information", "Some Text1", "v1.0.0",
    "acbd207d", "Error", "Some Text2", "v1.0.0",
    "28b8e46e", "Error", "Some Text3", "v1.0.1"] };
let Events2 = view () { datatable(Session_Id: string, Level: string, EventText: string, EventName: string)[
    "f7d5f95f", "Information", "Some Other Text1", "Event1",
    "acbd207d", "Error", "Some Other Text3", "Event3"] };
let Numbers = view () { print Count = 7 };
"""


def columns(query: str) -> list[str]:
    engine = Engine(EmptyStore())
    found = [column.name for column in engine.query(EVENTS + query, now=NOW).columns]
    engine.close()
    return found


def test_what_all_tables_have_is_shown_and_the_rest_is_packed(ask: Ask) -> None:
    query = 'find in (Events1, Events2) where Session_Id == "acbd207d" and Level == "Error"'

    assert columns(query) == ["source_", "Session_Id", "Level", "EventText", "pack_"]
    assert ask(EVENTS + query) == [
        ("Events1", "acbd207d", "Error", "Some Text2", {"Version": "v1.0.0"}),
        ("Events2", "acbd207d", "Error", "Some Other Text3", {"EventName": "Event3"}),
    ]


def test_each_table_is_asked_only_for_the_columns_it_has(ask: Ask) -> None:
    query = """find in (Events1, Events2) where Version == "v1.0.0" or EventName == "Event1"
        project Session_Id, Version, EventName"""

    assert ask(EVENTS + query) == [
        ("Events1", "acbd207d", "v1.0.0", ""),
        ("Events1", "acbd207d", "v1.0.0", ""),
        ("Events2", "f7d5f95f", "", "Event1"),
    ]


def test_a_table_without_any_column_the_predicate_names_is_left_out(ask: Ask) -> None:
    query = 'find in (Events*, Numbers) where Version == "v1.0.1"'

    assert columns(query) == ["source_", "Session_Id", "Level", "EventText", "Version"]
    assert ask(EVENTS + query) == [("Events1", "28b8e46e", "Error", "Some Text3", "v1.0.1")]


def test_a_term_is_looked_for_in_every_column_of_every_table(ask: Ask) -> None:
    assert ask(EVENTS + 'find "event3" | project source_') == [("Events2",)]
    assert ask(EVENTS + 'find in (Events*) where * has "text1" | project source_, EventText') == [
        ("Events1", "Some Text1"),
        ("Events2", "Some Other Text1"),
    ]


def test_everything_can_be_packed_and_the_table_be_named_otherwise(ask: Ask) -> None:
    query = 'find withsource=Table in (Events1, Events2) where EventText:"Text3" project pack(*)'

    assert columns(query) == ["Table", "pack_"]
    assert [row[1].keys() for row in ask(EVENTS + query)] == [
        {"Session_Id", "Level", "EventText", "Version"},
        {"Session_Id", "Level", "EventText", "EventName"},
    ]


def test_a_projected_column_is_converted_to_the_type_it_is_given(ask: Ask) -> None:
    assert ask(EVENTS + "find in (Numbers) where Count > 1 project Count: string") == [("Numbers", "7")]


@pytest.mark.parametrize(
    ("query", "reason"),
    [
        ('find in (Events1, Events2) where Version != "v1.0.0" or Level == "x"', "a table lacks Version"),
        (
            'find in (Events1, Events2) where not(Version == "v1.0.0") and Level == "x"',
            "a table lacks Version",
        ),
        ('find in (Events1, Events2) where Version == "" or Level == ""', "a table lacks Version"),
        ('find in (Events1, Events2) where Level == "" project Level, pack(*)', "packs the others"),
        ("find in (Events1) where Level == '' project pack_all()", "pack_all"),
        ('find in ((Events1 | where Level == "")) where Level has "x"', "find in a query"),
        ('let T = print Level = "x"; find in (T) where Level == ""', "a let that is no view"),
        (
            'let E = view () { print Level = 1 }; find in (Events1, E) where Level == "1"',
            "'Level' is string and",
        ),
        ('Events1 | find "x"', "find behind a pipe"),
        ('find "x*"', "find of 'x\\*'"),
        (
            'let E = view () { print Level = "" }; find in (Events1, E) where Level has "x"',
            "nothing is left to pack",
        ),
    ],
)
def test_what_the_documentation_leaves_open_is_refused_by_name(ask: Ask, query: str, reason: str) -> None:
    with pytest.raises(QueryUnsupported, match=reason):
        ask(EVENTS + query)


def test_a_column_no_table_has_is_unknown(ask: Ask) -> None:
    with pytest.raises(QueryError, match="no column named 'Levle'"):
        ask(EVENTS + "find in (Events1, Events2) where Levle == 'Error'")
    with pytest.raises(QueryError, match="no column named 'Nope'"):
        ask(EVENTS + "find in (Events1, Events2) where Level == 'Error' project Nope")
