"""How much of what could be wrong with a rule its cases notice."""

from __future__ import annotations

from pathlib import Path

from sentinel.rehearse.mutants import Pack
from sentinel.rehearse.mutation_score import Score, score
from tests.detect.rule_texts import small_pack, write_pack

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


def scored(folder: Path, cases: str, *, sample: int | None = None, seed: int = 0) -> Score:
    small_pack(folder)
    write_pack(folder, {"symptoms/refused.cases.yaml": cases})
    return score(Pack.load([folder]), [folder / "symptoms"], sample=sample, seed=seed)


def missed(found: Score) -> list[str]:
    return [mutant.what for mutant in found.missed]


def test_cases_far_from_the_threshold_miss_a_shifted_one(tmp_path: Path) -> None:
    found = scored(tmp_path, WEAK)

    assert any("5 becomes 15" in what for what in missed(found))


def test_cases_on_both_sides_of_the_threshold_catch_it(tmp_path: Path) -> None:
    found = scored(tmp_path, STRONG)

    assert [what for what in missed(found) if " 5 " in f" {what} "] == []
    assert found.caught == found.tried - len(found.missed) > 0


def test_a_case_that_fails_anyway_catches_nothing(tmp_path: Path) -> None:
    found = scored(tmp_path, WEAK.replace("expect: [chat/blue]", "expect: [chat/green]"))

    assert (found.caught, found.share) == (0, 0.0)


def test_a_sample_is_as_large_as_was_asked_for_and_the_same_for_the_same_seed(tmp_path: Path) -> None:
    first, second = scored(tmp_path, STRONG, sample=3, seed=1), scored(tmp_path, STRONG, sample=3, seed=1)

    assert first.tried == 3
    assert [str(m) for m in first.missed] == [str(m) for m in second.missed]
