"""KQL's functions that write texts in other ways: base64, compression, punycode, hashes, code points.

https://learn.microsoft.com/kusto/query/scalar-functions#string-functions
"""

from __future__ import annotations

import base64
import binascii
import gzip
import re
import sys
import uuid
import zlib
from collections.abc import Callable
from typing import Any, Final

from sentinel.query.scalar import JSON, D, G, L, S, Scalar, T, Unanswerable

_MASK: Final = 2**64 - 1
_PRIMES: Final = (
    0x9E3779B185EBCA87,
    0xC2B2AE3D27D4EB4F,
    0x165667B19E3779F9,
    0x85EBCA77C2B2AE63,
    0x27D4EB2F165667C5,
)
_STRIPE: Final = 32


def _rotated(value: int, by: int) -> int:
    return (value << by | value >> (64 - by)) & _MASK


def _round(state: int, lane: int) -> int:
    return _rotated((state + lane * _PRIMES[1]) & _MASK, 31) * _PRIMES[0] & _MASK


def _little(data: bytes, start: int, size: int) -> int:
    return int.from_bytes(data[start : start + size], "little")


def _stripes(data: bytes) -> tuple[int, int]:
    """The state after all whole stripes of 32 bytes, and how many bytes they are."""
    lanes = [(_PRIMES[0] + _PRIMES[1]) & _MASK, _PRIMES[1], 0, -_PRIMES[0] & _MASK]
    at = 0
    while at + _STRIPE <= len(data):
        lanes = [_round(lane, _little(data, at + 8 * i, 8)) for i, lane in enumerate(lanes)]
        at += _STRIPE
    state = sum(_rotated(lane, by) for lane, by in zip(lanes, (1, 7, 12, 18), strict=True)) & _MASK
    for lane in lanes:
        state = ((state ^ _round(0, lane)) * _PRIMES[0] + _PRIMES[3]) & _MASK
    return state, at


def xxhash64(data: bytes) -> int:
    """The 64-bit xxHash of bytes, with seed 0, as a signed number."""
    state, at = _stripes(data) if len(data) >= _STRIPE else (_PRIMES[4], 0)
    state = (state + len(data)) & _MASK
    while at + 8 <= len(data):
        state = (_rotated(state ^ _round(0, _little(data, at, 8)), 27) * _PRIMES[0] + _PRIMES[3]) & _MASK
        at += 8
    if at + 4 <= len(data):
        state ^= _little(data, at, 4) * _PRIMES[0] & _MASK
        state = (_rotated(state, 23) * _PRIMES[1] + _PRIMES[2]) & _MASK
        at += 4
    for byte in data[at:]:
        state = _rotated(state ^ (byte * _PRIMES[4] & _MASK), 11) * _PRIMES[0] & _MASK
    state = (state ^ state >> 33) * _PRIMES[1] & _MASK
    state = (state ^ state >> 29) * _PRIMES[2] & _MASK
    state ^= state >> 32
    return state - 2**64 if state >= 2**63 else state


def _within(found: int, size: int | None) -> int | None:
    if size is None:
        return found
    if size <= 0:
        return None
    if found % size != found % 2**64 % size:
        raise Unanswerable("the remainder of a negative hash")
    return found % size


def _hash_text(text: str, size: int | None = None) -> int | None:
    return _within(xxhash64(text.encode()), size)


def _hash_ticks(ticks: int, size: int | None = None) -> int | None:
    return _within(xxhash64(ticks.to_bytes(8, "little")), size)


def _decoded(text: str) -> bytes | None:
    try:
        return base64.b64decode(text, validate=True)
    except binascii.Error:
        return None


def _base64_array(text: str) -> Any:
    data = _decoded(text)
    return None if data is None else list(data)


def _base64_guid(text: str) -> str | None:
    data = _decoded(text)
    if data is None or len(data) != 16:  # noqa: PLR2004 - the bytes of a GUID
        return None
    # The documentation shows the bytes of the third group in an order that encoding does not undo.
    raise Unanswerable("a GUID read from base64")


def _array_base64(values: Any) -> str | None:
    if not isinstance(values, list) or not all(isinstance(v, int) and 0 <= v < 256 for v in values):  # noqa: PLR2004 - a byte
        return None
    return base64.b64encode(bytes(values)).decode()


def _decompressed(unpack: Callable[[bytes], bytes]) -> Callable[[str], str | None]:
    def run(text: str) -> str | None:
        data = _decoded(text)
        try:
            return None if data is None else unpack(data).decode()
        except (zlib.error, EOFError, OSError, UnicodeDecodeError):
            return None

    return run


def _gunzip(data: bytes) -> bytes:
    if data[3:4] != b"\0":
        raise EOFError
    return gzip.decompress(data)


def _to_punycode(text: str) -> str:
    found = text.encode("punycode").decode("ascii")
    return found.removesuffix("-") if text.isascii() else found


def _from_punycode(text: str) -> str | None:
    try:
        return text.encode("ascii").decode("punycode")
    except UnicodeError:
        return None


def _from_domain(text: str) -> str | None:
    labels = []
    for label in text.split("."):
        found = _from_punycode(label[4:]) if label.startswith("xn--") else label
        if found is None:
            return None
        labels.append(found)
    return ".".join(labels)


_DOTS: Final = re.compile("[.\u3002\uff0e\uff61]")


def _to_domain(text: str) -> str:
    labels = _DOTS.split(text)
    return ".".join(label if label.isascii() else f"xn--{_to_punycode(label)}" for label in labels)


def _from_codepoints(*values: Any) -> str | None:
    points = [one for value in values for one in (value if isinstance(value, list) else [value])]
    if not all(isinstance(one, int) and 0 <= one <= sys.maxunicode for one in points):
        return None
    return "".join(map(chr, points))


def encoding_functions() -> tuple[Scalar, ...]:
    """The functions that write texts in other ways."""
    return (
        *(
            form
            for name in ("hash", "hash_xxhash64")
            for form in (
                Scalar(name, (S, L), L, _hash_text, optional=1),
                Scalar(name, (T, L), L, _hash_ticks, optional=1, suffix="datetime"),
            )
        ),
        Scalar("base64_decode_toarray", (S,), D, _base64_array),
        Scalar("base64_decode_toguid", (S,), G, _base64_guid),
        Scalar("base64_encode_fromarray", (D,), S, _array_base64),
        Scalar("base64_encode_fromguid", (G,), S, lambda g: base64.b64encode(uuid.UUID(g).bytes_le).decode()),
        Scalar("zlib_decompress_from_base64_string", (S,), S, _decompressed(zlib.decompress)),
        Scalar("gzip_decompress_from_base64_string", (S,), S, _decompressed(_gunzip)),
        Scalar("punycode_from_string", (S,), S, _to_punycode),
        Scalar("punycode_to_string", (S,), S, _from_punycode),
        Scalar("punycode_domain_from_string", (S,), S, _from_domain),
        Scalar("punycode_domain_to_string", (S,), S, _to_domain),
        Scalar("unicode_codepoints_to_string", (JSON,), S, _from_codepoints, repeats=True),
    )
