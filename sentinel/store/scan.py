"""What a query asks of the telemetry store: some columns of one table in a span of time."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


@dataclass(frozen=True, slots=True)
class TermFilter:
    """Only rows whose `column` contains every one of `terms` (whole terms, without case).

    The store may answer with more rows than that, never with fewer: it is a hint for its full-text index.
    """

    column: str
    terms: tuple[str, ...]


class Compare(StrEnum):
    """How a text is compared; without case except for `EQUALS`."""

    EQUALS = "=="
    IS = "=~"
    STARTS_WITH = "startswith"
    ENDS_WITH = "endswith"


@dataclass(frozen=True, slots=True)
class TextFilter:
    """Only rows whose `column` compares so with `text`.

    The store may answer with more rows than that, never with fewer: it looks through the combinations of labels once,
    and leaves other columns to the query.
    """

    column: str
    compare: Compare
    text: str


@dataclass(frozen=True, slots=True)
class Scan:
    """Some columns of one table in the span `[start, end]` of ticks, both ends included, `None` for open.

    The store may answer with more rows than the span holds, never with fewer.
    """

    table: str
    columns: tuple[str, ...]
    start: int | None = None
    end: int | None = None
    terms: tuple[TermFilter, ...] = ()
    texts: tuple[TextFilter, ...] = ()
