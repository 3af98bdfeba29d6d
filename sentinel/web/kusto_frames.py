"""The data sets Kusto answers with: tables of version 1, frames of version 2.

https://learn.microsoft.com/kusto/api/rest/response and https://learn.microsoft.com/kusto/api/rest/response-v2
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import msgspec

from sentinel.model.tables import Column, KqlType

_encode: Final = msgspec.json.Encoder().encode

NET_TYPES: Final[Mapping[KqlType, str]] = {
    KqlType.BOOL: "System.SByte",
    KqlType.INT: "System.Int32",
    KqlType.LONG: "System.Int64",
    KqlType.REAL: "System.Double",
    KqlType.DECIMAL: "System.Data.SqlTypes.SqlDecimal",
    KqlType.STRING: "System.String",
    KqlType.DATETIME: "System.DateTime",
    KqlType.TIMESPAN: "System.TimeSpan",
    KqlType.DYNAMIC: "System.Object",
    KqlType.GUID: "System.Guid",
}
"""The .NET type of each KQL type, by which Kusto's schemas call it."""

_NOTHING: Final = "00000000-0000-0000-0000-000000000000"
_CUT_CODE: Final = -2133196797  # 0x80DA0003, E_QUERY_RESULT_SET_TOO_LARGE

_PROPERTIES: Final = {"TableId": "int", "Key": "string", "Value": "dynamic"}
_COMPLETION: Final = {
    "Timestamp": "datetime",
    "ClientRequestId": "string",
    "ActivityId": "guid",
    "SubActivityId": "guid",
    "ParentActivityId": "guid",
    "Level": "int",
    "LevelName": "string",
    "StatusCode": "int",
    "StatusCodeName": "string",
    "EventType": "int",
    "EventTypeName": "string",
    "Payload": "string",
}
_STATUS: Final = {
    "Timestamp": "datetime",
    "Severity": "int",
    "SeverityName": "string",
    "StatusCode": "int",
    "StatusDescription": "string",
    "Count": "int",
    "RequestId": "guid",
    "ActivityId": "guid",
    "SubActivityId": "guid",
    "ClientActivityId": "string",
}
_CONTENTS: Final = {
    "Ordinal": "long",
    "Kind": "string",
    "Name": "string",
    "Id": "string",
    "PrettyName": "string",
}


@dataclass(frozen=True, slots=True)
class Rows:
    """Columns and their rows, the cells already as JSON has them."""

    columns: tuple[Column, ...]
    rows: Sequence[Sequence[Any]]

    @classmethod
    def of(cls, columns: Mapping[str, str], rows: Sequence[Sequence[Any]]) -> Rows:
        """Rows of columns given by name and type."""
        return cls(tuple(Column(name, KqlType(kind)) for name, kind in columns.items()), rows)


@dataclass(frozen=True, slots=True)
class Told:
    """What is told about an answer beside its rows."""

    request_id: str
    activity_id: str
    at: str
    """When it was complete, as ISO text."""
    seconds: float = 0.0
    visualization: str | None = None
    cut: str = ""
    """Why rows are missing from the end; empty when none are."""
    deferred: bool = field(default=False)
    """Whether `cut` is told behind the rows only, not among them."""

    @property
    def error(self) -> dict[str, Any]:
        """The failure that `cut` is, as one of `OneApiErrors`."""
        return one_api_error(
            "LimitsExceeded",
            "Request is invalid and cannot be executed.",
            "Kusto.Data.Exceptions.KustoServicePartialQueryFailureLimitsExceededException",
            f"Query execution has exceeded the allowed limits: {self.cut} (E_QUERY_RESULT_SET_TOO_LARGE).",
            request_id=self.request_id,
            activity_id=self.activity_id,
            permanent=False,
        )


def one_api_error(
    code: str,
    message: str,
    kind: str,
    said: str,
    *,
    request_id: str,
    activity_id: str,
    permanent: bool = True,
) -> dict[str, Any]:
    """An error as Kusto words it; `said` is what its clients show."""
    context = {"clientRequestId": request_id, "activityId": activity_id}
    told = {"code": code, "message": message, "@type": kind, "@message": said, "@context": context}
    return {"error": {**told, "@permanent": permanent}}


def version_2(primary: Rows, told: Told) -> bytes:
    """The frames of an answer."""
    shown = {"Visualization": told.visualization, "Title": None}
    properties = Rows.of(_PROPERTIES, [[1, "Visualization", json.dumps(shown)]])
    errors = [told.error] if told.cut else []
    completion: dict[str, Any] = {
        "FrameType": "DataSetCompletion",
        "HasErrors": bool(errors),
        "Cancelled": False,
    }
    if errors:
        completion["OneApiErrors"] = errors
    among = [{"OneApiErrors": errors}] if errors and not told.deferred else []
    return _encode(
        [
            {"FrameType": "DataSetHeader", "IsProgressive": False, "Version": "v2.0"},
            _frame(0, "QueryProperties", "@ExtendedProperties", properties),
            _frame(1, "PrimaryResult", "PrimaryResult", primary, among),
            _frame(2, "QueryCompletionInformation", "QueryCompletionInformation", _completed(primary, told)),
            completion,
        ]
    )


def _frame(
    number: int, kind: str, name: str, rows: Rows, among: Sequence[dict[str, Any]] = ()
) -> dict[str, Any]:
    return {
        "FrameType": "DataTable",
        "TableId": number,
        "TableKind": kind,
        "TableName": name,
        "Columns": [{"ColumnName": c.name, "ColumnType": c.type.value} for c in rows.columns],
        "Rows": [*rows.rows, *among],
    }


def _completed(primary: Rows, told: Told) -> Rows:
    ids = [told.at, told.request_id, told.activity_id, told.activity_id, _NOTHING]
    if told.cut:
        said = {"Count": 1, "Text": f"Query failed: {told.cut}"}
        first = [2, "Error", _CUT_CODE, "E_QUERY_RESULT_SET_TOO_LARGE", 4, "QueryInfo", json.dumps(said)]
    else:
        said = {"Count": 1, "Text": "Query completed successfully"}
        first = [4, "Info", 0, "S_OK (0)", 4, "QueryInfo", json.dumps(said)]
    used = {"ExecutionTime": told.seconds, "dataset_statistics": [{"table_row_count": len(primary.rows)}]}
    second = [6, "Stats", 0, "S_OK (0)", 0, "QueryResourceConsumption", json.dumps(used)]
    return Rows.of(_COMPLETION, [[*ids, *first], [*ids, *second]])


def version_1(primary: Rows, told: Told) -> bytes:
    """The tables of an answer to a query."""
    shown = json.dumps({"Visualization": told.visualization, "Title": None})
    code, level, name, said = (0, 4, "Info", "Query completed successfully")
    if told.cut:
        code, level, name, said = (_CUT_CODE, 2, "Error", f"Query failed: {told.cut}")
    ids = [told.activity_id, told.activity_id, told.activity_id, told.request_id]
    status = Rows.of(_STATUS, [[told.at, level, name, code, said, 1, *ids]])
    contents = [
        [0, "QueryResult", "PrimaryResult", "0", ""],
        [1, "QueryProperties", "@ExtendedProperties", "1", ""],
        [2, "QueryStatus", "QueryStatus", "2", ""],
    ]
    among = [{"OneApiErrors": [told.error]}] if told.cut and not told.deferred else []
    tables = [
        _table(0, primary, among),
        _table(1, Rows.of({"Value": "string"}, [[shown]])),
        _table(2, status),
        _table(3, Rows.of(_CONTENTS, contents)),
    ]
    return _encode(
        {"Tables": tables, "Exceptions": [told.error["error"]["@message"]]}
        if told.cut
        else {"Tables": tables}
    )


def one_table(rows: Rows) -> bytes:
    """The answer to a management command."""
    return _encode({"Tables": [_table(0, rows)]})


def _table(number: int, rows: Rows, among: Sequence[dict[str, Any]] = ()) -> dict[str, Any]:
    return {
        "TableName": f"Table_{number}",
        "Columns": [
            {
                "ColumnName": c.name,
                "DataType": NET_TYPES[c.type].rpartition(".")[2],
                "ColumnType": c.type.value,
            }
            for c in rows.columns
        ],
        "Rows": [*rows.rows, *among],
    }
