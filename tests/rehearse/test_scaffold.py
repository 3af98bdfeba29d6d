from __future__ import annotations

from pathlib import Path

import pytest

from sentinel.detect.ruleset import SYMPTOMS, check_rules, default_rule_paths, find_rule_files, load_rules
from sentinel.model.target import TargetKind
from sentinel.query.engine import Engine
from sentinel.rehearse import run_all_cases
from sentinel.rehearse.scaffold import new_cause, new_symptom
from sentinel.remediate.formula import names_in
from sentinel.store.telemetry import TelemetryStore

SHIPPED = [file for file in find_rule_files(default_rule_paths())[0] if file.folder == SYMPTOMS]


def wrong_with(pack: Path, *around: Path) -> list[str]:
    with TelemetryStore.in_memory() as store:
        engine = Engine(store)
        problems = check_rules([pack], engine, names_in, with_rules=around)
        engine.close()
    return [str(problem) for problem in problems]


@pytest.mark.parametrize("target", TargetKind)
def test_a_new_symptom_passes_its_checks_and_its_cases(tmp_path: Path, target: TargetKind) -> None:
    new_symptom("things-hurt", target).write(tmp_path)

    report = run_all_cases([tmp_path], with_rules=[])

    assert wrong_with(tmp_path) == []
    assert [(str(result), result.passed) for result in report.results if not result.passed] == []
    assert len(report.results) == 2


def test_a_new_cause_of_any_symptom_passes_its_checks_and_its_cases(tmp_path: Path) -> None:
    symptoms = [file.path for file in SHIPPED]
    for file in SHIPPED:
        symptom = load_rules([file.path]).symptom(file.id)
        assert symptom is not None
        new_cause(f"area/of-{file.id}", symptom, file).write(tmp_path)

    report = run_all_cases([tmp_path], with_rules=symptoms)

    assert wrong_with(tmp_path, *symptoms) == []
    assert [str(result) for result in report.results if not result.passed] == []
    assert len(report.results) == 2 * len(SHIPPED)


@pytest.mark.parametrize("rule_id", ["Things", "../escape", "a b", "", "x/"])
def test_what_is_no_id_is_refused(rule_id: str) -> None:
    with pytest.raises(ValueError, match="is no id"):
        new_symptom(rule_id, TargetKind.JOB)


def test_what_is_there_is_not_written_over(tmp_path: Path) -> None:
    new_symptom("things-hurt", TargetKind.JOB).write(tmp_path)

    with pytest.raises(FileExistsError):
        new_symptom("things-hurt", TargetKind.CLUSTER).write(tmp_path)

    assert "target: job" in (tmp_path / "symptoms" / "things-hurt.yaml").read_text("utf-8")
