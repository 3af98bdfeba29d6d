"""Who a record is: a hash of what it says, so that the same record delivered twice is stored once."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from hashlib import blake2b
from struct import Struct
from typing import Any, Final, NamedTuple, Protocol

import msgspec

from sentinel.clock import TICKS_PER_DAY
from sentinel.store.batch import Record
from sentinel.store.layout import TRANSPORT, Layout

SEQUENCE_BITS: Final = 23
"""A row id is the ticks since its day began, shifted by this much, plus a sequence: 63 bits in all."""
SEQUENCE_MASK: Final = (1 << SEQUENCE_BITS) - 1
_MOST_LABELS: Final = 50_000
_BYTES: Final = 8

_pack: Final[Callable[[Any], bytes]] = msgspec.msgpack.Encoder().encode


_SIGNED: Final = Struct("<q")
_number: Final[Callable[[bytes], tuple[int]]] = _SIGNED.unpack


class Hash(Protocol):
    """The part of hashlib's hashes that is used here."""

    def copy(self) -> Hash:
        """Another one that has been told the same."""

    def update(self, told: bytes, /) -> None:
        """Tell it more."""

    def digest(self) -> bytes:
        """The hash."""


class Labels(NamedTuple):
    """One combination of labels: its row id, a hash that was told of it, and its values as stored."""

    id: int
    told: Hash
    values: tuple[Any, ...]


DayRows = tuple[list[tuple[Any, ...]], dict[int, Labels]]
"""The rows of one day, and the label combinations they use by id."""


class Identifier:
    """Makes rows of the records of one table.

    A row is `(row id, identity, labels id, extra, ingestion time, *cells)`. The id of a label combination is a
    hash of its values, so several processes that write the same file agree on it without asking each other.
    """

    def __init__(self, layout: Layout) -> None:
        self._known: dict[bytes, Labels] = {}
        self._resource = next((i for i, c in enumerate(layout.labels) if c.name == "_ResourceId"), None)
        self._telling = [i for i, c in enumerate(layout.labels) if c.name not in TRANSPORT]
        self._telling_cells = layout.telling

    def _learn(self, key: bytes, raw: tuple[Any, ...]) -> Labels:
        values = raw
        if self._resource is not None:
            at = self._resource
            values = (*raw[:at], raw[at].lower(), *raw[at + 1 :])
        whole = blake2b(_pack(values), digest_size=_BYTES).digest()
        told = blake2b(_pack([values[at] for at in self._telling]), digest_size=_BYTES)
        labels = Labels(_number(whole)[0], told, values)
        if len(self._known) >= _MOST_LABELS:
            self._known.clear()
        self._known[key] = labels
        return labels

    def rows(self, records: Iterable[Record], ingested: int, days: dict[int, DayRows]) -> None:
        """Add the rows of `records` and the labels they use to their days (counted from 0001-01-01)."""
        known, learn, number, pack = self._known.get, self._learn, _number, _pack
        telling = self._telling_cells
        day, begin, end = -1, 0, 0
        used: dict[int, Labels] = {}
        rows: list[tuple[Any, ...]] = []
        append = rows.append
        for ticks, raw, cells, extra in records:
            if not begin <= ticks < end:
                day = ticks // TICKS_PER_DAY
                begin = day * TICKS_PER_DAY
                end = begin + TICKS_PER_DAY
                rows, used = days.setdefault(day, ([], {}))
                append = rows.append
            key = pack(raw)  # bytes are quicker to look up than a tuple of as many strings
            labels_id, told, _ = labels = known(key) or learn(key, raw)
            record = told.copy()
            record.update(pack(cells[:telling]))
            text = None
            if extra is not None:
                text = extra.text
                record.update(extra.identity)
            identity = number(record.digest())[0]
            used[labels_id] = labels
            row_id = ((ticks - begin) << SEQUENCE_BITS) | (identity & SEQUENCE_MASK)
            append((row_id, identity, labels_id, text, ingested) + cells)  # noqa: RUF005 - quicker


def next_row_id(row_id: int) -> int:
    """The row id to try after one that another record of the same instant holds."""
    return (row_id & ~SEQUENCE_MASK) | ((row_id + 1) & SEQUENCE_MASK)
