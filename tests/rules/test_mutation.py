"""The cases of some areas of the pack notice most mistakes in it; `make mutants` tries all of the pack."""

from __future__ import annotations

from sentinel.detect import default_rule_paths
from sentinel.rehearse.mutants import Pack
from sentinel.rehearse.mutation_score import score

AREAS = ("auth", "batch", "client")
"""Areas whose causes share no definition of the containers, so that all their mutants cost ten seconds."""
LEAST = 0.95


def test_the_cases_catch_most_mutants_of_their_rules() -> None:
    (pack,) = default_rule_paths()

    found = score(Pack.load([pack]), [pack / "causes" / area for area in AREAS])

    assert found.tried > 50
    assert found.share >= LEAST, "\n".join(map(str, found.missed))
