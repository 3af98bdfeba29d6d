"""A file of telemetry in portions that can be taken in one by one, and where to go on after a break."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from hashlib import blake2b
from itertools import chain
from pathlib import Path
from typing import IO, Final, cast

PORTION_BYTES: Final = 1 << 20
_GZIP: Final = b"\x1f\x8b"
_ZSTD: Final = b"\x28\xb5\x2f\xfd"
_HEAD_BYTES: Final = 1024


@dataclass(frozen=True, slots=True)
class Reached:
    """How far a file was taken: unpacked bytes and lines, and what its beginning was, to know it again."""

    bytes: int
    lines: int
    head: str
    head_bytes: int
    whole: bool = False
    """Whether it was one document; if lines were found in it later, that was only the beginning of the first."""

    @property
    def text(self) -> str:
        """As a cursor keeps it."""
        return json.dumps(asdict(self))

    @classmethod
    def of_text(cls, text: str) -> Reached:
        """What `text` wrote."""
        return cls(**json.loads(text))


@dataclass(frozen=True, slots=True)
class Portion:
    """Some whole lines of a file, or all of a file that is one document."""

    body: bytes
    first_line: int
    reached: Reached


@contextmanager
def opened(path: Path) -> Iterator[IO[bytes]]:
    """A file as unpacked bytes, whether it is plain, gzip or zstd."""
    with path.open("rb") as file:
        head = file.peek(len(_ZSTD))
        if head.startswith(_GZIP):
            with gzip.GzipFile(fileobj=file) as unpacked:
                yield cast("IO[bytes]", unpacked)
        elif head.startswith(_ZSTD):
            import zstandard

            with zstandard.ZstdDecompressor().stream_reader(file, read_across_frames=True) as unpacked:
                yield cast("IO[bytes]", unpacked)
        else:
            yield file


def portions(stream: IO[bytes], before: Reached | None = None) -> Iterator[Portion]:
    """The portions of a stream, from where an earlier reading of the same file ended.

    JSON Lines come in portions of about a mebibyte; a document such as a JSON array comes as a whole.
    """
    first = _beginning(stream)
    head = first[:_HEAD_BYTES]
    start, line = 0, 1
    if before is not None and _digest(head[: before.head_bytes]) == before.head:
        start, line = before.bytes, before.lines + 1
    digest = _digest(head)
    if not _is_lines(first):
        body = first + stream.read()
        if len(body) > start:
            yield Portion(body, 1, Reached(len(body), body.count(b"\n"), digest, len(head), whole=True))
        return
    if before is not None and before.whole:
        start, line = 0, 1
    blocks = chain([first], iter(lambda: _some(stream), b""))
    at = start
    for body in _whole_lines(_behind(blocks, start)):
        # A last line without its end may still be growing: it is taken, and read again the next time.
        ended = body.rfind(b"\n") + 1
        at, first_line, line = at + ended, line, line + body.count(b"\n")
        yield Portion(body, first_line, Reached(at, line - 1, digest, len(head)))


def _beginning(stream: IO[bytes]) -> bytes:
    """Enough of a stream to know what it is."""
    first = b""
    while len(first) < PORTION_BYTES and b"\n" not in first.lstrip():
        block = _some(stream)
        if not block:
            break
        first += block
    return first


def _some(stream: IO[bytes]) -> bytes:
    """What is there, so that a pipe that trickles is not waited for."""
    read: Callable[[int], bytes] = getattr(stream, "read1", stream.read)
    return read(PORTION_BYTES)


def _is_lines(first: bytes) -> bool:
    line, ended, _ = first.lstrip().partition(b"\n")
    if not ended:
        return False
    try:
        json.loads(line)
    except ValueError:
        return False
    return True


def _behind(blocks: Iterable[bytes], start: int) -> Iterator[bytes]:
    for block in blocks:
        if start < len(block):
            yield block[start:]
        start = max(0, start - len(block))


def _whole_lines(blocks: Iterable[bytes]) -> Iterator[bytes]:
    rest = b""
    for block in blocks:
        rest += block
        end = rest.rfind(b"\n") + 1
        if end:
            yield rest[:end]
            rest = rest[end:]
    if rest:
        yield rest


def _digest(head: bytes) -> str:
    return blake2b(head, digest_size=8).hexdigest()
