"""`sentinel ingest`."""

from __future__ import annotations

import sys
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from datetime import tzinfo
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from sentinel.cli.exits import ExitCode
from sentinel.cli.home import Home
from sentinel.cli.output import counted, format_option, narrate, zone_option

if TYPE_CHECKING:
    from sentinel.cli.listing import Field
    from sentinel.cli.portions import Portion
    from sentinel.collect.ingest import Ingester, Receipt
    from sentinel.store.current import SetAsideLine
    from sentinel.store.telemetry import TelemetryStore

_AHEAD: Final = 8
"""Portions that wait for the writer at a time."""


@click.command("ingest")
@click.argument("paths", nargs=-1, metavar="[FILE|DIR|-]...")
@click.option(
    "--table",
    metavar="TABLE",
    help="The table of records that do not name theirs (files of a data export lie in am-TABLE, others may be called"
    " TABLE.json).",
)
@click.option("--again", is_flag=True, help="Read files from their beginning, whatever was taken before.")
@click.option(
    "--set-aside", "listing", is_flag=True, help="List the lines that could not be stored, and why."
)
@click.option("--retry-set-aside", "retry", is_flag=True, help="Take these lines in once more.")
@format_option
@zone_option
@click.pass_context
def command(
    context: click.Context,
    paths: tuple[str, ...],
    table: str | None,
    again: bool,
    listing: bool,
    retry: bool,
    form: str,
    zone: tzinfo,
) -> None:
    """Take telemetry in from files, directories or standard input.

    Every framing Azure delivers is understood (JSON Lines, arrays, diagnostic settings, answers of Log Analytics
    and of the metrics API, plain or compressed by gzip or zstd), and so are the events of Kubernetes (`kubectl get
    events -o json`). A record that is there already is not stored again, and a file goes on where an earlier run
    ended. What cannot be stored is set aside with its reason, and the rest of the file is taken; then the command
    ends with code 1. The receipt goes to standard output. It works whether or not a daemon runs.
    """
    from sentinel.cli.opened import opened_telemetry
    from sentinel.collect.ingest import Ingester, take_again

    home: Home = context.obj
    if [bool(paths), listing, retry].count(True) != 1:
        raise click.UsageError("give files, directories or -, or one of --set-aside and --retry-set-aside")
    if table is not None:
        _check_table(table)
    files = list(_files(paths))
    with opened_telemetry(home) as store:
        if listing:
            _list_set_aside(store, form, zone)
            return
        with Ingester(store) as ingester:
            if retry:
                receipt, problems = take_again(ingester, store), 0
            else:
                receipt, problems = _take_all(ingester, store, files, table, again=again)
    click.echo(
        f"accepted={receipt.accepted} duplicates={receipt.duplicates}"
        f" set_aside={receipt.set_aside} unknown={receipt.unknown}"
    )
    if problems:
        context.exit(ExitCode.CANNOT)
    if receipt.set_aside:
        were = counted(receipt.set_aside, "line was", "lines were")
        narrate(f"{were} set aside; `sentinel ingest --set-aside` lists what could not be stored")
        context.exit(ExitCode.FINDING)


def _check_table(name: str) -> None:
    from sentinel.collect.table_names import must_be_table
    from sentinel.errors import IngestError

    try:
        must_be_table(name)
    except IngestError as error:
        raise click.UsageError(f"--table: {error}") from None


def _files(paths: Iterable[str]) -> Iterator[Path | None]:
    """The files to take, `None` for standard input."""
    from sentinel.collect.files import SUFFIXES

    for path in paths:
        if path == "-":
            yield None
        elif Path(path).is_dir():
            found = sorted(one for one in Path(path).rglob("*") if one.suffix in SUFFIXES and one.is_file())
            if not found:
                raise click.UsageError(f"{path} holds no file that ends in {', '.join(SUFFIXES)}")
            yield from found
        elif Path(path).is_file() or Path(path).is_fifo():
            yield Path(path)
        else:
            raise click.UsageError(f"there is no file or directory {path}")


def _take_all(
    ingester: Ingester, store: TelemetryStore, files: list[Path | None], table: str | None, *, again: bool
) -> tuple[Receipt, int]:
    """Take every file; one that cannot be read does not stop the others."""
    from sentinel.cli.portions import Reached, opened, portions
    from sentinel.collect.files import table_of_path
    from sentinel.collect.ingest import Receipt
    from sentinel.errors import IngestError

    total, problems = Receipt(), 0
    known = {} if again else store.cursors("file:")
    with _progress(files) as advance:
        for file in files:
            cursor = "" if file is None else f"file:{file.resolve()}"
            before = Reached.of_text(known[cursor]) if cursor in known else None
            known_table = table or (table_of_path(file.absolute()) if file else None)
            taking = _Taking(ingester, str(file or "stdin"), known_table, cursor, advance)
            try:
                with sys.stdin.buffer if file is None else opened(file) as stream:
                    _take(taking, portions(stream, before))
            except (OSError, EOFError, IngestError) as error:
                narrate(f"sentinel: {file or 'standard input'}: {error}")
                problems += 1
            if not taking.portions and before is not None:
                narrate(f"{file} was taken in before, up to its end (--again reads it from the beginning)")
            total += taking.receipt
    return total, problems


def _take(taking: _Taking, found: Iterable[Portion]) -> None:
    for portion in found:
        taking.submit(portion)
    taking.finish()


class _Taking:
    """One file on its way in; its cursor follows what is on disk, never what is only on its way."""

    def __init__(
        self,
        ingester: Ingester,
        origin: str,
        table: str | None,
        cursor: str,
        advance: Callable[[str, int], None],
    ) -> None:
        from sentinel.collect.ingest import Receipt

        self.receipt = Receipt()
        self.portions = 0
        self._ingester = ingester
        self._origin = origin
        self._table = table
        self._cursor = cursor
        self._advance = advance
        self._waiting: deque[tuple[Portion, Future[Receipt]]] = deque()
        self._on_disk: dict[str, str] = {}

    def submit(self, portion: Portion) -> None:
        """Hand a portion over, and wait when too many are on their way."""
        from sentinel.errors import IngestBusy

        self.portions += 1
        while len(self._waiting) >= _AHEAD:
            self._await_one()
        while True:
            try:
                taken = self._ingester.submit_later(
                    portion.body,
                    origin=self._origin,
                    table=self._table,
                    first_line=portion.first_line,
                    cursors=self._on_disk,
                )
            except IngestBusy:
                self._await_one()
            else:
                self._waiting.append((portion, taken))
                return

    def finish(self) -> None:
        """Wait for everything, and note how far the file was taken."""
        while self._waiting:
            self._await_one()
        if self._on_disk:
            self._ingester.submit(b"", origin=self._origin, cursors=self._on_disk)

    def _await_one(self) -> None:
        portion, taken = self._waiting.popleft()
        self.receipt += taken.result()
        if self._cursor:
            self._on_disk = {self._cursor: portion.reached.text}
        self._advance(self._origin, len(portion.body))


@contextmanager
def _progress(files: list[Path | None]) -> Iterator[Callable[[str, int], None]]:
    """A progress bar on standard error, if that is a terminal."""
    if not sys.stderr.isatty():
        yield lambda _origin, _size: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn

    plain = all(file is not None and file.suffix not in (".gz", ".zst") for file in files)
    total = sum(file.stat().st_size for file in files if file is not None) if plain else None
    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task("ingest", total=total)

        def advance(origin: str, size: int) -> None:
            progress.update(task, advance=size, description=Path(origin).name)

        yield advance


def _list_set_aside(store: TelemetryStore, form: str, zone: tzinfo) -> None:
    from sentinel.cli.listing import write_list

    lines: list[SetAsideLine] = []
    while listed := store.set_aside(after=lines[-1].id if lines else 0):
        lines += listed
    write_list(form, _fields(), lines, zone=zone)


def _fields() -> tuple[Field[SetAsideLine], ...]:
    from sentinel.cli.listing import Field
    from sentinel.model.tables import KqlType

    return (
        Field("Id", lambda one: one.id, KqlType.LONG),
        Field("At", lambda one: one.at, KqlType.DATETIME),
        Field("Origin", lambda one: one.what.origin),
        Field("Line", lambda one: one.what.line, KqlType.LONG),
        Field("Reason", lambda one: one.what.reason),
        Field("Table", lambda one: one.what.table, brief=False),
        Field("Raw", lambda one: one.what.raw.decode(errors="backslashreplace"), brief=False),
    )
