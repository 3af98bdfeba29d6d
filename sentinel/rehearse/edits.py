"""Every way in which a query could be slightly wrong: one condition, number, alternative, source or column changed.

Left out is what cannot change an answer that a case sees:

- the order and the number of the rows shown as evidence (`sort`, `take`, `top`), and columns that nothing reads;
- the span of time of the newest rows (`TimeGenerated between`), and what else compares instants at its ends;
- `where Message has "x"` before an `extract` that looks for x again: it is there for the full-text index;
- a threshold of measured numbers (`>= 0.5 * Sum`) with its end in or out: no count lies exactly on it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from sentinel.model.tables import KqlType
from sentinel.model.target import COLUMNS
from sentinel.query import tree
from sentinel.query.parser import parse
from sentinel.rehearse.live_columns import Live, live_columns
from sentinel.rehearse.regex_alternatives import cuts

_NUMBERS: Final = frozenset({KqlType.INT, KqlType.LONG, KqlType.REAL, KqlType.DECIMAL})
_FACTOR: Final = 3
"""A number is shifted by this factor, so that a threshold is clearly another one."""
_TARGETS: Final = frozenset(name for names in COLUMNS.values() for name in names)
_KEPT: Final = frozenset({"TimeGenerated", "since", "window", *_TARGETS})
"""Names that are not swapped: without them a rule is not wrong but no rule."""
_OTHER_END: Final = {"<": "<=", "<=": "<", ">": ">=", ">=": ">"}
_COMPARED: Final = frozenset({*_OTHER_END, "==", "!="})
_ARITHMETIC: Final = frozenset({"+", "-", "*", "/"})
_CONDITION: Final = "print 1 | where "
_PATTERN_CALLS: Final = frozenset({"extract", "extract_all"})


@dataclass(frozen=True, slots=True)
class Splice:
    """A piece of a text that is replaced by another."""

    start: int
    end: int
    by: str
    what: str
    """What is changed, in a few words."""

    def applied(self, text: str) -> str:
        """The text with the change."""
        return text[: self.start] + self.by + text[self.end :]


@dataclass(frozen=True, slots=True)
class Swap:
    """A column that becomes the next one of its type, once the columns at its place are known."""

    start: int
    end: int
    name: str
    rows: str
    """The pipeline up to the operator that names the column: what it could have named instead."""
    keeps_name: bool
    """Whether the column is shown under its name, which must stay."""

    def among(self, columns: Mapping[str, KqlType]) -> Splice | None:
        """The swap among the columns there are; None if the name is no column or none is of its type."""
        alike = [
            name
            for name, kind in columns.items()
            if kind is columns.get(self.name)
            and (name == self.name or not (name in _KEPT or name.startswith("_")))
        ]
        if self.name not in alike or len(alike) == 1:
            return None
        other = alike[(alike.index(self.name) + 1) % len(alike)]
        by = f"{self.name} = {other}" if self.keeps_name else other
        return Splice(self.start, self.end, by, f"{self.name} becomes {other}")


Edit = Splice | Swap


def edits_of(text: str, pipeline: tree.Pipeline, live: Live) -> Iterator[Edit]:
    """Every edit of a pipeline of a text; `live` are the columns of its answer that somebody reads."""
    yield from _Editor(text).pipeline(pipeline, live)


def edits_of_condition(text: str) -> Iterator[Splice]:
    """Every edit of a condition, without swapped columns: no pipeline says which there are."""
    query = _CONDITION + text
    for edit in edits_of(query, parse(query).pipeline, None):
        if isinstance(edit, Splice):
            yield replace(edit, start=edit.start - len(_CONDITION), end=edit.end - len(_CONDITION))


@dataclass(frozen=True, slots=True)
class _Editor:
    text: str

    def pipeline(self, node: tree.Pipeline, live: Live, then: Sequence[tree.Operator] = ()) -> Iterator[Edit]:
        """The edits of a pipeline, after which more operators may follow where it is part of a union."""
        lives = live_columns(node, live)
        yield from self._source(node.source, lives[0], node.operators)
        for at, operator in enumerate(node.operators):
            rows = self.text[node.source.span.start : operator.span.start].rstrip().removesuffix("|")
            following = (*node.operators[at + 1 :], *then)
            indexed = isinstance(operator, tree.Where) and _is_indexed(operator, following)
            yield from self._operator(operator, lives[at + 1], rows, indexed=indexed)

    def _source(self, node: Any, live: Live, then: Sequence[tree.Operator]) -> Iterator[Edit]:
        match node:
            case tree.Union(tables=tables):
                yield from self._one_less(tables)
                for table in tables:
                    if table.pipeline is not None:
                        yield from self.pipeline(table.pipeline, live, then)
            case tree.Print(values=values):
                yield from self._named(values, None, None)
            case tree.Name():
                return
            case _:
                yield from self.inside(node, None)

    def _operator(self, node: tree.Operator, live: Live, rows: str, *, indexed: bool) -> Iterator[Edit]:
        match node:
            case tree.Where(condition=condition):
                if not indexed:
                    yield from self.dropped(condition)
                yield from self.inside(condition, rows)
            case tree.Extend(columns=columns) | tree.Project(columns=columns):
                yield from self._named(columns, live, rows)
            case tree.Summarize(aggregates=aggregates, keys=keys):
                yield from self._named(aggregates, live, rows)
                if any(_is_live(one, live) for one in aggregates):
                    yield from self._named(keys, None, rows)
            case tree.Union():
                yield from self._source(node, live, ())
            case tree.Join(right=right):
                yield from self.pipeline(right, None)
            case _:
                return

    def _named(self, columns: Sequence[tree.Named], live: Live, rows: str | None) -> Iterator[Edit]:
        for column in columns:
            if not _is_live(column, live):
                continue
            if isinstance(column.value, tree.Name) and not column.names:
                yield from self._swap(column.value, rows, keeps_name=True)
            elif not (isinstance(column.value, tree.Call) and column.value.name.startswith("arg_")):
                yield from self.inside(column.value, rows)

    def dropped(self, condition: tree.Expression) -> Iterator[Splice]:
        """The condition without one of those that `and` joins; a span of time stays."""
        joined = list(tree.operands(condition, "and"))
        for at, one in enumerate(joined):
            if _is_span(one):
                continue
            rest = joined[:at] + joined[at + 1 :]
            kept = self._joined(rest, " and ") or "true"
            yield self._splice(condition, kept, f"without {self._shown(one)}")

    def inside(self, node: Any, rows: str | None) -> Iterator[Edit]:  # noqa: C901, PLR0912 - a table of cases
        """The edits within an expression."""
        match node:
            case tree.Binary(operator="and"):
                for one in tree.operands(node, "and"):
                    if not _is_span(one):
                        yield from self.inside(one, rows)
            case tree.Binary(operator="or"):
                either = list(tree.operands(node, "or"))
                for at, one in enumerate(either):
                    rest = self._joined(either[:at] + either[at + 1 :], " or ")
                    yield self._splice(node, rest, f"without {self._shown(one)}")
                    yield from self.dropped(one) if len(list(tree.operands(one, "and"))) > 1 else ()
                    yield from self.inside(one, rows)
            case tree.Binary(operator="matches regex", left=left, right=right):
                yield from self.inside(left, rows)
                yield from self._alternatives(right)
            case tree.Binary(left=left, right=right):
                yield from self._compared(node)
                yield from self.inside(left, rows)
                yield from self.inside(right, rows)
            case tree.Between(of=of, low=low, high=high):
                yield from self.inside(of, rows)
                for number in (*_numbers(low), *_numbers(high)):
                    yield from self._shifts(number, both=True)
            case tree.Among(of=of, items=items):
                yield from self.inside(of, rows)
                yield from self._one_less(items)
                for item in items:
                    yield from self.inside(item, rows)
            case tree.Call(name=name, arguments=arguments):
                yield from self._call(name, arguments, rows)
            case tree.Unary(of=of) | tree.Index(of=of):
                yield from self.inside(of, rows)
            case tree.Name():
                yield from self._swap(node, rows, keeps_name=False)
            case tree.Pipeline():
                yield from self.pipeline(node, None)
            case _:
                return

    def _call(self, name: str, arguments: Sequence[tree.Argument], rows: str | None) -> Iterator[Edit]:
        for at, argument in enumerate(arguments):
            if (at == 0 and name in _PATTERN_CALLS) or self._text(argument).startswith("@"):
                yield from self._alternatives(argument.value)
                continue
            if len(list(tree.operands(argument.value, "and"))) > 1:
                yield from self.dropped(argument.value)
            yield from self.inside(argument.value, rows)

    def _compared(self, node: tree.Binary) -> Iterator[Edit]:
        if node.operator not in _COMPARED:
            return
        for number in (*_numbers(node.left), *_numbers(node.right)):
            yield from self._shifts(number, both=node.operator in _OTHER_END)
        if node.operator in _OTHER_END and _counts(node.left) and _counts(node.right):
            between = self.text[node.left.span.end : node.right.span.start]
            other = _OTHER_END[node.operator]
            yield Splice(
                node.left.span.end,
                node.right.span.start,
                between.replace(node.operator, other, 1),
                f"{node.operator} becomes {other} in {self._shown(node)}",
            )

    def _shifts(self, number: tree.Literal, *, both: bool) -> Iterator[Splice]:
        value = number.value
        if not isinstance(value, int | float):
            return
        shifted: list[int | float] = [value * _FACTOR if value else 1]
        if both and value:
            shifted.append(value // _FACTOR if isinstance(value, int) else value / _FACTOR)
        for one in shifted:
            yield self._splice(
                number, f"{one:.6g}" if isinstance(one, float) else str(one), f"{value} becomes {one:g}"
            )

    def _alternatives(self, node: tree.Expression) -> Iterator[Splice]:
        raw = self._text(node)
        if not isinstance(node, tree.Literal) or (not raw.startswith("@") and "\\" in raw):
            return
        opening = 2 if raw.startswith("@") else 1
        pattern = raw[opening:-1]
        for start, end in cuts(pattern):
            at = node.span.start + opening
            yield Splice(at + start, at + end, "", f"without {pattern[start:end].strip('|')!r} of a pattern")

    def _one_less(self, items: Sequence[tree.Node]) -> Iterator[Splice]:
        for at, item in enumerate(items if len(items) > 1 else ()):
            if at + 1 < len(items):
                start, end = item.span.start, items[at + 1].span.start
            else:
                start, end = items[at - 1].span.end, item.span.end
            yield Splice(start, end, "", f"without {self._shown(item)}")

    def _swap(self, node: tree.Name, rows: str | None, *, keeps_name: bool) -> Iterator[Swap]:
        if rows is not None and node.text not in _KEPT:
            yield Swap(node.span.start, node.span.end, node.text, rows, keeps_name)

    def _splice(self, node: tree.Node, by: str, what: str) -> Splice:
        return Splice(node.span.start, node.span.end, by, what)

    def _joined(self, conditions: Sequence[tree.Node], by: str) -> str:
        joined = by.join(f"({self._text(one)})" for one in conditions)
        return f"({joined})" if len(conditions) > 1 else joined

    def _text(self, node: tree.Node) -> str:
        return self.text[node.span.start : node.span.end]

    def _shown(self, node: tree.Node) -> str:
        return " ".join(self._text(node).split())


def _numbers(node: tree.Expression) -> Iterator[tree.Literal]:
    """The numbers a side of a comparison is computed with."""
    match node:
        case tree.Literal(type=kind) if kind in _NUMBERS:
            yield node
        case tree.Unary(of=of):
            yield from _numbers(of)
        case tree.Binary(operator=operator, left=left, right=right) if operator in _ARITHMETIC:
            yield from _numbers(left)
            yield from _numbers(right)
        case _:
            return


def _counts(node: tree.Expression) -> bool:
    """Whether a side of a comparison is likely a count, so that it may lie exactly on a threshold."""
    match node:
        case tree.Literal(value=value):
            return isinstance(value, int)
        case tree.Name(text=name):
            return name not in ("TimeGenerated", "since", "window") and not name.endswith("Ms")
        case tree.Call(name=name):
            return name in ("toint", "tolong")
        case _:
            return False


def _is_live(column: tree.Named, live: Live) -> bool:
    if live is None or (not column.names and not isinstance(column.value, tree.Name)):
        return True
    names = column.names or ((column.value.text,) if isinstance(column.value, tree.Name) else ())
    return not live.isdisjoint(names)


def _is_span(condition: tree.Expression) -> bool:
    """Whether a condition only says from when to when: what is outside is not wrong to see in a short case."""
    return isinstance(condition, tree.Between) and (
        isinstance(condition.of, tree.Name) and condition.of.text == "TimeGenerated"
    )


def _is_indexed(where: tree.Where, following: Sequence[tree.Operator]) -> bool:
    """Whether a pattern that must match looks again for the text a `has` looks for."""
    condition = where.condition
    if not (isinstance(condition, tree.Binary) and condition.operator == "has"):
        return False
    if not isinstance(condition.right, tree.Literal):
        return False
    return any(str(condition.right.value) in pattern for pattern in _required_patterns(following))


def _required_patterns(operators: Sequence[tree.Operator]) -> Iterator[str]:
    """The patterns of an `extend X = extract(…)` at the head of some operators, if `where isnotempty(X)` follows."""
    match list(operators[:2]):
        case [tree.Extend(columns=columns), tree.Where(condition=condition)]:
            asked = set(_asked_for(condition))
            for column in columns:
                if not asked.isdisjoint(column.names):
                    yield from (text.replace("\\", "") for text in _literals(column.value))
        case _:
            return


def _asked_for(node: tree.Expression) -> Iterator[str]:
    """The names of columns that a condition says must not be empty."""
    for one in tree.operands(node, "and"):
        if isinstance(one, tree.Call) and one.name in ("isnotempty", "isnotnull"):
            for argument in one.arguments:
                if isinstance(argument.value, tree.Name):
                    yield argument.value.text


def _literals(node: Any) -> Iterator[str]:
    match node:
        case tree.Literal(value=str() as text):
            yield text
        case tree.Call(arguments=arguments):
            for argument in arguments:
                yield from _literals(argument.value)
        case _:
            return
