"""Turns one record, however its keys are spelt, into a row of the table it belongs to.

The envelope of diagnostic settings and its mapping to columns:
https://learn.microsoft.com/azure/azure-monitor/platform/resource-logs-schema
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Any, Final, NamedTuple

import msgspec

from sentinel.collect.convert import CONVERSIONS, Unconvertible, to_json, to_string
from sentinel.collect.times import ticks_of
from sentinel.model.tables import CURRENT_STATE, UNKNOWN, Table, table_of_category
from sentinel.store.batch import Extra, Record
from sentinel.store.layout import EXTRA, INGESTED, TYPE, empty_value, layouts

ENVELOPE: Final = frozenset(
    {
        "time",
        "resourceid",
        "tenantid",
        "operationname",
        "operationversion",
        "category",
        "type",
        "resulttype",
        "resultsignature",
        "resultdescription",
        "durationms",
        "calleripaddress",
        "correlationid",
        "identity",
        "level",
        "location",
    }
)
"""The keys of the envelope, without case and underscores. A value of one of these that finds no column is kept, but
tells no two records apart: only some delivery paths have it."""

_RENAMED: Final = {"resourceid": "_ResourceId", "tenantid": "TenantId"}
_METRIC_TABLE: Final = "AzureMetrics"


class Unusable(ValueError):
    """A record cannot be stored; the message says why."""


@lru_cache(maxsize=8192)
def plain(key: str) -> str:
    """A key without case and underscores."""
    return key.replace("_", "").lower()


class _Place(NamedTuple):
    in_cells: bool
    at: int
    convert: Any


@dataclass(frozen=True, slots=True)
class _Target:
    """A table with its columns by exact and by plain name."""

    name: str
    places: Mapping[str, _Place]
    names: Mapping[str, str]
    labels: tuple[Any, ...]
    cells: tuple[Any, ...]


@cache
def _target(table: str) -> _Target:
    layout = layouts()[table]
    places, names = {}, {}
    for in_cells, columns in enumerate((layout.labels, layout.cells)):
        for at, column in enumerate(columns):
            places[column.name] = _Place(bool(in_cells), at, CONVERSIONS[column.type])
            # `ResourceId` goes before `_ResourceId` where a table has both.
            if not column.name.startswith("_") or plain(column.name) not in names:
                names[plain(column.name)] = column.name
    return _Target(
        table,
        places,
        names,
        tuple(map(empty_value, layout.labels)),
        tuple(map(empty_value, layout.cells)),
    )


def _table_of(fields: Mapping[str, Any], hint: str | None, *, flat: bool) -> tuple[Table | None, str]:
    """The table of a record and the name it goes by; `None` for a name no table is known for."""
    given = [fields.get("type"), hint, fields.get("category")]
    if not flat:
        given = [fields.get("category"), fields.get("type"), hint]
    name = next((value for value in given if isinstance(value, str) and value), "")
    if not name and "metricname" in fields:
        name = _METRIC_TABLE
    if not name:
        raise Unusable("neither a category nor a Type says which table it belongs to")
    table = table_of_category(name)
    return (None if table is not None and table.name in CURRENT_STATE else table), name


def normalise(record: Any, hint: str | None = None) -> tuple[str, Record]:
    """The table and the row of one record; `hint` is the table its delivery is known to be for.

    Raises:
        Unusable: It is not an object, has no usable time, or does not say what it is.
    """
    if not isinstance(record, dict):
        raise Unusable("a record is a JSON object")
    fields: dict[str, Any] = {}
    for key, value in record.items():
        fields.setdefault(plain(key), value)
    flat = "timegenerated" in fields and "properties" not in fields
    ticks = _ticks(fields.get("timegenerated") if flat else fields.get("time", fields.get("timegenerated")))
    table, name = _table_of(fields, hint, flat=flat)
    if table is None:
        return UNKNOWN.name, _unknown(ticks, name, record, fields)
    row = _Row(_target(table.name))
    if flat:
        row.take_flat(record)
    else:
        row.take_envelope(record)
    return table.name, (ticks, tuple(row.labels), tuple(row.cells), row.extra())


def _ticks(stamp: Any) -> int:
    if not isinstance(stamp, str) or not stamp:
        raise Unusable("it has neither `time` nor `TimeGenerated`")
    try:
        return ticks_of(stamp)
    except ValueError as error:
        raise Unusable(str(error)) from error


def _unknown(ticks: int, name: str, record: dict[str, Any], fields: Mapping[str, Any]) -> Record:
    target = _target(UNKNOWN.name)
    labels, cells = list(target.labels), list(target.cells)
    known = {"Category": name, "_ResourceId": to_string(fields.get("resourceid")).lower()}
    for column, value in known.items():
        labels[target.places[column].at] = value
    cells[target.places["Record"].at] = to_json(record).decode()
    return ticks, tuple(labels), tuple(cells), None


class _Row:
    """A row being filled."""

    def __init__(self, target: _Target) -> None:
        self._target = target
        self.labels = list(target.labels)
        self.cells = list(target.cells)
        self._set: set[str] = set()
        self._extra: dict[str, Any] = {}

    def extra(self) -> Extra | None:
        """The keys that found no column."""
        if not self._extra:
            return None
        telling = {k: v for k, v in sorted(self._extra.items()) if plain(k) not in ENVELOPE}
        return Extra(to_json(self._extra).decode(), to_json(telling) if telling else b"")

    def _keep(self, key: str, value: Any) -> None:
        while key in self._extra and self._extra[key] != value:
            key += "_"
        self._extra[key] = value

    def _put(self, column: str | None, key: str, value: Any) -> None:
        """Set a column, unless another key did so before."""
        place = self._target.places.get(column) if column else None
        if place is None or column is None:
            self._keep(key, value)
            return
        try:
            converted = place.convert(value)
        except Unconvertible:
            self._keep(key, value)
            return
        values = self.cells if place.in_cells else self.labels
        if column == "_ResourceId":
            converted = converted.lower()
        if column not in self._set:
            self._set.add(column)
            values[place.at] = converted
        elif values[place.at] != converted:
            self._keep(key, value)

    def _column(self, key: str) -> str | None:
        return key if key in self._target.places else self._target.names.get(plain(key))

    def take_flat(self, record: Mapping[str, Any]) -> None:
        """A record with the names of columns; exact spellings go before others."""
        for key in sorted(record, key=lambda key: key not in self._target.places):
            value = record[key]
            if plain(key) == "timegenerated" or key == INGESTED:
                continue
            if key == EXTRA and isinstance(value, str | dict):
                self._take_extra(value)
            elif key == TYPE or (plain(key) == "type" and value == self._target.name):
                continue
            else:
                self._put(self._column(key), key, value)

    def _take_extra(self, value: str | dict[str, Any]) -> None:
        """The keys Sentinel kept when it stored the record before."""
        decoded = _object(value)
        for key, inner in (decoded if decoded is not None else {EXTRA: value}).items():
            self._keep(key, inner)

    def take_envelope(self, record: Mapping[str, Any]) -> None:
        """A record of a diagnostic setting; its own fields go before those in `properties`."""
        inner: list[Any] = []
        for key, value in record.items():
            name = plain(key)
            if name in {"time", "timegenerated"}:
                continue
            if name == "properties":
                inner.append(value)
            elif name in {"category", "type"} and self._target.names.get(name) is None:
                if value != self._target.name:
                    self._keep(key, value)
            else:
                self._put(_RENAMED.get(name) or self._column(key), key, value)
        for value in inner:
            properties = _object(value)
            if properties is None:
                if value not in (None, ""):
                    self._keep("properties", value)
                continue
            for key in sorted(properties, key=lambda key: key not in self._target.places):
                self._put(self._column(key), key, properties[key])


def _object(value: Any) -> dict[str, Any] | None:
    """An object, or the object a text holds."""
    if isinstance(value, str):
        try:
            value = msgspec.json.decode(value)
        except msgspec.DecodeError:
            return None
    return value if isinstance(value, dict) else None
