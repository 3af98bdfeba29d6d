"""Boards of titled KQL panels, read from `dashboards/*.yaml`."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from pathlib import Path
from typing import Final

import yaml

import sentinel
from sentinel.clock import parse_span
from sentinel.errors import ConfigError
from sentinel.model.tables import KqlType

PARAMETERS: Final[Mapping[str, KqlType]] = {
    "window": KqlType.TIMESPAN,
    "since": KqlType.DATETIME,
    "step": KqlType.TIMESPAN,
}
"""What a panel's query sees besides the tables: the span shown, where it begins, and the width of a time bin."""
_STEPS: Final = 60
_SHORTEST: Final = timedelta(seconds=1)


class PanelKind(StrEnum):
    """How the rows of a panel are drawn.

    TABLE: as they are. TIMECHART: a line for each series; the first datetime column is the time. BARCHART: a bar
    for each row, the first text column names it, the first number is its length. STAT: the first value of the
    first row.
    """

    TABLE = "table"
    TIMECHART = "timechart"
    BARCHART = "barchart"
    STAT = "stat"


@dataclass(frozen=True, slots=True)
class Panel:
    """One titled query and how its rows are drawn."""

    title: str
    query: str
    kind: PanelKind
    every: timedelta
    unit: str
    """What the numbers are, shown behind the title: `%`, `ms`, `requests/s`."""
    file: str
    line: int


@dataclass(frozen=True, slots=True)
class Board:
    """The panels of one file, in its order."""

    id: str
    title: str
    window: timedelta
    """The span its panels show unless another one is asked for."""
    panels: tuple[Panel, ...]


@dataclass(frozen=True, slots=True, order=True)
class _Problem:
    file: str
    line: int
    message: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.message}"


def parameters(window: timedelta, now: datetime) -> dict[str, datetime | timedelta]:
    """The values of `PARAMETERS` for the span `window` before `now`."""
    return {"window": window, "since": now - window, "step": max(_SHORTEST, window / _STEPS)}


def dashboards_folder() -> Path:
    """Where the boards lie: in the installed package, else in the checkout it runs from."""
    package = Path(sentinel.__file__).parent
    packed = package / "_pack" / "dashboards"
    return packed if packed.is_dir() else package.parent / "dashboards"


def load_boards(folder: Path | None = None) -> tuple[Board, ...]:
    """The boards of a folder by file name, of `dashboards_folder()` unless one is given.

    Raises:
        ConfigError: Something is wrong with one of the files; the message lists everything that is, each with
            file and line.
    """
    folder = folder or dashboards_folder()
    if not folder.is_dir():
        raise ConfigError(f"there is no folder of dashboards at {folder}")
    problems: list[_Problem] = []
    boards = [_Reader(path, problems).board() for path in sorted(folder.glob("*.yaml"))]
    if problems:
        raise ConfigError("\n".join(map(str, sorted(problems))))
    return tuple(board for board in boards if board is not None)


class _Reader:
    """Reads one file and notes everything that is wrong with it."""

    def __init__(self, path: Path, problems: list[_Problem]) -> None:
        self._path = path
        self._problems = problems

    def board(self) -> Board | None:
        """The board, as far as it could be read."""
        try:
            root = yaml.compose(self._path.read_text("utf-8"), Loader=yaml.SafeLoader)
        except (OSError, UnicodeDecodeError) as error:
            self._note(1, f"cannot be read: {error}")
            return None
        except yaml.MarkedYAMLError as error:
            line = error.problem_mark.line + 1 if error.problem_mark else 1
            self._note(line, f"is not YAML: {error.problem}")
            return None
        if root is None:
            self._note(1, "is empty")
            return None
        fields = self._mapping(root, required={"title", "panels"}, optional={"window"}, what="a dashboard")
        listed = fields.get("panels")
        panels: tuple[Panel | None, ...] = ()
        if isinstance(listed, yaml.SequenceNode):
            panels = tuple(self._panel(node) for node in listed.value)
        elif listed is not None:
            self._note(_line(listed), "panels: a list of panels is wanted")
        return Board(
            id=self._path.stem,
            title=self._text(fields, "title"),
            window=self._span(fields, "window", "30m"),
            panels=tuple(panel for panel in panels if panel is not None),
        )

    def _panel(self, node: yaml.Node) -> Panel | None:
        fields = self._mapping(
            node, required={"title", "query"}, optional={"kind", "every", "unit"}, what="a panel"
        )
        return Panel(
            title=self._text(fields, "title"),
            query=self._text(fields, "query"),
            kind=self._kind(fields),
            every=self._span(fields, "every", "10s"),
            unit=self._text(fields, "unit"),
            file=self._path.name,
            line=_line(node),
        )

    def _mapping(
        self, node: yaml.Node, *, required: set[str], optional: set[str], what: str
    ) -> dict[str, yaml.Node]:
        if not isinstance(node, yaml.MappingNode):
            self._note(_line(node), f"{what} has the keys {', '.join(sorted(required | optional))}")
            return {}
        fields: dict[str, yaml.Node] = {}
        for key, value in node.value:
            name = str(key.value)
            if name not in required | optional:
                self._note(_line(key), f"{what} has no key {name!r}{_nearest(name, required | optional)}")
            elif name in fields:
                self._note(_line(key), f"{name}: stands here twice")
            fields[name] = value
        for missing in sorted(required - fields.keys()):
            self._note(_line(node), f"{what} needs the key {missing!r}")
        return fields

    def _text(self, fields: Mapping[str, yaml.Node], key: str) -> str:
        node = fields.get(key)
        if node is None:
            return ""
        if not isinstance(node, yaml.ScalarNode) or not node.value.strip():
            self._note(_line(node), f"{key}: a text is wanted")
            return ""
        return str(node.value).strip()

    def _span(self, fields: Mapping[str, yaml.Node], key: str, default: str) -> timedelta:
        try:
            span = parse_span(self._text(fields, key) or default)
        except ValueError as error:
            self._note(_line(fields[key]), f"{key}: {error}")
            return parse_span(default)
        if span < _SHORTEST:
            self._note(_line(fields[key]), f"{key}: a second is the least")
        return span

    def _kind(self, fields: Mapping[str, yaml.Node]) -> PanelKind:
        text = self._text(fields, "kind") or PanelKind.TABLE.value
        try:
            return PanelKind(text)
        except ValueError:
            self._note(_line(fields["kind"]), f"kind: {text!r} is not one of {', '.join(PanelKind)}")
            return PanelKind.TABLE

    def _note(self, line: int, message: str) -> None:
        self._problems.append(_Problem(self._path.name, line, message))


def _line(node: yaml.Node) -> int:
    return int(node.start_mark.line) + 1


def _nearest(name: str, known: set[str]) -> str:
    near = difflib.get_close_matches(name, sorted(known), n=1)
    return f"; is {near[0]!r} meant?" if near else f"; it has {', '.join(sorted(known))}"


def panels_of(boards: tuple[Board, ...]) -> Iterator[tuple[Board, Panel]]:
    """Every panel with its board."""
    for board in boards:
        for panel in board.panels:
            yield board, panel
