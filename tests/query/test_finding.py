"""Finding: search and unions over tables and views, and the pairs of parse-kv."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from sentinel.errors import QueryError

Ask = Callable[[str], list[tuple[Any, ...]]]
VIEWS = (
    "let V1 = view () { print a = 'x error' }; let V2 = view () { print a = 'fine' };"
    " let W = () { print a = 'error' };"
)


def test_a_wildcard_finds_views_but_not_other_functions(ask: Ask) -> None:
    assert ask(f"{VIEWS} union V* | summarize make_list(a)") == [(["x error", "fine"],)]


def test_a_wildcard_that_finds_nothing_is_refused_unless_the_union_is_fuzzy(ask: Ask) -> None:
    with pytest.raises(QueryError, match="no table like 'Zork"):
        ask("union Zork*")

    assert ask(f"{VIEWS} union isfuzzy=true Zork*, V* | count") == [(2,)]


def test_search_looks_into_every_table_and_view(ask: Ask) -> None:
    assert ask(f"{VIEWS} search 'error' | project $table, a") == [("V1", "x error")]
    assert ask(f"{VIEWS} search in (V2, V1) 'error' | project $table, a") == [("V1", "x error")]


@pytest.mark.parametrize(
    ("predicate", "found"),
    [
        ("a:'error'", ["x error"]),
        ("a:'err*' or zz:'q'", ["x error"]),
        ("*", ["x error", "fine", ""]),
        ("zz == 1", [""]),
    ],
)
def test_search_looks_into_single_columns_also_those_only_one_table_has(
    ask: Ask, predicate: str, found: list[str]
) -> None:
    more = "let V3 = view () { print zz = 1 };"

    assert [row[0] for row in ask(f"{VIEWS} {more} search in (V*) {predicate} | project a")] == found


@pytest.mark.parametrize(
    ("order", "expected"),
    [
        ("asc", ["a1", "a100", "a20", "b"]),
        ("granny-asc", ["a1", "a20", "a100", "b"]),
        ("granny-desc", ["a100", "a20", "a1", "b"]),
    ],
)
def test_columns_are_reordered_by_name_or_by_the_numbers_in_it(
    names: Callable[[str], list[str]], order: str, expected: list[str]
) -> None:
    assert names(f"print a100 = 1, a20 = 2, b = 3, a1 = 4 | project-reorder a* {order}") == expected


@pytest.mark.parametrize(
    ("flags", "expected"), [(" flags=Ui", [("foo",)]), ("", [("",)]), (" flags=i", [("foo,bar",)])]
)
def test_the_flags_of_parse_change_case_and_greed(
    ask: Ask, flags: str, expected: list[tuple[Any, ...]]
) -> None:
    text = "print s = 'ABC name=foo,bar,baz' | parse kind=regex{} s with * 'NAME=' r ',' *"

    assert ask(f"{text.format(flags)} | project r") == expected


def test_a_flag_parse_does_not_know_is_refused(ask: Ask) -> None:
    with pytest.raises(QueryError, match="flags=Q"):
        ask("print s = 'x' | parse kind=regex flags=Q s with * 'a' b")


def test_the_old_spelling_of_mv_expand_stops_at_128_rows(ask: Ask) -> None:
    assert ask("print d = range(1, 200) | mvexpand d | count") == [(128,)]


@pytest.mark.parametrize(
    ("text", "columns", "options", "expected"),
    [
        ("a=1, b=two words", "a: long, b: string", "pair_delimiter=',', kv_delimiter='='", (1, "two words")),
        (
            "a=1 b=(two words)",
            "b: string",
            "pair_delimiter=' ', kv_delimiter='=', quote='()'",
            ("two words",),
        ),
        (
            "a='it\\\\'s' 'b c'=2",
            "a: string, ['b c']: long",
            "pair_delimiter=' ', kv_delimiter='=', quote=\"'\", escape='\\\\'",
            ("it's", 2),
        ),
        (
            "a=x y b=z",
            "a: string, b: string",
            "pair_delimiter=' ', kv_delimiter='=', greedy=true",
            ("x y", "z"),
        ),
        ("a=x y b=z", "a: string, b: string", "pair_delimiter=' ', kv_delimiter='='", ("x", "z")),
        ("[k] Id:7, Name:n1; Id:8", "Id: long, Name: string, No: long", "", (7, "n1", None)),
        ("Name: 'two words'", "Name: string", 'quote="\'"', ("two words",)),
        ("<a|1><b|2>", "b: long, a: long", "regex=@'<(\\w)\\|(\\d)>'", (2, 1)),
    ],
)
def test_parse_kv_finds_the_pairs(
    ask: Ask, text: str, columns: str, options: str, expected: tuple[Any, ...]
) -> None:
    given = f" with ({options})" if options else ""

    assert ask(f'print s = "{text}" | parse-kv s as ({columns}){given} | project-away s') == [expected]


@pytest.mark.parametrize("options", ["pair_delimiter=' '", "quote='abc'", "separator=' '"])
def test_parse_kv_refuses_what_it_does_not_know(ask: Ask, options: str) -> None:
    with pytest.raises(QueryError):
        ask(f"print s = 'a=1' | parse-kv s as (a: long) with ({options})")


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("V1 | union withsource=S V2 | distinct S", ["V1", "V2"]),
        ("V1 | where true | union withsource=S V2 | distinct S", ["V2", "union_arg0"]),
        ("print a = 1 | as P | union withsource=S (print a = 2 | as Q) | distinct S", ["P", "Q"]),
        ("V1 | search 'error' | distinct S = $table", ["V1"]),
        ("print a = 'error' | as P | search 'error' | distinct S = $table", ["P"]),
        ("print a = 'error' | serialize | as P | search 'error' | distinct S = $table", ["P"]),
        ("search in ((V1 | as P)) 'error' | distinct S = $table", ["P"]),
    ],
)
def test_rows_tell_the_table_they_are_from_or_the_name_given_with_as(
    ask: Ask, query: str, expected: list[str]
) -> None:
    assert sorted(row[0] for row in ask(f"{VIEWS} {query}")) == expected


def test_nothing_is_found_where_there_are_no_columns(ask: Ask) -> None:
    assert ask("print x = 1 | project-away x | search 'a'") == []
