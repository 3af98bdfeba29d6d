"""The cases of the pack notice most mistakes in it; `make mutants` tries all of them, this a sample."""

from __future__ import annotations

from sentinel.detect import default_rule_paths
from sentinel.rehearse.mutants import Pack
from sentinel.rehearse.mutation_score import score

SAMPLE = 60
LEAST = 0.7


def test_the_cases_catch_most_mutants_of_a_sample() -> None:
    paths = default_rule_paths()

    found = score(Pack.load(paths), paths, sample=SAMPLE, seed=4)

    assert found.tried >= 0.8 * SAMPLE
    assert found.share >= LEAST, "\n".join(map(str, found.missed))
