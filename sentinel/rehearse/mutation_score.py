"""Do the cases of rules notice when a rule is wrong? The share of its mutants that they catch."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from sentinel.detect.case_file import ExpectedVerdict
from sentinel.model.rule import Cause, RuleSet, Symptom
from sentinel.rehearse.cases import Bench, RuleCase, Stage, find_cases
from sentinel.rehearse.mutants import Candidate, Mutant, Pack, Rule, candidates, key_of, queries_of

_SIMPLEST: Final = 5
"""A mistake in a definition shows soonest where little else is asked: so many rules are tried before all the others."""


@dataclass(frozen=True, slots=True)
class Score:
    """What came of some mutants."""

    tried: int
    missed: tuple[Mutant, ...]
    """The mutants no case fails on."""

    @property
    def caught(self) -> int:
        """The mutants that a case fails on."""
        return self.tried - len(self.missed)

    @property
    def share(self) -> float:
        """The share of mutants that the cases catch; 1 if there are none."""
        return self.caught / self.tried if self.tried else 1.0


def score(pack: Pack, within: Iterable[Path], *, sample: int | None = None, seed: int = 0) -> Score:
    """Try the mutants of the files that lie within some paths; of a `sample`, those that a seed picks.

    First a mutant's own cases are tried (those of the rule, or of the rules that share the definition, the simplest
    first), then those of other causes of the same symptoms that say which cause must be the top one. The first that
    fails catches it. A case that fails without any change catches nothing.

    Raises:
        RuleErrors: A case file cannot be used.
    """
    listed = _chosen([one for one in candidates(pack) if _lies_within(one, within)], sample, seed)
    with Bench(pack.rules) as bench:
        mutants = [mutant for one in listed if (mutant := one.made(bench.engine)) is not None]
        alive = dict.fromkeys(range(len(mutants)))
        rules: tuple[Rule, ...] = (*pack.rules.symptoms, *pack.rules.causes)
        sizes = {key_of(rule): sum(len(query) for query in queries_of(rule)) for rule in rules}
        trial = _Trial(pack.rules, bench, mutants, alive, sizes)
        cases = find_cases(pack.files.values(), pack.rules)
        trial.by_own_cases(cases)
        trial.by_other_cases(cases)
    return Score(len(mutants), tuple(mutants[at] for at in alive))


def _chosen(listed: list[Candidate], sample: int | None, seed: int) -> list[Candidate]:
    if sample is None or sample >= len(listed):
        return listed
    picked = random.Random(seed).sample(range(len(listed)), sample)  # noqa: S311 - nothing is kept secret by it
    return [listed[at] for at in sorted(picked)]


def _lies_within(one: Candidate, paths: Iterable[Path]) -> bool:
    file = Path(one.place.file).resolve()
    return any(file.is_relative_to(path.resolve()) for path in paths)


@dataclass(frozen=True, slots=True)
class _Trial:
    """Mutants and which of them no case has caught yet."""

    rules: RuleSet
    bench: Bench
    mutants: list[Mutant]
    alive: dict[int, None]
    sizes: Mapping[str, int]
    """How much a rule asks, with all definitions it draws in, by `key_of`."""

    def by_own_cases(self, cases: Sequence[RuleCase]) -> None:
        """Try each mutant on the cases of the rules it changes, of many such rules on those of the simplest first."""
        simplest = self._by_rule(lambda keys: sorted(keys, key=self._size)[:_SIMPLEST])
        others = self._by_rule(lambda keys: sorted(keys, key=self._size)[_SIMPLEST:])
        for touching in (simplest, others):
            for case in cases:
                self._try(case, [at for at in touching.get(key_of(case.rule), ()) if at in self.alive])

    def by_other_cases(self, cases: Iterable[RuleCase]) -> None:
        """Try the mutants that are left on the cases of other causes of the same symptoms."""
        touching = self._by_rule(sorted)
        for case in cases:
            symptom = self._symptom_of(case)
            if symptom is None:
                continue
            keys = [
                key_of(symptom),
                *map(key_of, self.rules.explaining(symptom.id) if _names_top(case) else ()),
            ]
            others = {at for key in keys if key != key_of(case.rule) for at in touching.get(key, ())}
            self._try(case, sorted(others & self.alive.keys()))

    def _by_rule(self, which: Callable[[frozenset[str]], Iterable[str]]) -> dict[str, list[int]]:
        """The mutants that are left, by some of the rules each changes."""
        found: dict[str, list[int]] = {}
        for at in self.alive:
            for key in which(self.mutants[at].touches):
                found.setdefault(key, []).append(at)
        return found

    def _size(self, key: str) -> tuple[int, str]:
        return self.sizes.get(key, 0), key

    def _symptom_of(self, case: RuleCase) -> Symptom | None:
        if isinstance(case.rule, Symptom):
            return None
        return self.rules.symptom(case.case.symptom or case.rule.explains[0])

    def _try(self, case: RuleCase, listed: list[int]) -> None:
        if not listed:
            return
        with self.bench.stage(case.case) as stage:
            caught = [at for at in listed if self._catches(case, stage, self.mutants[at])]
            if caught and not stage.failures(case.rule, self._around(case, None)):
                for at in caught:
                    del self.alive[at]

    def _catches(self, case: RuleCase, stage: Stage, mutant: Mutant) -> bool:
        rule = mutant.changed(case.rule) if key_of(case.rule) in mutant.touches else case.rule
        return bool(stage.failures(rule, self._around(case, mutant)))

    def _around(self, case: RuleCase, mutant: Mutant | None) -> RuleSet:
        """The rules a case speaks of and those a mutant changes: among all of them a case says no more."""
        touched = mutant.touches if mutant is not None else frozenset()
        named = case.case.expect.top if isinstance(case.case.expect, ExpectedVerdict) else ""
        own = key_of(case.rule)
        few = len(touched) == 1
        causes = [
            mutant.changed(cause) if mutant is not None and key_of(cause) in touched else cause
            for cause in self.rules.causes
            if cause.id == named or key_of(cause) == own or (few and key_of(cause) in touched)
        ]
        symptoms = [
            mutant.changed(one) if mutant is not None and key_of(one) in touched else one
            for one in self.rules.symptoms
        ]
        return replace(
            self.rules,
            symptoms=tuple(one for one in symptoms if isinstance(one, Symptom)),
            causes=tuple(one for one in causes if isinstance(one, Cause)),
        )


def _names_top(case: RuleCase) -> bool:
    return isinstance(case.case.expect, ExpectedVerdict) and bool(case.case.expect.top)
