from __future__ import annotations

from pathlib import Path

from sentinel.detect.ruleset import load_rules
from sentinel.query.parser import parse
from sentinel.rehearse.cases import find_cases
from sentinel.rehearse.mutants import Score, mutants_of, mutated_expressions, mutated_queries, score
from tests.detect.rule_texts import small_pack, write_pack

QUERY = (
    "AmlOnlineEndpointTrafficLog | where TimeGenerated between (since .. now()) and ResponseCode >= 500"
    " | summarize Bad = countif(TotalDurationMs > 10) by EndpointName"
)
WEAK = """\
defaults:
  AmlOnlineEndpointTrafficLog: {EndpointName: chat, DeploymentName: blue, ResponseCode: 503}
cases:
  - case: many refusals
    given: [{table: AmlOnlineEndpointTrafficLog, at: 1s, times: 50}]
    when: 1m
    expect: [chat/blue]
"""
STRONG = """\
defaults:
  AmlOnlineEndpointTrafficLog: {EndpointName: chat, DeploymentName: blue, ResponseCode: 503}
cases:
  - case: just enough refusals
    given: [{table: AmlOnlineEndpointTrafficLog, at: 1s, times: 5}]
    when: 1m
    expect: [chat/blue]
  - case: one too few
    given: [{table: AmlOnlineEndpointTrafficLog, at: 1s, times: 4}]
    when: 1m
    expect: []
  - case: they are served
    given: [{table: AmlOnlineEndpointTrafficLog, at: 1s, times: 50, ResponseCode: 200}]
    when: 1m
    expect: []
"""


def scored(folder: Path, cases: str) -> Score:
    small_pack(folder)
    write_pack(folder, {"symptoms/refused.cases.yaml": cases})
    rules = load_rules([folder])
    return score(rules, find_cases([folder], rules))


def test_every_mutant_of_a_query_is_another_query() -> None:
    made = dict(mutated_queries(QUERY))

    assert len(set(made.values())) == len(made)
    assert all(parse(text) for text in made.values())
    assert any("500 becomes 1500" in what for what in made)
    assert any("10 becomes 30" in what for what in made)
    assert any("ResponseCode becomes" in what for what in made)


def test_the_span_of_time_is_left_alone() -> None:
    assert all("TimeGenerated between (since .. now())" in text for _, text in mutated_queries(QUERY))


def test_an_expression_loses_each_condition_and_shifts_each_threshold() -> None:
    made = [text for _, text in mutated_expressions("Refused >= 5 and Requests > 100")]

    assert set(made) == {
        "Refused >= 5",
        "Requests > 100",
        "Refused >= 15 and Requests > 100",
        "Refused >= 5 and Requests > 300",
    }


def test_a_cause_also_loses_whole_clauses(tmp_path: Path) -> None:
    cause = load_rules([small_pack(tmp_path)]).causes[0]

    assert "excludes: without 'containers crash'" in [mutant.what for mutant in mutants_of(cause)]


def test_cases_far_from_the_threshold_miss_mutants(tmp_path: Path) -> None:
    weak, strong = scored(tmp_path / "weak", WEAK), scored(tmp_path / "strong", STRONG)

    assert any("5 becomes 15" in mutant.what for mutant in weak.missed)
    assert weak.share < strong.share
    assert not any("becomes 15" in mutant.what for mutant in strong.missed)


def test_the_score_is_the_same_again(tmp_path: Path) -> None:
    first, second = scored(tmp_path, STRONG), scored(tmp_path, STRONG)

    assert first == second
