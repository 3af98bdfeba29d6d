"""Decoders for records spelt exactly as documented: the fast way in.

For each table two structs are made, one for flat records and one for enveloped ones. They refuse everything that is
not spelt and typed as the table is, and what they refuse is left to `normalise`, which must make the same of
whatever they accept.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache
from itertools import repeat
from operator import attrgetter
from typing import Annotated, Any, Final, Literal, NamedTuple

import msgspec
from msgspec import Meta, defstruct

from sentinel.collect.convert import INT_LIMIT, LONG_LIMIT, to_datetime, to_dynamic
from sentinel.collect.normalise import ENVELOPE, plain
from sentinel.collect.times import all_ticks
from sentinel.model.tables import Column, KqlType, table_of_category
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


class Shapes:
    """The decoders one reader of deliveries uses.

    A struct is decoded quickest when its fields come in the order of the keys, so that order is taken from the first
    record of each table and framing. Another order later is only slower.
    """

    def __init__(self) -> None:
        self._known: dict[tuple[bool, str], Shape | None] = {}

    def of(self, raw: bytes, hint: str | None) -> Shape | None:
        """The decoder that probably fits, judged by the first category or Type in `raw`; `None` if none does."""
        named = _NAMED.search(raw)
        if named is None:
            table = table_of_category(hint) if hint else None
            key = (False, table.name if table else "")
        else:
            key = (named[1] == b"category", named[2].decode("utf-8", "replace"))
        if key in self._known:
            return self._known[key]
        if key[1] not in layouts():
            return None
        shape = self._known[key] = _shape(*key, _order(layouts()[key[1]], raw))
        return shape


class _Field(NamedTuple):
    name: str
    type: Any
    default: Any
    key: str


def _order(layout: Layout, raw: bytes) -> tuple[str, ...]:
    """The keys of a table's records in the order they first stand in `raw`."""
    names = [column.name for column in (*layout.labels, *layout.cells)]
    keys = [TIME, TYPE, "time", "category", "properties", *names, *_ENVELOPE_KEYS.values()]
    places = {key: raw.find(b'"%s"' % key.encode()) for key in keys}
    return tuple(sorted((key for key in keys if places[key] >= 0), key=places.__getitem__))


@lru_cache(maxsize=256)
def _shape(enveloped: bool, table: str, order: tuple[str, ...]) -> Shape | None:  # noqa: FBT001 - a cache key
    layout = layouts()[table]
    if any(column.type not in _TYPES for column in (*layout.labels, *layout.cells)):
        return None
    return (_enveloped if enveloped else _flat)(layout, order)


def _struct(name: str, fields: list[_Field], order: tuple[str, ...]) -> Any:
    places = {key: at for at, key in enumerate(order)}
    fields = sorted(fields, key=lambda field: places.get(field.key, len(places)))
    return defstruct(
        name,
        [(field.name, field.type, field.default) for field in fields],
        rename={field.name: field.key for field in fields},
        forbid_unknown_fields=True,
        gc=False,
        kw_only=True,
    )


def _field(at: int, column: Column, key: str) -> _Field:
    return _Field(f"c{at}", _TYPES[column.type], "" if column.type is KqlType.STRING else None, key)


def _flat(layout: Layout, order: tuple[str, ...]) -> Shape:
    columns = [*layout.labels, *layout.cells]
    fields = [
        _Field("time", str, msgspec.NODEFAULT, TIME),
        _Field("kind", Literal[layout.table], layout.table, TYPE),
        *(_field(at, column, column.name) for at, column in enumerate(columns)),
    ]
    paths = {column.name: f"c{at}" for at, column in enumerate(columns)}
    return Shape(layout, _struct(f"Flat{layout.table}", fields, order), {TIME: "time", **paths})


def _enveloped(layout: Layout, order: tuple[str, ...]) -> Shape | None:
    outer = [
        _Field("time", str, msgspec.NODEFAULT, "time"),
        _Field("category", Literal[layout.table], msgspec.NODEFAULT, "category"),
    ]
    inner, paths = [], {TIME: "time"}
    for at, column in enumerate((*layout.labels, *layout.cells)):
        if column.name in _ENVELOPE_KEYS:
            outer.append(_field(at, column, _ENVELOPE_KEYS[column.name]))
            paths[column.name] = f"c{at}"
        elif plain(column.name) in ENVELOPE:
            return None
        else:
            inner.append(_field(at, column, column.name))
            paths[column.name] = f"properties.c{at}"
    properties = _struct(f"Properties{layout.table}", inner, order)
    outer.append(_Field("properties", properties, msgspec.NODEFAULT, "properties"))
    return Shape(layout, _struct(f"Enveloped{layout.table}", outer, order), paths)
