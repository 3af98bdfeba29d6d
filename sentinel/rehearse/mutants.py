"""Do the cases of a rule notice when the rule is wrong? Each mutant is the rule with one thing changed.

A condition is dropped, a number shifted, or a column swapped for another of its table, in the syntax tree of a query;
or a whole clause of a cause is dropped. A mutant that the cases of its rule do not fail on is one they would let pass.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, fields, replace
from typing import Any, Final

from sentinel.detect.bind import parameter_types
from sentinel.detect.case_file import ExpectedVerdict
from sentinel.detect.evaluate import measured_query
from sentinel.errors import QueryError
from sentinel.model.rule import Cause, Clause, RuleSet, Symptom
from sentinel.model.tables import KqlType, tables
from sentinel.model.target import COLUMNS
from sentinel.query import tree
from sentinel.query.engine import Engine
from sentinel.query.parser import parse
from sentinel.query.printer import print_query
from sentinel.rehearse.cases import Bench, RuleCase

_NUMBERS: Final = frozenset({KqlType.INT, KqlType.LONG, KqlType.REAL, KqlType.DECIMAL})
_FACTOR: Final = 3
"""A number is shifted by this factor, so that a threshold is clearly another one."""
_KEPT: Final = frozenset(
    {"TimeGenerated", "since", "window", *(name for names in COLUMNS.values() for name in names)}
)
"""Names that are not swapped: without them a rule is not wrong but no rule."""
_COMPARED: Final = frozenset({"<", "<=", ">", ">=", "==", "!="})


@dataclass(frozen=True, slots=True)
class Mutant:
    """A rule with one thing changed."""

    rule: Symptom | Cause
    what: str
    """What was changed, in a few words."""


@dataclass(frozen=True, slots=True)
class Tried:
    """A mutant and whether the cases caught it."""

    mutant: Mutant
    caught: bool


@dataclass(frozen=True, slots=True)
class Score:
    """What came of all mutants of some rules."""

    tried: tuple[Tried, ...]

    @property
    def share(self) -> float:
        """The share of mutants that the cases catch; 1 if there are none."""
        return sum(one.caught for one in self.tried) / len(self.tried) if self.tried else 1.0

    @property
    def missed(self) -> tuple[Mutant, ...]:
        """The mutants no case fails on."""
        return tuple(one.mutant for one in self.tried if not one.caught)


def score(rules: RuleSet, cases: Iterable[RuleCase], *, most: int | None = None) -> Score:
    """Try the mutants of every rule that has cases; `most` of a rule, spread evenly over all of it.

    A mutant whose query is refused is none: `rules check` would tell.
    """
    by_rule: dict[str, list[RuleCase]] = {}
    for case in cases:
        by_rule.setdefault(_key(case.rule), []).append(case)
    tried: list[Tried] = []
    with Bench(rules) as bench:
        listed: tuple[Symptom | Cause, ...] = (*rules.symptoms, *rules.causes)
        for rule in listed:
            own = by_rule.get(_key(rule), [])
            around = _around(rule, own, rules)
            sound = [case for case in own if bench.run(case, around).passed]
            made = (
                [mutant for mutant in mutants_of(rule) if _binds(bench.engine, mutant.rule, rules)]
                if sound
                else []
            )
            tried += [Tried(mutant, _caught(mutant, sound, around, bench)) for mutant in _spread(made, most)]
    return Score(tuple(tried))


def _around(rule: Symptom | Cause, cases: list[RuleCase], rules: RuleSet) -> RuleSet:
    """The rules a rule's cases speak of: trying a mutant among all of them would take long and tell no more."""
    named = {one.case.expect.top for one in cases if isinstance(one.case.expect, ExpectedVerdict)}
    kept = tuple(cause for cause in rules.causes if cause.id == rule.id or cause.id in named)
    return replace(rules, causes=kept)


def _binds(engine: Engine, rule: Symptom | Cause, rules: RuleSet) -> bool:
    """Whether every query of a rule still binds."""
    try:
        if isinstance(rule, Symptom):
            engine.check(measured_query(rule), parameter_types(None))
            return True
        explained = rules.symptom(rule.explains[0])
        types = parameter_types(explained.target if explained else None)
        for clause in (*rule.requires, *rule.excludes, *rule.supports):
            engine.check(clause.query, types)
    except QueryError:
        return False
    return True


def _caught(mutant: Mutant, cases: list[RuleCase], around: RuleSet, bench: Bench) -> bool:
    changed = _with(around, mutant.rule)
    return any(not bench.run(RuleCase(mutant.rule, one.case), changed).passed for one in cases)


def _with(rules: RuleSet, rule: Symptom | Cause) -> RuleSet:
    if isinstance(rule, Symptom):
        return replace(rules, symptoms=tuple(rule if s.id == rule.id else s for s in rules.symptoms))
    return replace(rules, causes=tuple(rule if c.id == rule.id else c for c in rules.causes))


def mutants_of(rule: Symptom | Cause) -> Iterator[Mutant]:
    """Every mutant of a rule, in the order of its text."""
    if isinstance(rule, Symptom):
        for what, query in mutated_queries(rule.query):
            yield Mutant(replace(rule, query=query), f"query: {what}")
        for what, threshold in mutated_expressions(rule.threshold):
            yield Mutant(replace(rule, threshold=threshold), f"when: {what}")
        return
    for role in ("requires", "excludes", "supports"):
        clauses: tuple[Clause, ...] = getattr(rule, role)
        for at, clause in enumerate(clauses):
            rest = (*clauses[:at], *clauses[at + 1 :])
            if rest or role != "requires":
                yield Mutant(_cause_with(rule, role, rest), f"{role}: without {clause.says!r}")
            for what, query in mutated_queries(clause.query):
                changed = (*clauses[:at], replace(clause, query=query), *clauses[at + 1 :])
                yield Mutant(_cause_with(rule, role, changed), f"{role} {clause.says!r}: {what}")


def _cause_with(rule: Cause, role: str, clauses: tuple[Clause, ...]) -> Cause:
    if role == "requires":
        return replace(rule, requires=clauses)
    return replace(rule, excludes=clauses) if role == "excludes" else replace(rule, supports=clauses)


def mutated_queries(text: str) -> Iterator[tuple[str, str]]:
    """A query with one thing changed, each with a few words; the statements in front of it are left alone.

    What rules share is tried by those rules that stand on it, but changed by none.
    """
    query = parse(text)
    for what, pipeline in _mutated(query.pipeline):
        yield what, print_query(replace(query, pipeline=pipeline))


def mutated_expressions(text: str) -> Iterator[tuple[str, str]]:
    """An expression with one thing changed."""
    query = parse(f"print x = 1 | where {text}")
    for what, pipeline in _mutated(query.pipeline):
        head, _, condition = print_query(replace(query, pipeline=pipeline)).partition("\n| where ")
        if head and condition:
            yield what, condition


def _mutated(node: Any) -> Iterator[tuple[str, Any]]:
    """Every copy of a node with one change somewhere in it."""
    yield from _changes(node)
    if not isinstance(node, tree.Node):
        return
    for field in fields(node):
        value = getattr(node, field.name)
        if isinstance(value, tuple):
            for at, one in enumerate(value):
                if isinstance(one, tree.Where) and _is_span(one.condition):
                    continue
                for what, changed in _mutated(one):
                    yield what, _replaced(node, field.name, (*value[:at], changed, *value[at + 1 :]))
        elif isinstance(value, tree.Node):
            for what, changed in _mutated(value):
                yield what, _replaced(node, field.name, changed)


def _replaced(node: Any, name: str, value: object) -> Any:
    return replace(node, **{name: value})


def _changes(node: Any) -> Iterator[tuple[str, Any]]:
    match node:
        case tree.Binary(operator="and", left=left, right=right):
            for kept, dropped in ((left, right), (right, left)):
                if not _is_span(dropped):
                    yield f"without a condition of {_at(node)}", kept
        case tree.Pipeline(operators=operators):
            yield from _dropped(node, operators)
        case tree.Binary(operator=operator, right=tree.Literal(value=int() | float() as number) as right) if (
            operator in _COMPARED and right.type in _NUMBERS
        ):
            shifted = number * _FACTOR if number else 1
            yield (
                f"{number} becomes {shifted} in {_at(node)}",
                replace(node, right=replace(right, value=shifted)),
            )
        case tree.Name(text=name) if name not in _KEPT:
            other = _neighbour(name)
            if other:
                yield f"{name} becomes {other} in {_at(node)}", replace(node, text=other)
        case _:
            return


def _dropped(node: tree.Pipeline, operators: tuple[Any, ...]) -> Iterator[tuple[str, Any]]:
    for at, operator in enumerate(operators):
        if isinstance(operator, tree.Where) and not _has_span(operator.condition):
            yield (
                f"without the where of {_at(operator)}",
                replace(node, operators=(*operators[:at], *operators[at + 1 :])),
            )


def _is_span(condition: Any) -> bool:
    """Whether a condition only says from when to when: what is outside is not wrong to see in a short case."""
    match condition:
        case tree.Between(of=tree.Name(text="TimeGenerated")):
            return True
        case tree.Binary(operator="and", left=left, right=right):
            return _is_span(left) and _is_span(right)
        case _:
            return False


def _has_span(condition: Any) -> bool:
    """Whether one of the conditions joined by `and` says from when to when; the others are dropped one by one."""
    match condition:
        case tree.Binary(operator="and", left=left, right=right):
            return _has_span(left) or _has_span(right)
        case _:
            return _is_span(condition)


def _neighbour(name: str) -> str:
    """Another column of the same type in the first table that has the column; empty if there is none."""
    for table in tables().values():
        column = table.column(name)
        if column is None:
            continue
        alike = [
            one.name for one in table.columns if one.type is column.type and not one.name.startswith("_")
        ]
        at = alike.index(name) if name in alike else -1
        return alike[(at + 1) % len(alike)] if at >= 0 and len(alike) > 1 else ""
    return ""


def _at(node: Any) -> str:
    return f"characters {node.span.start} to {node.span.end}"


def _spread(mutants: list[Mutant], most: int | None) -> list[Mutant]:
    if most is None or len(mutants) <= most:
        return mutants
    return [mutants[at * len(mutants) // most] for at in range(most)]


def _key(rule: Symptom | Cause) -> str:
    return f"{type(rule).__name__} {rule.id}"
