"""The cases of the pack notice most mistakes in it: of a sample here, of all that `make mutants` tries."""

from __future__ import annotations

from sentinel.detect import default_rule_paths
from sentinel.rehearse.mutants import Pack
from sentinel.rehearse.mutation_score import score

SAMPLE = 100
"""So many of some four thousand mutants, of all files, cost about a minute and a half."""
SEED = 1
LEAST = 0.85


def test_the_cases_catch_most_mutants_of_the_pack() -> None:
    pack = default_rule_paths()

    found = score(Pack.load(pack), pack, sample=SAMPLE, seed=SEED)

    assert found.tried > 0.8 * SAMPLE
    assert found.share >= LEAST, "\n".join(map(str, found.missed))
