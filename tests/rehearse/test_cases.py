from __future__ import annotations

from pathlib import Path

import pytest

from sentinel.errors import RuleErrors
from sentinel.rehearse import CaseReport, run_all_cases
from tests.detect.rule_texts import SYMPTOM, small_pack, write_pack

SYMPTOM_CASES = """\
defaults:
  AmlOnlineEndpointTrafficLog: {EndpointName: chat, DeploymentName: blue, ResponseCode: 503}
cases:
  - case: ten refusals
    given:
      - {table: AmlOnlineEndpointTrafficLog, at: 1s, times: 10}
    when: 1m
    expect: EXPECT
"""

CAUSE = """\
title: Too few replicas
explains: [refused]
requires:
  - says: at the maximum
    query: SentinelDeploymentState_CL | where EndpointName == endpoint and Replicas >= MaxReplicas | project Replicas
excludes:
  - says: containers crash
    query: AmlOnlineEndpointEventLog | where Name == "BackOff" | project Name
facts: print rps = 20.0
because: "{rps:.1f} requests/s"
remedies:
  - escalate: ask for quota
"""

CAUSE_CASES = """\
defaults:
  AmlOnlineEndpointTrafficLog: {EndpointName: chat, DeploymentName: blue, ResponseCode: 503}
cases:
  - case: at the maximum
    given:
      - {table: AmlOnlineEndpointTrafficLog, at: 1s, times: 10}
      - {table: SentinelDeploymentState_CL, at: 2s, EndpointName: chat, Replicas: 4, MaxReplicas: 4}
      - {table: AmlOnlineEndpointEventLog, at: 2m, Name: BackOff}
    when: 1m
    expect: EXPECT
"""


def report_of(folder: Path, *, symptom: str = "[chat/blue]", cause: str = "") -> CaseReport:
    small_pack(folder, cause=CAUSE)
    write_pack(folder, {"symptoms/refused.cases.yaml": SYMPTOM_CASES.replace("EXPECT", symptom)})
    if cause:
        write_pack(folder, {"causes/capacity/few.cases.yaml": CAUSE_CASES.replace("EXPECT", cause)})
    return run_all_cases([folder], with_rules=[])


def failures_of(report: CaseReport) -> str:
    (failed,) = report.failed
    return str(failed)


def test_cases_that_come_as_expected_pass(tmp_path: Path) -> None:
    report = report_of(
        tmp_path,
        symptom="[{target: chat/blue, measure: 1.0, sample: 10}]",
        cause="{outcome: explains, top: capacity/few, confidence: 1, reason: 20.0 requests, facts: {rps: 20}, "
        "evidence: {at the maximum: {Replicas: 4}}}",
    )

    assert [(result.rule, result.passed) for result in report.results] == [
        ("capacity/few", True),
        ("refused", True),
    ]
    assert report.passed


@pytest.mark.parametrize(
    ("expect", "says"),
    [
        ("[]", "chat/blue should not be found; its row is {'EndpointName': 'chat'"),
        ("[chat/blue, chat/green]", "chat/green should be found and is not"),
        ("[{target: chat/blue, measure: 0.5}]", "the measure should be 0.5 and is 1"),
        ("[{target: chat/blue, sample: 9}]", "the sample should be 9 and is 10"),
    ],
)
def test_a_symptom_that_differs_says_how_and_where(tmp_path: Path, expect: str, says: str) -> None:
    failed = failures_of(report_of(tmp_path, symptom=expect))

    assert says in failed
    assert "refused.cases.yaml:4: ten refusals" in failed


@pytest.mark.parametrize(
    ("expect", "says"),
    [
        ("ruled out", "the outcome should be ruled out and is explains: 20.0 requests/s"),
        ("{outcome: explains, top: other}", "the top cause should be other and is capacity/few"),
        ("{outcome: explains, confidence: 0.5}", "the confidence should be 0.5 and is 1"),
        ("{outcome: explains, reason: why}", "the reason should contain 'why' and is '20.0 requests/s'"),
        ("{outcome: explains, facts: {rps: 21}}", "the fact rps should be 21 and is 20.0"),
        ("{outcome: explains, facts: {n: 1}}", "the fact n should be 1 and is None"),
        (
            "{outcome: explains, evidence: {at the maximum: 0}}",
            "'at the maximum' should show 0 rows and shows 1",
        ),
        (
            "{outcome: explains, evidence: {at the maximum: {Replicas: 5}}}",
            "'at the maximum': Replicas should be 5 and is 4",
        ),
    ],
)
def test_a_cause_that_differs_says_how_and_shows_the_evidence(tmp_path: Path, expect: str, says: str) -> None:
    failed = failures_of(report_of(tmp_path, cause=expect))

    assert says in failed
    assert "✓ at the maximum  (required, holds; causes/capacity/few.yaml:4)" in failed
    assert "Replicas=4" in failed


def test_a_cause_cannot_be_tried_where_its_symptom_does_not_hold(tmp_path: Path) -> None:
    small_pack(tmp_path, symptom=SYMPTOM.replace("Refused >= 5", "Refused >= 50"), cause=CAUSE)
    write_pack(tmp_path, {"causes/capacity/few.cases.yaml": CAUSE_CASES.replace("EXPECT", "explains")})

    report = run_all_cases([tmp_path], with_rules=[])

    assert "refused should hold for exactly one target" in failures_of(report)
    assert "it holds for no target" in failures_of(report)


def test_rows_after_the_moment_of_judgement_have_not_come_yet(tmp_path: Path) -> None:
    report = report_of(tmp_path, cause="explains")

    assert report.passed


def test_a_case_file_with_mistakes_is_told_as_a_whole(tmp_path: Path) -> None:
    small_pack(tmp_path)
    write_pack(tmp_path, {"symptoms/refused.cases.yaml": "case: []\n"})

    with pytest.raises(RuleErrors, match="unknown key; did you mean 'cases'"):
        run_all_cases([tmp_path], with_rules=[])


def test_no_cases_are_no_proof(tmp_path: Path) -> None:
    small_pack(tmp_path)

    assert not run_all_cases([tmp_path], with_rules=[]).passed
