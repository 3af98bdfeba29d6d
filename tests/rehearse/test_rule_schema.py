from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from sentinel.detect.decode import CAUSE_KEYS, SYMPTOM_KEYS
from sentinel.detect.ruleset import CAUSES, default_rule_paths, find_rule_files
from sentinel.rehearse.rule_schema import RuleFileKind, schema_of
from tests.detect.rule_texts import CAUSE, SYMPTOM

FILES, _ = find_rule_files(default_rule_paths())


@cache
def validator(kind: RuleFileKind) -> jsonschema.Draft202012Validator:
    schema = schema_of(kind)
    jsonschema.Draft202012Validator.check_schema(schema)
    return jsonschema.Draft202012Validator(schema)


def errors(kind: RuleFileKind, text: str) -> list[str]:
    return [error.message for error in validator(kind).iter_errors(read(text))]


def read(text: str) -> Any:
    return yaml.safe_load(text)


@pytest.mark.parametrize("folder", ["symptoms", "causes"])
def test_every_rule_that_comes_with_sentinel_is_valid(folder: str) -> None:
    kind = RuleFileKind.CAUSE if folder == CAUSES else RuleFileKind.SYMPTOM

    wrong = {str(f.path): errors(kind, f.path.read_text("utf-8")) for f in FILES if f.folder == folder}

    assert {path: found for path, found in wrong.items() if found} == {}


@pytest.mark.parametrize("folder", ["symptoms", "causes"])
def test_every_case_file_that_comes_with_sentinel_is_valid(folder: str) -> None:
    kind = RuleFileKind.CAUSE_CASES if folder == CAUSES else RuleFileKind.SYMPTOM_CASES
    listed: list[Path] = [f.cases for f in FILES if f.folder == folder and f.cases.is_file()]

    wrong = {str(path): errors(kind, path.read_text("utf-8")) for path in listed}

    assert {path: found for path, found in wrong.items() if found} == {}


@pytest.mark.parametrize(
    ("kind", "text", "says"),
    [
        (RuleFileKind.SYMPTOM, SYMPTOM.replace("error", "loud"), "'loud' is not one of"),
        (RuleFileKind.SYMPTOM, SYMPTOM.replace("measure:", "measures:"), "'measure' is a required property"),
        (RuleFileKind.SYMPTOM, SYMPTOM.replace("10s", "often"), "does not match"),
        (
            RuleFileKind.CAUSE,
            CAUSE.replace("  - says: containers", "  - say: containers"),
            "'say' was unexpected",
        ),
        (
            RuleFileKind.CAUSE,
            CAUSE.replace("raise: max_replicas", "raise: pods"),
            "'pods' is not one of",
        ),
        (
            RuleFileKind.CAUSE,
            CAUSE.replace("    verify: {after: 60s, within: 10m}\n", ""),
            "is not valid under any",
        ),
    ],
)
def test_what_the_decoder_refuses_is_marked(kind: RuleFileKind, text: str, says: str) -> None:
    assert any(says in message for message in errors(kind, text))


@pytest.mark.parametrize(
    ("row", "says"),
    [
        ("{table: AmlComputeJobEvent, at: 1m, JobNam: train}", "'JobNam' was unexpected"),
        ("{table: AmlComputeJobEvents, at: 1m}", "is not one of"),
        ("{table: AmlComputeJobEvent}", "'at' is a required property"),
    ],
)
def test_rows_of_cases_know_their_tables(row: str, says: str) -> None:
    text = f"cases: [{{case: one, given: [{row}], when: 2m, expect: []}}]"

    assert any(says in message for message in errors(RuleFileKind.SYMPTOM_CASES, text))


def test_what_is_required_is_what_the_decoder_misses() -> None:
    assert set(SYMPTOM_KEYS) - set(schema_of(RuleFileKind.SYMPTOM)["required"]) == {"for", "keep-firing-for"}
    assert set(CAUSE_KEYS) - set(schema_of(RuleFileKind.CAUSE)["required"]) == {
        "covers",
        "excludes",
        "supports",
        "facts",
    }
