from __future__ import annotations

from datetime import timedelta

import pytest

from sentinel.detect.series import LEFT_OUT, expand_series, instants, rows

SECOND = timedelta(seconds=1)


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("7", (7,)),
        ("100+10x3", (100, 110, 120, 130)),
        ("3-1x2", (3, 2, 1)),
        ("7x2", (7, 7, 7)),
        ("0.5+0.25x2", (0.5, 0.75, 1.0)),
        ("1x1 _ 5", (1, 1, LEFT_OUT, 5)),
        ("_x2 9", (LEFT_OUT, LEFT_OUT, 9)),
    ],
)
def test_a_series_is_expanded_as_promtool_does(text: str, values: tuple[object, ...]) -> None:
    assert expand_series(text) == values


@pytest.mark.parametrize("text", ["", "a", "1+2", "1x", "1+x3", "1x1000000000"])
def test_what_is_no_series_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"series|longer"):
        expand_series(text)


def test_a_span_holds_both_its_ends() -> None:
    assert instants(SECOND, 3 * SECOND, SECOND, 1) == (SECOND, 2 * SECOND, 3 * SECOND)


def test_several_rows_of_an_instant_spread_up_to_the_next() -> None:
    assert instants(0 * SECOND, SECOND, SECOND, 2) == (0 * SECOND, SECOND / 2, SECOND, 1.5 * SECOND)


@pytest.mark.parametrize(
    ("last", "every", "says"),
    [(0.5, None, "needs `every`"), (-1.0, 1.0, "ends before it begins"), (1e6, 1.0, "more than")],
)
def test_a_span_that_makes_no_sense_is_refused(last: float, every: float | None, says: str) -> None:
    step = None if every is None else timedelta(seconds=every)

    with pytest.raises(ValueError, match=says):
        instants(timedelta(), timedelta(seconds=last), step, 1)


def test_columns_go_through_their_values_again_and_again_and_leave_out_what_is_left_out() -> None:
    at = (0 * SECOND, SECOND, 2 * SECOND)

    made = rows("T", at, {"Code": (200, 503), "Ms": (1, LEFT_OUT, 3)})

    assert [dict(row.columns) for row in made] == [
        {"Code": 200, "Ms": 1},
        {"Code": 503},
        {"Code": 200, "Ms": 3},
    ]
