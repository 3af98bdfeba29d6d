"""What columns are called where names meet, and which columns aggregates of rows give."""

from __future__ import annotations

from collections.abc import Callable

import pytest

Names = Callable[[str], list[str]]
T = "datatable(k: string, v: long, r: real)['a', 1, 1.5, 'b', 2, 2.5]"


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("join kind=inner (T | extend v1 = 3) on k", ["k", "v", "r", "k1", "v2", "r1", "v1"]),
        ("lookup (T | extend v1 = 3) on k", ["k", "v", "r", "v2", "r1", "v1"]),
        ("extend v1 = 3 | join kind=leftouter T on k", ["k", "v", "r", "v1", "k1", "v2", "r1"]),
        (
            "project k | join (T | project k | join (T | project k) on k) on k",
            ["k", "k2", "k1"],
        ),
    ],
)
def test_no_name_of_either_side_is_given_anew_by_a_join(
    names: Names, query: str, expected: list[str]
) -> None:
    assert names(f"let T = {T}; T | {query}") == expected


@pytest.mark.parametrize(
    ("aggregates", "expected"),
    [
        ("arg_max(v, k, *)", ["v", "k", "r"]),
        ("arg_max(v, r, *) by k", ["k", "v", "r"]),
        ("arg_max(v, k, *) by k", ["k", "v", "r"]),
        ("arg_max(v, who = k, r)", ["v", "who", "r"]),
        ("arg_min(v, n = r + 1, *) by k", ["k", "v", "n", "r"]),
        ("take_any(r, *) by k", ["k", "r", "v"]),
    ],
)
def test_a_star_gives_no_column_twice_and_names_are_kept(
    names: Names, aggregates: str, expected: list[str]
) -> None:
    assert names(f"{T} | summarize {aggregates}") == expected


@pytest.mark.parametrize(
    ("aggregates", "expected"),
    [
        ("any(*) by k", ["k", "any_v", "any_r"]),
        ("any(v), any(v, r + 1)", ["any_v", "any_v1", "any_arg1"]),
        ("argmax(v, *) by k", ["k", "max_v", "max_v_r"]),
        ("argmin(v, k, r + 1)", ["min_v", "min_v_k", "min_v_arg2"]),
    ],
)
def test_old_aggregates_put_what_they_are_before_every_name(
    names: Names, aggregates: str, expected: list[str]
) -> None:
    assert names(f"{T} | summarize {aggregates}") == expected


@pytest.mark.parametrize(
    ("operators", "expected"),
    [
        ("project column_ifexists('v', 0), column_ifexists('x', 0)", ["v", "Column1"]),
        ("project column_ifexists(asked, 0)", ["v"]),
        ("extend column_ifexists('v', 0)", ["k", "v", "r"]),
        ("summarize count() by column_ifexists('k', '')", ["k", "count_"]),
    ],
)
def test_a_column_asked_for_by_its_text_keeps_its_name(
    names: Names, operators: str, expected: list[str]
) -> None:
    assert names(f"let asked = 'v'; {T} | {operators}") == expected


@pytest.mark.parametrize(
    ("order", "expected"),
    [
        ("* asc", ["a1", "a10", "a2", "B"]),
        ("* desc", ["B", "a2", "a10", "a1"]),
        ("* granny-asc", ["a1", "a2", "a10", "B"]),
    ],
)
def test_columns_are_ordered_whatever_the_case_of_their_letters(
    names: Names, order: str, expected: list[str]
) -> None:
    assert names(f"print a10 = 1, a2 = 2, B = 3, a1 = 4 | project-reorder {order}") == expected


@pytest.mark.parametrize(
    ("operators", "expected"),
    [
        ("join kind=inner T on k | project-away *1", ["k", "v", "r"]),
        ("join kind=inner T on k | project-keep k*1, v", ["v", "k1"]),
        ("project-reorder r, *", ["r", "k", "v"]),
        ("project-reorder *, r, k", ["k", "v", "r"]),
    ],
)
def test_patterns_may_hold_numbers_and_the_first_that_fits_counts(
    names: Names, operators: str, expected: list[str]
) -> None:
    assert names(f"let T = {T}; T | {operators}") == expected
