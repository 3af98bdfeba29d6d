from __future__ import annotations

import pytest

from sentinel.model.outlook import Candidate, Course, Outcome, Outlook, Price
from sentinel.report.outlook import figure_lines, outlook_lines

BEFORE = Outcome(1000, 0.25, 0.0, 900, 4800, 5100, 0.8, 4)
AFTER = Outcome(1000, 0.004, 0.001, 880, 4600, 5000, 1.25, 9)


def test_every_weighed_change_is_told_with_what_it_would_have_done() -> None:
    told = Outlook(
        calibrated=True,
        note="refused 24.0% simulated, 25.0% observed",
        now=BEFORE,
        after=AFTER,
        candidates=(
            Candidate("target_utilization 70 → 50", BEFORE, sufficient=False),
            Candidate("max_replicas 4 → 9", AFTER, sufficient=True),
        ),
    )

    assert list(outlook_lines(told)) == [
        "                            refused  timed out      p95  replica-hours",
        "as it is                      25.0%       0.0%  4800 ms           0.80",
        "target_utilization 70 → 50    25.0%       0.0%  4800 ms           0.80  not enough",
        "max_replicas 4 → 9             0.4%       0.1%  4600 ms           1.25  enough, chosen",
        "calibrated: refused 24.0% simulated, 25.0% observed",
    ]


@pytest.mark.parametrize(
    ("price", "told"),
    [
        (None, "cost: +0.90 replica-hours an hour"),
        (Price(3.06, "EUR"), "cost: +0.90 replica-hours an hour, +2.75 EUR an hour"),
    ],
)
def test_the_cost_of_the_change_is_told_in_money_too_where_there_is_a_price(
    price: Price | None, told: str
) -> None:
    outlook = Outlook(calibrated=True, note="", now=BEFORE, after=AFTER, seconds=1800, price=price)

    assert told in list(outlook_lines(outlook))


def test_what_is_not_calibrated_says_no_more_than_that() -> None:
    assert list(outlook_lines(Outlook(calibrated=False, note="not calibrated: too few"))) == [
        "not calibrated: too few"
    ]


def test_what_is_chosen_is_drawn_over_time_beside_what_is() -> None:
    now = Course("as it is", 60.0, (60, 60, 60), (0, 60, 120), (0, 0, 0), (1, 1, 1), 1)
    after = Course("max_replicas 1 → 4", 60.0, (60, 120, 180), (0, 0, 0), (0, 0, 0), (1, 2, 4), 4)

    drawn = list(figure_lines([now, after], width=48))

    assert drawn[:12] == [
        "",
        "as it is, requests a second and replicas over 3m",
        "             arrived ┤▂▂▂▂▂▂▅▅▅▅▅█████ max 3",
        "              served ┤▂▂▂▂▂▂▂▂▂▂▂▂▂▂▂▂ max 1",
        "                     ┤",
        "                     ┤           ▅▅▅▅▅",
        "                     ┤      ▂▂▂▂▂█████",
        "refused or timed out ┤      ██████████ max 2",
        "                     ┤",
        "                     ┤",
        "                     ┤",
        "    ready, at most 1 ┤████████████████ max 1",
    ]
