"""Decoders for records spelt exactly as documented: the fast way in.

For each table two structs are made, one for flat records and one for enveloped ones. They refuse everything that is
not spelt and typed as the table is, and what they refuse is left to `normalise`, which must make the same of
whatever they accept.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from functools import cache
from itertools import repeat
from operator import attrgetter
from typing import Annotated, Any, Final, Literal

import msgspec
from msgspec import Meta, defstruct

from sentinel.collect.convert import INT_LIMIT, LONG_LIMIT, to_datetime, to_dynamic
from sentinel.collect.normalise import ENVELOPE, plain
from sentinel.collect.times import all_ticks
from sentinel.model.tables import CURRENT_STATE, Column, KqlType, table_of_category
from sentinel.store.batch import Record
from sentinel.store.layout import TIME, TYPE, Layout, layouts

_TYPES: Final[dict[KqlType, Any]] = {
    KqlType.BOOL: bool | None,
    KqlType.INT: Annotated[int, Meta(ge=-INT_LIMIT, lt=INT_LIMIT)] | None,
    KqlType.LONG: Annotated[int, Meta(ge=-LONG_LIMIT, le=LONG_LIMIT - 1)] | None,
    KqlType.REAL: float | None,
    KqlType.STRING: str,
    KqlType.DATETIME: str | None,
    KqlType.DYNAMIC: Any,
}
_ENVELOPE_KEYS: Final = {
    "OperationName": "operationName",
    "OperationVersion": "operationVersion",
    "ResultType": "resultType",
    "ResultSignature": "resultSignature",
    "ResultDescription": "resultDescription",
    "DurationMs": "durationMs",
    "CallerIpAddress": "callerIpAddress",
    "CorrelationId": "correlationId",
    "Identity": "identity",
    "Level": "level",
    "Location": "location",
    "_ResourceId": "resourceId",
    "TenantId": "tenantId",
}
_NAMED: Final = re.compile(rb'"(category|Type)"\s*:\s*"([^"\\]{1,64})"')
_FIXES: Final[dict[KqlType, Callable[[Any], Any]]] = {
    KqlType.DATETIME: to_datetime,
    KqlType.DYNAMIC: to_dynamic,
}
_MOST_FIXES: Final = 12


class Decoded:
    """Decoded records, made into what the store takes when they are asked for.

    That keeps few objects alive at a time, which spares the garbage collector most of its work.
    """

    def __init__(
        self,
        structs: list[Any],
        ticks: list[int],
        labels: Callable[[Any], tuple[Any, ...]],
        cells: Callable[[Any], tuple[Any, ...]],
        fixed: list[tuple[Any, ...]] | None,
    ) -> None:
        self._structs = structs
        self._ticks = ticks
        self._labels = labels
        self._cells = cells
        self._fixed = fixed

    def __len__(self) -> int:
        return len(self._structs)

    def __iter__(self) -> Iterator[Record]:
        cells = map(self._cells, self._structs) if self._fixed is None else iter(self._fixed)
        return zip(self._ticks, map(self._labels, self._structs), cells, repeat(None), strict=False)


class Shape:
    """Decodes exactly spelt records of one table in one framing.

    `one` takes one record, `lines` JSON Lines, `array` a bare array and `wrapped` an object with `records`.
    Each raises `ValueError` (msgspec's errors are that) for anything out of the ordinary.
    """

    def __init__(self, layout: Layout, struct: Any, paths: dict[str, str]) -> None:
        self.table = layout.table
        many = list[struct]
        envelope: Any = defstruct(f"{struct.__name__}s", [("records", many)], forbid_unknown_fields=True)
        self._one: Any = msgspec.json.Decoder(struct)
        self._array: Any = msgspec.json.Decoder(many)
        self._wrapped: Any = msgspec.json.Decoder(envelope)
        self._time = attrgetter(paths[TIME])
        self._labels = _getter([paths[column.name] for column in layout.labels])
        self._cells = _getter([paths[column.name] for column in layout.cells])
        self._fixes = [(at, _FIXES[c.type]) for at, c in enumerate(layout.cells) if c.type in _FIXES]

    def one(self, raw: bytes) -> Decoded:
        """The record of one JSON object."""
        return self._records([self._one.decode(raw)])

    def lines(self, raw: bytes) -> Decoded:
        """The records of JSON Lines."""
        return self._records(self._one.decode_lines(raw))

    def array(self, raw: bytes) -> Decoded:
        """The records of a JSON array."""
        return self._records(self._array.decode(raw))

    def wrapped(self, raw: bytes) -> Decoded:
        """The records of an object with the one key `records`."""
        return self._records(self._wrapped.decode(raw).records)

    def _records(self, structs: list[Any]) -> Decoded:
        ticks = all_ticks(map(self._time, structs))
        cells = [self._fixed(self._cells(item)) for item in structs] if self._fixes else None
        return Decoded(structs, ticks, self._labels, self._cells, cells)

    def _fixed(self, cells: tuple[Any, ...]) -> tuple[Any, ...]:
        values = list(cells)
        for at, convert in self._fixes:
            if values[at] is not None:
                values[at] = convert(values[at])
        return tuple(values)


def _getter(paths: Sequence[str]) -> Callable[[Any], tuple[Any, ...]]:
    if len(paths) > 1:
        return attrgetter(*paths)
    return lambda item: tuple(attrgetter(path)(item) for path in paths)


def _default(column: Column) -> str | None:
    return "" if column.type is KqlType.STRING else None


def _flat(layout: Layout) -> Shape | None:
    columns = [*layout.labels, *layout.cells]
    if any(column.type not in _TYPES for column in columns):
        return None
    names = {column.name: f"c{at}" for at, column in enumerate(columns)}
    fields: list[Any] = [("time", str), ("kind", Literal[layout.table], layout.table)]
    fields += [(names[column.name], _TYPES[column.type], _default(column)) for column in columns]
    struct = defstruct(
        f"Flat{layout.table}",
        fields,
        rename={"time": TIME, "kind": TYPE, **{field: name for name, field in names.items()}},
        forbid_unknown_fields=True,
        gc=False,
    )
    return Shape(layout, struct, {TIME: "time", **names})


def _enveloped(layout: Layout) -> Shape | None:
    columns = [*layout.labels, *layout.cells]
    if any(column.type not in _TYPES or plain(column.name) == "category" for column in columns):
        return None
    outer: list[Any] = [("time", str), ("category", Literal[layout.table])]
    inner: list[Any] = []
    rename_outer, rename_inner, paths = {}, {}, {TIME: "time"}
    for at, column in enumerate(columns):
        field = (f"c{at}", _TYPES[column.type], _default(column))
        if column.name in _ENVELOPE_KEYS:
            outer.append(field)
            rename_outer[f"c{at}"] = _ENVELOPE_KEYS[column.name]
            paths[column.name] = f"c{at}"
        elif plain(column.name) in ENVELOPE:
            return None
        else:
            inner.append(field)
            rename_inner[f"c{at}"] = column.name
            paths[column.name] = f"properties.c{at}"
    properties = defstruct(
        f"Properties{layout.table}", inner, rename=rename_inner, forbid_unknown_fields=True, gc=False
    )
    outer.append(("properties", properties))
    struct = defstruct(
        f"Enveloped{layout.table}",
        outer,
        rename=rename_outer,
        forbid_unknown_fields=True,
        gc=False,
        kw_only=True,
    )
    return Shape(layout, struct, paths)


@cache
def flat_shape(table: str) -> Shape | None:
    """The decoder of a table's flat records; `None` if it has none or is no table."""
    layout = layouts().get(table)
    return None if layout is None else _flat(layout)


@cache
def _enveloped_shape(table: str) -> Shape | None:
    layout = layouts().get(table)
    return None if layout is None else _enveloped(layout)


def shape_of(raw: bytes, hint: str | None) -> Shape | None:
    """The decoder that probably fits, judged by the first category or Type in `raw`."""
    named = _NAMED.search(raw)
    if named is None:
        table = table_of_category(hint) if hint else None
        return flat_shape(table.name) if table and table.name not in CURRENT_STATE else None
    name = named[2].decode("utf-8", "replace")
    if name not in layouts():
        return None
    return _enveloped_shape(name) if named[1] == b"category" else flat_shape(name)
