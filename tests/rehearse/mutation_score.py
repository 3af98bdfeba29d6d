"""The share of mutants that the cases of some rules catch.

Run as `python tests/rehearse/mutation_score.py [PATH]... [--most N]`.
"""

from __future__ import annotations

import argparse
from collections import Counter
from pathlib import Path

from sentinel.detect.ruleset import default_rule_paths, load_rules
from sentinel.rehearse.cases import find_cases
from sentinel.rehearse.mutants import score


def main() -> None:
    """Print the mutants no case fails on, and the share."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("paths", nargs="*", type=Path)
    parser.add_argument("--most", type=int, help="mutants of each rule to try, spread evenly")
    arguments = parser.parse_args()
    rules = load_rules((*default_rule_paths(), *arguments.paths))
    found = score(rules, find_cases(arguments.paths or default_rule_paths(), rules), most=arguments.most)
    for mutant in found.missed:
        print(f"{mutant.rule.id}: {mutant.what}")  # noqa: T201 - what this program is for
    missed = Counter(mutant.rule.id for mutant in found.missed)
    worst = ", ".join(f"{rule} {count}" for rule, count in missed.most_common(10))
    print(f"{len(found.tried)} mutants, {found.share:.1%} caught; most missed: {worst or 'none'}")  # noqa: T201


if __name__ == "__main__":
    main()
