from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest

from sentinel.model.plain import LONGEST_TEXT, plain, plain_row


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (datetime(2026, 3, 4, 15, 7, 42, 118000, UTC), "2026-03-04T15:07:42.118Z"),
        (timedelta(days=1, hours=2, seconds=3), "1.02:00:03"),
        (timedelta(seconds=-1.5), "-00:00:01.500000"),
        (float("nan"), None),
        (float("inf"), None),
        ({"a": [datetime(2026, 3, 4, tzinfo=UTC)]}, {"a": ["2026-03-04T00:00:00.000Z"]}),
        (7, 7),
        (True, True),
        (None, None),
    ],
)
def test_a_value_is_shown_as_kql_prints_it(value: Any, shown: Any) -> None:
    assert plain(value) == shown


def test_a_long_text_is_cut_and_marked() -> None:
    cut = plain("x" * 5000)

    assert len(cut) == LONGEST_TEXT
    assert cut.endswith("x…")


def test_a_row_stored_and_read_again_is_the_same_row() -> None:
    row = plain_row(
        {"At": datetime(2026, 3, 4, tzinfo=UTC), "Span": timedelta(minutes=1), "N": 1.5, "T": "ü" * 999}
    )

    assert msgspec.json.decode(msgspec.json.encode(row)) == row
