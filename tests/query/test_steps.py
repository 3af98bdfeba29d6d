"""Operators that look at several rows or groups of rows: scan, partition, mv-apply, top-nested and their kin."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from sentinel.errors import QueryError, QueryUnsupported

Ask = Callable[[str], list[tuple[Any, ...]]]
Names = Callable[[str], list[str]]
T = "datatable(k: string, v: long)['a', 1, 'a', 2, 'a', 3, 'b', 5, 'b', long(null)]"
ARRAYS = "datatable(k: string, d: dynamic)['a', dynamic([3, 1, 2]), 'b', dynamic([5, 7])]"
SALES = "datatable(r: string, c: string, v: long)['n', 'a', 10, 'n', 'b', 20, 's', 'a', 30, 's', 'c', 5]"


def test_a_step_adds_to_what_it_held_before(ask: Ask) -> None:
    text = "range x from 1 to 4 step 1 | scan declare (s: long = 0) with (step a: true => s = a.s + x;)"

    assert ask(text) == [(1, 1), (2, 3), (3, 6), (4, 10)]


def test_a_declared_column_is_its_default_where_no_step_is_named(ask: Ask) -> None:
    text = "range x from 1 to 3 step 1 | scan declare (s: long = 10) with (step a: true => s = s + x;)"

    assert ask(text) == [(1, 11), (2, 12), (3, 13)]


def test_a_sequence_goes_from_step_to_step_and_is_numbered(ask: Ask) -> None:
    text = (
        "range x from 1 to 9 step 1 | scan with_match_id = m declare (f: long) with ("
        "step a: x % 4 == 1 => f = x; step b: x % 4 != 1 and x - a.x < 3 => f = a.f;)"
    )

    assert ask(text) == [(1, 1, 0), (2, 1, 0), (3, 1, 0), (5, 5, 1), (6, 5, 1), (7, 5, 1), (9, 9, 2)]


def test_a_row_that_matches_two_steps_is_given_twice_the_later_step_first(ask: Ask) -> None:
    text = (
        "range x from 1 to 3 step 1 | scan declare (s: string) with ("
        "step a: true => s = 'a'; step b: x == 3 => s = 'b';)"
    )

    assert ask(text) == [(1, "a"), (2, "a"), (3, "b"), (3, "a")]


def test_steps_without_output_only_carry_the_state_on(ask: Ask) -> None:
    text = (
        "datatable(t: long, e: string)[1, 'in', 4, 'out', 6, 'in', 9, 'out'] | sort by t asc"
        " | scan declare (took: long) with (step a output = none: e == 'in'; step b: e == 'out' => took = t - a.t;)"
    )

    assert ask(text) == [(4, "out", 3), (9, "out", 3)]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("print x = 1 | scan with (step a: true;)", "order"),
        ("range x from 1 to 2 step 1 | scan with (step a output = last: true;)", "output=last"),
        ("range x from 1 to 2 step 1 | scan with (step a: b.x > 1; step b: true;)", "no column named 'b'"),
        ("range x from 1 to 2 step 1 | scan with (step a: a.y > 1;)", "no column named 'y'"),
    ],
)
def test_what_scan_cannot_answer_is_refused(ask: Ask, text: str, message: str) -> None:
    with pytest.raises(QueryError, match=message):
        ask(text)


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("top 1 by v", [("a", 3), ("b", 5)]),
        ("summarize s = sum(v)", [(5,), (6,)]),
        ("count", [(2,), (3,)]),
        ("sort by v asc | extend n = row_number() | where n == 2 | project k, v", [("a", 2), ("b", 5)]),
        ("sort by v asc | take 1", [("a", 1), ("b", None)]),
        ("distinct k", [("a",), ("b",)]),
        ("top-nested 1 of v by max(v) | project-away aggregated_v", [(3,), (5,)]),
        (
            "sort by v asc | scan declare (s: long = 0) with (step x: true => s = x.s + 1;) | where s == 2",
            [("a", 2, 2), ("b", 5, 2)],
        ),
    ],
)
def test_partition_treats_each_part_by_itself(ask: Ask, body: str, expected: list[tuple[Any, ...]]) -> None:
    assert sorted(ask(f"{T} | partition hint.strategy=native by k ({body})")) == expected


def test_an_operator_that_cannot_stand_in_a_partition_is_refused(ask: Ask) -> None:
    with pytest.raises(QueryUnsupported, match="inside mv-apply or partition"):
        ask(f"{T} | partition by k (join kind=inner ({T}) on k)")


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("sort by x asc | extend p = prev(x) | project x, p", [(1, None), (2, 1), (3, 2), (5, None), (7, 5)]),
        ("summarize s = sum(x)", [(6,), (12,)]),
        (
            "mv-apply y = d to typeof(long) on (where y > x | summarize n = count()) | summarize n = sum(n)",
            [(1,), (3,)],
        ),
        (
            "sort by x asc | scan declare (s: long = 0) with (step a: true => s = a.s + x;) | project s",
            [(1,), (3,), (5,), (6,), (12,)],
        ),
        ("distinct x", [(1,), (2,), (3,), (5,), (7,)]),
    ],
)
def test_mv_apply_takes_any_pipeline_of_its_rows(
    ask: Ask, body: str, expected: list[tuple[Any, ...]]
) -> None:
    rows = ask(f"{ARRAYS} | mv-apply x = d to typeof(long) on ({body}) | project-away k, d")

    assert sorted(rows, key=str) == sorted(expected, key=str)


def test_top_nested_keeps_the_best_of_each_level(ask: Ask, names: Names) -> None:
    text = f"{SALES} | top-nested 1 of r by sum(v), top-nested 1 of c by Most = max(v)"

    assert names(text) == ["r", "aggregated_r", "c", "Most"]
    assert ask(text) == [("s", 35, "a", 30)]


def test_top_nested_keeps_all_where_no_number_is_given(ask: Ask) -> None:
    text = f"{SALES} | top-nested of r by sum(v), top-nested 1 of c by sum(v) asc"

    assert sorted(ask(text)) == [("n", 30, "a", 10), ("s", 35, "c", 5)]


def test_columns_are_projected_by_names_that_are_computed(names: Names) -> None:
    text = "let T = print b = 1, x = 2; print a1 = 1, b = 2, a2 = 3"

    assert names(f"{text} | project-by-names column_names_of(T), 'a*', dynamic(['zz'])") == ["b", "a1", "a2"]


def test_a_sample_has_the_size_asked_for(ask: Ask) -> None:
    source = "range x from 1 to 10 step 1"

    assert len(ask(f"{source} | sample 3")) == 3
    assert len(set(ask(f"{source} | sample-distinct 3 of x % 5"))) == 3


def test_levels_of_the_same_name_are_numbered(names: Names) -> None:
    text = (
        f"{SALES} | top-nested 1 of r by sum(v), top-nested of r by m = max(v), top-nested of c by m = max(1)"
    )

    assert names(text) == ["r", "aggregated_r", "r1", "m", "c", "m1"]


@pytest.mark.parametrize("option", ["kind", "bagexpansion"])
def test_mv_apply_does_not_take_bags_for_arrays(ask: Ask, option: str) -> None:
    with pytest.raises(QueryUnsupported, match="mv-apply of bags as arrays"):
        ask(f"print d = dynamic({{'a': 1}}) | mv-apply {option}=array d on (project k = d[0])")


@pytest.mark.parametrize(
    ("body", "columns", "rows"),
    [
        ("x to typeof(long) on (top 1 by x)", ["k", "n", "x"], [("a", 1, 3)]),
        ("x to typeof(long) on (summarize s = sum(x) by k)", ["k", "n", "s"], [("a", 1, 6)]),
        ("x to typeof(long) on (summarize arg_max(x, *))", ["k", "n", "x"], [("a", 1, 3)]),
        ("x to typeof(long) on (summarize n = count())", ["k", "n"], [("a", 3)]),
        ("y = x on (take 1 | project-away k)", ["k", "x", "n", "y"], [("a", [3, 1, 2], 1, 3)]),
    ],
)
def test_what_mv_apply_gives_stands_behind_the_columns_of_the_row_or_in_their_place(
    ask: Ask, names: Names, body: str, columns: list[str], rows: list[tuple[Any, ...]]
) -> None:
    text = f"print k = 'a', x = dynamic([3, 1, 2]), n = 1 | mv-apply {body}"

    assert names(text) == columns
    assert ask(text) == rows
