"""What is changed in a query, and what is left alone because no answer would tell."""

from __future__ import annotations

from sentinel.model.tables import KqlType
from sentinel.query.parser import parse
from sentinel.rehearse.edits import Splice, Swap, edits_of, edits_of_condition
from sentinel.rehearse.live_columns import NO_COLUMN

SPAN = "TimeGenerated between (since .. now())"


def spliced(text: str) -> list[str]:
    return [
        edit.applied(text)
        for edit in edits_of(text, parse(text).pipeline, NO_COLUMN)
        if isinstance(edit, Splice)
    ]


def swapped(text: str) -> list[str]:
    return [edit.name for edit in edits_of(text, parse(text).pipeline, NO_COLUMN) if isinstance(edit, Swap)]


def conditions(text: str) -> set[str]:
    return {edit.applied(text) for edit in edits_of_condition(text)}


def test_each_condition_is_left_out_but_not_the_span_of_time() -> None:
    assert spliced(f'T | where {SPAN} and A == "x" and isnotempty(B)') == [
        f"T | where (({SPAN}) and (isnotempty(B)))",
        f'T | where (({SPAN}) and (A == "x"))',
    ]


def test_a_lone_condition_becomes_true() -> None:
    assert spliced('T | where A == "x"') == ["T | where true"]


def test_each_side_of_an_or_is_left_out() -> None:
    assert set(spliced('T | where A == "x" or B')) == {
        "T | where true",
        "T | where (B)",
        'T | where (A == "x")',
    }


def test_a_count_is_compared_with_a_higher_and_a_lower_threshold_and_with_its_end_left_out() -> None:
    assert conditions("N >= 5") == {"true", "N >= 15", "N >= 1", "N > 5"}


def test_a_measured_share_is_compared_with_a_higher_and_a_lower_one() -> None:
    assert conditions("N >= 0.3 * M") == {"true", "N >= 0.9 * M", "N >= 0.1 * M"}


def test_each_item_of_a_list_and_each_alternative_of_a_pattern_is_left_out() -> None:
    assert conditions("A in (1, 2)") == {"true", "A in (2)", "A in (1)"}
    assert conditions("A matches regex @'x|y'") == {"true", "A matches regex @'y'", "A matches regex @'x'"}


def test_each_source_of_a_union_is_left_out() -> None:
    assert spliced("union (T | where A), U | summarize N = count()") == [
        "union U | summarize N = count()",
        "union (T | where A) | summarize N = count()",
        "union (T | where true), U | summarize N = count()",
    ]


def test_what_only_shapes_the_rows_that_are_shown_is_left_alone() -> None:
    shown = "T | summarize Times = count(), Clients = dcountif(C, D > 3) by E | sort by Times desc"

    assert spliced(shown) == []
    assert swapped(shown) == []


def test_columns_that_a_later_condition_reads_are_swapped() -> None:
    assert swapped("T | summarize N = countif(A), M = max(B) by C | where N > 3") == ["A", "C", "N"]


def test_a_column_becomes_the_next_one_of_its_type() -> None:
    columns = {"A": KqlType.LONG, "B": KqlType.STRING, "C": KqlType.LONG, "TimeGenerated": KqlType.DATETIME}
    swap = Swap(10, 11, "A", "T", keeps_name=False)

    found = swap.among(columns)

    assert found == Splice(10, 11, "C", "A becomes C")
    assert swap.among({"A": KqlType.LONG}) is None


def test_a_phrase_that_the_pattern_after_it_looks_for_again_is_left_alone() -> None:
    text = (
        'T | where M has "out of space" | extend D = extract(@"(out of space)", 1, M) | where isnotempty(D)'
    )

    assert not any("where true | extend" in one for one in spliced(text))


def test_a_phrase_that_no_pattern_looks_for_again_is_left_out() -> None:
    text = 'T | where M has "Error" | extend D = extract(@"(out of space)", 1, M) | where isnotempty(D)'

    assert any("where true | extend" in one for one in spliced(text))
