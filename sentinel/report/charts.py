"""Numbers drawn with characters, for terminals and for text without one."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Final

_LEVELS: Final = "▁▂▃▄▅▆▇█"
_EIGHTHS: Final = " ▏▎▍▌▋▊▉"


def sparkline(values: Sequence[float], width: int, *, top: float | None = None) -> str:
    """The values as one line of at most `width` blocks, the newest at the right; each block is the largest of its part.

    `top` is what a full block stands for, the largest value unless given. Nothing at all is a blank.
    """
    if not values or width < 1:
        return ""
    parts = _fold(values, width)
    most = max(parts) if top is None else top
    return "".join(_level(value, most) for value in parts)


def columns(values: Sequence[float], width: int, height: int, *, top: float | None = None) -> list[str]:
    """The values as columns of `height` lines, the upper line first."""
    if not values or width < 1 or height < 1:
        return [""] * max(0, height)
    parts = _fold(values, width)
    most = max(parts) if top is None else top
    lines = []
    for line in range(height - 1, -1, -1):
        filled = [(value / most * height - line) if most > 0 else 0.0 for value in parts]
        lines.append(
            "".join(
                _piece(part, bottom=line == 0, some=value > 0)
                for part, value in zip(filled, parts, strict=True)
            )
        )
    return lines


def stretched(values: Sequence[float], width: int) -> list[float]:
    """The values repeated as evenly as it goes, so that fewer than `width` fill it; more are left alone."""
    if not values or len(values) >= width:
        return list(values)
    return [values[place * len(values) // width] for place in range(width)]


def bar(value: float, most: float, width: int) -> str:
    """A bar of `value` where `most` is `width` characters long; what is not nothing is seen."""
    if value <= 0 or most <= 0 or width < 1:
        return ""
    eighths = max(1, round(min(1.0, value / most) * width * 8))
    full, rest = divmod(eighths, 8)
    return "█" * full + (_EIGHTHS[rest] if rest else "")


def _fold(values: Sequence[float], width: int) -> list[float]:
    """The values in at most `width` parts, each the largest of its own."""
    count = min(width, len(values))
    edges = [len(values) * part // count for part in range(count + 1)]
    return [max(values[start:end]) for start, end in pairwise(edges)]


def _level(value: float, most: float) -> str:
    if value <= 0 or most <= 0:
        return " "
    return _LEVELS[min(len(_LEVELS) - 1, int(value / most * len(_LEVELS)))]


def _piece(filled: float, *, bottom: bool, some: bool) -> str:
    if filled >= 1:
        return "█"
    if filled <= 0:
        return " "
    if filled < 1 / 8:
        return _LEVELS[0] if bottom and some else " "
    return _LEVELS[int(filled * 8) - 1]
