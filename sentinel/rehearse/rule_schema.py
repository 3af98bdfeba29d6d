"""JSON Schema of rule files, for editors: keys and choices come from the decoder, so that they are the same."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from enum import StrEnum
from typing import Any, Final

from sentinel.detect.case_file import CASE_KEYS, FILE_KEYS, FINDING_KEYS, ROW_KEYS, VERDICT_KEYS, decode_cases
from sentinel.detect.decode import (
    CAUSE_KEYS,
    CLAUSE_KEYS,
    REMEDY_KEYS,
    SYMPTOM_KEYS,
    decode_cause,
    decode_symptom,
)
from sentinel.detect.definitions import Definitions
from sentinel.detect.yaml_places import Document
from sentinel.errors import RuleProblem
from sentinel.model.diagnosis import Outcome
from sentinel.model.rule import RemedyKind, Severity
from sentinel.model.settings import Knob
from sentinel.model.tables import KqlType, tables
from sentinel.model.target import TargetKind

DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"
Schema = dict[str, Any]

_TEXT: Final[Schema] = {"type": "string", "minLength": 1}
_EXPRESSION: Final[Schema] = {"type": ["string", "number"]}
_SPAN: Final[Schema] = {
    "type": "string",
    "pattern": r"^(\s*\d+(\.\d+)?\s*(ms|s|m|h|d|w)\s*)+$",
    "description": "A duration such as 90s, 5m or 1h30m.",
}
_TEXTS: Final[Schema] = {"type": "array", "items": _TEXT, "uniqueItems": True}
_NUMBER: Final[Schema] = {"type": "number"}
_NUMERIC: Final = frozenset({KqlType.INT, KqlType.LONG, KqlType.REAL, KqlType.DECIMAL})


class RuleFileKind(StrEnum):
    """The kinds of files a rule pack is written in."""

    SYMPTOM = "symptom"
    CAUSE = "cause"
    SYMPTOM_CASES = "symptom-cases"
    CAUSE_CASES = "cause-cases"


def schema_of(kind: RuleFileKind) -> Schema:
    """The JSON Schema of one kind of file."""
    made: dict[RuleFileKind, Callable[[], Schema]] = {
        RuleFileKind.SYMPTOM: _symptom,
        RuleFileKind.CAUSE: _cause,
        RuleFileKind.SYMPTOM_CASES: lambda: _cases(of_cause=False),
        RuleFileKind.CAUSE_CASES: lambda: _cases(of_cause=True),
    }
    return {"$schema": DIALECT, "title": f"Sentinel: {kind.value.replace('-', ' ')}", **made[kind]()}


def _symptom() -> Schema:
    shapes = {
        "title": _TEXT,
        "severity": _choice(Severity),
        "target": _choice(TargetKind),
        "every": _SPAN,
        "window": _SPAN,
        "for": _SPAN,
        "keep-firing-for": _SPAN,
        "query": _TEXT,
        "when": _EXPRESSION,
        "measure": _EXPRESSION,
        "sample": _EXPRESSION,
    }
    document = Document.parse("", "{}")
    decode_symptom(document, "", "", 1.0, Definitions())
    return _mapping(SYMPTOM_KEYS, shapes, _missing(document.problems))


def _cause() -> Schema:
    clauses = {
        "type": "array",
        "items": _mapping(CLAUSE_KEYS, dict.fromkeys(CLAUSE_KEYS, _TEXT), CLAUSE_KEYS),
    }
    shapes = {
        "title": _TEXT,
        "explains": {**_TEXTS, "minItems": 1},
        "covers": _TEXTS,
        "requires": {**clauses, "minItems": 1},
        "excludes": clauses,
        "supports": clauses,
        "facts": _TEXT,
        "because": _TEXT,
        "remedies": {"type": "array", "items": _remedy(), "minItems": 1},
    }
    document = Document.parse("", "{}")
    decode_cause(document, "", "", 1.0, Definitions())
    return _mapping(CAUSE_KEYS, shapes, _missing(document.problems))


def _remedy() -> Schema:
    verify = _mapping(("after", "within"), {"after": _SPAN, "within": _SPAN}, ("after", "within"))
    shapes: dict[str, Schema] = {
        RemedyKind.RAISE.value: _choice(Knob),
        RemedyKind.LOWER.value: _choice(Knob),
        RemedyKind.ESCALATE.value: _TEXT,
        "to": _TEXT,
        "verify": verify,
    }
    kinds: list[Schema] = [
        {"required": [kind.value, *(() if kind is RemedyKind.ESCALATE else ("to", "verify"))]}
        for kind in RemedyKind
    ]
    return {**_mapping(REMEDY_KEYS, shapes, ()), "oneOf": kinds}


def _cases(*, of_cause: bool) -> Schema:
    verdict = {
        "outcome": _choice(Outcome),
        "top": _TEXT,
        "confidence": _NUMBER,
        "reason": _TEXT,
        "facts": {"type": "object"},
        "evidence": {
            "type": "object",
            "additionalProperties": {"anyOf": [{"type": "integer", "minimum": 0}, {"type": "object"}]},
        },
    }
    finding = {"target": _TEXT, "measure": _NUMBER, "sample": _NUMBER}
    findings: Schema = {
        "type": "array",
        "items": {"anyOf": [_TEXT, _mapping(FINDING_KEYS, finding, ("target",))]},
    }
    verdicts: Schema = {"anyOf": [_choice(Outcome), _mapping(VERDICT_KEYS, verdict, ("outcome",))]}
    shapes = {
        "case": _TEXT,
        "given": {"type": "array", "items": _row()},
        "when": _SPAN,
        "symptom": _TEXT,
        "target": _TEXT,
        "expect": verdicts if of_cause else findings,
    }
    missing = _missing(decode_cases("cases: [{}]", "", of_cause=of_cause))
    case = _mapping(CASE_KEYS, shapes, missing)
    columns: dict[str, Schema] = {
        name: {"type": "object", "properties": _columns(name), "additionalProperties": False}
        for name in tables()
    }
    defaults: Schema = {"type": "object", "properties": columns, "additionalProperties": False}
    cases: Schema = {"type": "array", "items": case, "minItems": 1}
    return _mapping(
        FILE_KEYS, {"defaults": defaults, "cases": cases}, _missing(decode_cases("{}", "", of_cause=of_cause))
    )


def _row() -> Schema:
    at = {"type": "string", "description": "An instant such as 30s, or a span such as 0s..2m with `every`."}
    shapes: dict[str, Schema] = {
        "table": {"enum": sorted(tables())},
        "at": at,
        "every": _SPAN,
        "times": {"type": "integer", "minimum": 1},
    }
    row = _mapping(ROW_KEYS, shapes, ("table", "at"))
    per_table = [
        {
            "if": {"properties": {"table": {"const": name}}, "required": ["table"]},
            "then": {"properties": {**row["properties"], **_columns(name)}, "additionalProperties": False},
        }
        for name in tables()
    ]
    return {
        "type": "object",
        "properties": row["properties"],
        "required": row["required"],
        "allOf": per_table,
    }


def _columns(table: str) -> dict[str, Schema]:
    """The columns of a table; the value of a cell, or a series of them."""
    return {
        column.name: {"type": ["number", "string", "array", "null"]} if column.type in _NUMERIC else {}
        for column in tables()[table].columns
    }


def _mapping(keys: Iterable[str], shapes: dict[str, Schema], required: Iterable[str]) -> Schema:
    """A mapping of exactly the decoder's keys; a key without a shape is a mistake here and raises KeyError."""
    return {
        "type": "object",
        "properties": {key: shapes[key] for key in keys},
        "required": list(required),
        "additionalProperties": False,
    }


def _choice(choices: type[StrEnum]) -> Schema:
    return {"enum": [choice.value for choice in choices]}


def _missing(problems: object) -> tuple[str, ...]:
    """The keys the decoder misses in a mapping without any."""
    listed = problems if isinstance(problems, list | tuple) else ()
    return tuple(one.key for one in listed if isinstance(one, RuleProblem) and one.message == "missing")
