"""Rules with one thing changed, so that their cases can show whether they would notice.

A clause of a cause is left out, or one thing is changed (see `edits`) in a query of a rule, in the condition of a
symptom, or in a definition that rules share.
"""

from __future__ import annotations

import operator
import os
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Final

from sentinel.detect.bind import parameter_types
from sentinel.detect.definitions import (
    FOLDER as DEFINITIONS,
    Definition,
    Definitions,
    find_definition_files,
    read_definitions,
)
from sentinel.detect.evaluate import measured_query
from sentinel.detect.ruleset import CAUSES, find_rule_files, load_rules
from sentinel.errors import QueryError, RuleErrors
from sentinel.model.rule import Cause, Clause, Place, RuleSet, Symptom
from sentinel.model.sentence import fields_of
from sentinel.model.tables import KqlType
from sentinel.model.target import COLUMNS
from sentinel.query import tree
from sentinel.query.engine import Engine
from sentinel.query.parser import parse
from sentinel.rehearse.edits import Edit, Swap, edits_of, edits_of_condition
from sentinel.rehearse.live_columns import NO_COLUMN, Live
from sentinel.remediate.formula import names_in

Rule = Symptom | Cause
_ROLES: Final = ("requires", "excludes", "supports")
_WORD: Final = re.compile(r"[A-Za-z_]\w*")


def key_of(rule: Rule) -> str:
    """What names a rule among symptoms and causes."""
    return f"{type(rule).__name__} {rule.id}"


@dataclass(frozen=True, slots=True)
class Pack:
    """The rules of some files and folders, and where they are written."""

    rules: RuleSet
    definitions: tuple[Definition, ...]
    files: Mapping[str, Path]
    """The file of each rule, by `key_of` it."""

    @classmethod
    def load(cls, paths: Iterable[Path | str]) -> Pack:
        """Read some rule files and folders; of definitions the pack they belong to.

        Raises:
            RuleErrors: Everything that is wrong with them.
        """
        listed = tuple(map(_pack_of_definitions, map(Path, paths)))
        rules = load_rules(listed)
        texts = [(os.path.relpath(path), path.read_text("utf-8")) for path in find_definition_files(listed)]
        definitions, problems = read_definitions(texts)
        if problems:
            raise RuleErrors(problems)
        files: dict[str, Path] = {}
        for file in find_rule_files(listed)[0]:
            rule = rules.cause(file.id) if file.folder == CAUSES else rules.symptom(file.id)
            if rule is not None:
                files[key_of(rule)] = file.path
        return cls(rules, tuple(definitions), files)

    def composed(self, query: str) -> str:
        """A query behind the definitions it names."""
        return Definitions(self.definitions).compose(query).text

    def begin_of(self, text: str) -> int:
        """Where a query begins behind the definitions in front of it."""
        at = 0
        while found := next((d for d in self.definitions if text.startswith(d.text, at)), None):
            at += len(found.text) + 1
        return at

    def types_of(self, rule: Rule) -> Mapping[str, KqlType]:
        """The parameters the queries of a rule see; those of a symptom are about every target."""
        symptom = self.rules.symptom(rule.explains[0]) if isinstance(rule, Cause) else None
        return parameter_types(symptom.target if symptom else None)

    def place(self, rule: Rule, key: str, text: str, line: int = 1) -> Place:
        """Where a text of a rule begins: at or below a line of its file, behind the line of a key."""
        path = self.files[key_of(rule)]
        lines = path.read_text("utf-8").splitlines()
        wanted = text[self.begin_of(text) :].strip().partition("\n")[0].strip()
        at = next((n for n in range(line - 1, len(lines)) if lines[n].startswith(key)), line - 1)
        found = next((n for n in range(at, len(lines)) if wanted in lines[n]), at)
        return Place(os.path.relpath(path), found + 1)


def _pack_of_definitions(path: Path) -> Path:
    around = (path, *path.parents)
    return next((folder.parent for folder in around if folder.name == DEFINITIONS), path)


@dataclass(frozen=True, slots=True)
class Mutant:
    """A rule, or all rules that share a definition, with one thing changed."""

    place: Place
    what: str
    """What was changed, in a few words."""
    touches: frozenset[str]
    """The rules it changes, by `key_of`."""
    changed: Callable[[Rule], Rule] = field(compare=False, repr=False)
    """One of these rules as it is then."""

    def __str__(self) -> str:
        return f"{self.place}: {self.what}"


@dataclass(frozen=True, slots=True)
class _Written:
    """A text of a rule or a pack in which things can be changed."""

    role: str
    text: str
    begins: int
    """Where the text itself begins, behind the definitions in front of it."""
    first: Place
    """The line it begins in."""
    touches: frozenset[str]
    changed: Callable[[Rule, str], Rule]
    """One of the rules it belongs to, with another text."""
    checked: Callable[[str], str]
    """A query that is refused if another text cannot be used."""

    def place_of(self, offset: int) -> Place:
        """The line in which a character of the text stands."""
        return Place(self.first.file, self.first.line + self.text.count("\n", self.begins, offset))


@dataclass(frozen=True, slots=True)
class Edited:
    """A mutant by an edit that is not made yet: which column takes the place of another is asked when it is."""

    written: _Written
    edit: Edit
    scope: Callable[[str], str]
    """A pipeline behind the statements it may name."""
    types: Mapping[str, KqlType]

    @property
    def place(self) -> Place:
        """Where the change stands."""
        return self.written.place_of(self.edit.start)

    def made(self, engine: Engine) -> Mutant | None:
        """The mutant; None if no column can take the place, or its query is refused, as `rules check` would tell."""
        edit, of = self.edit, self.written
        try:
            if isinstance(edit, Swap):
                columns = engine.check(self.scope(edit.rows), self.types)
                swapped = edit.among({column.name: column.type for column in columns})
                if swapped is None:
                    return None
                edit = swapped
            text = edit.applied(of.text)
            engine.check(of.checked(text), self.types)
        except QueryError:
            return None
        return Mutant(self.place, f"{of.role}: {edit.what}", of.touches, lambda rule: of.changed(rule, text))


@dataclass(frozen=True, slots=True)
class Dropped:
    """A mutant that lacks a clause of a cause."""

    cause: Cause
    role: str
    at: int
    place: Place

    def made(self, engine: Engine) -> Mutant:  # noqa: ARG002 - made as an edit is
        """The mutant."""
        clauses = _clauses(self.cause, self.role)
        rest = (*clauses[: self.at], *clauses[self.at + 1 :])
        return Mutant(
            self.place,
            f"{self.role}: without the clause {clauses[self.at].says!r}",
            frozenset([key_of(self.cause)]),
            lambda rule: _with_clauses(rule, self.role, rest),
        )


Candidate = Edited | Dropped


def candidates(pack: Pack) -> Iterator[Candidate]:
    """Every mutant there could be: rule by rule in the order of their texts, then those of the definitions."""
    for symptom in pack.rules.symptoms:
        yield from _of_symptom(symptom, pack)
    for cause in pack.rules.causes:
        yield from _of_cause(cause, pack)
    for definition in pack.definitions:
        yield from _of_definition(definition, pack)


def _of_symptom(symptom: Symptom, pack: Pack) -> Iterator[Candidate]:
    touches, types = frozenset([key_of(symptom)]), parameter_types(None)
    read = frozenset(_WORD.findall(f"{symptom.threshold} {symptom.measure} {symptom.sample}"))
    query = _Written(
        "query",
        symptom.query,
        pack.begin_of(symptom.query),
        pack.place(symptom, "query:", symptom.query),
        touches,
        lambda rule, text: replace(rule, query=text) if isinstance(rule, Symptom) else rule,
        lambda text: measured_query(replace(symptom, query=text)),
    )
    yield from _of_query(query, read | frozenset(COLUMNS[symptom.target]), types)
    when = _Written(
        "when",
        symptom.threshold,
        0,
        pack.place(symptom, "when:", symptom.threshold),
        touches,
        lambda rule, text: replace(rule, threshold=text) if isinstance(rule, Symptom) else rule,
        lambda text: measured_query(replace(symptom, threshold=text)),
    )
    for splice in edits_of_condition(symptom.threshold):
        yield Edited(when, splice, lambda rows: rows, types)


def _of_cause(cause: Cause, pack: Pack) -> Iterator[Candidate]:
    touches, types = frozenset([key_of(cause)]), pack.types_of(cause)
    for role in _ROLES:
        clauses = _clauses(cause, role)
        for at, clause in enumerate(clauses):
            place = pack.place(cause, "", clause.query, clause.place.line)
            if len(clauses) > 1 or role != "requires":
                yield Dropped(cause, role, at, Place(place.file, clause.place.line))
            written = _Written(
                f"{role} {clause.says!r}",
                clause.query,
                pack.begin_of(clause.query),
                place,
                touches,
                partial(_with_query, role=role, at=at),
                str,
            )
            yield from _of_query(written, NO_COLUMN, types)
    if cause.facts:
        facts = _Written(
            "facts",
            cause.facts,
            pack.begin_of(cause.facts),
            pack.place(cause, "facts:", cause.facts),
            touches,
            lambda rule, text: replace(rule, facts=text) if isinstance(rule, Cause) else rule,
            str,
        )
        yield from _of_query(facts, _facts_read(cause), types)


def _of_definition(definition: Definition, pack: Pack) -> Iterator[Candidate]:
    rules: tuple[Rule, ...] = (*pack.rules.symptoms, *pack.rules.causes)
    users = [rule for rule in rules if any(definition.text in q for q in queries_of(rule))]
    if not users:
        return
    query = next(q for q in queries_of(users[0]) if definition.text in q)
    written = _Written(
        definition.name,
        definition.text,
        0,
        Place(definition.file, definition.line),
        frozenset(map(key_of, users)),
        lambda rule, text: _with_definition(rule, definition.text, text),
        lambda text: query.replace(definition.text, text),
    )
    others = [other.text for other in pack.definitions if other.name != definition.name]
    own = [q[pack.begin_of(q) :] for rule in users for q in (*queries_of(rule), *_formulas(rule))]
    read = frozenset(_WORD.findall(" ".join((*others, *own))))
    (let,) = parse(f"{definition.text}\nprint 1").lets
    body = let.value.body if isinstance(let.value, tree.Function) else let.value
    if isinstance(body, tree.Pipeline):
        types = pack.types_of(users[0])
        for edit in edits_of(definition.text, body, read):
            yield Edited(written, edit, pack.composed, types)


def _of_query(written: _Written, live: Live, types: Mapping[str, KqlType]) -> Iterator[Edited]:
    """The edits of a query and of the statements of its own in front of it."""
    query = parse(written.text)
    statements = [
        (let.value, None, let.span.start)
        for let in query.lets
        if let.span.start >= written.begins and isinstance(let.value, tree.Pipeline)
    ]
    for pipeline, read, start in (*statements, (query.pipeline, live, query.pipeline.span.start)):
        before = written.text[:start]
        for edit in edits_of(written.text, pipeline, read):
            yield Edited(written, edit, partial(operator.add, before), types)


def _clauses(cause: Cause, role: str) -> tuple[Clause, ...]:
    return {"requires": cause.requires, "excludes": cause.excludes, "supports": cause.supports}[role]


def queries_of(rule: Rule) -> Iterator[str]:
    """The queries of a rule, each behind the definitions it draws in."""
    if isinstance(rule, Symptom):
        yield rule.query
        return
    for role in _ROLES:
        yield from (clause.query for clause in _clauses(rule, role))
    yield rule.facts


def _formulas(rule: Rule) -> Iterator[str]:
    if isinstance(rule, Symptom):
        yield from (rule.threshold, rule.measure, rule.sample)
        return
    yield rule.because
    yield from (remedy.to for remedy in rule.remedies)


def _facts_read(cause: Cause) -> Live:
    """The columns of the facts that the sentence or a formula names."""
    formulas = [names_in(remedy.to) for remedy in cause.remedies if remedy.to]
    return frozenset(fields_of(cause.because)).union(*formulas)


def _with_clauses(rule: Rule, role: str, clauses: tuple[Clause, ...]) -> Rule:
    if not isinstance(rule, Cause):
        return rule
    if role == "requires":
        return replace(rule, requires=clauses)
    return replace(rule, excludes=clauses) if role == "excludes" else replace(rule, supports=clauses)


def _with_query(rule: Rule, text: str, *, role: str, at: int) -> Rule:
    if not isinstance(rule, Cause):
        return rule
    clauses = _clauses(rule, role)
    changed = replace(clauses[at], query=text)
    return _with_clauses(rule, role, (*clauses[:at], changed, *clauses[at + 1 :]))


def _with_definition(rule: Rule, before: str, after: str) -> Rule:
    if isinstance(rule, Symptom):
        return replace(rule, query=rule.query.replace(before, after))
    changed: Rule = replace(rule, facts=rule.facts.replace(before, after))
    for role in _ROLES:
        clauses = (replace(c, query=c.query.replace(before, after)) for c in _clauses(rule, role))
        changed = _with_clauses(changed, role, tuple(clauses))
    return changed
