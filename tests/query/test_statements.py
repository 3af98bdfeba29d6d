"""Statements before a query: parameters, patterns and settings; and the forms of make-series."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from sentinel.errors import QueryError, QueryUnsupported
from sentinel.query.engine import Engine
from tests.query.conftest import NOW

Ask = Callable[[str], list[tuple[Any, ...]]]
PATTERN = (
    "declare pattern P = (a: string)[p: string] {"
    " ('x').['one'] = { print r = strcat(a, p) }; ('x').['two'] = { let q = 5; print r = q }; };"
)
TIMES = "datatable(t: long, v: long)[2, 10, 7, 20]"


def test_a_declared_parameter_has_its_default_unless_it_is_given(empty: Engine) -> None:
    text = "declare query_parameters(n: long = 3, s: string = 'x'); print n + 1, s"

    assert empty.query(text, now=NOW).rows == [(4, "x")]
    assert empty.query(text, now=NOW, parameters={"n": 5}).rows == [(6, "x")]


def test_a_declared_parameter_is_converted_to_its_type(empty: Engine) -> None:
    text = "declare query_parameters(n: long); print n + 1"

    assert empty.query(text, now=NOW, parameters={"n": "41"}).rows == [(42,)]


def test_a_parameter_without_value_is_refused_by_name(ask: Ask) -> None:
    with pytest.raises(QueryError, match="parameter 'n'"):
        ask("declare query_parameters(n: long); print n")


@pytest.mark.parametrize(("call", "expected"), [("P('x').one", [("xone",)]), ("P('x').two", [("5",)])])
def test_a_pattern_is_the_query_of_its_case(ask: Ask, call: str, expected: list[tuple[Any, ...]]) -> None:
    assert ask(f"{PATTERN} {call} | project r = tostring(r)") == expected


def test_a_pattern_without_that_case_is_refused(ask: Ask) -> None:
    with pytest.raises(QueryError, match="no such case"):
        ask(f"{PATTERN} P('y').one")


def test_settings_that_change_no_answer_are_taken(ask: Ask) -> None:
    assert ask("set notruncation; set servertimeout = 10m; print 1") == [(1,)]


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("set query_now = datetime(2020-01-01); print 1", "query_now"),
        ("restrict access to (T); print 1", "restrict"),
        ("workspace('x').Heartbeat | count", "another workspace"),
        ("database('x').Heartbeat | count", "another database"),
        ("range x from 1 to 2 step 1 | top-hitters 2 of x", "top-hitters"),
        ("range x from 1 to 2 step 1 | fork (count) (take 1)", "fork"),
        ("range x from 1 to 2 step 1 | facet by x", "facet"),
        ("print s = 'a' | reduce by s", "reduce"),
        ("print x = 1 | summarize binary_all_and(x + 1)", "an unnamed column"),
        ("print x = 1 | summarize take_anyif(x + 1, true)", "an unnamed column"),
    ],
)
def test_what_is_not_answered_is_refused_by_name(ask: Ask, text: str, what: str) -> None:
    with pytest.raises(QueryUnsupported, match=what):
        ask(text)


def test_a_series_without_ends_reaches_from_the_first_to_the_last_bin(ask: Ask) -> None:
    assert ask(f"{TIMES} | make-series s = sum(v) on t step 3") == [([10, 0, 20], [0, 3, 6])]


KEYED = "datatable(k: string, t: long, v: long)['a', 1, 10, 'a', 7, 20, 'b', 4, 5, 'c', long(null), 9]"


@pytest.mark.parametrize(
    ("span", "expected"),
    [
        ("step 3", [("a", [10, 0, 20], [0, 3, 6]), ("b", [5], [3])]),
        ("to 9 step 3", [("a", [10, 0, 20], [0, 3, 6]), ("b", [5, 0], [3, 6])]),
        ("to 6 step 3", [("a", [10, 0], [0, 3]), ("b", [5], [3])]),
        ("from 1 step 2", [("a", [10, 0, 0, 20], [1, 3, 5, 7]), ("b", [0, 5], [1, 3])]),
        ("from 4 to 8 step 2", [("a", [0, 20], [4, 6]), ("b", [5, 0], [4, 6])]),
    ],
)
def test_a_series_without_ends_reaches_from_its_own_first_to_its_own_last_bin(
    ask: Ask, span: str, expected: list[tuple[str, list[int], list[int]]]
) -> None:
    assert ask(f"{KEYED} | make-series s = sum(v) on t {span} by k") == expected


def test_times_without_ends_make_series_of_their_own(ask: Ask) -> None:
    rows = (
        "datatable(k: string, t: datetime)['a', datetime(2026-01-01 00:30), 'b', datetime(2026-01-01 03:10)]"
    )

    assert ask(f"{rows} | make-series n = count() on t step 1h by k") == [
        ("a", [1], ["2026-01-01T00:00:00.0000000Z"]),
        ("b", [1], ["2026-01-01T03:00:00.0000000Z"]),
    ]


def test_nothing_makes_no_series_unless_it_is_asked_for(ask: Ask) -> None:
    rest = "c = count() on t from 0 to 6 step 3"

    assert ask(f"{TIMES} | where v > 99 | make-series {rest}") == []
    assert ask(f"{TIMES} | where v > 99 | make-series kind=nonempty {rest}") == [([0, 0], [0, 3])]


@pytest.mark.parametrize("span", ["step 3", "from 0 step 3", "to 6 step 3"])
def test_a_series_of_nothing_needs_both_ends(ask: Ask, span: str) -> None:
    with pytest.raises(QueryUnsupported, match="kind=nonempty without from and to"):
        ask(f"{TIMES} | make-series kind=nonempty c = count() on t {span}")


def test_a_join_takes_conditions_joined_by_and(ask: Ask) -> None:
    text = "print a = 1, b = 2 | join kind=inner (print c = 1, d = 2) on $left.a == $right.c and $left.b == $right.d"

    assert ask(text) == [(1, 2, 1, 2)]


def test_a_number_is_no_datetime_in_a_datatable(ask: Ask) -> None:
    with pytest.raises(QueryError, match="does not stand for a datetime"):
        ask("datatable(t: datetime)[2020-01-01]")


def test_what_is_materialized_is_computed_once(empty: Engine) -> None:
    text = (
        "let T = materialize(range x from 1 to 3 step 1 | where x > 1); T | union T | join kind=inner T on x"
    )

    assert len(empty.query(text, now=NOW).rows) == 4
    assert empty.explain(text).lower().count("kql_numbers") == 1


def test_names_used_many_times_are_compiled_in_one_pass(empty: Engine) -> None:
    steps = " ".join(f"| union A{at} | take 1 | as A{at + 1}" for at in range(30))

    assert empty.tables_of(f"AmlComputeJobEvent | as A0 {steps} | count") == ("AmlComputeJobEvent",)


def test_types_have_other_names_too(ask: Ask) -> None:
    declared = "a: int64, b: float, c: int32, d: uint, e: double, f: boolean, g: uuid"

    assert ask(f"datatable({declared})[] | getschema | project ColumnType") == [
        ("long",), ("real",), ("int",), ("int",), ("real",), ("bool",), ("guid",),
    ]  # fmt: skip


@pytest.mark.parametrize("step", ["0", "-1", "long(null)"])
def test_a_series_has_a_step_above_zero(ask: Ask, step: str) -> None:
    with pytest.raises(QueryUnsupported, match="make-series with a"):
        ask(f"{TIMES} | make-series count() on t from 0 to 8 step {step}")
