"""What is written to the telemetry store in one go, and what came of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple, Protocol


class Extra(NamedTuple):
    """The keys of a record that its table does not know.

    `text` is all of them as a JSON object; `identity` those that tell two records apart, which leaves out what
    only some delivery paths add.
    """

    text: str
    identity: bytes


Record = tuple[int, tuple[Any, ...], tuple[Any, ...], Extra | None]
"""One event as the store takes it: ticks of `TimeGenerated`, the labels and the cells in the order of its
`Layout`, and the keys its table does not know. A plain tuple, because there are many. The text of a label is stored
as it comes, except that `_ResourceId` is lower-cased."""


class Records(Protocol):
    """Some records of one table; they may be made only when they are asked for."""

    def __len__(self) -> int:
        """How many there are."""

    def __iter__(self) -> Iterator[Record]:
        """Each of them, as often as one asks."""


@dataclass(frozen=True, slots=True)
class SetAside:
    """A piece of a delivery that could not be stored: where it was, why, and its bytes as they came."""

    origin: str
    line: int
    reason: str
    raw: bytes
    table: str = ""
    """The table the delivery was said to be for, if it was."""


@dataclass(frozen=True, slots=True)
class Batch:
    """Records of one delivery by table, what of it could not be stored, and how far its source was read.

    `cursors` maps the name of a cursor to its new value; they move in the transaction after the records.
    """

    rows: Mapping[str, Records] = field(default_factory=dict)
    set_aside: tuple[SetAside, ...] = ()
    cursors: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Appended:
    """How many records of a batch were new, and how many had been stored before."""

    new: int = 0
    duplicates: int = 0
    unknown: Mapping[str, int] = field(default_factory=dict)
    """New records of categories no table is known for, by category."""
