"""Rules with one thing changed: where that is, and which rules it touches."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from sentinel.query.engine import Engine
from sentinel.rehearse.mutants import Mutant, Pack, candidates
from sentinel.store.telemetry import TelemetryStore
from tests.detect.rule_texts import small_pack, write_pack

DEFINITIONS = """\
let Refusals = AmlOnlineEndpointTrafficLog
    | where TimeGenerated between (since .. now()) and ResponseCode == 503;
"""
CAUSE = """\
title: Too many at once
explains: [refused]
requires:
  - says: many are refused
    query: |
      Refusals
      | summarize Times = count()
      | where Times >= 5
excludes:
  - says: one is served
    query: AmlOnlineEndpointTrafficLog | where ResponseCode == 200 | summarize Served = count() | where Served > 0
facts: Refusals | summarize times = count(), unread = countif(TotalDurationMs > 3)
because: "{times} were refused."
remedies:
  - escalate: See why.
"""

SYMPTOM = """\
title: Refused of late
severity: warning
target: deployment
every: 10s
window: 2m
query: Refusals | summarize Late = count() by EndpointName, DeploymentName
when: Late >= 4
measure: Late
sample: Late
"""


@pytest.fixture
def mutants(tmp_path: Path) -> Iterator[list[Mutant]]:
    small_pack(tmp_path)
    write_pack(tmp_path, {"causes/load/many.yaml": CAUSE, "definitions/refusals.kql": DEFINITIONS})
    write_pack(tmp_path, {"symptoms/late.yaml": SYMPTOM})
    with TelemetryStore.in_memory() as store:
        engine = Engine(store)
        made = (one.made(engine) for one in candidates(Pack.load([tmp_path])))
        yield [mutant for mutant in made if mutant is not None]
        engine.close()


def lines(mutants: list[Mutant], file: str) -> list[str]:
    return [f"{m.place.line}: {m.what}" for m in mutants if m.place.file.endswith(file)]


def test_a_change_in_a_clause_is_named_with_its_line(mutants: list[Mutant]) -> None:
    assert "8: requires 'many are refused': 5 becomes 15" in lines(mutants, "causes/load/many.yaml")


def test_a_cause_also_lacks_each_clause_but_its_only_required_one(mutants: list[Mutant]) -> None:
    assert [line for line in lines(mutants, "causes/load/many.yaml") if "without the clause" in line] == [
        "10: excludes: without the clause 'one is served'"
    ]


def test_facts_that_no_sentence_names_are_left_alone(mutants: list[Mutant]) -> None:
    assert [line for line in lines(mutants, "causes/load/many.yaml") if "facts" in line] == []


def test_a_definition_is_changed_for_all_rules_that_name_it(mutants: list[Mutant]) -> None:
    changed = next(m for m in mutants if m.what == "Refusals: 503 becomes 1509")

    assert (changed.place.line, changed.touches) == (
        2,
        frozenset({"Cause load/many", "Symptom late"}),
    )


def test_what_a_symptom_takes_from_a_definition_is_changed_there_alone(mutants: list[Mutant]) -> None:
    assert [line for line in lines(mutants, "symptoms/late.yaml") if "query" in line] == []


def test_the_condition_of_a_symptom_is_changed_too(mutants: list[Mutant]) -> None:
    assert any("when: without" in line for line in lines(mutants, "symptoms/refused.yaml"))
