"""What tabular operators answer, and what they call their columns."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from sentinel.errors import QueryError, QueryUnsupported

Ask = Callable[[str], list[tuple[Any, ...]]]
T = "datatable(k: string, v: long)['a', 1, 'a', 3, 'b', long(null), 'c', 2]"
L = "datatable(k: long, l: string)[1, 'x', 1, 'y', 2, 'z', long(null), 'n']"
R = "datatable(k: long, r: string)[1, 'p', 3, 'q', long(null), 'm']"


@pytest.mark.parametrize(
    ("operators", "expected"),
    [
        ("summarize count(), sum(v) by k", [("a", 2, 4), ("b", 1, 0), ("c", 1, 2)]),
        ("where v > 5 | summarize n = count(), s = sum(v), m = max(v), l = make_list(v)", [(0, 0, None, [])]),
        ("where v > 5 | summarize count() by k", []),
        ("summarize c = count(v)", [(4,)]),
        ("summarize arg_max(v, k)", [(3, "a")]),
        ("summarize percentile(v, 50)", [(2,)]),
        ("summarize dcount(v)", [(3,)]),
        ("sort by v asc | project v", [(None,), (1,), (2,), (3,)]),
        ("sort by v | project v", [(3,), (2,), (1,), (None,)]),
        ("top 1 by v | project k", [("a",)]),
        ("extend v = v + 1, w = v | where k == 'c'", [("c", 3, 2)]),
        (
            "sort by v asc | extend p = prev(v), n = row_number() | project p, n",
            [(None, 1), (None, 2), (1, 3), (2, 4)],
        ),
        ("sort by v asc | extend s = row_cumsum(v) | project s", [(0,), (1,), (3,), (6,)]),
        ("summarize variancepif(v, k == 'a' or k == 'c')", [(0.6666666667,)]),
        ("sort by k asc | project-rename key = k | take 1", [("a", 1)]),
        ("project-away v | distinct k | sort by k desc", [("c",), ("b",), ("a",)]),
        ("where * has 'b' | project k", [("b",)]),
        ("count", [(4,)]),
    ],
)
def test_rows_flow_through_operators(ask: Ask, operators: str, expected: list[tuple[Any, ...]]) -> None:
    assert ask(f"{T} | {operators}") == expected


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("inner", [(1, "x", 1, "p"), (1, "y", 1, "p"), (None, "n", None, "m")]),
        ("leftouter", [(1, "x", 1, "p"), (1, "y", 1, "p"), (2, "z", None, ""), (None, "n", None, "m")]),
        ("rightouter", [(1, "x", 1, "p"), (1, "y", 1, "p"), (None, "", 3, "q"), (None, "n", None, "m")]),
        ("leftsemi", [(1, "x"), (1, "y"), (None, "n")]),
        ("leftanti", [(2, "z")]),
        ("rightanti", [(3, "q")]),
    ],
)
def test_null_keys_meet_null_keys_and_missing_texts_are_empty(
    ask: Ask, kind: str, expected: list[Any]
) -> None:
    found = ask(f"{L} | join kind={kind} ({R}) on k")

    assert sorted(found, key=repr) == sorted(expected, key=repr)


def test_a_join_takes_one_left_row_a_key_by_default(ask: Ask) -> None:
    assert len(ask(f"{L} | join ({R}) on k")) == 2


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        (
            "T | summarize count(), countif(v > 1), avg(v), dcount(k)",
            ["count_", "countif_", "avg_v", "dcount_k"],
        ),
        ("T | summarize make_list(v), make_set(v), make_list(v)", ["list_v", "set_v", "list_v1"]),
        ("T | summarize percentiles(v, 50, 99.9)", ["percentile_v_50", "percentile_v_99_9"]),
        (
            "let p = 95; T | summarize percentile(v, p), round(percentile(v, p))",
            ["percentile_v_95", "percentile_v_951"],
        ),
        ("T | summarize percentile(v, 99.99999)", ["percentile_v_99_99999"]),
        (
            "T | make-series round(avg(v)), sum(v) + 1 on v step 1",
            ["avg_v", "Column1", "v"],
        ),
        ("T | summarize arg_max(v, *) by k", ["k", "v"]),
        ("T | summarize sum(v * 2) by bin(v, 5), tostring(k)", ["v", "k", "sum_"]),
        ("T | project strlen(k), v + 1, v * 2", ["strlen_k", "Column1", "Column2"]),
        ("print d = dynamic([1]) | project array_sort_asc(d, d)", ["d_sorted", "d_sorted1"]),
        ("T | extend d = parse_json(k) | project d.a.b, gettype(d)", ["d_a_b", "type_d"]),
        ("T | join (T) on k", ["k", "v", "k1", "v1"]),
        ("T | lookup (T) on k", ["k", "v", "v1"]),
        ("T | union (T | project v = tostring(v)) | project-reorder v*", ["v_long", "v_string", "k"]),
        ("print 1, x = 2, strlen('a')", ["print_0", "x", "print_2"]),
    ],
)
def test_unnamed_columns_get_kusto_s_names(
    names: Callable[[str], list[str]], query: str, expected: list[str]
) -> None:
    assert names(f"let T = {T}; {query}") == expected


def test_a_table_has_no_two_columns_of_one_name(ask: Ask) -> None:
    with pytest.raises(QueryError, match="two columns named 'n'"):
        ask("datatable(n: string, n: long)['a', 1] | search 'a'")


def test_a_percentile_is_not_named_by_what_is_only_calculated(ask: Ask) -> None:
    with pytest.raises(QueryUnsupported, match="unnamed column"):
        ask(f"{T} | summarize percentile(v, 90 + 5)")


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("let f = (x: long, y: long = 2) { x * y }; print f(4)", [(8,)]),
        (
            "let big = (T: (v: long), n: long) { T | where v > n }; big((range v from 1 to 4 step 1), 3)",
            [(4,)],
        ),
        ("let n = toscalar(range v from 1 to 9 step 1 | summarize max(v)); print n + 1", [(10,)]),
        ("print d = dynamic([1, 'b', []]) | mv-expand d", [(1,), ("b",), ([],)]),
        ("print d = dynamic([]) | mv-expand d", []),
        ("print d = dynamic(['2', 3]) | mv-expand d to typeof(long)", [(None,), (3,)]),
        ("print s = 'id=7 by bob' | parse s with 'id=' id: long ' by ' who | project id, who", [(7, "bob")]),
        ("print s = 'id=x by bob' | parse s with 'id=' id: long ' by ' who | project id, who", [(None, "")]),
        ("print s = 'id=x' | parse-where s with 'id=' id: long", []),
        (
            "datatable(t: long, v: long)[0, 1, 4, 5] | make-series s = sum(v) on t from 0 to 6 step 2",
            [([1, 0, 5], [0, 2, 4])],
        ),
        (
            """datatable(id: long, a: dynamic)[1, dynamic([3, 1, 2]), 2, dynamic([9])]
            | mv-apply x = a to typeof(long) on (top 2 by x | summarize s = sum(x)) | project id, s | sort by id asc""",
            [(1, 5), (2, 9)],
        ),
        (
            "print s = 'a=1;b=two' | parse-kv s as (b: string, a: long) with (pair_delimiter=';', kv_delimiter='=')",
            [("a=1;b=two", "two", 1)],
        ),
        ("datatable(s: string)['GPU gone', 'fine'] | search 'gpu' | project s", [("GPU gone",)]),
    ],
)
def test_functions_and_reshaping(ask: Ask, query: str, expected: list[tuple[Any, ...]]) -> None:
    assert ask(query) == expected


def test_a_session_begins_behind_a_gap_or_when_it_lasts_too_long_or_when_told_to(ask: Ask) -> None:
    found = ask(
        """datatable(id: long, at: datetime)[
            1, datetime(2024-04-11 10:00), 1, datetime(2024-04-11 10:04), 1, datetime(2024-04-11 10:08),
            1, datetime(2024-04-11 10:12), 1, datetime(2024-04-11 10:20), 2, datetime(2024-04-11 10:21)]
        | serialize begun = row_window_session(at, 10m, 5m, id != prev(id))
        | project format_datetime(begun, 'HH:mm')"""
    )

    assert [row[0] for row in found] == ["10:00", "10:00", "10:00", "10:12", "10:20", "10:21"]


@pytest.mark.parametrize(
    "aggregate",
    ["binary_all_and(k)", "binary_all_or(1.5)", "binary_all_xor(now())", "stdev(k)", "variancep(k)"],
)
def test_what_is_no_number_is_not_aggregated_as_one(ask: Ask, aggregate: str) -> None:
    with pytest.raises(QueryError, match=r"takes (whole )?numbers, not a"):
        ask(f"{T} | summarize {aggregate}")


def test_a_session_of_nothing_is_refused(ask: Ask) -> None:
    with pytest.raises(QueryError, match="row_window_session"):
        ask("print at = datetime(null) | serialize s = row_window_session(at, 1h, 5m)")


def test_a_pattern_can_be_one_of_the_tables_of_a_union(ask: Ask) -> None:
    pattern = """declare pattern App = (id: string)[scope: string] {
        ('a').['One'] = { print n = 1 }; ('b').['Two'] = { print n = 2 }; };"""

    assert ask(f"{pattern} union App('a').One, App('b').Two") == [(1,), (2,)]


@pytest.mark.parametrize("table", ["database('other').T", "cluster('far').database('other').T"])
def test_a_table_of_another_place_is_refused_by_name(ask: Ask, table: str) -> None:
    with pytest.raises(QueryError, match="a table of another"):
        ask(f"union {table}, (print 1)")


@pytest.mark.parametrize(
    ("operators", "columns"),
    [
        ("summarize arg_max(v, strlen(k) + 1, k)", ["v", "max_v_arg1", "k"]),
        ("summarize arg_min(v + 1, v * 2)", ["min_", "min__arg1"]),
        ("summarize take_any(k, v + 1)", ["k", "any_arg1"]),
        ("summarize take_any(v + 1), take_any(v + 2)", ["any_arg0", "any_arg01"]),
        ("project totime('1h'), v", ["Column1", "v"]),
    ],
)
def test_what_aggregates_of_expressions_are_called(
    names: Callable[[str], list[str]], operators: str, columns: list[str]
) -> None:
    assert names(f"{T} | {operators}") == columns


@pytest.mark.parametrize(
    "value", ["coalesce(i, v)", "case(true, i, v)", "iff(true, i, v)", "min_of(i, v)", "max_of(i, v)"]
)
def test_an_int_among_longs_is_a_long(ask: Ask, value: str) -> None:
    assert ask(f"{T} | extend i = int(7) | project x = {value} | getschema | project ColumnType") == [
        ("long",)
    ]


@pytest.mark.parametrize(
    ("aggregate", "kind"),
    [
        ("percentile(v, 50)", "long"),
        ("percentiles(v, 5)", "long"),
        ("binary_all_or(v)", "int"),
        ("max(v)", "int"),
    ],
)
def test_percentiles_of_ints_are_longs(ask: Ask, aggregate: str, kind: str) -> None:
    assert ask(f"datatable(v: int)[1, 2] | summarize x = {aggregate} | getschema | project ColumnType") == [
        (kind,)
    ]


@pytest.mark.parametrize(
    ("aggregate", "most"),
    [
        ("array_length(makelist(x))", 128),
        ("array_length(makeset(x))", 128),
        ("array_length(makelist(x, 150))", 150),
        ("array_length(make_list(x))", 200),
        ("array_length(bag_keys(make_bag(bag_pack(tostring(x), x), 3)))", 3),
        ("array_length(bag_keys(make_bag_if(bag_pack(tostring(x), x), x > 198, 3)))", 2),
    ],
)
def test_how_many_values_are_collected(ask: Ask, aggregate: str, most: int) -> None:
    assert ask(f"range x from 1 to 200 step 1 | summarize n = {aggregate}") == [(most,)]


def test_a_range_of_ints_is_of_ints(ask: Ask) -> None:
    kinds = "getschema | project ColumnType"

    assert ask(f"range x from int(1) to int(3) step int(1) | {kinds}") == [("int",)]
    assert ask(f"range x from int(1) to int(3) step 1 | {kinds}") == [("long",)]


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ("range x from 1 to 3 step 0", "a step that is not zero"),
        ("union withsource = k (print k = 1), (print k = 2)", "has a column 'k' already"),
        ("print x = 1 | summarize make_list(x, '')", "how many values"),
        ("print x = 1 | summarize make_set_if(x, true, 1.5)", "how many values"),
        ("print x = 1 | summarize count(x > 5)", "count\\(\\) of a condition"),
        ("print x = 1 | extend tostring(x), toint(x)", "'x' is assigned twice"),
        ("print x = 1 | summarize percentile(x, 101)", "from 0 to 100"),
        ("print x = 1 | summarize percentiles(x, 50, -1)", "from 0 to 100"),
        ("union kind=inner (print k = 1, v = 1), (print k = 'a', v = 2)", "'k' of several types"),
        ("print k = 'a' | search kind=case_sensitive k has 'a'", "'has' in a case-sensitive search"),
        ("print k = 'a', x = 1 | make-series take_any(k) on x from 1 to 3 step 1", "without default"),
    ],
)
def test_what_has_no_certain_answer_is_refused(ask: Ask, query: str, message: str) -> None:
    with pytest.raises(QueryError, match=message):
        ask(query)


@pytest.mark.parametrize(
    ("aggregate", "expected"),
    [
        ("take_any(k)", [("b",)]),
        ("take_any(v)", [(0,)]),
        ("any(k)", [("b",)]),
        ("take_anyif(k, v != 1)", [("",)]),
    ],
)
def test_any_value_is_one_that_is_there_if_one_is(
    ask: Ask, aggregate: str, expected: list[tuple[Any, ...]]
) -> None:
    rows = "datatable(k: string, v: long)['', long(null), '', 0, 'b', 1]"

    assert ask(f"{rows} | summarize {aggregate}") == expected


@pytest.mark.parametrize(
    "aggregate",
    [
        "x = max(k)",
        "x = minif(k, v > 5)",
        "x = take_any(k)",
        "x = take_anyif(k, v > 5)",
        "(y, x) = take_any(v, k)",
        "(y, x) = arg_max(v, k)",
    ],
)
def test_no_text_at_all_is_the_empty_text(ask: Ask, aggregate: str) -> None:
    rows = "datatable(k: string, v: long)['a', 1] | where v > 1"

    assert ask(
        f"{rows} | summarize {aggregate} | where isempty(x) and x == '' | project x, l = strlen(x)"
    ) == [("", 0)]


def test_columns_may_be_named_like_the_options_of_other_operators(ask: Ask) -> None:
    assert ask(f"{T} | where v > 2 | summarize kind = count(), s = sum(v) by k") == [("a", 1, 3)]
    assert ask(f"{T} | summarize hint.strategy=shuffle kind = count() | distinct kind") == [(4,)]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("print d = dynamic({}) | mv-expand kind=list d", "kind=bag or kind=array"),
        ("print t = 1 | make-series kind=empty count() on t from 0 to 2 step 1", "kind=nonempty"),
        ("print s = 'a' | search kind=exact 'a'", "kind=default or kind=case_insensitive"),
        ("union isfuzzy=maybe (print 1)", "isfuzzy=true or isfuzzy=false"),
        ("print s = 'a' | parse flags=i s with 'A' b", "flags and no kind=regex"),
        ("print x = 1 | join withsource=s (print x = 1) on x", "withsource"),
    ],
)
def test_options_have_the_values_an_operator_knows(ask: Ask, query: str, expected: str) -> None:
    with pytest.raises(QueryError, match=expected):
        ask(query)
