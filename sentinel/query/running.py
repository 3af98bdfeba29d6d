"""What running a query needs, whether it is asked alone or with others."""

from __future__ import annotations

import re
from collections.abc import Mapping
from contextlib import closing
from typing import TYPE_CHECKING, Any, Protocol

import apsw

from sentinel.model.tables import Column
from sentinel.query.result import Limits, readers_of
from sentinel.store.scan import Scan, TermFilter, TextFilter

if TYPE_CHECKING:
    from sentinel.query.emit_fold import EmittedScan


class Reader(Protocol):
    """One connection to the telemetry, used by one thread at a time."""

    @property
    def connection(self) -> apsw.Connection:
        """The connection queries run on."""

    def scan_sql(self, scan: Scan) -> str:
        """A SELECT whose columns are exactly those of the scan."""

    def hold(self) -> None:
        """Until `release`, take what there is for what there was at first."""

    def may_hold(self, scan: Scan) -> bool:
        """Whether a scan may have rows; it costs less than the scan."""

    def release(self) -> None:
        """Forget the scans made so far."""

    def close(self) -> None:
        """Give the connection back."""


def filled_scan(scan: EmittedScan, numbers: tuple[Any, ...]) -> Scan:
    """What a scan reads once its bounds are computed."""
    starts = [numbers[at] for at in scan.bounds.starts if numbers[at] is not None]
    ends = [numbers[at] for at in scan.bounds.ends if numbers[at] is not None]
    terms = [TermFilter(column, found) for column, at in scan.bounds.terms if (found := _terms(numbers[at]))]
    terms += [TermFilter(column, found) for column, at in scan.bounds.words if (found := _words(numbers[at]))]
    texts = tuple(TextFilter(column, compare, numbers[at]) for column, compare, at in scan.bounds.texts)
    return Scan(
        scan.table, scan.columns, max(starts, default=None), min(ends, default=None), tuple(terms), texts
    )


def _terms(needle: str) -> tuple[str, ...]:
    """The whole terms of a text looked for; none where the index might part it differently."""
    if not needle.isascii():
        return ()
    return tuple(re.findall(r"[A-Za-z0-9]+", needle))


def _words(needle: str) -> tuple[str, ...]:
    """The whole terms of a text looked for in a dynamic's text; none where that may be written in another way.

    Numbers are, and the index holds a dynamic that is no text as it is stored.
    """
    terms = _terms(needle)
    return terms if all(term.isalpha() for term in terms) else ()


def fetch(
    connection: apsw.Connection, sql: str, bound: Mapping[str, Any], limits: Limits
) -> tuple[list[tuple[Any, ...]], str]:
    """The rows that fit into the limits, and what to say if there are more."""
    rows: list[tuple[Any, ...]] = []
    size = 0
    with closing(connection.execute(sql, bound)) as cursor:
        for row in cursor:
            if len(rows) == limits.rows:
                return rows, f"the answer has more than {limits.rows} rows"
            size += sum(len(cell) for cell in row if isinstance(cell, str))
            if size > limits.cell_bytes:
                return rows, f"the texts of the answer are larger than {limits.cell_bytes} bytes"
            rows.append(row)
    return rows, ""


def shown(rows: list[tuple[Any, ...]], columns: tuple[Column, ...]) -> list[tuple[Any, ...]]:
    """Rows as they are shown: values that are kept in another form are read."""
    readers = readers_of(columns)
    if not readers:
        return rows
    listed = []
    for row in rows:
        values = list(row)
        for at, read in readers:
            if values[at] is not None:
                values[at] = read(values[at])
        listed.append(tuple(values))
    return listed
