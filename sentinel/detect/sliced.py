"""Symptoms that count rows, asked of a past that does not change: every slice of time is counted once.

A window is the sum of its slices, so that an evaluation reads what came since the one before instead of the whole
window. That holds for a query that filters one table by the window, counts rows by columns of text, and goes on with
these counts; every other is asked as `WindowEvaluator` asks it.
"""

from __future__ import annotations

import json
import re
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Final

from sentinel.clock import from_ticks, span_ticks, to_ticks
from sentinel.detect.bind import one_query, parameter_types
from sentinel.detect.evaluate import HOLDS, Newest, WindowEvaluator, finding_of, with_measures
from sentinel.errors import QueryError
from sentinel.model.finding import Evaluation, Finding
from sentinel.model.rule import Symptom
from sentinel.model.tables import Column, KqlType, tables
from sentinel.query import tree
from sentinel.query.parser import parse

if TYPE_CHECKING:
    from sentinel.query.engine import Engine, Parameter

_COUNTS: Final = frozenset({"count", "countif"})
_WINDOW: Final = "TimeGenerated between (since .. now())"
_TIME: Final = re.compile(r"\b(since|window|now|ago)\b")
_AT_END: Final = "AtEnd_"
_COLUMN: Final = "column_{}_"
_MOST_COLUMNS: Final = 6
"""So many arrays `mv-expand` reads side by side."""

Key = tuple[str, ...]
Counts = dict[Key, tuple[int, ...]]


@dataclass(slots=True)
class _Window:
    """The counts of consecutive slices of one symptom and their sum."""

    counting: str
    """The query that counts a slice."""
    finishing: str
    """The query that goes on with the counts of a window."""
    keys: int
    """How many columns are keys."""
    slices: deque[tuple[int, Counts]] = field(default_factory=deque)
    """The first tick of each slice, and what was counted from there up to the next one."""
    sums: dict[Key, list[int]] = field(default_factory=dict)
    """For each key in how many of the slices it is, and the sums of its counts."""
    at_end: Counts = field(default_factory=dict)
    """The counts of the instant at which the last slice ends."""

    def move(self, start: int) -> None:
        """Forget the slices before an instant, all of them if none begins there."""
        if not any(begin == start for begin, _ in self.slices):
            self.slices.clear()
            self.sums.clear()
        while self.slices and self.slices[0][0] < start:
            for key, counts in self.slices.popleft()[1].items():
                sums = self.sums[key]
                sums[:] = [a - b for a, b in zip(sums, (1, *counts), strict=True)]
                if not sums[0]:
                    del self.sums[key]

    def add(self, begin: int, inside: Counts, at_end: Counts) -> None:
        """Add the slice that follows the last one."""
        self.slices.append((begin, inside))
        for key, counts in inside.items():
            known = self.sums.get(key, (0,) * (1 + len(counts)))
            self.sums[key] = [a + b for a, b in zip(known, (1, *counts), strict=True)]
        self.at_end = at_end

    def columns(self) -> list[list[str | int]]:
        """The counts of the whole window, its end included, column by column."""
        whole = {key: tuple(sums[1:]) for key, sums in self.sums.items()}
        for key, counts in self.at_end.items():
            known = whole.get(key, (0,) * len(counts))
            whole[key] = tuple(a + b for a, b in zip(known, counts, strict=True))
        return [
            list(cells) for cells in zip(*((*key, *counts) for key, counts in whole.items()), strict=True)
        ]


class SlicedEvaluator(WindowEvaluator):
    """Evaluates symptoms over rows that do not change any more, from one instant to a later one."""

    def __init__(self, engine: Engine, store: Newest) -> None:
        super().__init__(engine, store)
        self._windows: dict[str, _Window | None] = {}

    def evaluate(self, symptom: Symptom, now: datetime) -> Evaluation:
        """The targets for which the symptom holds at `now`, in the order of their names.

        Raises:
            QueryError: The symptom's query was refused or ran out of a limit.
        """
        if symptom.id not in self._windows:
            self._windows[symptom.id] = _window(symptom, self._engine)
        window = self._windows[symptom.id]
        if window is None:
            return super().evaluate(symptom, now)
        self._count(window, symptom, now)
        columns = window.columns()
        findings: list[Finding] = []
        if columns:
            parameters: dict[str, Parameter] = {"window": symptom.window, "since": now - symptom.window}
            parameters |= {_COLUMN.format(n): json.dumps(cells) for n, cells in enumerate(columns)}
            answer = self._engine.query(window.finishing, now=now, parameters=parameters).records()
            findings = sorted((finding_of(symptom, row, now) for row in answer), key=lambda one: one.target)
        return Evaluation(symptom.id, now, tuple(findings), self._newest(symptom))

    def _count(self, window: _Window, symptom: Symptom, now: datetime) -> None:
        """Count what the window that ends at `now` has not counted yet."""
        every, end = span_ticks(symptom.every), to_ticks(now)
        start = end - span_ticks(symptom.window)
        window.move(start)
        first = window.slices[-1][0] + every if window.slices else start
        for begin in range(first, end, every):
            inside: Counts = {}
            at_end: Counts = {}
            parameters: dict[str, Parameter] = {"window": symptom.window, "since": from_ticks(begin)}
            found = self._engine.query(window.counting, now=from_ticks(begin + every), parameters=parameters)
            for row in found.rows:
                counted = at_end if row[window.keys] else inside
                counted[row[: window.keys]] = row[window.keys + 1 :]
            window.add(begin, inside, at_end)


def _window(symptom: Symptom, engine: Engine) -> _Window | None:
    """A symptom as a sum of slices, None if it is none."""
    text = one_query(symptom.query)
    query = parse(text)
    source, operators = query.pipeline.source, query.pipeline.operators
    at = next((n for n, one in enumerate(operators) if not isinstance(one, tree.Where | tree.Extend)), 0)
    counts = operators[at] if operators else None
    if (
        not isinstance(counts, tree.Summarize)
        or not isinstance(source, tree.Name)
        or symptom.window % symptom.every
    ):
        return None
    if source.text not in tables() or not all(map(_is_count, counts.aggregates)):
        return None
    head = text[source.span.start : counts.span.end]
    wheres = [one.condition for one in operators[:at] if isinstance(one, tree.Where)]
    is_windowed = _WINDOW in (
        " ".join(_text(text, one).split()) for where in wheres for one in tree.operands(where, "and")
    )
    if not is_windowed or _TIME.findall(head) != ["since", "now"] or not counts.keys:
        return None
    counting = f"{head}, {_AT_END} = TimeGenerated == now()"
    try:
        columns = engine.check(counting, parameter_types(None))
    except QueryError:
        return None
    keys = len(counts.keys)
    wanted = [KqlType.STRING] * keys + [KqlType.BOOL] + [KqlType.LONG] * len(counts.aggregates)
    if [one.type for one in columns] != wanted or len(columns) > _MOST_COLUMNS + 1:
        return None
    return _Window(
        counting, _finishing(symptom, text[counts.span.end :], (*columns[:keys], *columns[keys + 1 :])), keys
    )


def _finishing(symptom: Symptom, rest: str, columns: Sequence[Column]) -> str:
    """The query that goes on with counted rows, given as an array for each column."""
    names = [_COLUMN.format(n) for n in range(len(columns))]
    arrays = ", ".join(f"{name} = parse_json({name})" for name in names)
    typed = ", ".join(
        f"{one.name} = {name} to typeof({one.type})" for name, one in zip(names, columns, strict=True)
    )
    shown = ", ".join(one.name for one in columns)
    read = f"print {arrays} | mv-expand {typed} | project {shown}"
    return f"{with_measures(read + rest, symptom)}\n| where {HOLDS}"


def _is_count(one: tree.Named) -> bool:
    return isinstance(one.value, tree.Call) and one.value.name in _COUNTS


def _text(text: str, node: tree.Node) -> str:
    return text[node.span.start : node.span.end]
