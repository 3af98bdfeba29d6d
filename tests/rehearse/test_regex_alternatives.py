"""The alternatives of a pattern, each left out in turn."""

from __future__ import annotations

import pytest

from sentinel.rehearse.regex_alternatives import cuts


def without_each(pattern: str) -> list[str]:
    return [pattern[:start] + pattern[end:] for start, end in cuts(pattern)]


@pytest.mark.parametrize(
    ("pattern", "left"),
    [
        ("a|b|c", ["b|c", "a|c", "a|b"]),
        ("(?i)a|b", ["(?i)b", "(?i)a"]),
        ("x(a|b)y|z", ["x(b)y|z", "x(a)y|z", "z", "x(a|b)y"]),
        ("(?:a|b) c", ["(?:b) c", "(?:a) c"]),
        (r"a\|b", []),
        ("[a|b]", []),
        ("[]|]|c", ["c", "[]|]"]),
        ("plain", []),
    ],
)
def test_each_alternative_is_left_out_once(pattern: str, left: list[str]) -> None:
    assert sorted(without_each(pattern)) == sorted(left)
