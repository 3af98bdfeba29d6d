"""Case files: given these rows, at this time, expect that.

They lie beside the rule they are about (`NAME.cases.yaml`) and are decoded as strictly. Running them takes the whole
chain from ingest to diagnosis and is the business of `sentinel.rehearse`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Final

import yaml

from sentinel.clock import parse_span
from sentinel.detect.series import LEFT_OUT, Row, expand_series, instants, rows
from sentinel.detect.yaml_places import Block, Document, nearest
from sentinel.errors import RuleProblem
from sentinel.model.diagnosis import Outcome
from sentinel.model.rule import Place
from sentinel.model.tables import KqlType, Table, tables

FILE_KEYS: Final = ("defaults", "cases")
CASE_KEYS: Final = ("case", "given", "when", "symptom", "target", "expect")
ROW_KEYS: Final = ("table", "at", "every", "times")
FINDING_KEYS: Final = ("target", "measure", "sample")
VERDICT_KEYS: Final = ("outcome", "top", "confidence", "reason", "facts", "evidence")
_SERIES_TYPES: Final = frozenset({KqlType.INT, KqlType.LONG, KqlType.REAL, KqlType.DECIMAL})
NO_CAUSE: Final = "none"
"""What `top` says when no cause must explain the symptom."""


@dataclass(frozen=True, slots=True)
class ExpectedFinding:
    """A target for which the symptom must hold, and its measure and sample where they matter."""

    target: str
    measure: float | None = None
    sample: int | None = None


@dataclass(frozen=True, slots=True)
class ExpectedVerdict:
    """What the diagnosis must say of the cause."""

    outcome: Outcome
    top: str = ""
    """The cause that must explain best, `none` for no cause, empty for any."""
    confidence: float | None = None
    reason: str = ""
    """A part of the reason, compared without case."""
    facts: Mapping[str, Any] = field(default_factory=dict)
    evidence: Mapping[str, int | Mapping[str, Any]] = field(default_factory=dict)
    """By what a clause says: how many rows it shows (0: it does not hold), or columns of the first row."""


@dataclass(frozen=True, slots=True)
class Case:
    """One case: rows in time, the moment of judgement, and what must come of it."""

    name: str
    place: Place
    rows: tuple[Row, ...]
    when: timedelta
    symptom: str
    """The symptom a cause is tried on; empty for the first it explains."""
    target: str
    """The target a cause is tried on; empty for the only one the symptom holds for."""
    expect: tuple[ExpectedFinding, ...] | ExpectedVerdict

    @property
    def fires(self) -> bool:
        """Whether the rule is expected to fire."""
        if isinstance(self.expect, ExpectedVerdict):
            return self.expect.outcome is Outcome.EXPLAINS
        return bool(self.expect)


@dataclass(frozen=True, slots=True)
class CaseFile:
    """The cases of one rule."""

    file: str
    cases: tuple[Case, ...]


def decode_cases(text: str, file: str, *, of_cause: bool) -> CaseFile | tuple[RuleProblem, ...]:
    """The cases of a file, or everything that is wrong with it."""
    document = Document.parse(file, text)
    block = document.block(FILE_KEYS)
    if block is None:
        return tuple(document.problems)
    defaults = _defaults(block)
    cases = [_case(case, defaults, file, of_cause=of_cause) for case in block.blocks("cases", CASE_KEYS)]
    names = [case.name for case in cases if case is not None]
    for name in sorted({name for name in names if names.count(name) > 1}):
        block.problem("cases", f"two cases are called {name!r}")
    if document.problems:
        return tuple(document.problems)
    return CaseFile(file, tuple(case for case in cases if case is not None))


def _defaults(block: Block) -> dict[str, dict[str, Sequence[Any]]]:
    if "defaults" not in block:
        return {}
    node = block.values["defaults"][1]
    listed = block.document.block_of(node, "defaults", tuple(tables()))
    read = {}
    for name in listed or ():
        columns = block.document.block_of(listed.values[name][1], name, None) if listed else None
        if columns is not None:
            read[name] = _columns(columns, tables()[name], tuple(columns))
    return read


def _case(
    block: Block,
    defaults: Mapping[str, Mapping[str, Sequence[Any]]],
    file: str,
    *,
    of_cause: bool,
) -> Case | None:
    name, when = block.text("case"), block.span("when")
    symptom, target = block.text("symptom", required=False), block.text("target", required=False)
    given = [
        row
        for node in block.items("given", required=False)
        for row in _rows(block.document.block_of(node, "given", None), defaults)
    ]
    expect = _verdict(block) if of_cause else _findings(block)
    if name is None or when is None or expect is None:
        return None
    return Case(
        name=name.value,
        place=Place(file, block.line),
        rows=tuple(sorted(given, key=lambda row: row.at)),
        when=when,
        symptom=symptom.value if symptom else "",
        target=target.value if target else "",
        expect=expect,
    )


def _rows(block: Block | None, defaults: Mapping[str, Mapping[str, Sequence[Any]]]) -> Sequence[Row]:
    name = block.text("table") if block is not None else None
    at = block.text("at") if block is not None else None
    if block is None or name is None or at is None:
        return ()
    table = tables().get(name.value)
    if table is None:
        block.problem("table", f"there is no table {name.value!r}; {nearest(name.value, tables())}")
        return ()
    every = block.span("every") if "every" in block else None
    columns = _columns(block, table, tuple(key for key in block if key not in ROW_KEYS))
    times = _value(block.values["times"][1]) if "times" in block else 1
    if not isinstance(times, int) or times < 1:
        block.problem("times", "a count of one or more is expected")
        return ()
    first, dots, last = at.value.partition("..")
    try:
        begin = parse_span(first)
        moments = instants(begin, parse_span(last) if dots else begin, every, times)
    except ValueError as error:
        block.problem("at", str(error))
        return ()
    return rows(table.name, moments, {**defaults.get(table.name, {}), **columns})


def _columns(block: Block, table: Table, keys: Sequence[str]) -> dict[str, Sequence[Any]]:
    """The values each column goes through."""
    read: dict[str, Sequence[Any]] = {}
    known = [column.name for column in table.columns]
    for key in keys:
        column = table.column(key)
        if column is None:
            block.problem(key, f"{table.name} has no column {key!r}; {nearest(key, [*known, *ROW_KEYS])}")
            continue
        value = _value(block.values[key][1])
        if isinstance(value, str) and column.type in _SERIES_TYPES:
            try:
                read[key] = expand_series(value)
            except ValueError as error:
                block.problem(key, str(error))
        elif isinstance(value, list) and column.type is not KqlType.DYNAMIC:
            if value:
                read[key] = tuple(LEFT_OUT if item == "_" else item for item in value)
            else:
                block.problem(key, "the list is empty")
        else:
            read[key] = (value,)
    return read


def _value(node: yaml.Node) -> Any:
    """The Python value of a node; a date stays text."""
    if isinstance(node, yaml.ScalarNode) and node.tag == "tag:yaml.org,2002:timestamp":
        return str(node.value)
    loader = yaml.SafeLoader("")
    try:
        return loader.construct_object(node, deep=True)
    finally:
        loader.dispose()


def _findings(block: Block) -> tuple[ExpectedFinding, ...] | None:
    node = block.value("expect")
    if node is None:
        return None
    found = []
    for item in block.items("expect", required=False):
        if isinstance(item, yaml.ScalarNode):
            found.append(ExpectedFinding(str(item.value)))
            continue
        entry = block.document.block_of(item, "expect", FINDING_KEYS)
        target = entry.text("target") if entry is not None else None
        if entry is not None and target is not None:
            measure, sample = (_number(entry, key) for key in ("measure", "sample"))
            found.append(ExpectedFinding(target.value, measure, None if sample is None else int(sample)))
    return tuple(found)


def _verdict(block: Block) -> ExpectedVerdict | None:
    node = block.value("expect")
    if isinstance(node, yaml.ScalarNode):
        outcome = block.choice("expect", Outcome)
        return None if outcome is None else ExpectedVerdict(outcome)
    entry = None if node is None else block.document.block_of(node, "expect", VERDICT_KEYS)
    if entry is None:
        return None
    chosen = entry.choice("outcome", Outcome)
    top, reason = entry.text("top", required=False), entry.text("reason", required=False)
    confidence = _number(entry, "confidence")
    facts_node = entry.value("facts", required=False)
    facts = None if facts_node is None else block.document.block_of(facts_node, "facts", None)
    evidence = _evidence(entry)
    if chosen is None:
        return None
    return ExpectedVerdict(
        outcome=chosen,
        top=top.value if top else "",
        confidence=confidence,
        reason=reason.value if reason else "",
        facts={key: _value(facts.values[key][1]) for key in facts} if facts else {},
        evidence=evidence,
    )


def _evidence(block: Block) -> dict[str, int | Mapping[str, Any]]:
    node = block.value("evidence", required=False)
    listed = None if node is None else block.document.block_of(node, "evidence", None)
    read: dict[str, int | Mapping[str, Any]] = {}
    for says in listed or ():
        value = _value(listed.values[says][1]) if listed else None
        if isinstance(value, dict) or (isinstance(value, int) and not isinstance(value, bool) and value >= 0):
            read[says] = value
        elif listed:
            listed.problem(
                says, "a number of rows (0: does not hold) or columns of the first row are expected"
            )
    return read


def _number(block: Block, key: str) -> float | None:
    if key not in block:
        return None
    value = _value(block.values[key][1])
    if isinstance(value, bool) or not isinstance(value, int | float):
        block.problem(key, "a number is expected")
        return None
    return float(value)
