from __future__ import annotations

from datetime import timedelta

import pytest

from sentinel.detect.case_file import CaseFile, ExpectedFinding, ExpectedVerdict, decode_cases
from sentinel.errors import RuleProblem
from sentinel.model.diagnosis import Outcome

CASES = """\
defaults:
  AmlOnlineEndpointTrafficLog: {EndpointName: chat, DeploymentName: blue, ResponseCode: 200}
cases:
  - case: it is so
    given:
      - {table: AmlOnlineEndpointTrafficLog, at: 0s..4s, every: 2s, TotalDurationMs: 100+10x2}
      - {table: AmlOnlineEndpointTrafficLog, at: 1s, ResponseCode: 503, Path: 100+10x2}
    when: 90s
    expect: []
"""


def decoded(text: str, *, of_cause: bool = False) -> CaseFile:
    read = decode_cases(text, "x.cases.yaml", of_cause=of_cause)
    assert isinstance(read, CaseFile)
    return read


def problem_of(text: str, *, of_cause: bool = False) -> RuleProblem:
    read = decode_cases(text, "x.cases.yaml", of_cause=of_cause)
    assert isinstance(read, tuple)
    (problem,) = read
    return problem


def test_rows_are_made_in_the_order_of_time_with_the_defaults_of_their_table() -> None:
    case = decoded(CASES).cases[0]

    assert [row.at.total_seconds() for row in case.rows] == [0, 1, 2, 4]
    assert dict(case.rows[0].columns) == {
        "EndpointName": "chat",
        "DeploymentName": "blue",
        "ResponseCode": 200,
        "TotalDurationMs": 100,
    }
    assert case.rows[1].columns["ResponseCode"] == 503
    assert case.when == timedelta(seconds=90)


def test_a_series_is_one_in_a_number_column_only() -> None:
    case = decoded(CASES).cases[0]

    assert [row.columns.get("TotalDurationMs") for row in case.rows] == [100, None, 110, 120]
    assert case.rows[1].columns["Path"] == "100+10x2"


def test_a_symptom_expects_targets_with_or_without_numbers() -> None:
    text = CASES.replace("expect: []", "expect: [chat/green, {target: chat/blue, measure: 0.5, sample: 4}]")

    case = decoded(text).cases[0]

    assert case.expect == (ExpectedFinding("chat/green"), ExpectedFinding("chat/blue", 0.5, 4))
    assert case.fires


@pytest.mark.parametrize(
    ("expect", "verdict"),
    [
        ("explains", ExpectedVerdict(Outcome.EXPLAINS)),
        ("ruled out", ExpectedVerdict(Outcome.RULED_OUT)),
        (
            "{outcome: not shown, top: none, confidence: 0.5, reason: why, facts: {rps: 8}}",
            ExpectedVerdict(Outcome.NOT_SHOWN, "none", 0.5, "why", {"rps": 8}),
        ),
        (
            "{outcome: explains, evidence: {it is full: 2, it waits: {Seconds: 3}}}",
            ExpectedVerdict(Outcome.EXPLAINS, evidence={"it is full": 2, "it waits": {"Seconds": 3}}),
        ),
    ],
)
def test_a_cause_expects_an_outcome(expect: str, verdict: ExpectedVerdict) -> None:
    case = decoded(CASES.replace("expect: []", f"expect: {expect}"), of_cause=True).cases[0]

    assert case.expect == verdict
    assert case.fires is (verdict.outcome is Outcome.EXPLAINS)


@pytest.mark.parametrize(
    ("old", "new", "line", "says"),
    [
        ("at: 1s,", "at: soon,", 7, "is not a duration"),
        ("table: AmlOnlineEndpointTrafficLog, at: 1s", "table: TrafficLog, at: 1s", 7, "there is no table"),
        ("ResponseCode: 503", "ResponsCode: 503", 7, "did you mean 'ResponseCode'?"),
        ("100+10x2}\n      - {", "100+x}\n      - {", 6, "is not a number or a series"),
        ("every: 2s, ", "", 6, "a span needs `every`"),
        ("at: 1s,", "at: 1s, times: 0,", 7, "a count of one or more"),
        ("when: 90s", "wen: 90s", 8, "did you mean 'when'?"),
        ("ResponseCode: 200}", "ResponsCode: 200}", 2, "did you mean 'ResponseCode'?"),
        ("  AmlOnlineEndpointTrafficLog:", "  AmlTrafficLog:", 2, "unknown key"),
    ],
)
def test_what_is_wrong_is_told_with_its_line(old: str, new: str, line: int, says: str) -> None:
    read = decode_cases(CASES.replace(old, new, 1), "x.cases.yaml", of_cause=False)

    assert isinstance(read, tuple)
    assert read[0].line == line
    assert says in read[0].message


@pytest.mark.parametrize("shown", ["true", "-1", "many"])
def test_evidence_is_a_number_of_rows_or_columns(shown: str) -> None:
    text = CASES.replace("expect: []", f"expect: {{outcome: explains, evidence: {{it is full: {shown}}}}}")

    read = decode_cases(text, "x.cases.yaml", of_cause=True)

    assert isinstance(read, tuple)
    assert "a number of rows" in read[0].message


def test_two_cases_of_one_name_are_refused() -> None:
    twice = CASES + CASES[CASES.index("  - case") :]

    assert "two cases are called 'it is so'" in problem_of(twice).message


def test_an_outcome_nobody_knows_is_refused_with_the_nearest() -> None:
    text = CASES.replace("expect: []", "expect: explain")

    assert "did you mean 'explains'?" in problem_of(text, of_cause=True).message
