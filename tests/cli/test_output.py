from __future__ import annotations

import pytest

from sentinel.cli.output import counted


@pytest.mark.parametrize(
    ("number", "said"), [(0, "0 cases"), (1, "1 case"), (2, "2 cases"), (2000, "2,000 cases")]
)
def test_only_one_thing_is_counted_in_the_singular(number: int, said: str) -> None:
    assert counted(number, "case") == said


def test_a_noun_with_another_plural_is_given_both() -> None:
    assert [counted(n, "query is", "queries are") for n in (1, 2)] == ["1 query is", "2 queries are"]
