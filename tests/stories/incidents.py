"""Composed incidents: records as Azure Monitor and Kubernetes deliver them, and the causes that are true.

A story is an entry of a file in `scenarios/`. Its rows are written as in rule cases, and two keys spare repetition:
`endpoint` names the endpoint a row is about (its column, where the table has one, and its resource id), and `lines` is
console output that comes line by line. The rows of `background.yaml` are added: healthy deployments and clusters, and a
job that fails for a reason of its own. All is then delivered as a tester would find it, in one of four framings, late,
out of order and in part twice.
"""

from __future__ import annotations

import json
import random
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import yaml

from sentinel.clock import parse_span
from sentinel.detect.series import LEFT_OUT, Row, expand_series, instants, rows
from sentinel.model.tables import KqlType, tables

SCENARIOS: Final = Path(__file__).parent / "scenarios"
START: Final = datetime(2026, 3, 4, 13, 40, tzinfo=UTC)
FRAMINGS: Final = ("storage", "hub", "export", "query")
DELIVERED_TWICE: Final = 9
"""Every how manieth record comes a second time."""
LATE: Final = 0.2
"""The share of records that come after all others."""
SUBSCRIPTION: Final = "0f3c2b1a-1111-2222-3333-444455556666"
PROVIDERS: Final = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/rg-ml/providers"
WORKSPACE: Final = f"{PROVIDERS}/Microsoft.MachineLearningServices/workspaces/ws1"
_ENVELOPE: Final = {
    "OperationName": "operationName",
    "ResultType": "resultType",
    "ResultDescription": "resultDescription",
    "CorrelationId": "correlationId",
    "Identity": "identity",
    "Level": "level",
    "_ResourceId": "resourceId",
}
_ACTIVITY: Final = "ActivityLog"
"""What scenarios call the records of the control plane, for which there is a category and no table."""
_NUMBERS: Final = frozenset({KqlType.INT, KqlType.LONG, KqlType.REAL})


@dataclass(frozen=True, slots=True)
class Told:
    """A finding that must be told, and the cause that must come first."""

    target: str
    symptom: str
    top: str
    says: str = ""
    """Words its reason must hold."""


@dataclass(frozen=True, slots=True)
class Story:
    """One incident, its records and what is true of it."""

    name: str
    kind: str
    """The kind of target it is about."""
    rows: tuple[Row, ...]
    expect: tuple[Told, ...]
    also: frozenset[str]
    """Causes that may come first for another symptom."""
    remedies: frozenset[str]
    """The settings that may be changed for it; none when a person is needed."""
    framing: str


def stories() -> tuple[Story, ...]:
    """Every story, in the order of the files."""
    background = yaml.safe_load((SCENARIOS / "background.yaml").read_text("utf-8"))
    found: list[Story] = []
    for file in sorted(SCENARIOS.glob("*.yaml")):
        if file.stem == "background":
            continue
        written = yaml.safe_load(file.read_text("utf-8"))
        for entry in written["stories"]:
            found.append(_story(entry, written.get("defaults", {}), background, len(found)))
    return tuple(found)


def _story(
    entry: Mapping[str, Any], defaults: Mapping[str, Any], background: Mapping[str, Any], number: int
) -> Story:
    end = str(entry["lasts"])
    given = [
        row
        for listed, usual in ((entry["given"], defaults), (background["given"], background["defaults"]))
        for one in listed
        for row in _rows(one, {**background["defaults"], **usual}, end)
    ]
    return Story(
        name=entry["story"],
        kind=entry["kind"],
        rows=tuple(sorted(given, key=lambda row: row.at)),
        expect=tuple(Told(**one) for one in entry["expect"]),
        also=frozenset(entry.get("also", ())),
        remedies=frozenset(entry.get("remedies", ())),
        framing=entry.get("framing", FRAMINGS[number % len(FRAMINGS)]),
    )


def _rows(entry: Mapping[str, Any], defaults: Mapping[str, Any], end: str) -> Iterator[Row]:
    written = {**defaults.get(entry["table"], {}), **entry}
    table, at = written.pop("table"), str(written.pop("at")).replace("end", end)
    every, times, lines = written.pop("every", None), written.pop("times", 1), written.pop("lines", None)
    first, _, last = at.partition("..")
    moments = instants(
        parse_span(first), parse_span(last or first), parse_span(every) if every else None, times
    )
    columns = {name: _values(table, name, value) for name, value in _with_endpoint(table, written).items()}
    if lines is None:
        yield from rows(table, moments, columns)
        return
    for moment in moments:
        for line, message in enumerate(str(lines).rstrip("\n").split("\n")):
            name = "LogMessage" if table == "ContainerLogV2" else "Message"
            yield from rows(table, [moment + timedelta(milliseconds=line)], {**columns, name: (message,)})


def _with_endpoint(table: str, written: dict[str, Any]) -> dict[str, Any]:
    endpoint = written.pop("endpoint", None)
    if endpoint is not None:
        if table in tables() and tables()[table].column("EndpointName") is not None:
            written["EndpointName"] = endpoint
        written.setdefault("_ResourceId", f"{WORKSPACE}/onlineEndpoints/{endpoint}")
    return written


def _values(table: str, name: str, value: Any) -> Sequence[Any]:
    column = tables()[table].column(name) if table in tables() else None
    if isinstance(value, list):
        return tuple(LEFT_OUT if item == "_" else item for item in value)
    if isinstance(value, str) and column is not None and column.type in _NUMBERS:
        return expand_series(value)
    return (value,)


def deliver(story: Story, directory: Path) -> None:
    """Write the records of a story as files below a directory."""
    records = [_flat(row, number) for number, row in enumerate(story.rows)]
    dice = random.Random(story.name)
    batches: tuple[list[dict[str, Any]], ...] = ([], [], records[::DELIVERED_TWICE])
    for record in records:
        batches[dice.random() < LATE].append(record)
    for turn, batch in enumerate(batches):
        dice.shuffle(batch)
        _write(batch, story.framing, directory, turn)


def _flat(row: Row, number: int) -> dict[str, Any]:
    stamp = (START + row.at).isoformat(timespec="microseconds").replace("+00:00", "Z")
    record = {"TimeGenerated": stamp, **row.columns, "Type": row.table}
    table = tables().get(row.table)
    if table is not None and table.column("XRequestId") is not None:
        record.setdefault("XRequestId", f"5f0e{number:06x}")
    record.setdefault("_ResourceId", WORKSPACE)
    return {
        name: (START + parse_span(value[1:])).isoformat().replace("+00:00", "Z")
        if _is_instant(value)
        else value
        for name, value in record.items()
    }


def _is_instant(value: Any) -> bool:
    """Whether a cell is an instant of the story, written `@90s`."""
    return isinstance(value, str) and value[:1] == "@" and value[1:2].isdigit()


def _write(batch: list[dict[str, Any]], framing: str, directory: Path, turn: int) -> None:
    enveloped = [record for record in batch if _category(record) and framing in ("storage", "hub")]
    flat = [record for record in batch if not (_category(record) and framing in ("storage", "hub"))]
    if framing == "storage":
        _lines(directory / f"insights-logs/m=00/{turn}/PT1H.json", map(_envelope, enveloped))
    elif enveloped:
        bodies = (
            {"records": [_envelope(r) for r in enveloped[i : i + 50]]} for i in range(0, len(enveloped), 50)
        )
        _lines(directory / f"hub/{turn}.json", bodies)
    for name in sorted({record["Type"] for record in flat}):
        rows_of = [record for record in flat if record["Type"] == name]
        if name == _ACTIVITY:
            _lines(directory / f"insights-activity-logs/{turn}/PT1H.json", map(_envelope, rows_of))
        elif framing == "query":
            _lines(directory / f"am-{name}/{turn}.json", [_answer(rows_of)])
        else:
            _lines(directory / f"am-{name}/m=05/{turn}/PT05M.json", rows_of)


def _category(record: Mapping[str, Any]) -> str:
    """The log category of a record; none for tables that no diagnostic setting delivers."""
    if record["Type"] == _ACTIVITY:
        return "Administrative"
    categories = tables()[record["Type"]].categories
    return categories[0] if categories else ""


def _envelope(record: Mapping[str, Any]) -> dict[str, Any]:
    outer = {name: record[column] for column, name in _ENVELOPE.items() if column in record}
    inner = {k: v for k, v in record.items() if k not in (*_ENVELOPE, "Type", "TimeGenerated")}
    upper = {"resourceId": str(record["_ResourceId"]).upper()}
    return {
        "time": record["TimeGenerated"],
        "category": _category(record),
        **outer,
        **upper,
        "properties": inner,
    }


def _answer(records: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """What a query of Log Analytics answers."""
    table = tables()[records[0]["Type"]]
    names = sorted({name for record in records for name in record})
    types = {column.name: column.type.value for column in table.columns}
    columns = [{"name": name, "type": types.get(name, "string")} for name in names]
    answered = [[_cell(record.get(name), types.get(name, "string")) for name in names] for record in records]
    return {"tables": [{"name": "PrimaryResult", "columns": columns, "rows": answered}]}


def _cell(value: Any, kind: str) -> Any:
    return json.dumps(value) if kind == "dynamic" and value is not None else value


def _lines(path: Path, values: Iterable[Mapping[str, Any]]) -> None:
    written = [json.dumps(value) for value in values]
    if written:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("\n".join(written) + "\n", "utf-8")
