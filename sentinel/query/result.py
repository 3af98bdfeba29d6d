"""What a query answers, and what it may cost."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from typing import Any, Final

from sentinel.clock import from_ticks
from sentinel.model.tables import Column, KqlType
from sentinel.query.values import load_json


@dataclass(frozen=True, slots=True)
class Limits:
    """What a query may cost before it is stopped."""

    rows: int = 500_000
    seconds: float = 60.0
    """Wall time."""
    cell_bytes: int = 512_000_000
    """The size of all texts of the answer together."""
    value_bytes: int = 100_000_000
    """The size of the largest single text on the way."""
    memory_bytes: int = 2_000_000_000
    """What the process may grow by while the query runs."""
    partial: bool = False
    """Whether an answer that is too large is cut instead of refused; `Result.cut` then says so."""


DEFAULT_LIMITS: Final = Limits()


def _real(value: Any) -> float:
    return float("nan") if isinstance(value, bytes) else float(value)


def _dynamic(text: str) -> Any:
    return load_json(text)


_READERS: Final[dict[KqlType, Callable[[Any], Any]]] = {
    KqlType.BOOL: bool,
    KqlType.REAL: _real,
    KqlType.DECIMAL: Decimal,
    KqlType.DYNAMIC: _dynamic,
}


def readers_of(columns: tuple[Column, ...]) -> list[tuple[int, Callable[[Any], Any]]]:
    """The places of the columns whose values are kept in another form than they are shown, and how to read them."""
    return [(at, _READERS[c.type]) for at, c in enumerate(columns) if c.type in _READERS]


@dataclass(frozen=True, slots=True)
class Result:
    """The rows of an answer: datetimes and timespans as ticks, dynamics as parsed values, null as `None`."""

    columns: tuple[Column, ...]
    rows: list[tuple[Any, ...]]
    visualization: str | None = None
    cut: str = ""
    """Why rows are missing from the end; empty when none are."""

    def records(self) -> list[dict[str, Any]]:
        """The rows by column name, datetimes as aware `datetime` and timespans as `timedelta`."""
        names = [c.name for c in self.columns]
        shown: dict[KqlType, Callable[[int], Any]] = {
            KqlType.DATETIME: from_ticks,
            KqlType.TIMESPAN: lambda ticks: timedelta(microseconds=ticks / 10),
        }
        places = [(at, shown[c.type]) for at, c in enumerate(self.columns) if c.type in shown]
        records = []
        for row in self.rows:
            values = list(row)
            for at, read in places:
                if values[at] is not None:
                    values[at] = read(values[at])
            records.append(dict(zip(names, values, strict=True)))
        return records
