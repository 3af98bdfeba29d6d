"""What scalar functions and operators give, one expression each."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from sentinel.query.values import parse_datetime, parse_timespan

CASES: list[tuple[str, Any]] = [
    # Whole numbers divide toward zero, remainders are never negative, 64 bits wrap.
    ("7 / 2", 3),
    ("-7 / 2", -3),
    ("-7 % 3", 2),
    ("1 / 0", None),
    ("9223372036854775807 + 1", -9223372036854775808),
    ("7 / 2.0", 3.5),
    ("1.0 / 0", float("inf")),
    ("isnan(0.0 / 0.0)", True),
    ("round(2.5)", 3.0),
    ("round(-2.5)", -3.0),
    ("bin(-1, 3)", -3),
    ("bin(-2.5, 1.5)", -3.0),
    ("bin(7, -1)", None),
    # Nulls: one is unequal to a value, two have no answer, and conditions take the other branch.
    ("int(null) == 0", False),
    ("int(null) != 0", True),
    ("int(null) == int(null)", None),
    ("int(null) < 0", None),
    ("iff(bool(null), 1, 2)", 2),
    ("isnull('')", False),
    ("strcat('a', tostring(int(null)), 'b')", "ab"),
    ("int(null) in (1, 2)", False),
    ("int(null) !in (1, 2)", True),
    ("coalesce(int(null), 3)", 3),
    # Terms end at anything that is no letter or digit.
    ("'a_b' has 'a'", True),
    ("'level=ERROR' has 'err'", False),
    ("'CAFÉ' has 'café'", True),
    ("'v2.31' has '2.3'", False),
    ("'v=2.3' has '2.3'", True),
    ("'abc' has ''", True),
    ("'end.' hassuffix 'end'", True),
    ("'format' hasprefix 'form'", True),
    ("'one two' has_any ('x', 'TWO')", True),
    ("'one two' has_all ('one', 'x')", False),
    ("'100%' contains '%'", True),
    ("'Abc' startswith_cs 'a'", False),
    ("'Abc' !startswith 'a'", False),
    ("'x' in~ ('X')", True),
    ("'abc' matches regex '^a.c$'", True),
    # Texts.
    ("split('a/b/c', '/')[-1]", "c"),
    ("split('', '_')", [""]),
    ("substring('abc', -2, 5)", "bc"),
    ("indexof('abc', 'd')", -1),
    ("indexof('abc', '')", None),
    ("replace_string('a.b', '.', '-')", "a-b"),
    ("extract('([0-9]+)', 1, 'no')", ""),
    ("trim('[.]+', '..a..')", "a"),
    ("strlen('é')", 1),
    ("string_size('é')", 2),
    # Conversions give null where they cannot convert.
    ("toint('5.7')", None),
    ("toint(2.9)", 2),
    ("tolong('12abc')", None),
    ("todouble('1e3')", 1000.0),
    ("tobool('yes')", None),
    ("tostring(true)", "True"),
    ("tostring(1.0)", "1.0"),
    ("tostring(1d + 2h)", "1.02:00:00"),
    ("tostring(datetime(2020-01-01))", "2020-01-01T00:00:00.0000000Z"),
    ("todatetime('nonsense')", None),
    # Time.
    ("datetime(2020-01-02) - datetime(2020-01-01)", parse_timespan("1d")),
    ("1d / 1h", 24.0),
    ("bin(datetime(2007-03-09), 30d)", parse_datetime("2007-02-14")),
    ("startofweek(datetime(2024-02-29))", parse_datetime("2024-02-25")),
    ("endofmonth(datetime(2020-02-01))", parse_datetime("2020-02-29 23:59:59.9999999")),
    ("datetime_diff('year', datetime(2020-12-31), datetime(2021-01-01))", -1),
    ("datetime_add('month', 1, datetime(2020-01-31))", parse_datetime("2020-02-29")),
    ("format_datetime(datetime(2020-01-01 17:05), 'h:mm tt')", "5:05 PM"),
    ("dayofweek(datetime(2024-02-27))", parse_timespan("2d")),
    ("datetime(2020-01-01) between (datetime(2019-12-31) .. 2d)", True),
    # Dynamics.
    ("dynamic({'a': {'b': [1, 2]}}).a.b[1]", 2),
    ("dynamic({'a': 1}).z", None),
    ("tostring(dynamic({'a': 'x'}).a)", "x"),
    ("parse_json('{bad')", "{bad"),
    ("parse_json('')", None),
    ("array_length(dynamic([1, 2]))", 2),
    ("bag_keys(dynamic({'a': 1, 'b': 2}))", ["a", "b"]),
    ("set_difference(dynamic([1, 2, 2]), dynamic([1]))", [2]),
    ("strcat_array(dynamic([1, 'b']), '-')", "1-b"),
    ("todecimal('0.1') + todecimal('0.2') == todecimal('0.3')", True),
    ("0.1 + 0.2 == 0.3", False),
]


@pytest.mark.parametrize(("expression", "expected"), CASES, ids=[text for text, _ in CASES])
def test_an_expression_gives_what_kusto_gives(
    ask: Callable[[str], list[tuple[Any, ...]]], expression: str, expected: Any
) -> None:
    assert ask(f"print x = {expression}") == [(expected,)]
