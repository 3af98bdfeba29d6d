"""Whether the queries, sentences and formulas of rule files fit the tables and each other."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Final

from sentinel.detect.decode import CauseFile, SymptomFile
from sentinel.detect.definitions import Definitions
from sentinel.detect.yaml_places import Document, Text, nearest
from sentinel.errors import FormulaError, QueryError, RuleProblem
from sentinel.model.sentence import fields_of
from sentinel.model.settings import Knob
from sentinel.model.tables import Column, KqlType
from sentinel.model.target import COLUMNS, PARAMETERS, TargetKind

if TYPE_CHECKING:
    from sentinel.query.engine import Engine

NamesIn = Callable[[str], frozenset[str]]
"""The names a formula needs; raises `FormulaError` when it is not one."""

_WINDOW: Final[Mapping[str, KqlType]] = {"window": KqlType.TIMESPAN, "since": KqlType.DATETIME}
_NUMERIC: Final = frozenset({KqlType.INT, KqlType.LONG, KqlType.REAL, KqlType.DECIMAL})
_CURRENT: Final = frozenset({*(knob.value for knob in Knob), "replicas", "ceiling"})
"""What a formula may name besides the facts: the deployment as it is when the remedy is planned."""


def parameter_types(kind: TargetKind | None) -> dict[str, KqlType]:
    """The parameters a rule's query sees: the window, and for a cause the names of its target."""
    names = PARAMETERS[kind] if kind is not None else ()
    return {**_WINDOW, **dict.fromkeys(names, KqlType.STRING)}


def one_query(text: str) -> str:
    """A query to which an operator can be added: without what ends it."""
    return text.rstrip().rstrip(";").rstrip()


def bind_symptom(rule: SymptomFile, engine: Engine, shared: Definitions) -> None:
    """Add a problem for each expression of a symptom that does not fit."""
    if rule.query is None:
        return
    parameters = parameter_types(None)
    columns = _bind(rule.document, "query", rule.query, engine, parameters, shared=shared)
    if columns is None:
        return
    types = {column.name: column.type for column in columns}
    for name in COLUMNS[rule.target] if rule.target is not None else ():
        if types.get(name) is not KqlType.STRING:
            found = f"it is {types[name]}" if name in types else "it is missing"
            message = f"a {rule.target} symptom's rows need the string column {name!r}; {found}"
            rule.document.problem_at(rule.query.node, "query", message)
    for key, text, wanted in (
        ("when", rule.threshold, frozenset({KqlType.BOOL})),
        ("measure", rule.measure, _NUMERIC),
        ("sample", rule.sample, _NUMERIC),
    ):
        if text is None:
            continue
        before = f"{one_query(rule.query.value)}\n| project Value_ = "
        bound = _bind(rule.document, key, text, engine, parameters, before=before, shared=shared)
        if bound is not None and bound[0].type not in wanted:
            expected = "true or false" if KqlType.BOOL in wanted else "a number"
            message = f"{expected} is expected, not {bound[0].type}"
            rule.document.problem_at(text.node, key, message)


def bind_cause(
    rule: CauseFile,
    kinds: Mapping[str, TargetKind],
    engine: Engine | None,
    names_in: NamesIn | None,
    shared: Definitions,
) -> None:
    """Add a problem for each name, query, sentence and formula of a cause that does not fit.

    `kinds` are the symptoms there are. Without an engine the queries are not bound, without `names_in` the formulas
    are not read.
    """
    kind = _kind_of(rule, kinds)
    known = _facts_of(rule, kind, engine, shared) if kind is not None else None
    if rule.because is not None and kind is not None and known is not None:
        names = {*known, *PARAMETERS[kind], "window"}
        _check_names(rule.document, "because", rule.because, fields_of(rule.because.value), names)
    for formula in rule.formulas if names_in is not None else ():
        try:
            used = sorted(names_in(formula.value)) if names_in is not None else []
        except FormulaError as error:
            rule.document.problem_at(formula.node, "to", str(error))
            continue
        if known is not None:
            _check_names(rule.document, "to", formula, used, known | _CURRENT)


def _facts_of(
    rule: CauseFile, kind: TargetKind, engine: Engine | None, shared: Definitions
) -> frozenset[str] | None:
    """The facts a cause has, after its queries were bound; None when that cannot be known."""
    if engine is None:
        return None if rule.has_facts else frozenset()
    parameters = parameter_types(kind)
    for key, text in rule.queries:
        _bind(rule.document, f"{key}.query", text, engine, parameters, shared=shared)
    if rule.facts is None:
        return None if rule.has_facts else frozenset()
    facts = _bind(rule.document, "facts", rule.facts, engine, parameters, shared=shared)
    return None if facts is None else frozenset(column.name for column in facts)


def _kind_of(rule: CauseFile, kinds: Mapping[str, TargetKind]) -> TargetKind | None:
    """The kind of target the explained symptoms share."""
    found: dict[TargetKind, str] = {}
    for text in rule.explains:
        if text.value not in kinds:
            message = f"there is no symptom {text.value!r}; {nearest(text.value, kinds)}"
            rule.document.problem_at(text.node, "explains", message)
            continue
        kind = kinds[text.value]
        if found and kind not in found:
            other_kind, other = next(iter(found.items()))
            message = (
                f"{text.value} is about a {kind}, {other} about a {other_kind}; explain one kind of target"
            )
            rule.document.problem_at(text.node, "explains", message)
            continue
        found.setdefault(kind, text.value)
    return next(iter(found), None)


def _check_names(
    document: Document, key: str, text: Text, used: Iterable[str], known: set[str] | frozenset[str]
) -> None:
    for name in used:
        if name not in known:
            offset = max(text.value.find(name), 0)
            line, column = text.place(*_line_and_column(text.value, offset))
            document.problem(line, column, key, f"no fact is called {name!r}; {nearest(name, known)}")


def _bind(
    document: Document,
    key: str,
    text: Text,
    engine: Engine,
    parameters: Mapping[str, KqlType],
    *,
    before: str = "",
    shared: Definitions | None = None,
) -> tuple[Column, ...] | None:
    """The columns of a query, or None after adding the problem at its place in the file.

    A problem inside a shared definition is told at the definition's place, once.
    """
    composed = (shared or Definitions()).compose(before + text.value)
    try:
        return engine.check(composed.text, parameters=parameters)
    except QueryError as error:
        message = f"{error.message} ({error.hint})" if error.hint else error.message
        begins = composed.begins + len(before)
        offset = error.span.start if error.span else begins
        inside = composed.definition_at(offset)
        if inside is not None:
            definition, within = inside
            line, column = _line_and_column(definition.text, within)
            problem = RuleProblem(
                definition.file, definition.line + line - 1, column, definition.name, message
            )
            document.problems.append(problem)
            return None
        line, column = text.place(*_line_and_column(text.value, max(offset - begins, 0)))
        document.problem(line, column, key, message)
        return None


def _line_and_column(text: str, offset: int) -> tuple[int, int]:
    before = text[:offset]
    return before.count("\n") + 1, offset - (before.rfind("\n") + 1) + 1
