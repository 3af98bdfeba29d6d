"""YAML read strictly, with the place of every key and value kept for the errors.

A reader asks a `Block` for the keys it knows; what is missing, of the wrong type or unknown becomes a `RuleProblem`
in the document's list, so that an author hears of everything at once.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum
from typing import Any, Final, TypeVar

import yaml

from sentinel.clock import parse_span
from sentinel.errors import RuleProblem

Choice = TypeVar("Choice", bound=StrEnum)

_KINDS: Final = {
    "tag:yaml.org,2002:str": "text",
    "tag:yaml.org,2002:int": "a number",
    "tag:yaml.org,2002:float": "a number",
    "tag:yaml.org,2002:bool": "true or false",
    "tag:yaml.org,2002:null": "nothing",
    "tag:yaml.org,2002:timestamp": "a date",
    "tag:yaml.org,2002:seq": "a list",
    "tag:yaml.org,2002:map": "a mapping",
}
_NUMBERS: Final = ("tag:yaml.org,2002:int", "tag:yaml.org,2002:float")
_STRING: Final = "tag:yaml.org,2002:str"


def nearest(word: str, known: Iterable[str]) -> str:
    """A hint naming the known word nearest to a mistyped one, or all of them when none is near."""
    listed = sorted(known)
    near = difflib.get_close_matches(word, listed, n=1, cutoff=0.6)
    if near:
        return f"did you mean {near[0]!r}?"
    return f"known: {', '.join(listed)}"


@dataclass(frozen=True, slots=True)
class Text:
    """A scalar of a document, as text, which knows where each of its characters stands in the file."""

    value: str
    node: yaml.ScalarNode
    document: Document

    @property
    def line(self) -> int:
        """The 1-based line it begins in."""
        return int(self.node.start_mark.line) + 1

    def place(self, line: int, column: int) -> tuple[int, int]:
        """The file's line and column of a 1-based line and column of the text.

        Exact for literal blocks and for one-line scalars; a folded text only has a beginning.
        """
        start_line, start_column = int(self.node.start_mark.line), int(self.node.start_mark.column)
        if self.node.style == "|":
            at = start_line + line
            raw = self.document.lines[at] if at < len(self.document.lines) else ""
            return at + 1, _indent_of(self.document.lines, start_line) + column if raw.strip() else 1
        if line == 1 and self.node.style != ">":
            quote = 1 if self.node.style in ("'", '"') else 0
            return start_line + 1, start_column + quote + column
        return start_line + 1, start_column + 1


def _indent_of(lines: list[str], header: int) -> int:
    for raw in lines[header + 1 :]:
        if raw.strip():
            return len(raw) - len(raw.lstrip(" "))
    return 0


@dataclass(slots=True)
class Document:
    """One YAML file and what was found wrong with it."""

    file: str
    lines: list[str]
    root: yaml.Node | None = None
    problems: list[RuleProblem] = field(default_factory=list)

    @classmethod
    def parse(cls, file: str, text: str) -> Document:
        """The document of a text; a text that is not YAML has a problem and no root."""
        document = cls(file, text.splitlines())
        try:
            root = yaml.compose(text, Loader=yaml.SafeLoader)
        except yaml.MarkedYAMLError as error:
            mark = error.problem_mark or error.context_mark
            line, column = (mark.line + 1, mark.column + 1) if mark else (1, 1)
            document.problem(line, column, "", f"not YAML: {error.problem or error.context}")
            return document
        except yaml.YAMLError as error:
            document.problem(1, 1, "", f"not YAML: {error}")
            return document
        if root is None:
            document.problem(1, 1, "", "the file is empty")
            return document
        if not document.refuse_aliases(root):
            document.root = root
        return document

    def refuse_aliases(self, root: yaml.Node) -> bool:
        """Whether a value is referred to by an alias, which would hide where it stands."""
        seen: set[int] = set()
        waiting: list[Any] = [root]
        while waiting:
            node = waiting.pop()
            if id(node) in seen:
                self.problem_at(node, "", "anchors and aliases are not taken here; write the value out")
                return True
            seen.add(id(node))
            if isinstance(node, yaml.SequenceNode):
                waiting += node.value
            elif isinstance(node, yaml.MappingNode):
                waiting += [part for pair in node.value for part in pair]
        return False

    def problem(self, line: int, column: int, key: str, message: str) -> None:
        """Note something wrong at a 1-based place."""
        self.problems.append(RuleProblem(self.file, line, column, key, message))

    def problem_at(self, node: yaml.Node, key: str, message: str) -> None:
        """Note something wrong with a node."""
        self.problem(node.start_mark.line + 1, node.start_mark.column + 1, key, message)

    def block(self, known: Iterable[str]) -> Block | None:
        """The document as a mapping of known keys."""
        return None if self.root is None else self.block_of(self.root, "", known)

    def block_of(self, node: yaml.Node, key: str, known: Iterable[str] | None) -> Block | None:
        """A node as a mapping of known keys, or of any keys if `known` is None."""
        if not isinstance(node, yaml.MappingNode):
            self.problem_at(node, key, f"a mapping is expected, not {kind_of(node)}")
            return None
        values: dict[str, tuple[yaml.Node, yaml.Node]] = {}
        for key_node, value_node in node.value:
            name = str(key_node.value) if isinstance(key_node, yaml.ScalarNode) else ""
            if not name:
                self.problem_at(key_node, key, "a key is a word")
            elif name in values:
                first = values[name][0].start_mark.line + 1
                self.problem_at(key_node, name, f"the key stands twice; first in line {first}")
            elif known is not None and name not in known:
                self.problem_at(key_node, name, f"unknown key; {nearest(name, known)}")
            else:
                values[name] = (key_node, value_node)
        return Block(self, node, key, values)


def kind_of(node: yaml.Node) -> str:
    """What a node holds, in words."""
    return _KINDS.get(node.tag, f"a value tagged {node.tag}")


@dataclass(frozen=True, slots=True)
class Block:
    """A mapping of a document, read key by key; what does not fit becomes a problem and None."""

    document: Document
    node: yaml.MappingNode
    key: str
    values: dict[str, tuple[yaml.Node, yaml.Node]]

    @property
    def line(self) -> int:
        """The 1-based line it begins in."""
        return int(self.node.start_mark.line) + 1

    def __contains__(self, key: str) -> bool:
        return key in self.values

    def __iter__(self) -> Iterator[str]:
        return iter(self.values)

    def line_of(self, key: str) -> int:
        """The 1-based line of a key, or of the mapping if it has no such key."""
        return int(self.values[key][0].start_mark.line) + 1 if key in self.values else self.line

    def value(self, key: str, *, required: bool = True) -> yaml.Node | None:
        """The node of a key."""
        if key in self.values:
            return self.values[key][1]
        if required:
            self.document.problem_at(self.node, key, "missing")
        return None

    def problem(self, key: str, message: str) -> None:
        """Note something wrong with the value of a key."""
        self.document.problem_at(self.values[key][1] if key in self.values else self.node, key, message)

    def text(self, key: str, *, required: bool = True) -> Text | None:
        """A text that is not empty."""
        return self._scalar(key, required=required, tags=(_STRING,))

    def expression(self, key: str, *, required: bool = True) -> Text | None:
        """A KQL expression, which may look like a number to YAML."""
        return self._scalar(key, required=required, tags=(_STRING, *_NUMBERS))

    def _scalar(self, key: str, *, required: bool, tags: tuple[str, ...]) -> Text | None:
        node = self.value(key, required=required)
        if node is None:
            return None
        if not isinstance(node, yaml.ScalarNode) or node.tag not in tags:
            self.problem(key, f"text is expected, not {kind_of(node)}")
            return None
        if not str(node.value).strip():
            self.problem(key, "the text is empty")
            return None
        return Text(str(node.value), node, self.document)

    def span(self, key: str, *, default: timedelta | None = None, positive: bool = True) -> timedelta | None:
        """A duration such as `90s`; `default` makes the key optional."""
        if key not in self.values and default is not None:
            return default
        written = self.expression(key)
        if written is None:
            return None
        try:
            span = parse_span(written.value)
        except ValueError as error:
            self.problem(key, str(error))
            return None
        if positive and not span:
            self.problem(key, "the duration must be longer than nothing")
            return None
        return span

    def choice(self, key: str, choices: type[Choice]) -> Choice | None:
        """One of a fixed set of words."""
        written = self.text(key)
        if written is None:
            return None
        try:
            return choices(written.value)
        except ValueError:
            hint = nearest(written.value, [choice.value for choice in choices])
            self.problem(key, f"{written.value!r} is none of them; {hint}")
            return None

    def texts(self, key: str, *, required: bool = True) -> tuple[Text, ...]:
        """A list of texts, none twice."""
        listed: list[Text] = []
        for node in self.items(key, required=required):
            if not isinstance(node, yaml.ScalarNode) or node.tag != _STRING or not node.value:
                self.document.problem_at(node, key, f"text is expected, not {kind_of(node)}")
            elif node.value in (text.value for text in listed):
                self.document.problem_at(node, key, f"{node.value!r} stands twice")
            else:
                listed.append(Text(str(node.value), node, self.document))
        return tuple(listed)

    def items(self, key: str, *, required: bool = True) -> tuple[yaml.Node, ...]:
        """The nodes of a list that is not empty."""
        node = self.value(key, required=required)
        if node is None:
            return ()
        if not isinstance(node, yaml.SequenceNode):
            self.problem(key, f"a list is expected, not {kind_of(node)}")
            return ()
        if not node.value and required:
            self.problem(key, "the list is empty")
        return tuple(node.value)

    def blocks(self, key: str, known: Iterable[str], *, required: bool = True) -> tuple[Block, ...]:
        """A list of mappings of known keys."""
        known = tuple(known)
        read = (self.document.block_of(node, key, known) for node in self.items(key, required=required))
        return tuple(block for block in read if block is not None)
