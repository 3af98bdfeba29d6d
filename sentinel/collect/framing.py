"""Takes deliveries apart: compression, byte order marks, lines, and JSON values one after another."""

from __future__ import annotations

import gzip
import io
import json
import zlib
from collections.abc import Iterator
from typing import Final, NamedTuple, TypeVar

import zstandard

from sentinel.errors import IngestError

MOST_BYTES: Final = 512 << 20
"""The most a compressed delivery may unfold to."""

_GZIP: Final = b"\x1f\x8b"
_ZSTD: Final = b"\x28\xb5\x2f\xfd"
_BOM: Final = b"\xef\xbb\xbf"
_PLAIN: Final = frozenset({"", "identity"})
_CHUNK: Final = 160 << 10
"""What is decoded at a time; a few hundred records still fit the caches of a processor."""
_ZSTD_STEP: Final = 4096
_Bytes = TypeVar("_Bytes", bytes, bytearray)
_WHITE: Final = " \t\r\n"


class Piece(NamedTuple):
    """A part of a delivery and the number of its first line."""

    line: int
    raw: bytes


def unpacked(body: bytes, encoding: str | None = None) -> bytes:
    """A delivery without its compression and byte order mark.

    `encoding` is a Content-Encoding; gzip and zstd are also known by their first bytes.

    Raises:
        IngestError: The encoding is not known, the body is damaged, or it unfolds to more than `MOST_BYTES`.
    """
    named = (encoding or "").strip().lower()
    if named not in {*_PLAIN, "gzip", "x-gzip", "zstd"}:
        raise IngestError(f"content encoding {named!r} is not one of gzip, zstd, identity")
    try:
        if body.startswith(_GZIP):
            body = _gunzipped(body)
        elif body.startswith(_ZSTD):
            body = _unzstd(body)
        elif named not in _PLAIN and body:
            raise IngestError(f"the body is not {named}")
    except (OSError, EOFError, zlib.error, zstandard.ZstdError) as error:
        raise IngestError(f"the compressed body is damaged: {error}") from error
    return body.removeprefix(_BOM)


def _gunzipped(body: bytes) -> bytes:
    with gzip.GzipFile(fileobj=io.BytesIO(body)) as stream:
        return _bounded(stream.read(MOST_BYTES + 1))


def _unzstd(body: bytes) -> bytes:
    """All frames of a body; unlike the library's reader it notices that the last one is cut short."""
    whole = bytearray()
    at = 0
    while at < len(body):
        frame = zstandard.ZstdDecompressor().decompressobj()
        while not frame.eof:
            if at >= len(body):
                raise EOFError("the last frame is cut short")
            # Little at a time, because a few bytes can unfold to very many.
            some = body[at : at + _ZSTD_STEP]
            whole += frame.decompress(some)
            _bounded(whole)
            at += len(some) - len(frame.unused_data)
    return bytes(whole)


def _bounded(body: _Bytes) -> _Bytes:
    if len(body) > MOST_BYTES:
        raise IngestError(f"the compressed body unfolds to more than {MOST_BYTES >> 20} MiB")
    return body


def chunks(body: bytes) -> Iterator[tuple[int, bytes]]:
    """A body of lines in pieces of whole lines, each with its offset."""
    start = 0
    while start < len(body):
        end = body.find(b"\n", start + _CHUNK) + 1 or len(body)
        yield start, body[start:end]
        start = end


def lines(piece: Piece) -> Iterator[Piece]:
    """The lines of a piece that are not blank."""
    for number, raw in enumerate(piece.raw.split(b"\n"), piece.line):
        if stripped := raw.strip():
            yield Piece(number, stripped)


def values(piece: Piece) -> list[Piece]:
    """JSON values written one after another; the last one is what cannot be read, if there is such a rest.

    Raises:
        ValueError: Not even the first value can be read.
    """
    text = piece.raw.decode()
    decoder = json.JSONDecoder()
    found: list[Piece] = []
    at, line, counted = 0, piece.line, 0
    while True:
        while at < len(text) and text[at] in _WHITE:
            at += 1
        if at == len(text):
            return found
        line += text.count("\n", counted, at)
        counted = at
        try:
            end = decoder.raw_decode(text, at)[1]
        except ValueError:
            if not found:
                raise
            end = len(text)
        found.append(Piece(line, text[at:end].encode()))
        at = end
