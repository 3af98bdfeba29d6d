from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from sentinel.detect import default_rule_paths
from tests.cli.command_line import sentinel

GOOD = """\
title: Jobs fail
severity: warning
target: job
every: 10s
window: 1h
for: 0s
keep-firing-for: 1h
query: |
  AmlComputeJobEvent
  | where TimeGenerated between (since .. now())
  | summarize Failures = countif(ExecutionState == "Failed"), Events = count() by JobName
when: Failures > 0
measure: todouble(Failures) / Events
sample: Events
"""
CASES = """\
cases:
  - case: a failed job is found
    given:
      - {table: AmlComputeJobEvent, at: 1m, JobName: train, ExecutionState: Failed}
    when: 2m
    expect: [train]
  - case: a running job is left alone
    given:
      - {table: AmlComputeJobEvent, at: 1m, JobName: train, ExecutionState: Running}
    when: 2m
    expect: []
"""


@pytest.fixture
def rules(tmp_path: Path) -> Path:
    folder = tmp_path / "rules" / "symptoms"
    folder.mkdir(parents=True)
    (folder / "jobs-fail.yaml").write_text(GOOD)
    (folder / "jobs-fail.cases.yaml").write_text(CASES)
    return tmp_path / "rules"


class TestCheck:
    def test_is_silent_about_good_rules(
        self, capsys: pytest.CaptureFixture[str], tmp_path: Path, rules: Path
    ) -> None:
        ended = sentinel(capsys, tmp_path, "rules", "check", str(rules))

        assert (ended.code, ended.out) == (0, "")
        assert ended.err == "1 rule file, 0 problems\n"

    def test_names_the_place_of_everything_that_is_wrong(
        self, capsys: pytest.CaptureFixture[str], tmp_path: Path, rules: Path
    ) -> None:
        path = rules / "symptoms" / "jobs-fail.yaml"
        path.write_text(GOOD.replace("severity: warning", "severity: loud").replace("sample:", "samples:"))

        ended = sentinel(capsys, tmp_path, "rules", "check", str(rules))

        assert ended.code == 1
        assert "jobs-fail.yaml:2:" in ended.out
        assert "jobs-fail.yaml:14:" in ended.out

    def test_takes_a_copy_for_the_rules_it_replaces(
        self, capsys: pytest.CaptureFixture[str], tmp_path: Path
    ) -> None:
        (tmp_path / "sentinel.toml").write_text('[rules]\nbuiltin = false\npaths = ["copy"]\n')
        copied = [shutil.copytree(path, tmp_path / "copy" / path.name) for path in default_rule_paths()]

        ended = sentinel(capsys, tmp_path, "rules", "check", str(tmp_path / "copy"))

        assert (copied != [], ended.code, ended.out) == (True, 0, "")

    def test_binds_the_queries(self, capsys: pytest.CaptureFixture[str], tmp_path: Path, rules: Path) -> None:
        (rules / "symptoms" / "jobs-fail.yaml").write_text(GOOD.replace("by JobName", "by JobNam"))

        ended = sentinel(capsys, tmp_path, "rules", "check", str(rules))

        assert ended.code == 1
        assert "JobNam" in ended.out

    def test_finds_nothing_wrong_with_the_rules_that_come_with_sentinel(
        self, capsys: pytest.CaptureFixture[str], tmp_path: Path
    ) -> None:
        ended = sentinel(capsys, tmp_path, "rules", "check")

        assert (ended.code, ended.out) == (0, "")


class TestCases:
    def test_that_pass_are_counted_and_named_by_request(
        self, capsys: pytest.CaptureFixture[str], tmp_path: Path, rules: Path
    ) -> None:
        ended = sentinel(capsys, tmp_path, "rules", "test", "--verbose", str(rules))

        assert ended.code == 0
        assert "ok" in ended.out
        assert ended.err == "2 cases, 0 failed\n"

    def test_that_fail_are_told_with_their_place(
        self, capsys: pytest.CaptureFixture[str], tmp_path: Path, rules: Path
    ) -> None:
        path = rules / "symptoms" / "jobs-fail.cases.yaml"
        path.write_text(CASES.replace("ExecutionState: Failed", "ExecutionState: Succeeded"))

        ended = sentinel(capsys, tmp_path, "rules", "test", str(rules))

        assert ended.code == 1
        assert "a failed job is found" in ended.out
        assert "jobs-fail.cases.yaml:2" in ended.out
