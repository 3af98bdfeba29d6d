"""What the queries of a rule pack share: `let` statements in `definitions/*.kql`.

A query that names a definition gets it, and those it names in turn, put in front of it. What it does not name is not
there, so a definition may use parameters that only some rules have.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Final

from sentinel.errors import RuleProblem

FOLDER: Final = "definitions"
SUFFIX: Final = ".kql"
_LET: Final = re.compile(r"^let[ \t]+([A-Za-z_]\w*)[ \t]*=", re.MULTILINE)
_END: Final = re.compile(r";[ \t]*(?://[^\n]*)?$", re.MULTILINE)
_WORD: Final = re.compile(r"[A-Za-z_]\w*")
_COMMENT: Final = re.compile(r"//[^\n]*")


@dataclass(frozen=True, slots=True)
class Definition:
    """One `let` statement and where it stands."""

    name: str
    text: str
    """The statement, up to and with its semicolon."""
    file: str
    line: int


@dataclass(frozen=True, slots=True)
class Composed:
    """A query with the definitions it needs in front."""

    text: str
    parts: tuple[tuple[int, Definition], ...]
    """Where each definition begins in the text."""
    begins: int
    """Where the query itself begins in the text."""

    def definition_at(self, offset: int) -> tuple[Definition, int] | None:
        """The definition an offset lies in and the offset within it, or None when it lies in the query itself."""
        if offset >= self.begins:
            return None
        return next(((d, offset - start) for start, d in reversed(self.parts) if start <= offset), None)


class Definitions:
    """The definitions of a pack, by name."""

    def __init__(self, listed: Iterable[Definition] = ()) -> None:
        self._named: Mapping[str, Definition] = MappingProxyType({d.name: d for d in listed})
        self._order = {name: place for place, name in enumerate(self._named)}
        self._uses = {
            d.name: frozenset(_WORD.findall(_COMMENT.sub("", d.text))) for d in self._named.values()
        }

    def __contains__(self, name: str) -> bool:
        return name in self._named

    def __iter__(self) -> Iterator[Definition]:
        return iter(self._named.values())

    def compose(self, query: str) -> Composed:
        """The query behind the definitions it names, in the order of their file; what it defines itself is its own."""
        needed: set[str] = set()
        plain = _COMMENT.sub("", query)
        waiting = (set(_WORD.findall(plain)) & self._named.keys()) - set(_LET.findall(plain))
        while waiting:
            name = waiting.pop()
            needed.add(name)
            waiting |= (self._uses[name] & self._named.keys()) - needed
        parts, text = [], ""
        for name in sorted(needed, key=self._order.__getitem__):
            parts.append((len(text), self._named[name]))
            text += self._named[name].text + "\n"
        return Composed(text + query, tuple(parts), len(text))


def read_definitions(files: Iterable[tuple[str, str]]) -> tuple[Definitions, tuple[RuleProblem, ...]]:
    """The definitions of some files, given as name and text, and what is wrong with them."""
    found: dict[str, Definition] = {}
    problems: list[RuleProblem] = []
    for file, text in files:
        starts = list(_LET.finditer(text))
        if not starts:
            problems.append(
                RuleProblem(file, 1, 1, "", "no definition: each begins a line with `let NAME =`")
            )
        ends = [*(match.start() for match in starts[1:]), len(text)]
        for match, until in zip(starts, ends, strict=False):
            line = text.count("\n", 0, match.start()) + 1
            statement = text[match.start() : until]
            end = _END.search(statement)
            name = match[1]
            if end is None:
                message = "a definition ends with a semicolon at the end of a line"
                problems.append(RuleProblem(file, line, 1, name, message))
            elif name in found:
                earlier = f"{found[name].file}:{found[name].line}"
                problems.append(RuleProblem(file, line, 1, name, f"the name is taken by {earlier}"))
            else:
                found[name] = Definition(name, statement[: end.start() + 1], file, line)
    return Definitions(found.values()), tuple(problems)


def find_definition_files(paths: Iterable[Path | str]) -> tuple[Path, ...]:
    """The definition files of the packs some rule files and folders belong to.

    A single file or subfolder of a pack still sees the definitions of the whole pack. A pack that is named twice, by
    whatever paths, has each file once.
    """
    found: dict[Path, Path] = {}
    for given in map(Path, paths):
        for file in _pack_of(given).glob(f"{FOLDER}/*{SUFFIX}"):
            found.setdefault(file.resolve(), file)
    return tuple(sorted(found.values()))


def _pack_of(path: Path) -> Path:
    for folder in (path, *path.resolve().parents):
        if (folder / FOLDER).is_dir():
            return folder
    return path
