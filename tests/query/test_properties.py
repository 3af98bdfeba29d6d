"""Random queries over small random tables answer what a plain model of KQL computes.

`SENTINEL_PROPERTY_EXAMPLES=5000` tries more, and other ones each time.
"""

from __future__ import annotations

import math
import os
from collections.abc import Callable
from typing import Any, Final

from hypothesis import HealthCheck, assume, given, settings, strategies as st

from tests.query import model

Ask = Callable[[str], list[tuple[Any, ...]]]
EXAMPLES: Final = int(os.environ.get("SENTINEL_PROPERTY_EXAMPLES", "0"))
tried = settings(
    max_examples=EXAMPLES or 25,
    deadline=None,
    derandomize=not EXAMPLES,
    database=None,
    suppress_health_check=list(HealthCheck),
)

SMALL = st.integers(-3, 3)
LONGS = st.one_of(st.none(), SMALL, SMALL, st.sampled_from([2**63 - 1, -(2**63), 2**53 + 1, 10**18]))
TEXTS = st.one_of(
    st.sampled_from(
        ["", "a", "A", "ab", "Ab c", "a_b", "É", "é a", 'q"\\', "1 2", "a.b", "ß", "日本 a", "%", "x%y"]
    ),
    st.text("abAB _.é", max_size=5),
)
REALS = st.one_of(
    st.none(),
    st.sampled_from([math.nan, math.inf, -math.inf, 0.0, 0.5, -2.5, 1e300]),
    st.floats(-4, 4, width=16),
)
MOMENTS = st.one_of(
    st.none(),
    st.sampled_from([0, 1, 3155378975999999999, 638_000_000_000_000_000]),
    st.integers(637_999_999_000_000_000, 638_000_001_000_000_000),
)
SPANS = st.one_of(st.none(), st.sampled_from([0, 1, -1, 864 * 10**9]), st.integers(-(10**9), 10**9))
ROWS = st.lists(st.tuples(LONGS, TEXTS, REALS, MOMENTS, SPANS), max_size=7).map(
    lambda rows: [(at, *row) for at, row in enumerate(rows)]
)
FEW_KEYS = st.lists(st.tuples(st.one_of(st.none(), SMALL), TEXTS, REALS, MOMENTS, SPANS), max_size=6).map(
    lambda rows: [(at, *row) for at, row in enumerate(rows)]
)
ORDERS = st.sampled_from(["==", "!=", "<", "<=", ">", ">="])
COLUMN = st.sampled_from([("k", 1, "long", LONGS), ("r", 3, "real", REALS), ("d", 4, "datetime", MOMENTS)])
TEXT_OPERATORS = st.sampled_from(
    """contains !contains contains_cs startswith !startswith startswith_cs endswith !endswith_cs =~ !~ has !has
    has_cs !has_cs""".split()  # noqa: SIM905 - as in the documentation
)
Condition = tuple[str, Callable[[model.Row], model.Truth]]


def ids(rows: list[tuple[Any, ...]]) -> list[Any]:
    return [row[0] for row in rows]


def bag(rows: list[Any]) -> list[Any]:
    return sorted(rows, key=repr)


@st.composite
def comparisons(draw: st.DrawFn) -> Condition:
    name, at, kind, values = draw(COLUMN)
    operator, value = draw(ORDERS), draw(values.filter(lambda found: found is not None))
    return f"{name} {operator} {model.literal(value, kind)}", lambda row: model.compared(
        operator, row[at], value
    )


@st.composite
def text_tests(draw: st.DrawFn) -> Condition:
    operator, needle = draw(TEXT_OPERATORS), draw(TEXTS)
    return (
        f"s {operator} {model.literal(needle, 'string')}",
        lambda row: model.text_holds(operator, row[2], needle),
    )


NULL_TESTS: st.SearchStrategy[Condition] = st.sampled_from(
    [
        ("isnull(k)", lambda row: row[1] is None),
        ("isnotnull(d)", lambda row: row[4] is not None),
        ("isempty(s)", lambda row: row[2] == ""),
        ("isnull(s)", lambda _: False),
        ("bool(null)", lambda _: None),
    ]
)


def combined(inner: st.SearchStrategy[Condition]) -> st.SearchStrategy[Condition]:
    return st.one_of(
        st.builds(
            lambda a, b: (f"({a[0]} and {b[0]})", lambda row: model.both(a[1](row), b[1](row))), inner, inner
        ),
        st.builds(
            lambda a, b: (f"({a[0]} or {b[0]})", lambda row: model.either(a[1](row), b[1](row))), inner, inner
        ),
        st.builds(lambda a: (f"not({a[0]})", lambda row: model.negated(a[1](row))), inner),
    )


CONDITIONS = st.recursive(st.one_of(comparisons(), text_tests(), NULL_TESTS), combined, max_leaves=4)


@tried
@given(ROWS, CONDITIONS)
def test_where_keeps_the_rows_its_condition_is_true_for(
    ask: Ask, rows: list[model.Row], condition: Condition
) -> None:
    text, holds = condition

    found = ask(f"{model.datatable(rows)} | where {text} | project id")

    assert sorted(ids(found)) == [row[0] for row in rows if holds(row)]


@tried
@given(ROWS, CONDITIONS)
def test_iff_takes_the_other_branch_where_its_condition_is_not_true(
    ask: Ask, rows: list[model.Row], condition: Condition
) -> None:
    text, holds = condition

    found = ask(f"{model.datatable(rows)} | project id, b = iff({text}, 1, 0)")

    assert sorted(found) == [(row[0], 1 if holds(row) else 0) for row in rows]


@tried
@given(ROWS, st.sampled_from("+-*/%"), st.one_of(SMALL, st.sampled_from([2**63 - 1, -(2**62)])))
def test_whole_numbers_are_calculated_in_64_bits(
    ask: Ask, rows: list[model.Row], sign: str, other: int
) -> None:
    assume(not (sign in "/%" and other == 0))

    found = ask(
        f"{model.datatable(rows)} | project id, x = k {sign} long({other}), y = long({other}) {sign} k"
    )

    assert sorted(found) == [
        (row[0], model.calculated(sign, row[1], other), model.calculated(sign, other, row[1])) for row in rows
    ]


@tried
@given(ROWS)
def test_groups_are_counted_and_added_up_without_their_nulls(ask: Ask, rows: list[model.Row]) -> None:
    found = ask(
        f"{model.datatable(rows)} | summarize n = count(), total = sum(k), low = min(k), high = max(k),"
        " kinds = dcount(s), some = countif(k > 0), mean = avg(k % 1000), oldest = min(d), longest = max(t) by s"
    )

    wanted = []
    for key, group in model.grouped(rows, lambda row: row[2]).items():
        known = [row[1] for row in group if row[1] is not None]
        mean = model.average([model.calculated("%", row[1], 1000) for row in group])
        moments = [row[4] for row in group if row[4] is not None]
        spans = [row[5] for row in group if row[5] is not None]
        wanted.append(
            (
                *(
                    key,
                    len(group),
                    model.wrapped(sum(known)),
                    min(known, default=None),
                    max(known, default=None),
                ),
                *(1, sum(value > 0 for value in known), mean),
                *(min(moments, default=None), max(spans, default=None)),
            )
        )
    assert repr(bag(found)) == repr(bag(wanted))


@tried
@given(FEW_KEYS)
def test_nulls_are_a_group_of_their_own(ask: Ask, rows: list[model.Row]) -> None:
    found = ask(f"{model.datatable(rows)} | summarize n = count(), kinds = dcount(s), spans = dcount(t) by k")

    wanted = [
        (key, len(group), len({row[2] for row in group}), len({row[5] for row in group} - {None}))
        for key, group in model.grouped(rows, lambda row: row[1]).items()
    ]
    assert bag(found) == bag(wanted)


@tried
@given(ROWS, st.sampled_from([0, 1, 25, 50, 66.6, 95, 100]))
def test_a_percentile_is_a_value_there_is(ask: Ask, rows: list[model.Row], percent: float) -> None:
    found = ask(
        f"{model.datatable(rows)} | summarize percentile(k, {percent}), percentile(d, {percent}),"
        f" percentile(t, {percent})"
    )

    assert found == [tuple(model.nearest_rank([row[at] for row in rows], percent) for at in (1, 4, 5))]


@tried
@given(FEW_KEYS)
def test_lists_and_sets_hold_what_is_not_null(ask: Ask, rows: list[model.Row]) -> None:
    ((listed, kinds, nulls, texts),) = ask(
        f"{model.datatable(rows)} | summarize make_list(k), make_set(k), make_list_with_nulls(k), make_set(s)"
    )

    known = [row[1] for row in rows if row[1] is not None]
    assert sorted(listed) == sorted(known)
    assert sorted(kinds) == sorted(set(known))
    assert bag(nulls) == bag([row[1] for row in rows])
    assert sorted(texts) == sorted({row[2] for row in rows})


@tried
@given(
    FEW_KEYS,
    FEW_KEYS,
    st.sampled_from(
        ["inner", "leftouter", "rightouter", "fullouter", "leftsemi", "rightsemi", "leftanti", "rightanti"]
    ),
)
def test_a_join_brings_together_what_its_kind_says(
    ask: Ask, left: list[model.Row], right: list[model.Row], kind: str
) -> None:
    shown = "id" if "semi" in kind or "anti" in kind else "id, id1"

    found = ask(
        f"{model.datatable(left)} | join kind={kind} ({model.datatable(right)}) on k | project {shown}"
    )

    assert bag(found) == bag(model.joined(kind, left, right))


@tried
@given(FEW_KEYS, FEW_KEYS)
def test_a_missing_side_of_a_join_is_null_and_its_texts_are_empty(
    ask: Ask, left: list[model.Row], right: list[model.Row]
) -> None:
    found = ask(
        f"{model.datatable(left)} | join kind=fullouter ({model.datatable(right)}) on k"
        " | where isnull(id) or isnull(id1) | project k, s, d, k1, s1, d1"
    )

    pairs = model.joined("fullouter", left, right)
    wanted = [
        (
            (a[1], a[2], a[4])
            if (a := next((row for row in left if row[0] == one), None))
            else (None, "", None)
        )
        + (
            (b[1], b[2], b[4])
            if (b := next((row for row in right if row[0] == other), None))
            else (None, "", None)
        )
        for one, other in pairs
        if one is None or other is None
    ]
    assert bag(found) == bag(wanted)


@tried
@given(FEW_KEYS, FEW_KEYS)
def test_innerunique_takes_one_row_of_a_key_from_the_left(
    ask: Ask, left: list[model.Row], right: list[model.Row]
) -> None:
    found = ask(f"{model.datatable(left)} | join ({model.datatable(right)}) on k | project k, id, id1")

    pairs = model.joined("inner", left, right)
    taken = {(key, one) for key, one, _ in found}
    assert sorted(other for _, _, other in found) == sorted({b for _, b in pairs})
    assert {(one, other) for _, one, other in found} <= set(pairs)
    assert len(taken) == len({key for key, _ in taken})


@tried
@given(ROWS, st.integers(1, 10), st.sampled_from([1, 7, 10**7, 36 * 10**9, 864 * 10**9]))
def test_bins_begin_at_multiples_of_their_size(
    ask: Ask, rows: list[model.Row], size: int, ticks: int
) -> None:
    rows = [row for row in rows if row[1] is None or row[1] > -(2**62)]

    found = ask(
        f"{model.datatable(rows)} | project id, bin(k, {size}), bin(d, {ticks} * 1tick), bin(t, {ticks} * 1tick)"
    )

    assert sorted(found) == [
        (row[0], model.floored(row[1], size), model.floored(row[4], ticks), model.floored(row[5], ticks))
        for row in rows
    ]


@tried
@given(
    ROWS,
    st.sampled_from([("k", 1), ("s", 2), ("d", 4), ("t", 5)]),
    st.sampled_from(["asc", "desc"]),
    st.sampled_from(["", " nulls first", " nulls last"]),
)
def test_rows_are_sorted_with_their_nulls_where_they_belong(
    ask: Ask, rows: list[model.Row], column: tuple[str, int], direction: str, nulls: str
) -> None:
    name, at = column
    order = f"{name} {direction}{nulls}, id asc"

    first = nulls == " nulls first" or (not nulls and direction == "asc")
    wanted = model.ordered(rows, at, descending=direction == "desc", nulls_first=first)
    assert ids(ask(f"{model.datatable(rows)} | sort by {order} | project id")) == wanted
    assert ids(ask(f"{model.datatable(rows)} | top 3 by {order} | project id")) == wanted[:3]


@tried
@given(ROWS, st.sampled_from(["asc", "desc"]))
def test_what_is_no_number_is_sorted_as_null_is(ask: Ask, rows: list[model.Row], direction: str) -> None:
    found = ids(ask(f"{model.datatable(rows)} | sort by r {direction}, id asc | project id"))

    numbers = [row for row in rows if row[3] is not None and not math.isnan(row[3])]
    nothing = {row[0] for row in rows} - {row[0] for row in numbers}
    wanted = model.ordered(numbers, 3, descending=direction == "desc", nulls_first=False)
    at_end = found[len(wanted) :] if direction == "desc" else found[: len(nothing)]
    assert [one for one in found if one not in nothing] == wanted
    assert set(at_end) == nothing


@tried
@given(ROWS)
def test_distinct_keeps_one_row_of_each_kind(ask: Ask, rows: list[model.Row]) -> None:
    found = ask(f"{model.datatable(rows)} | distinct k, s, d")

    assert bag(found) == bag(list({(row[1], row[2], row[4]) for row in rows}))


@tried
@given(ROWS, ROWS)
def test_union_has_all_rows_of_both_tables(ask: Ask, left: list[model.Row], right: list[model.Row]) -> None:
    found = ask(f"{model.datatable(left)} | project id, k | union ({model.datatable(right)} | project s, k)")

    assert bag(found) == bag(
        [*((row[0], row[1], "") for row in left), *((None, row[1], row[2]) for row in right)]
    )
