"""The management commands that tell what there is; every other one is refused by its name.

https://learn.microsoft.com/kusto/management/schema-entities
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any, Final

from sentinel import __version__
from sentinel.errors import QuerySemanticError, QueryUnsupported, Span
from sentinel.model.tables import Column, Table, tables
from sentinel.query.tokens import string_value
from sentinel.web.kusto_frames import NET_TYPES, Rows

_NAME: Final = r"""(\[\s*(?:"[^"]*"|'[^']*')\s*\]|[\w-]+)"""
_COMMANDS: Final = {
    "version": re.compile(r"\.show version"),
    "databases": re.compile(r"\.show databases"),
    "tables": re.compile(r"\.show tables"),
    "table": re.compile(rf"\.show table {_NAME}"),
    "table_cslschema": re.compile(rf"\.show table {_NAME} (?:cslschema|schema as csl)"),
    "table_json": re.compile(rf"\.show table {_NAME} schema as json"),
    "database_json": re.compile(
        rf"\.show (?:database(?: {_NAME})?|databases) schema as json|\.show schema as json"
    ),
    "database_schema": re.compile(rf"\.show (?:database(?: {_NAME})?|databases) schema|\.show schema"),
}
_DATABASES: Final = {
    "DatabaseName": "string",
    "PersistentStorage": "string",
    "Version": "string",
    "IsCurrent": "bool",
    "DatabaseAccessMode": "string",
    "PrettyName": "string",
    "ReservedSlot1": "bool",
    "DatabaseId": "guid",
    "InTransitionTo": "string",
    "SuspensionState": "string",
}
_VERSION: Final = {
    "BuildVersion": "string",
    "BuildTime": "datetime",
    "ServiceType": "string",
    "ProductVersion": "string",
    "ServiceOffering": "string",
}
_TABLES: Final = {"TableName": "string", "DatabaseName": "string", "Folder": "string", "DocString": "string"}
_TABLE_SCHEMA: Final = {
    "TableName": "string",
    "Schema": "string",
    "DatabaseName": "string",
    "Folder": "string",
    "DocString": "string",
}
_DATABASE_SCHEMA: Final = {
    "DatabaseName": "string",
    "TableName": "string",
    "ColumnName": "string",
    "ColumnType": "string",
    "IsDefaultTable": "bool",
    "IsDefaultColumn": "bool",
    "PrettyName": "string",
    "Version": "string",
    "Folder": "string",
    "DocString": "string",
}
_ATTRIBUTES: Final = {"AttributeName": "string", "AttributeType": "string", "ColumnType": "string"}
_LONGEST_NAME: Final = 4


def command_answer(text: str, database: str) -> Rows:
    """What a command answers; `database` is what the store is called.

    Raises:
        QuerySemanticError: There is no such table.
        QueryUnsupported: The command is not answered here.
    """
    # Only blanks between words are made one; a name in brackets keeps its own.
    plain = re.sub(r"\s+", " ", text.strip().rstrip(";").strip())
    for name, pattern in _COMMANDS.items():
        match = pattern.fullmatch(plain)
        if match is not None:
            return _answer(name, text, _unquoted(match[1]) if match.groups() and match[1] else "", database)
    words = plain.split("|")[0].split(" ")
    called = " ".join(words[:_LONGEST_NAME])
    what = (
        "a pipe behind a command"
        if "|" in plain and _is_known(plain.split("|")[0])
        else f"the command {called!r}"
    )
    raise QueryUnsupported(
        f"{what} is not supported",
        Span(0, len(text)),
        text,
        "the commands are .show version, databases, tables, table T [cslschema], database schema [as json]",
    )


def _is_known(text: str) -> bool:
    return any(pattern.fullmatch(text.strip()) for pattern in _COMMANDS.values())


def _unquoted(name: str) -> str:
    return string_value(name[1:-1].strip()) if name.startswith("[") else name


def _answer(command: str, text: str, name: str, database: str) -> Rows:
    match command:
        case "version":
            return Rows.of(_VERSION, [[__version__, None, "Engine", f"Sentinel {__version__}", ""]])
        case "databases":
            only = [database, "", "v1.0", True, "ReadOnly", database, None, None, "", ""]
            return Rows.of(_DATABASES, [only])
        case "tables":
            return Rows.of(_TABLES, [[t.name, database, "", t.description] for t in _listed().values()])
        case "database_schema":
            return Rows.of(_DATABASE_SCHEMA, _database_schema(database))
        case "database_json":
            return Rows.of({"DatabaseSchema": "string"}, [[json.dumps(_database_json(database))]])
    table = _listed().get(name)
    if table is None:
        at = text.find(name)
        raise QuerySemanticError(f"there is no table named {name!r}", Span(at, at + len(name)), text)
    match command:
        case "table_cslschema":
            schema = ",".join(f"{_csl_name(c)}:{c.type}" for c in table.columns)
            return Rows.of(_TABLE_SCHEMA, [[name, schema, database, "", table.description]])
        case "table_json":
            schema = json.dumps({"Name": name, "OrderedColumns": _json_columns(table)})
            return Rows.of(_TABLE_SCHEMA, [[name, schema, database, "", table.description]])
    return Rows.of(_ATTRIBUTES, [[c.name, NET_TYPES[c.type], c.type.value] for c in table.columns])


def _listed() -> Mapping[str, Table]:
    return dict(sorted(tables().items()))


def _csl_name(column: Column) -> str:
    return column.name if re.fullmatch(r"\w+", column.name) else f"['{column.name}']"


def _json_columns(table: Table) -> list[dict[str, str]]:
    return [{"Name": c.name, "Type": NET_TYPES[c.type], "CslType": c.type.value} for c in table.columns]


def _database_schema(database: str) -> list[list[Any]]:
    rows: list[list[Any]] = [[database, "", "", "", False, False, database, "v1.0", "", ""]]
    for table in _listed().values():
        rows.append([database, table.name, "", "", False, False, "", "", "", table.description])
        rows += [
            [database, table.name, c.name, NET_TYPES[c.type], False, False, "", "", "", ""]
            for c in table.columns
        ]
    return rows


def _database_json(database: str) -> dict[str, Any]:
    described = {
        table.name: {
            "Name": table.name,
            "Folder": "",
            "DocString": table.description,
            "OrderedColumns": _json_columns(table),
        }
        for table in _listed().values()
    }
    return {
        "Databases": {
            database: {
                "Name": database,
                "Tables": described,
                "MajorVersion": 1,
                "MinorVersion": 0,
                "Functions": {},
                "DatabaseAccessMode": "ReadOnly",
            }
        }
    }
