"""Reads the instants telemetry is stamped with, to 100 ns."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import UTC, datetime
from functools import lru_cache
from typing import Final

from sentinel.clock import TICKS_PER_SECOND, to_ticks

_MINUTE: Final = 17
"""How much of a stamp is the same for a minute: `2026-03-04T15:31:`."""
_FRACTION_DIGITS: Final = 7
_DIGITS: Final = 9
_STAMP: Final = re.compile(
    r"\s*(\d{4}-\d\d-\d\d)[T ](\d\d:\d\d(?::\d\d)?)(?:[.,](\d+))?\s*(Z|[+-]\d\d:?\d\d)?\s*", re.IGNORECASE
)


@lru_cache(maxsize=4096)
def _minute(stamp: str) -> int:
    """The ticks at which the minute of a stamp begins."""
    if not stamp.isascii():
        raise ValueError(f"{stamp!r} is not a time")
    return to_ticks(datetime.strptime(stamp, "%Y-%m-%dT%H:%M:").replace(tzinfo=UTC))


def ticks_of(stamp: str) -> int:
    """The ticks of a stamp such as `2026-03-04T15:31:05.7712345Z`.

    A stamp without an offset is in UTC; digits beyond the seventh are cut.

    Raises:
        ValueError: It is not an ISO 8601 time of the years 1 to 9999.
    """
    return all_ticks((stamp,))[0]


def all_ticks(stamps: Iterable[str]) -> list[int]:
    """The ticks of stamps; quicker than one by one where they follow each other in time.

    Raises:
        ValueError: One of them is not a time.
    """
    ticks: list[int] = []
    append, second, begin = ticks.append, "", 0
    for stamp in stamps:
        fraction = stamp[20:-1]
        if (
            stamp[:20] == second
            and len(fraction) == _FRACTION_DIGITS
            and stamp[-1] == "Z"
            and fraction.isdecimal()
            and stamp.isascii()
        ):
            append(begin + int(fraction))
            continue
        at = _ticks(stamp, fraction)
        append(at)
        if len(fraction) == _FRACTION_DIGITS and stamp[-1] == "Z" and stamp[10] == "T":
            second, begin = stamp[:20], at - at % TICKS_PER_SECOND
    return ticks


def _ticks(stamp: str, fraction: str) -> int:
    digits = stamp[17:19] + fraction.ljust(_FRACTION_DIGITS, "0")
    if (
        stamp[-1:] == "Z"
        and (stamp[19:20] == "." or stamp[19:] == "Z")
        and digits < "60"
        and len(digits) == _DIGITS
        and digits.isdecimal()
        and stamp.isascii()
        and stamp[10] == "T"
    ):
        return _minute(stamp[:_MINUTE]) + int(digits)
    return _any_stamp(stamp)


def _any_stamp(stamp: str) -> int:
    match = _STAMP.fullmatch(stamp) if stamp.isascii() else None
    if match is None:
        raise ValueError(f"{stamp[:64]!r} is not a time such as 2026-03-04T15:31:05.77Z")
    day, clock, fraction, offset = match.groups()
    at = datetime.fromisoformat(f"{day}T{clock}{'+00:00' if offset in {None, 'Z', 'z'} else offset}")
    try:
        ticks = to_ticks(at)
    except OverflowError as error:
        raise ValueError(f"{stamp!r} is out of range") from error
    ticks += int((fraction or "0")[:_FRACTION_DIGITS].ljust(_FRACTION_DIGITS, "0"))
    if not 0 <= ticks < 3_155_378_976 * 100 * TICKS_PER_SECOND:
        raise ValueError(f"{stamp!r} is out of range")
    return ticks
