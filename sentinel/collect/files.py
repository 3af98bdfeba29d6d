"""Files and directories as a source: what is appended to them is taken in as it appears.

Blob containers that were synchronised to a disk are directories of such files. The table of a data export is known
from its path (https://learn.microsoft.com/azure/azure-monitor/logs/logs-data-export).
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass, replace
from hashlib import blake2b
from pathlib import Path, PurePath
from typing import IO, Final

import msgspec

from sentinel.collect.ingest import Ingester, Receipt
from sentinel.errors import IngestError, SourceError
from sentinel.model.tables import table_of_category
from sentinel.store.telemetry import TelemetryStore

SUFFIXES: Final = (".json", ".jsonl", ".ndjson", ".log", ".gz", ".zst")
"""What the files of a directory end in to be taken."""
_PACKED: Final = (".gz", ".zst")
_PORTION: Final = 1 << 20
_LONGEST_LINE: Final = 64 << 20
_HEAD: Final = 256
_EXPORTED: Final = "am-"


def table_of_path(path: PurePath) -> str | None:
    """The table a file holds, by the container `am-<Table>` of a data export or by its own name, `<Table>.json`."""
    named = [part[len(_EXPORTED) :] for part in path.parts if part.lower().startswith(_EXPORTED)]
    for name in (*named, path.name.partition(".")[0]):
        table = table_of_category(name)
        if table is not None:
            return table.name
    return None


@dataclass(frozen=True, slots=True)
class _Reached:
    """How far a file was taken, and what it began with, so that another file in its place is noticed."""

    offset: int = 0
    line: int = 0
    head: str = ""
    head_bytes: int = 0
    size: int = 0
    """How large the file was when it was last looked at; what waits for an end is taken once it rests."""
    whole: bool = False
    """Whether it was taken as one document. If it grows, that was only its beginning, perhaps of its first line."""


class FileSource:
    """A file, or every file below a directory.

    Lines are taken when they have their end. Files that are not lines of JSON (one document, or packed by gzip or
    zstd) are taken as a whole once two looks in a row found them of the same size. A file is known by its inode, so
    that one that was renamed is read to its end under its new name, and by its beginning, so that one that was
    written anew is read from the start; reading too much is harmless.
    """

    def __init__(
        self, path: Path, ingester: Ingester, store: TelemetryStore, *, table: str | None = None
    ) -> None:
        self.name = f"file:{path}"
        self._path = path.absolute()
        self._ingester = ingester
        self._table = table
        self._prefix = f"tail:{self._path}:"
        self._reached = {
            name: msgspec.json.decode(value, type=_Reached)
            for name, value in store.cursors(self._prefix).items()
        }

    def poll(self) -> Receipt:
        """Take what was appended since the last time. See `Source`."""
        total = Receipt()
        try:
            for path in self._files():
                total += self._take(path)
        except FileNotFoundError:
            pass  # it was moved just now, or is not there yet
        except OSError as error:
            raise SourceError(f"cannot read {error.filename or self._path}: {error.strerror}") from error
        return total

    def _files(self) -> Iterator[Path]:
        if self._path.is_dir():
            yield from sorted(f for f in self._path.rglob("*") if f.suffix in SUFFIXES and f.is_file())
            return
        # A file that was rotated lies beside the new one; the rest of it comes first.
        for beside in sorted(self._path.parent.glob(f"{self._path.name}?*")):
            if beside.suffix not in _PACKED and self._cursor(beside.stat()) in self._reached:
                yield beside
        yield self._path

    def _cursor(self, status: os.stat_result) -> str:
        return f"{self._prefix}{status.st_dev}:{status.st_ino}"

    def _take(self, path: Path) -> Receipt:
        with path.open("rb") as file:
            status = os.fstat(file.fileno())
            cursor = self._cursor(status)
            before = self._reached.get(cursor, _Reached())
            head = file.read(_HEAD)
            is_another = status.st_size < before.offset or _digest(head[: before.head_bytes]) != before.head
            if is_another or (before.whole and status.st_size > before.offset):
                before = _Reached()
            if status.st_size == before.offset:
                return Receipt()
            rests = status.st_size == before.size
            now = _Reached(before.offset, before.line, _digest(head), len(head), status.st_size)
            if path.suffix in _PACKED or (before.offset == 0 and not _begins_with_a_line(file)):
                total = self._take_whole(path, file, cursor, now) if rests else self._wait(cursor, now)
            else:
                total = self._take_lines(path, file, cursor, now)
        return total

    def _wait(self, cursor: str, now: _Reached) -> Receipt:
        self._reached[cursor] = now
        return Receipt()

    def _take_whole(self, path: Path, file: IO[bytes], cursor: str, now: _Reached) -> Receipt:
        file.seek(0)
        body = file.read()
        taken = replace(now, offset=len(body), line=0, whole=True)
        try:
            return self._submit(path, body, 1, cursor, taken)
        except IngestError as error:
            self._reached[cursor] = taken
            raise SourceError(f"cannot take {path}: {error}") from error

    def _take_lines(self, path: Path, file: IO[bytes], cursor: str, now: _Reached) -> Receipt:
        total = Receipt()
        file.seek(now.offset)
        rest = b""
        while block := file.read(_PORTION):
            rest += block
            end = rest.rfind(b"\n") + 1
            if not end and len(rest) > _LONGEST_LINE:
                raise SourceError(f"line {now.line + 1} of {path} is longer than {_LONGEST_LINE >> 20} MiB")
            if end:
                body, rest = rest[:end], rest[end:]
                first_line = now.line + 1
                now = replace(now, offset=now.offset + end, line=now.line + body.count(b"\n"))
                total += self._submit(path, body, first_line, cursor, now)
        return total

    def _submit(self, path: Path, body: bytes, first_line: int, cursor: str, reached: _Reached) -> Receipt:
        receipt = self._ingester.submit(
            body,
            origin=str(path),
            table=self._table or table_of_path(path),
            first_line=first_line,
            cursors={cursor: msgspec.json.encode(reached).decode()},
        )
        self._reached[cursor] = reached
        return receipt


def _digest(head: bytes) -> str:
    return blake2b(head, digest_size=8).hexdigest() if head else ""


def _begins_with_a_line(file: IO[bytes]) -> bool:
    """Whether the first line is a JSON value of its own."""
    file.seek(0)
    first = file.readline(_LONGEST_LINE)
    while first.isspace():
        first = file.readline(_LONGEST_LINE)
    if not first.endswith(b"\n"):
        return False
    try:
        msgspec.json.decode(first.removeprefix(b"\xef\xbb\xbf"), type=msgspec.Raw)
    except (msgspec.DecodeError, RecursionError):
        return False
    return True
