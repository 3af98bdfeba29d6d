"""Files of records as a store in memory, for commands that look at telemetry no home has."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from sentinel.cli.home import Home
from sentinel.cli.output import counted, narrate
from sentinel.cli.portions import opened, portions
from sentinel.clock import VirtualClock

if TYPE_CHECKING:
    from sentinel.collect.ingest import Ingester, Receipt
    from sentinel.store.telemetry import TelemetryStore

_INGESTED: Final = datetime(2000, 1, 1, tzinfo=UTC)
"""When records of files count as ingested: the same files are the same rows whenever they are read."""
_AHEAD: Final = 8
"""Portions that wait for the writer at a time."""


def record_files(path: Path) -> list[Path]:
    """The files of records at a path: it itself, or every one below it.

    Raises:
        click.UsageError: There are none.
    """
    from sentinel.collect.files import SUFFIXES

    if path.is_file() or path.is_fifo():
        return [path]
    found = sorted(file for file in path.rglob("*") if file.suffix in SUFFIXES and file.is_file())
    if not found:
        raise click.UsageError(f"{path} is no file and holds none that ends in {', '.join(SUFFIXES)}")
    return found


@contextmanager
def recorded_store(path: Path) -> Iterator[TelemetryStore]:
    """A store in memory with the records at a path, in whatever framing; nothing on disk is changed.

    What cannot be stored is told on standard error.

    Raises:
        click.UsageError: There is no such file, or a file cannot be read.
    """
    from sentinel.collect.ingest import Ingester, Receipt
    from sentinel.store.telemetry import TelemetryStore

    total = Receipt()
    with TelemetryStore.in_memory() as store:
        with Ingester(store, VirtualClock(_INGESTED)) as ingester:
            for file in record_files(path):
                total += _taken(ingester, file)
        narrate(
            f"{counted(total.accepted, 'record')}, {counted(total.duplicates, 'duplicate')},"
            f" {total.unknown} of unknown tables, {total.set_aside} set aside"
        )
        for line in store.set_aside(limit=5):
            narrate(f"set aside: {line.what.origin}:{line.what.line}: {line.what.reason}")
        yield store


def _taken(ingester: Ingester, file: Path) -> Receipt:
    from sentinel.collect.files import table_of_path
    from sentinel.collect.ingest import Receipt
    from sentinel.errors import IngestError

    total, waiting = Receipt(), deque[Future[Receipt]]()
    try:
        with opened(file) as stream:
            for portion in portions(stream):
                if len(waiting) >= _AHEAD:
                    total += waiting.popleft().result()
                waiting.append(
                    ingester.submit_later(
                        portion.body,
                        origin=str(file),
                        table=table_of_path(file.absolute()),
                        first_line=portion.first_line,
                    )
                )
        return sum((receipt.result() for receipt in waiting), total)
    except (OSError, EOFError, IngestError) as error:
        raise click.UsageError(f"cannot read {file}: {error}") from None


@contextmanager
def telemetry_of(home: Home, records: Path | None) -> Iterator[TelemetryStore]:
    """The records at a path, or else the telemetry of a home that was used before.

    Raises:
        StoreError: There is no such home, or its telemetry cannot be opened.
        click.UsageError: The records cannot be read.
    """
    from sentinel.cli.opened import must_exist, opened_telemetry

    if records is not None:
        with recorded_store(records) as store:
            yield store
        return
    must_exist(home)
    with opened_telemetry(home) as store:
        yield store
