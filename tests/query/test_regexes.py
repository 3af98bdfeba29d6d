"""Regular expressions mean what KQL's documentation says, not what Python's `re` makes of the same letters."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from sentinel.errors import QuerySemanticError

Ask = Callable[[str], list[tuple[Any, ...]]]

CASES: list[tuple[str, Any]] = [
    # Sets named as POSIX names them.
    ("'abc1' matches regex '^[[:alpha:]]+$'", False),
    ("'ab-c' matches regex '^[[:alpha:]-]+$'", True),
    ("extract('[[:^digit:]]+', 0, '12ab3')", "ab"),
    ("extract('[[:punct:][:space:]]+', 0, 'a, b')", ", "),
    ("extract('[]a]+', 0, 'x]a')", "]a"),
    ("extract('[^]a]+', 0, 'x]a')", "x"),
    # The end is the very end, a line's end only where asked for.
    ("'abc\\n' matches regex 'abc$'", False),
    ("'abc\\n' matches regex '(?m)abc$'", True),
    ("'a\\nb' matches regex '^b'", False),
    ("'a\\nb' matches regex '(?m)^b$'", True),
    (r"'abc' matches regex @'\Aabc\z'", True),
    ("replace_regex('a\\n', '$', '-')", "a\n-"),
    # A flag holds from where it stands to the end of its group.
    ("'ABC' matches regex 'a(?i)bc'", False),
    ("'aBC' matches regex 'a(?i)bc'", True),
    ("'C' matches regex '^(?:a(?i)b|c)$'", True),
    ("'Ac' matches regex '^(?:(?i)a)c$'", True),
    ("'AC' matches regex '^(?:(?i)a)c$'", False),
    ("'aB' matches regex '^(?i)a(?-i)b$'", False),
    ("trim('(?i)A', 'aba')", "b"),
    ("extract('(?U)(a+)', 1, 'aaa')", "a"),
    ("extract('(?U)(a+?)', 1, 'aaa')", "aaa"),
    ("'ab' matches regex '(?x) a b  # both'", True),
    # Properties of Unicode.
    (r"extract(@'\p{Lu}\pL+', 0, 'über Ärger 漢')", "Ärger"),
    (r"extract(@'[\p{Greek}\d]+', 0, 'aβδ1漢')", "βδ1"),
    (r"extract(@'\P{L}+', 0, 'é12漢')", "12"),
    (r"extract(@'[^\p{Han}]+', 0, '漢é1漢')", "é1"),
    # Groups by name, characters by number, the ends of words.
    ("extract('(?<x>b)', 1, 'abc')", "b"),
    ("extract(@'\\x41\\u0042\\x{43}', 0, 'xABC')", "ABC"),
    (r"extract(@'\<b\w*\>', 0, 'ab bc')", "bc"),
    (r"'\x1d' matches regex @'\s'", False),
    (r"extract(@'[^\S\n]+', 0, '\n \t')", " \t"),
]


@pytest.mark.parametrize(("expression", "expected"), CASES)
def test_a_regular_expression_means_what_kusto_means(ask: Ask, expression: str, expected: Any) -> None:
    assert ask(f"print x = {expression}") == [(expected,)]


@pytest.mark.parametrize(
    ("pattern", "reason"),
    [
        ("a(?=b)", "lookaround"),
        ("(?<!a)b", "lookaround"),
        (r"(a)\1", "back-reference"),
        ("a++", "a repetition of a repetition"),
        ("a{,2}", "a repetition without a least count"),
        ("[a-c&&[^b]]", "an operation on character sets"),
        ("[0-9--4]", "an operation on character sets"),
        ("[x[yz]]", "a character set within another"),
        ("(?u)a", "the flag u"),
        (r"a\Z", r"bad escape \\Z"),
        (r"\p{InGreek}", r"bad escape \\p"),
        (r"\p{Nonsense}", "malformed"),
        (r"[\b]", r"bad escape \\b"),
        (r"\b{start}a", "a boundary by name"),
        ("(?>a)", "an unknown kind of group"),
        ("(a", "missing \\)"),
        ("a)", "unbalanced parenthesis"),
        ("*a", "nothing to repeat"),
        ("[a", "unterminated character set"),
    ],
)
def test_what_cannot_be_matched_as_kusto_does_is_refused(ask: Ask, pattern: str, reason: str) -> None:
    with pytest.raises(QuerySemanticError, match=reason):
        ask(f"print 'x' matches regex @'{pattern}'")
