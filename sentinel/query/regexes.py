"""KQL's regular expressions, written anew in the language of Python's `re`, and matched by the library `regex`.

Both languages look alike and mean different things: `$` is the very end, `[[:alpha:]]` a class, a flag holds from
where it stands to the end of its group. What cannot be written anew is refused by name. Kusto's own library takes time
in proportion to the text; this one goes back and tries again, which some expressions make endless, so it is stopped.
https://learn.microsoft.com/kusto/query/regex
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import Final, Never

import regex as library

LONGEST: Final = 1.0
"""How many seconds an expression may take on one text."""


class UnusableRegex(Exception):
    """A regular expression that cannot be used, with the reason."""


class EndlessRegex(Exception):
    """A regular expression that does not come to an end on some text."""


_SPACES: Final = r"\t-\r \x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000"
_NOT_SPACES: Final = (
    r"\x00-\x08\x0e-\x1f!-\x84\x86-\x9f\xa1-\u167f\u1681-\u1fff\u200b-\u2027\u202a-\u202e\u2030-\u205e"
    r"\u2060-\u2fff\u3001-\U0010ffff"
)
_POSIX: Final = {
    "alnum": ("0-9A-Za-z", r"\x00-/:-@\[-`{-\U0010ffff"),
    "alpha": ("A-Za-z", r"\x00-@\[-`{-\U0010ffff"),
    "ascii": (r"\x00-\x7f", r"\x80-\U0010ffff"),
    "blank": (r"\t ", r"\x00-\x08\n-\x1f!-\U0010ffff"),
    "cntrl": (r"\x00-\x1f\x7f", r" -~\x80-\U0010ffff"),
    "digit": ("0-9", r"\x00-/:-\U0010ffff"),
    "graph": ("!-~", r"\x00- \x7f-\U0010ffff"),
    "lower": ("a-z", r"\x00-`{-\U0010ffff"),
    "print": (" -~", r"\x00-\x1f\x7f-\U0010ffff"),
    "punct": (r"!-/:-@\[-`{-~", r"\x00- 0-9A-Za-z\x7f-\U0010ffff"),
    "space": (r"\t-\r ", r"\x00-\x08\x0e-\x1f!-\U0010ffff"),
    "upper": ("A-Z", r"\x00-@\[-\U0010ffff"),
    "word": ("0-9A-Za-z_", r"\x00-/:-@\[-^`{-\U0010ffff"),
    "xdigit": ("0-9A-Fa-f", r"\x00-/:-@G-`g-\U0010ffff"),
}
_POSIX_ITEM: Final = re.compile(r"\[:(\^?)(\w+):\]")
_GROUP: Final = re.compile(r"\((?:\?(?:P?<([A-Za-z_]\w*)>|([A-Za-z]*(?:-[A-Za-z]+)?)([:)])))?")
_REPEAT: Final = re.compile(r"(?:[*+?]|\{\d+(?:,\d*)?\})")
_CODE: Final = re.compile(
    r"\\(?:x([0-9A-Fa-f]{2})|u([0-9A-Fa-f]{4})|U([0-9A-Fa-f]{8})|[xuU]\{([0-9A-Fa-f]+)\})"
)
_PROPERTY: Final = re.compile(r"\\[pP](?:[A-Z]|\{(?!I[ns])[A-Za-z_]+\})")
"""A property of Unicode by its name; `regex` takes names with `In` and `Is` before them for blocks."""
_OUTSIDE: Final = {
    **{f"\\{letter}": f"\\{letter}" for letter in "AbBdDwWnrtafv"},
    "\\s": f"[{_SPACES}]",
    "\\S": f"[^{_SPACES}]",
    "\\z": r"\Z",
    "\\<": r"\b(?=\w)",
    "\\>": r"\b(?<=\w)",
}
_INSIDE: Final = {
    **{f"\\{letter}": f"\\{letter}" for letter in "dDwWnrtafv"},
    "\\s": _SPACES,
    "\\S": _NOT_SPACES,
}
_FLAGS: Final = "imsUx"


class _Rewriter:
    """One pass over a pattern; `flags` are those in force where it stands."""

    def __init__(self, pattern: str, flags: frozenset[str]) -> None:
        self._pattern = pattern
        self._at = 0
        self._flags = flags
        self._outer: list[tuple[frozenset[str], int]] = []
        self._scopes = 0
        self._out: list[str] = []

    def _malformed(self, why: str) -> Never:
        raise UnusableRegex(
            f"the regular expression {self._pattern!r} is malformed: {why} at position {self._at}"
        )

    def _refused(self, what: str) -> Never:
        raise UnusableRegex(f"the regular expression {self._pattern!r} uses {what}")

    def rewritten(self) -> str:
        """The pattern in Python's language."""
        self._open_scope()
        while self._at < len(self._pattern):
            self._one()
        if self._outer:
            self._malformed("missing ), unterminated group")
        return "".join(self._out) + ")" * self._scopes

    def _open_scope(self) -> None:
        on = "".join(letter for letter in "is" if letter in self._flags)
        off = "".join(letter for letter in "is" if letter not in self._flags)
        self._out.append(f"(?{on}{'-' + off if off else ''}:")
        self._scopes += 1

    def _one(self) -> None:
        character = self._pattern[self._at]
        if "x" in self._flags and self._skipped(character):
            return
        match character:
            case "\\":
                self._out.append(self._escape(_OUTSIDE))
            case "[":
                self._out.append(self._set())
            case "(":
                self._group()
                return
            case ")":
                self._close()
            case "|":
                self._out.append(")" * self._scopes + "|")
                self._scopes = 0
                self._open_scope()
                self._at += 1
                return
            case "^" | "$":
                line, text = {"^": ("(?m:^)", r"\A"), "$": ("(?m:$)", r"\Z")}[character]
                self._out.append(line if "m" in self._flags else text)
                self._at += 1
            case "*" | "+" | "?":
                self._malformed("nothing to repeat")
            case _:
                self._out.append("." if character == "." else re.escape(character))
                self._at += 1
        self._repeat()

    def _skipped(self, character: str) -> bool:
        if character == "#":
            end = self._pattern.find("\n", self._at)
            self._at = len(self._pattern) if end < 0 else end + 1
            return True
        if character.isspace():
            self._at += 1
            return True
        return False

    def _repeat(self) -> None:
        if self._pattern.startswith("{,", self._at):
            self._refused("a repetition without a least count")
        found = _REPEAT.match(self._pattern, self._at)
        if found is None:
            return
        self._at = found.end()
        lazy = self._pattern.startswith("?", self._at)
        self._at += lazy
        if _REPEAT.match(self._pattern, self._at):
            self._refused("a repetition of a repetition")
        self._out.append(found[0] + ("?" if lazy != ("U" in self._flags) else ""))

    def _group(self) -> None:
        found = _GROUP.match(self._pattern, self._at)
        if found is None or (found[0] == "(" and self._pattern.startswith("(?", self._at)):
            if re.match(r"\(\?<?[=!]", self._pattern[self._at :]):
                self._refused("lookaround or a back-reference")
            self._malformed("an unknown kind of group")
        self._at = found.end()
        name, letters, ends = found.groups()
        if ends == ")":
            self._flags = self._with(letters)
            self._open_scope()
            return
        self._outer.append((self._flags, self._scopes))
        self._flags = self._with(letters or "")
        self._scopes = 0
        self._out.append(f"(?P<{name}>" if name else "(?:" if ends else "(")
        self._open_scope()

    def _with(self, letters: str) -> frozenset[str]:
        on, _, off = letters.partition("-")
        for letter in on + off:
            if letter not in _FLAGS:
                self._refused(f"the flag {letter}")
        return (self._flags | set(on)) - set(off)

    def _close(self) -> None:
        if not self._outer:
            self._malformed("unbalanced parenthesis")
        self._out.append(")" * self._scopes + ")")
        self._flags, self._scopes = self._outer.pop()
        self._at += 1

    def _escape(self, known: dict[str, str]) -> str:
        pair = self._pattern[self._at : self._at + 2]
        code = _CODE.match(self._pattern, self._at)
        if code is not None:
            self._at = code.end()
            return self._character(int(next(filter(None, code.groups())), 16))
        named = _PROPERTY.match(self._pattern, self._at)
        if named is not None:
            self._at = named.end()
            return named[0]
        if pair[1:].isdigit():
            self._refused("lookaround or a back-reference")
        if pair == "\\b" and self._pattern.startswith("{", self._at + 2):
            self._refused("a boundary by name")
        if pair not in known and (
            len(pair) == 1 or pair[1].isalnum() or not pair[1].isascii() or pair[1] in "<>"
        ):
            self._malformed(f"bad escape {pair}")
        self._at += 2
        return known.get(pair) or re.escape(pair[1])

    def _character(self, code: int) -> str:
        try:
            return re.escape(chr(code))
        except (OverflowError, ValueError):
            self._malformed("no such character")

    def _set(self) -> str:
        self._at += 1
        pieces = ["["]
        if self._pattern.startswith("^", self._at):
            pieces.append("^")
            self._at += 1
        first = True
        while not self._pattern.startswith("]", self._at) or first:
            if self._at >= len(self._pattern):
                self._malformed("unterminated character set")
            pieces.append(self._item())
            first = False
        self._at += 1
        return "".join(pieces) + "]"

    def _item(self) -> str:
        character = self._pattern[self._at]
        if self._pattern[self._at : self._at + 2] in {"&&", "--", "~~"}:
            self._refused("an operation on character sets")
        if character == "\\":
            return self._escape(_INSIDE)
        if character == "[":
            named = _POSIX_ITEM.match(self._pattern, self._at)
            if named is None or named[2] not in _POSIX:
                self._refused("a character set within another")
            self._at = named.end()
            return _POSIX[named[2]][bool(named[1])]
        self._at += 1
        if character == "-":
            return "-"
        return "" if "x" in self._flags and character.isspace() else re.escape(character)


_PYTHON: Final = {"i": re.IGNORECASE, "m": re.MULTILINE, "s": re.DOTALL}
Match = library.Match[str]


class Regex:
    """A compiled regular expression; what takes too long on a text raises `EndlessRegex`."""

    def __init__(self, pattern: str, compiled: library.Pattern[str]) -> None:
        self._pattern = pattern
        self._compiled = compiled
        self.groups: Final[int] = compiled.groups
        self.names: Final = frozenset(compiled.groupindex)

    def search(self, text: str) -> Match | None:
        """The first match in a text."""
        try:
            return self._compiled.search(text, timeout=LONGEST)
        except TimeoutError:
            raise self._endless(text) from None

    def match(self, text: str) -> Match | None:
        """The match at the beginning of a text."""
        try:
            return self._compiled.match(text, timeout=LONGEST)
        except TimeoutError:
            raise self._endless(text) from None

    def finditer(self, text: str, start: int = 0, end: int | None = None) -> Iterator[Match]:
        """The matches in a text, or in a part of it, one behind the other."""
        try:
            yield from self._compiled.finditer(text, start, end, timeout=LONGEST)
        except TimeoutError:
            raise self._endless(text) from None

    def sub(self, replacement: str, text: str) -> str:
        """The text with every match replaced."""
        try:
            return self._compiled.sub(replacement, text, timeout=LONGEST)
        except TimeoutError:
            raise self._endless(text) from None

    def _endless(self, text: str) -> EndlessRegex:
        return EndlessRegex(
            f"the regular expression {self._pattern!r} took more than {LONGEST:g} s"
            f" on a text of {len(text)} characters"
        )


def python_regex(pattern: str) -> Regex:
    """A compiled regular expression that is in Python's language; a dot is any character."""
    return Regex(pattern, library.compile(pattern, library.DOTALL))


@lru_cache(maxsize=256)
def regex(pattern: str, flags: int = 0) -> Regex:
    """A compiled regular expression of KQL, with Python's flags for those in force from its beginning.

    Raises:
        UnusableRegex: It is malformed, or uses what KQL does not know (lookaround, back-references), or what cannot be
            written in Python's language.
    """
    given = frozenset(letter for letter, flag in _PYTHON.items() if flags & flag)
    written = _Rewriter(pattern, given).rewritten()
    try:
        return Regex(pattern, library.compile(written))
    except (library.error, OverflowError) as error:
        raise UnusableRegex(f"the regular expression {pattern!r} is malformed: {error}") from None
