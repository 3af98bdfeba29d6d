"""Texts in and out: tokens, the parser's complaints, and values as they are shown."""

from __future__ import annotations

from datetime import timedelta, timezone

import pytest
from hypothesis import given, strategies as st

from sentinel.errors import QueryError, QuerySyntaxError
from sentinel.model.tables import KqlType
from sentinel.query.parser import parse
from sentinel.query.tokens import Kind, tokenize
from sentinel.query.values import (
    MAX_DATETIME,
    format_datetime_iso,
    format_real,
    format_timespan,
    json_value,
    parse_datetime,
    parse_timespan,
)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        (r"'it\'s'", "it's"),
        ('@"C:\\a""b"', 'C:\\a"b'),
        ("```raw \\n```", "raw \\n"),
        ('h"secret"', "secret"),
        (r'"tab\tü"', "tab\tü"),
    ],
)
def test_a_literal_stands_for_its_text(text: str, value: str) -> None:
    token = tokenize(text)[0]

    assert (token.kind, token.text) == (Kind.STRING, value)


@pytest.mark.parametrize("text", [r'"a\d"', r"'a\\\d'", r'h"a\d"', r"['a\d']"])
def test_a_backslash_before_a_letter_without_meaning_is_refused(text: str) -> None:
    with pytest.raises(QuerySyntaxError) as caught:
        tokenize(text)

    assert caught.value.message == r"\d is no escape in a text; write \\d, or @ before the text"
    assert caught.value.span is not None
    assert text[caught.value.span.start : caught.value.span.end] == r"\d"


@pytest.mark.parametrize(
    "text", [r'@"\d"', r'"\\d"', r"""'\"\'\a\b\f\n\r\t\v\0\101\x41\u0041\U00000041'""", r"```\d```"]
)
def test_a_backslash_with_a_meaning_is_taken(text: str) -> None:
    assert tokenize(text)[0].kind is Kind.STRING


def test_every_token_knows_its_place() -> None:
    text = "T | where a !in~ ('x') // why\n and b > 1.5h"

    assert [text[t.span.start : t.span.end] for t in tokenize(text)[:-1]] == [
        *(["T", "|", "where", "a", "!in~", "(", "'x'", ")", "and", "b", ">", "1.5h"]),
    ]


@pytest.mark.parametrize(
    ("text", "line", "column", "says"),
    [
        ("T | where", 1, 10, "an expression"),
        ("T\n| summarise count()", 2, 3, "not an operator"),
        ("T | where a == 'x", 1, 16, "not closed"),
        ("T | where (a", 1, 13, "')'"),
        ("T | take 5 6", 1, 12, "the end of the query"),
        ("T | join kind=left-", 1, 20, "a value"),
        ("print 'a' has_all ()", 1, 20, "an expression"),
        ("print 'a' in ('a',)", 1, 19, "an expression"),
        ("print datetime(yesterday)", 1, 7, "not a datetime"),
        ("print datetime(2025,92233720368547758076, 16)", 1, 7, "not a datetime"),
    ],
)
def test_a_complaint_names_its_place(text: str, line: int, column: int, says: str) -> None:
    with pytest.raises(QuerySyntaxError) as caught:
        parse(text)

    assert caught.value.line_and_column == (line, column)
    assert says in caught.value.message


def test_a_misspelt_operator_is_told_the_nearest() -> None:
    with pytest.raises(QuerySyntaxError) as caught:
        parse("T | summarise count()")

    assert caught.value.hint == "did you mean summarize?"


@pytest.mark.parametrize("text", ["\n", "T | where\n", "T |\u2028\n", "T\x0b|\r\n| where", "T | where\n\n\n"])
def test_an_error_behind_the_last_line_is_told_as_any_other(text: str) -> None:
    with pytest.raises(QuerySyntaxError) as caught:
        parse(text)

    assert "^" in str(caught.value)


@given(st.text(max_size=60))
def test_any_text_parses_or_is_refused(text: str) -> None:
    try:
        parse(text)
    except QueryError as error:
        shown = str(error)
    else:
        shown = "parsed"

    assert shown


@given(st.integers(0, MAX_DATETIME))
def test_a_datetime_reads_back_from_its_text(ticks: int) -> None:
    assert parse_datetime(format_datetime_iso(ticks)) == ticks


@given(st.integers(-(10**18), 10**18))
def test_a_timespan_reads_back_from_its_text(ticks: int) -> None:
    assert parse_timespan(format_timespan(ticks)) == ticks


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_a_real_reads_back_from_its_text(value: float) -> None:
    assert float(format_real(value)) == value


def test_a_datetime_is_shown_in_a_zone_on_request() -> None:
    ticks = parse_datetime("2026-11-22 23:30:00.0000001")
    assert ticks is not None

    assert format_datetime_iso(ticks, timezone(timedelta(hours=1))) == "2026-11-23T00:30:00.0000001+01:00"


@pytest.mark.parametrize(
    ("value", "kind", "shown"),
    [
        (0, KqlType.DATETIME, "0001-01-01T00:00:00.0000000Z"),
        (36_000_000_000, KqlType.TIMESPAN, "01:00:00"),
        (float("inf"), KqlType.REAL, "Infinity"),
        ({"a": [1]}, KqlType.DYNAMIC, {"a": [1]}),
        (None, KqlType.LONG, None),
    ],
)
def test_a_value_has_a_form_in_json(value: object, kind: KqlType, shown: object) -> None:
    assert json_value(value, kind) == shown
