from __future__ import annotations

import pytest

from sentinel.model.outlook import Candidate, Outcome, Outlook, Price
from sentinel.report.outlook import outcome_text, outlook_lines

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
        "as it is: 25.0% refused, 0.0% timed out, p95 4800 ms, 0.80 replica-hours",
        f"target_utilization 70 → 50: {outcome_text(BEFORE)} (does not suffice)",
        "max_replicas 4 → 9: 0.4% refused, 0.1% timed out, p95 4600 ms, 1.25 replica-hours (suffices, chosen)",
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
