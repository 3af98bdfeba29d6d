"""The alternatives of a regular expression: where each stands, so that one can be left out."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

_FLAGS: Final = re.compile(r"\(\?[a-zA-Z]+\)")
_OPENING: Final = re.compile(r"\((?:\?(?:[a-zA-Z]*:|[=!]|<[=!]|P?<\w+>))?")


def cuts(pattern: str) -> Iterator[tuple[int, int]]:
    """What to cut to leave out one alternative, for every `a|b` at any depth: the alternative and a bar beside it."""
    flags = _FLAGS.match(pattern)
    at = flags.end() if flags else 0
    groups: list[list[int]] = [[at]]
    while at < len(pattern):
        sign = pattern[at]
        if sign == "\\":
            at += 2
        elif sign == "[":
            at = _end_of_class(pattern, at)
        elif opening := _OPENING.match(pattern, at):
            at = opening.end()
            groups.append([at])
        else:
            if sign == ")" and len(groups) > 1:
                yield from _of(groups.pop(), at)
            elif sign == "|":
                groups[-1].append(at + 1)
            at += 1
    if len(groups) == 1:
        yield from _of(groups[0], len(pattern))


def _of(starts: list[int], end: int) -> Iterator[tuple[int, int]]:
    """The cuts of one group, whose alternatives begin at `starts`."""
    if len(starts) < 2:  # noqa: PLR2004 - one alternative is none
        return
    for number, start in enumerate(starts):
        if number + 1 < len(starts):
            yield start, starts[number + 1]
        else:
            yield start - 1, end


def _end_of_class(pattern: str, at: int) -> int:
    """Behind the `]` of a character class; one that stands first is a member."""
    at += 2 if pattern[at + 1 : at + 2] == "^" else 1
    first = True
    while at < len(pattern) and (first or pattern[at] != "]"):
        at += 2 if pattern[at] == "\\" else 1
        first = False
    return at + 1
