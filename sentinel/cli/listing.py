"""A list of things as rows with columns."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from typing import Any, Generic, TypeVar

from sentinel.cli.output import write_rows
from sentinel.clock import to_ticks
from sentinel.model.tables import Column, KqlType

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Field(Generic[T]):
    """A column of a list: its name and type, and how to take it from a thing.

    A field that is not `brief` is left out of tables, which people read, and kept in every other format.
    """

    name: str
    of: Callable[[T], Any]
    kind: KqlType = KqlType.STRING
    brief: bool = True


def write_list(form: str, fields: Sequence[Field[T]], things: Iterable[T], *, zone: tzinfo = UTC) -> None:
    """Write things to standard output, one a row."""
    chosen = [field for field in fields if field.brief or form != "table"]
    rows = [[_cell(field.of(thing)) for field in chosen] for thing in things]
    write_rows(form, [Column(field.name, field.kind) for field in chosen], rows, zone=zone)


def _cell(value: Any) -> Any:
    return to_ticks(value) if isinstance(value, datetime) else value
