"""The pairs of keys and values that `parse-kv` finds in a text.

https://learn.microsoft.com/kusto/query/parse-kv-operator
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from sentinel.query.regexes import regex

_WORD: Final = re.compile(r"[^\W_]+")
_BLANK: Final = re.compile(r"\s*")


@dataclass(frozen=True, slots=True)
class PairRules:
    """How keys and values are told apart; without delimiters everything but letters and digits parts them."""

    columns: tuple[str, ...]
    pair: str = ""
    between: str = ""
    quotes: tuple[str, ...] = ()
    escapes: str = ""
    greedy: bool = False
    pattern: str = ""


@lru_cache(maxsize=64)
def rules_of(spec: str) -> PairRules:
    """The rules as the binder wrote them down."""
    described = json.loads(spec)
    return PairRules(
        tuple(name for name, _ in described["columns"]),
        described.get("pair_delimiter", ""),
        described.get("kv_delimiter", ""),
        tuple(described.get("quote", ())),
        "".join(described.get("escape", ())),
        bool(described.get("greedy")),
        described.get("regex", ""),
    )


def _quoted(text: str, at: int, rules: PairRules) -> tuple[str, int] | None:
    """The text between quotes that begins at a place, and the place behind it."""
    marks = next((q for q in rules.quotes if text.startswith(q[0], at)), None)
    if marks is None:
        return None
    found: list[str] = []
    place = at + 1
    while place < len(text):
        one = text[place]
        if one in rules.escapes and place + 1 < len(text):
            found.append(text[place + 1])
            place += 2
        elif one == marks[-1]:
            return "".join(found), place + 1
        else:
            found.append(one)
            place += 1
    return None


def _after_blanks(text: str, at: int) -> int:
    match = _BLANK.match(text, at)
    return match.end() if match else at


def _plain_end(text: str, at: int, rules: PairRules) -> int:
    """Where a value without quotes ends: at the next pair, for a greedy one at the next key."""
    end = text.find(rules.pair, at)
    if not rules.greedy:
        return len(text) if end < 0 else end
    following = text.find(rules.between, at)
    if following < 0:
        return len(text)
    end = text.rfind(rules.pair, at, following)
    return end if end >= 0 else _plain_end(text, following + len(rules.between), rules)


def _key(text: str, at: int, rules: PairRules) -> tuple[str | None, int]:
    """A key and the place of its value, or none and the place to look on."""
    quoted = _quoted(text, at, rules)
    if quoted is not None:
        behind = _after_blanks(text, quoted[1])
        if text.startswith(rules.between, behind):
            return quoted[0], behind + len(rules.between)
        return None, quoted[1]
    middle = text.find(rules.between, at)
    if middle < 0:
        return None, len(text)
    # What stands before a pair's end but has no value is no key.
    start = text.rfind(rules.pair, at, middle)
    while start >= 0 and not text[start + len(rules.pair) : middle].strip():
        start = text.rfind(rules.pair, at, start)
    begin = at if start < 0 else start + len(rules.pair)
    return text[begin:middle], middle + len(rules.between)


def _delimited(text: str, rules: PairRules) -> Iterator[tuple[str, str]]:
    at = 0
    while at < len(text):
        at = _after_blanks(text, at)
        while rules.pair and text.startswith(rules.pair, at):
            at = _after_blanks(text, at + len(rules.pair))
        key, at = _key(text, at, rules)
        if key is None:
            continue
        begin = _after_blanks(text, at)
        quoted = _quoted(text, begin, rules)
        if quoted is not None:
            yield key.strip(), quoted[0]
            at = quoted[1]
            continue
        end = _plain_end(text, begin, rules)
        yield key.strip(), text[begin:end].strip()
        at = end


def _undelimited(text: str, rules: PairRules) -> Iterator[tuple[str, str]]:
    opening = "".join(q[0] for q in rules.quotes)
    at = 0
    while match := _WORD.search(text, at):
        at = match.end()
        if match[0] not in rules.columns:
            continue
        place = at
        while place < len(text) and text[place] not in opening and not _WORD.match(text, place):
            place += 1
        quoted = _quoted(text, place, rules)
        value = _WORD.match(text, place)
        if quoted is not None:
            yield match[0], quoted[0]
            at = quoted[1]
        elif value is not None:
            yield match[0], value[0]
            at = value.end()


def pairs(spec: str, text: str) -> dict[str, str]:
    """The values by their keys; of a repeated key the first."""
    rules = rules_of(spec)
    found: dict[str, str] = {}
    if rules.pattern:
        for match in regex(rules.pattern, re.NOFLAG).finditer(text):
            found.setdefault((match[1] or "").strip(), (match[2] or "").strip())
        return found
    walk = _delimited if rules.between else _undelimited
    for key, value in walk(text, rules):
        found.setdefault(key, value)
    return found
