"""Runs the cases beside the rules: rows through ingest into a store, then the symptom, then the diagnosis."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, Self

from sentinel.clock import VirtualClock
from sentinel.collect.ingest import Ingester
from sentinel.detect.case_file import Case, decode_cases
from sentinel.detect.evaluate import WindowEvaluator
from sentinel.detect.ruleset import CAUSES, default_rule_paths, find_rule_files, load_rules
from sentinel.detect.series import Row
from sentinel.diagnose.causes import diagnose
from sentinel.errors import RuleErrors, RuleProblem, SentinelError
from sentinel.model.rule import Cause, RuleSet, Symptom
from sentinel.query.engine import Engine
from sentinel.rehearse.expect import differences_of_findings, differences_of_verdict
from sentinel.rehearse.remembering import RememberingEngine
from sentinel.store.telemetry import TelemetryStore

START: Final = datetime(2026, 1, 5, 12, tzinfo=UTC)
"""What `0s` means in a case; a Monday noon, far from the end of a day."""
_NUMBER: Final = "CaseRow"
"""Kept with each row under a key no table has: two equal rows of a case are two records, not one delivered twice."""


@dataclass(frozen=True, slots=True)
class CaseResult:
    """One case that was run; without `failures` it passed."""

    rule: str
    name: str
    place: str
    failures: tuple[str, ...]

    @property
    def passed(self) -> bool:
        """Whether all came as expected."""
        return not self.failures

    def __str__(self) -> str:
        head = f"{'ok' if self.passed else 'FAILED'}  {self.place}: {self.name}"
        return "\n".join([head, *(f"        {line}" for f in self.failures for line in f.splitlines())])


@dataclass(frozen=True, slots=True)
class CaseReport:
    """All cases of some rules that were run."""

    results: tuple[CaseResult, ...]

    @property
    def failed(self) -> tuple[CaseResult, ...]:
        """The cases that did not come as expected."""
        return tuple(result for result in self.results if not result.passed)

    @property
    def passed(self) -> bool:
        """Whether there were cases and none failed."""
        return bool(self.results) and not self.failed


@dataclass(frozen=True, slots=True)
class RuleCase:
    """A case and the rule it is about."""

    rule: Symptom | Cause
    case: Case


def run_all_cases(
    paths: Iterable[Path | str], *, with_rules: Iterable[Path | str] | None = None
) -> CaseReport:
    """Run the cases beside the rules of some files and folders.

    The rules in force are those of `with_rules`, by default the ones that come with Sentinel and those of `paths`.

    Raises:
        RuleErrors: A rule or a case file cannot be used; everything that is wrong with them.
    """
    listed = tuple(paths)
    rules = load_rules((*(default_rule_paths() if with_rules is None else with_rules), *listed))
    with Bench(rules) as bench:
        return CaseReport(tuple(bench.run(case) for case in find_cases(listed, rules)))


def find_cases(paths: Iterable[Path | str], rules: RuleSet) -> tuple[RuleCase, ...]:
    """The cases of the rules of some files and folders, in the order of the rules.

    Raises:
        RuleErrors: A path holds no rules, or a case file cannot be used.
    """
    files, problems = find_rule_files(paths)
    found: list[RuleCase] = []
    wrong: list[RuleProblem] = list(problems)
    for file in files:
        rule = rules.cause(file.id) if file.folder == CAUSES else rules.symptom(file.id)
        if rule is None or not file.cases.is_file():
            continue
        name = os.path.relpath(file.cases)
        decoded = decode_cases(file.cases.read_text("utf-8"), name, of_cause=file.folder == CAUSES)
        if isinstance(decoded, tuple):
            wrong += decoded
        else:
            found += [RuleCase(rule, case) for case in decoded.cases]
    if wrong:
        raise RuleErrors(tuple(wrong))
    return tuple(found)


@dataclass(frozen=True, slots=True)
class Stage:
    """A case whose rows are stored, to be judged by one version of the rules after another."""

    case: Case
    engine: Engine
    store: TelemetryStore
    now: datetime

    def failures(self, rule: Symptom | Cause, rules: RuleSet) -> tuple[str, ...]:
        """What did not come as expected when the rule the case is about is judged among these rules."""
        try:
            if isinstance(rule, Symptom):
                return _try_symptom(rule, self)
            return _try_cause(rule, rules, self)
        except SentinelError as error:
            return (f"{type(error).__name__}: {error}",)


class Bench:
    """Runs cases one by one, each in a store of its own; queries are compiled once for all."""

    def __init__(self, rules: RuleSet) -> None:
        self._rules = rules
        self._empty = TelemetryStore.in_memory()
        self._engine = RememberingEngine(self._empty)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._engine.close()
        self._empty.close()

    @property
    def engine(self) -> Engine:
        """What compiles the queries; its own store is empty."""
        return self._engine

    def run(self, rule_case: RuleCase) -> CaseResult:
        """Run one case."""
        rule, case = rule_case.rule, rule_case.case
        try:
            with self.stage(case) as stage:
                failures = stage.failures(rule, self._rules)
        except SentinelError as error:
            failures = (f"{type(error).__name__}: {error}",)
        return CaseResult(rule.id, case.name, str(case.place), failures)

    @contextmanager
    def stage(self, case: Case) -> Iterator[Stage]:
        """Store the rows of a case.

        Raises:
            RuleErrors: A row was set aside.
        """
        now = START + case.when
        rows = [row for row in case.rows if row.at <= case.when]
        with store_of(rows, VirtualClock(now)) as store, closing(self._engine.over(store)) as engine:
            yield Stage(case, engine, store, now)


@contextmanager
def store_of(rows: Sequence[Row], clock: VirtualClock) -> Iterator[TelemetryStore]:
    """A store in memory that holds the rows, delivered as a flat export delivers them.

    Raises:
        RuleErrors: A row was set aside.
    """
    with TelemetryStore.in_memory() as store, Ingester(store, clock) as ingester:
        if rows:
            lines = [json.dumps(_record(row, number)) for number, row in enumerate(rows)]
            receipt = ingester.submit("\n".join(lines).encode(), origin="case")
            if receipt.set_aside or receipt.accepted != len(rows):
                message = f"of {len(rows)} rows {receipt.accepted} were stored, {receipt.set_aside} set aside"
                raise RuleErrors((RuleProblem("case", 1, 1, "given", message),))
        yield store


def _record(row: Row, number: int) -> dict[str, Any]:
    at = START + row.at
    stamp = at.isoformat(timespec="microseconds").replace("+00:00", "Z")
    return {"Type": row.table, "TimeGenerated": stamp, **row.columns, _NUMBER: number}


def _try_symptom(symptom: Symptom, stage: Stage) -> tuple[str, ...]:
    found = WindowEvaluator(stage.engine, stage.store).evaluate(symptom, stage.now).findings
    return differences_of_findings(stage.case.expect, found)


def _try_cause(cause: Cause, rules: RuleSet, stage: Stage) -> tuple[str, ...]:
    case = stage.case
    symptom = rules.symptom(case.symptom or cause.explains[0])
    if symptom is None or symptom.id not in cause.explains:
        return (f"{cause.id} does not explain {case.symptom!r}, but {', '.join(cause.explains)}",)
    found = WindowEvaluator(stage.engine, stage.store).evaluate(symptom, stage.now).findings
    held = ", ".join(finding.target.label for finding in found) or "no target"
    chosen = [finding for finding in found if case.target in ("", finding.target.label)]
    if len(chosen) != 1:
        wanted = case.target or "exactly one target, since the case names none"
        return (f"{symptom.id} should hold for {wanted}; it holds for {held}",)
    # Every case asks of rows of its own, often by rules of its own: compiling all together would not pay.
    verdicts = diagnose(chosen[0], symptom, rules, stage.engine, stage.now, together=False)
    return differences_of_verdict(case.expect, cause, verdicts)
