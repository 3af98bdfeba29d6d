"""A new rule to begin with: a file that can be used as it is, and a case that fires and one that stays quiet."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import yaml

from sentinel.detect.bind import one_query
from sentinel.detect.case_file import ExpectedVerdict, decode_cases
from sentinel.detect.ruleset import CASES_SUFFIX, CAUSES, SYMPTOMS, RuleFile
from sentinel.model.rule import Symptom
from sentinel.model.target import COLUMNS, PARAMETERS, TargetKind

_ID: Final = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*(/[a-z0-9]+(-[a-z0-9]+)*)*")


@dataclass(frozen=True, slots=True)
class Scaffold:
    """The texts of a new rule and of its cases, by the path below the pack."""

    rule: tuple[str, str]
    cases: tuple[str, str]

    def write(self, pack: Path) -> tuple[Path, Path]:
        """Write both files.

        Raises:
            FileExistsError: One of them is there already; nothing is written.
        """
        paths = (pack / self.rule[0], pack / self.cases[0])
        for path in paths:
            if path.exists():
                raise FileExistsError(f"{path} is there already")
        for path, (_, text) in zip(paths, (self.rule, self.cases), strict=True):
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, "utf-8")
        return paths


class _Plain(yaml.SafeDumper):
    """Writes every value out; case files take no aliases."""

    def ignore_aliases(self, data: Any) -> bool:
        """Whatever is shared is written again."""
        _ = data
        return True


@dataclass(frozen=True, slots=True)
class _Example:
    """A table that tells of a kind of target, with the rows that hurt and those that do not."""

    table: str
    pain: str
    """A condition over one row of the table."""
    names: Mapping[str, str]
    ill: Mapping[str, object]
    well: Mapping[str, object]
    marker: tuple[str, str, Mapping[str, object]]
    """For causes: a table, a condition over the target's parameters, and the columns of a row that fulfils it."""


_EXAMPLES: Final[Mapping[TargetKind, _Example]] = {
    TargetKind.DEPLOYMENT: _Example(
        "AmlOnlineEndpointTrafficLog",
        "ResponseCode >= 500",
        {"EndpointName": "chat", "DeploymentName": "blue"},
        {"ResponseCode": 500},
        {"ResponseCode": 200},
        (
            "SentinelDeploymentState_CL",
            "EndpointName == endpoint and DeploymentName == deployment and UpdateInFlight",
            {"UpdateInFlight": True, "Replicas": 1, "MaxReplicas": 4},
        ),
    ),
    TargetKind.JOB: _Example(
        "AmlComputeJobEvent",
        'ExecutionState == "Failed"',
        {"JobName": "train"},
        {"ExecutionState": "Failed"},
        {"ExecutionState": "Running"},
        ("AmlComputeCpuGpuUtilization", "RunId == job and todouble(Utilization) > 95", {"Utilization": "99"}),
    ),
    TargetKind.CLUSTER: _Example(
        "AmlComputeClusterEvent",
        "UnusableNodeCount > 0",
        {"ClusterName": "gpu"},
        {"UnusableNodeCount": 1},
        {"UnusableNodeCount": 0},
        (
            "AmlComputeCpuGpuUtilization",
            "ClusterName == cluster and todouble(Utilization) > 95",
            {"Utilization": "99"},
        ),
    ),
}
_MARKER_NAMES: Final = {
    TargetKind.DEPLOYMENT: ("EndpointName", "DeploymentName"),
    TargetKind.JOB: ("RunId",),
    TargetKind.CLUSTER: ("ClusterName",),
}


def checked_id(rule_id: str) -> str:
    """The id, if it is one.

    Raises:
        ValueError: It is not words of small letters and digits with dashes, in folders.
    """
    if not _ID.fullmatch(rule_id):
        raise ValueError(f"{rule_id!r} is no id such as requests-slow or capacity/too-few-replicas")
    return rule_id


def new_symptom(rule_id: str, target: TargetKind) -> Scaffold:
    """A symptom that counts pain in a table of its kind of target."""
    example = _EXAMPLES[target]
    columns = ", ".join(COLUMNS[target])
    text = f"""\
title: {_title(rule_id)}
severity: warning              # critical, error, warning or informational
target: {target}
every: 30s                     # how often it is asked
window: 5m                     # how far back it looks
for: 1m                        # how long it must hold before an incident opens
keep-firing-for: 5m            # how long it must be quiet before the incident closes
query: |                       # a row for every target, healthy ones too
  {example.table}
  | where TimeGenerated between (since .. now())
  | summarize Rows = count(), Bad = countif({example.pain}) by {columns}
when: Bad >= 5 and Bad >= 0.1 * Rows
measure: todouble(Bad) / Rows
sample: Rows
"""
    label = "/".join(example.names.values())
    cases = f"""\
defaults:
  {example.table}: {_flow({**example.names, **example.well})}
cases:
  - case: every second row is bad
    given:
      - {{table: {example.table}, at: 0s..119s, every: 2s}}
      - {_flow({"table": example.table, "at": "1s..119s", "every": "2s", **example.ill})}
    when: 2m
    expect: [{label}]
  - case: all is well
    given:
      - {{table: {example.table}, at: 0s..119s, every: 1s}}
    when: 2m
    expect: []
"""
    return _scaffold(SYMPTOMS, rule_id, text, cases)


def new_cause(rule_id: str, symptom: Symptom, symptom_cases: RuleFile) -> Scaffold:
    """A cause that explains a symptom, tried on the rows of the symptom's own case that fires.

    Raises:
        ValueError: The symptom has no case in which it fires.
    """
    given, when, target = _firing(symptom_cases)
    kind = symptom.target
    table, condition, marked = _EXAMPLES[kind].marker
    named = " and ".join(
        f"{column} == {name}" for column, name in zip(COLUMNS[kind], PARAMETERS[kind], strict=True)
    )
    shown = "/".join(f"{{{name}}}" for name in PARAMETERS[kind])
    requires = f"{one_query(symptom.query)}\n| where {named}\n| where {' '.join(symptom.threshold.split())}"
    text = f"""\
title: {_title(rule_id.rsplit("/", 1)[-1])}
explains: [{symptom.id}]
covers: []                     # documented failure modes it recognises, by id
requires:                      # every one must hold
  - says: the symptom is seen  # say what the rows of your query show instead
    query: |
{_indented(requires, 6)}
excludes:                      # none may hold
  - says: something else is going on
    query: |
      {table}
      | where TimeGenerated between (since .. now()) and {condition}
      | top 3 by TimeGenerated
because: "{shown} hurts within {{window}}."
remedies:
  - escalate: Say what a person should do.
"""
    row = {
        "table": table,
        "at": when,
        **dict(zip(_MARKER_NAMES[kind], target.split("/", 1), strict=False)),
        **marked,
    }
    shared = {"given": given, "when": when, "symptom": symptom.id, "target": target}
    listed = [
        {"case": "the symptom alone", **shared, "expect": "explains"},
        {"case": "something else is going on", **shared, "given": [*given, row], "expect": "ruled out"},
    ]
    return _scaffold(
        CAUSES, rule_id, text, yaml.dump({"cases": listed}, Dumper=_Plain, sort_keys=False, width=110)
    )


def _firing(cases: RuleFile) -> tuple[list[dict[str, Any]], str, str]:
    """The rows of the first case that fires, with the defaults in each, its moment, and a target it fires for."""
    if cases.cases.is_file():
        text = cases.cases.read_text("utf-8")
        decoded = decode_cases(text, cases.cases.name, of_cause=False)
        written = yaml.safe_load(text)
        for case, raw in zip(
            [] if isinstance(decoded, tuple) else decoded.cases, written["cases"], strict=False
        ):
            if case.fires and not isinstance(case.expect, ExpectedVerdict):
                defaults = written.get("defaults") or {}
                rows = [_with_defaults(row, defaults) for row in raw["given"]]
                return rows, str(raw["when"]), case.expect[0].target
    raise ValueError(f"{cases.id} has no case in which it fires, so there are no rows to try a cause on")


def _with_defaults(row: dict[str, Any], defaults: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    of_table = defaults.get(row["table"], {})
    return {"table": row["table"], "at": row["at"], **of_table, **row}


def _scaffold(folder: str, rule_id: str, text: str, cases: str) -> Scaffold:
    path = f"{folder}/{checked_id(rule_id)}"
    return Scaffold((f"{path}.yaml", text), (f"{path}{CASES_SUFFIX}", cases))


def _title(rule_id: str) -> str:
    return rule_id.replace("-", " ").replace("/", ": ").capitalize()


def _flow(values: Mapping[str, object]) -> str:
    return yaml.safe_dump(dict(values), default_flow_style=True, sort_keys=False, width=1000).strip()


def _indented(text: str, by: int) -> str:
    lines: Sequence[str] = text.splitlines()
    return "\n".join(" " * by + line for line in lines if line.strip())
