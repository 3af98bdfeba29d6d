"""KQL's functions on IPv4 and IPv6 addresses.

An address may carry a prefix length, as in `10.0.0.1/8`; comparing takes the shortest prefix there is.
https://learn.microsoft.com/kusto/query/scalar-functions#ipv4ipv6-functions
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable
from functools import lru_cache
from typing import Any, Final

from sentinel.query.scalar import B, D, L, S, Scalar, Unanswerable

_V4: Final = 32
_V6: Final = 128
_MAPPED: Final = 0xFFFF << _V4
_TEXT_V4: Final = re.compile(r"\d{1,3}(?:\.\d{1,3}){3}", re.ASCII)
_PRIVATE: Final = (("10.0.0.0", 8), ("172.16.0.0", 12), ("192.168.0.0", 16))


def _masked(address: int, prefix: int, bits: int) -> int:
    return address >> (bits - prefix) << (bits - prefix)


def _split(text: str, most: int) -> tuple[str, int] | None:
    """An address and its prefix length, the longest if it has none."""
    address, slash, length = text.strip().partition("/")
    if not slash:
        return address, most
    if not (length.isascii() and length.isdigit()) or int(length) > most:
        return None
    return address, int(length)


def _number(text: str) -> int | None:
    """The number of an IPv4 address of four parts."""
    if not _TEXT_V4.fullmatch(text):
        return None
    parts = [int(part) for part in text.split(".")]
    if max(parts) > 255:  # noqa: PLR2004 - a byte
        return None
    return int.from_bytes(bytes(parts), "big")


@lru_cache(maxsize=4096)
def _v4(text: str) -> tuple[int, int] | None:
    """The number of an IPv4 address and its prefix length."""
    found = _split(text, _V4)
    if found is None:
        return None
    number = _number(found[0])
    return None if number is None else (number, found[1])


@lru_cache(maxsize=4096)
def _v6(text: str) -> tuple[int, int] | None:
    """The number of an IPv6 address and its prefix length; an IPv4 address as it is mapped into IPv6."""
    plain = _v4(text)
    if plain is not None:
        return _MAPPED | plain[0], plain[1] + _V6 - _V4
    dotted = "." in text
    found = _split(text, _V4 if dotted else _V6)
    if found is None or "%" in found[0]:
        return None
    try:
        number = int(ipaddress.IPv6Address(found[0]))
    except ValueError:
        return None
    if not dotted:
        return number, found[1]
    if number >> _V4 == 0:
        number |= _MAPPED
    return number, found[1] + _V6 - _V4


def _in_bounds(prefix: int, bits: int) -> bool:
    return 0 <= prefix <= bits


def _compare_in(
    left: tuple[int, int] | None, right: tuple[int, int] | None, prefix: int, bits: int
) -> int | None:
    if left is None or right is None or not _in_bounds(prefix, bits):
        return None
    shortest = min(left[1], right[1], prefix)
    a, b = _masked(left[0], shortest, bits), _masked(right[0], shortest, bits)
    return (a > b) - (a < b)


def _compare_v4(left: str, right: str, prefix: int = _V4) -> int | None:
    return _compare_in(_v4(left), _v4(right), prefix, _V4)


def _compare_v6(left: str, right: str, prefix: int = _V6) -> int | None:
    return _compare_in(_v6(left), _v6(right), prefix, _V6)


def _match_v4(left: str, right: str, prefix: int = _V4) -> bool | None:
    found = _compare_v4(left, right, prefix)
    return None if found is None else found == 0


def _match_v6(left: str, right: str, prefix: int = _V6) -> bool | None:
    found = _compare_v6(left, right, prefix)
    return None if found is None else found == 0


def _inside(address: tuple[int, int] | None, network: tuple[int, int] | None, bits: int) -> bool | None:
    if address is None or network is None:
        return None
    return _masked(address[0], network[1], bits) == _masked(network[0], network[1], bits)


def _listed(values: tuple[Any, ...]) -> list[Any]:
    """What is given one by one or as arrays."""
    return [one for value in values for one in (value if isinstance(value, list) else [value])]


def _in_any_v4(address: str, *ranges: Any) -> bool | None:
    here = _v4(address)
    if here is None:
        return None
    tests = [_inside(here, _v4(one), _V4) if isinstance(one, str) else None for one in _listed(ranges)]
    return True if True in tests else (None if None in tests else False)


def _in_any_v6(address: str, *ranges: Any) -> bool | None:
    here = _v6(address)
    if here is None:
        return None
    tests = [_inside(here, _v6(one), _V6) if isinstance(one, str) else None for one in _listed(ranges)]
    return True if True in tests else (None if None in tests else False)


def _is_private(text: str) -> bool | None:
    here = _v4(text)
    if here is None:
        return None
    return any(_inside(here, _v4(f"{start}/{prefix}"), _V4) for start, prefix in _PRIVATE)


def _parse_v4(text: str, prefix: int = _V4) -> int | None:
    found = _v4(text)
    if found is None or not _in_bounds(prefix, _V4):
        return None
    return _masked(found[0], min(found[1], prefix), _V4)


def _parse_v6(text: str, prefix: int = _V6) -> str | None:
    found = _v6(text)
    if found is None or not _in_bounds(prefix, _V6):
        return None
    return ipaddress.IPv6Address(_masked(found[0], min(found[1], prefix), _V6)).exploded


def _written(number: int) -> str:
    return str(ipaddress.IPv4Address(number))


def _address(value: Any) -> tuple[int, int] | None:
    """An IPv4 address given as text or as its number."""
    if isinstance(value, str):
        return _v4(value)
    return (value, _V4) if 0 <= value < 2**_V4 else None


def _format(value: Any, prefix: int = _V4) -> str | None:
    found = _address(value)
    if found is None or not _in_bounds(prefix, _V4):
        return None
    return _written(_masked(found[0], min(found[1], prefix), _V4))


def _format_mask(value: Any, prefix: int = _V4) -> str | None:
    found = _address(value)
    if found is None or not _in_bounds(prefix, _V4):
        return None
    shortest = min(found[1], prefix)
    return f"{_written(_masked(found[0], shortest, _V4))}/{shortest}"


def _suffix(text: str) -> int | None:
    found = _v4(text)
    return None if found is None else found[1]


def _to_networks(start: str, stop: str) -> Any:
    first, last = _v4(start), _v4(stop)
    if first is None or last is None or first[0] > last[0]:
        return None
    low, high = ipaddress.IPv4Address(first[0]), ipaddress.IPv4Address(last[0])
    return [str(network) for network in ipaddress.summarize_address_range(low, high)]


_PREFIX: Final = re.compile(r"(?:\d{1,3}\.){1,3}", re.ASCII)
_PLACES: Final = re.compile(
    r"(?<![0-9A-Za-z.])\d{1,3}(?:\.\d{1,3}){3}(?![0-9A-Za-z]|\.[0-9A-Za-z])", re.ASCII
)


_LOOSE: Final = re.compile(r"(?<![0-9A-Za-z])(?=(\d{1,3}(?:\.\d{1,3}){3})(?![0-9A-Za-z]))", re.ASCII)


def _is_prefix(text: str) -> bool:
    if not text.endswith("."):
        return _number(text) is not None
    return bool(_PREFIX.fullmatch(text)) and max(map(int, text[:-1].split("."))) <= 255  # noqa: PLR2004 - a byte


def _stands_in(text: str, fits: Callable[[str], bool]) -> bool:
    """Whether an IPv4 address that fits stands in a text on its own."""
    found = [
        any(_number(one) is not None and fits(one) for one in pattern.findall(text))
        for pattern in (_PLACES, _LOOSE)
    ]
    if found[0] != found[1]:
        raise Unanswerable("an address within a longer chain of numbers and dots")
    return found[0]


def _has_any(text: str, *wanted: Any) -> bool:
    numbers = {_number(one) for one in _listed(wanted) if isinstance(one, str)} - {None}
    return bool(numbers) and _stands_in(text, lambda one: _number(one) in numbers)


def _has_any_prefix(text: str, *wanted: Any) -> bool:
    prefixes = [one for one in _listed(wanted) if isinstance(one, str) and _is_prefix(one)]
    return bool(prefixes) and _stands_in(
        text,
        lambda one: any(one.startswith(p) if p.endswith(".") else one == p for p in prefixes),
    )


def address_functions() -> tuple[Scalar, ...]:
    """The functions on addresses."""
    return (
        Scalar("ipv4_compare", (S, S, L), L, _compare_v4, optional=1),
        Scalar("ipv6_compare", (S, S, L), L, _compare_v6, optional=1),
        Scalar("ipv4_is_match", (S, S, L), B, _match_v4, optional=1),
        Scalar("ipv6_is_match", (S, S, L), B, _match_v6, optional=1),
        Scalar("ipv4_is_in_range", (S, S), B, lambda a, n: _inside(_v4(a), _v4(n), _V4)),
        Scalar("ipv6_is_in_range", (S, S), B, lambda a, n: _inside(_v6(a), _v6(n), _V6)),
        *(
            form
            for name, run in (
                ("ipv4_is_in_any_range", _in_any_v4),
                ("ipv6_is_in_any_range", _in_any_v6),
                ("has_any_ipv4", _has_any),
                ("has_any_ipv4_prefix", _has_any_prefix),
            )
            for form in (
                Scalar(name, (S, S), B, run, repeats=True),
                Scalar(name, (S, D), B, run, suffix="array"),
            )
        ),
        Scalar("ipv4_is_private", (S,), B, _is_private),
        Scalar("ipv4_netmask_suffix", (S,), L, _suffix),
        Scalar("ipv4_range_to_cidr_list", (S, S), D, _to_networks),
        Scalar("parse_ipv4", (S,), L, _parse_v4),
        Scalar("parse_ipv4_mask", (S, L), L, _parse_v4),
        Scalar("parse_ipv6", (S,), S, _parse_v6),
        Scalar("parse_ipv6_mask", (S, L), S, _parse_v6),
        Scalar("format_ipv4", (S, L), S, _format, optional=1),
        Scalar("format_ipv4", (L, L), S, _format, optional=1, suffix="long"),
        Scalar("format_ipv4_mask", (S, L), S, _format_mask, optional=1),
        Scalar("format_ipv4_mask", (L, L), S, _format_mask, optional=1, suffix="long"),
        Scalar("has_ipv4", (S, S), B, _has_any),
        Scalar("has_ipv4_prefix", (S, S), B, _has_any_prefix),
    )
