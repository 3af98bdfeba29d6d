"""One rule file to one rule, with the places its queries stand in.

What could be read of a file that has problems is kept, so that the rest of it is checked in the same run.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Final

from sentinel.detect.definitions import Definitions
from sentinel.detect.yaml_places import Block, Document, Text
from sentinel.model.rule import (
    Cause,
    Clause,
    Place,
    Remedy,
    RemedyKind,
    Severity,
    Symptom,
    VerifyWindow,
)
from sentinel.model.sentence import fields_of
from sentinel.model.settings import Knob
from sentinel.model.target import TargetKind

SYMPTOM_KEYS: Final = (
    "title",
    "severity",
    "target",
    "every",
    "window",
    "for",
    "keep-firing-for",
    "query",
    "when",
    "measure",
    "sample",
)
CAUSE_KEYS: Final = (
    "title",
    "explains",
    "covers",
    "requires",
    "excludes",
    "supports",
    "facts",
    "because",
    "remedies",
)
CLAUSE_KEYS: Final = ("says", "query")
REMEDY_KEYS: Final = ("raise", "lower", "escalate", "to", "verify")
_NOTHING: Final = timedelta()


@dataclass(frozen=True, slots=True)
class SymptomFile:
    """A symptom, if its file has no problems, and where its expressions stand; what cannot be read is None."""

    symptom: Symptom | None
    document: Document
    target: TargetKind | None
    query: Text | None
    threshold: Text | None
    measure: Text | None
    sample: Text | None


@dataclass(frozen=True, slots=True)
class CauseFile:
    """A cause, if its file has no problems, and where its names and expressions stand; what cannot be read is None."""

    cause: Cause | None
    document: Document
    explains: tuple[Text, ...]
    queries: tuple[tuple[str, Text], ...]
    """The key and the text of each clause's query."""
    facts: Text | None
    has_facts: bool
    """Whether facts are written, even if they cannot be read."""
    because: Text | None
    formulas: tuple[Text, ...]


def decode_symptom(
    document: Document, rule_id: str, file: str, pace: float, shared: Definitions
) -> SymptomFile | None:
    """The symptom of a file, or None when the document is no mapping.

    `pace` multiplies its durations; the definitions its query names are put in front of it.
    """
    block = document.block(SYMPTOM_KEYS)
    if block is None:
        return None
    title, severity, target = (
        block.text("title"),
        block.choice("severity", Severity),
        block.choice("target", TargetKind),
    )
    spans = {key: block.span(key) for key in ("every", "window")}
    spans["for"] = block.span("for", default=_NOTHING, positive=False)
    spans["keep-firing-for"] = block.span("keep-firing-for", default=_NOTHING, positive=False)
    query, threshold = block.text("query"), block.expression("when")
    measure, sample = block.expression("measure"), block.expression("sample")
    read = SymptomFile(None, document, target, query, threshold, measure, sample)
    if title is None or severity is None or target is None or document.problems:
        return read
    if query is None or threshold is None or measure is None or sample is None:
        return read
    paced = {key: (span or _NOTHING) * pace for key, span in spans.items()}
    symptom = Symptom(
        id=rule_id,
        title=title.value,
        severity=severity,
        target=target,
        every=paced["every"],
        window=paced["window"],
        hold=paced["for"],
        keep_firing=paced["keep-firing-for"],
        query=shared.compose(query.value).text,
        threshold=threshold.value,
        measure=measure.value,
        sample=sample.value,
        place=Place(file, block.line),
    )
    return replace(read, symptom=symptom)


def decode_cause(
    document: Document, rule_id: str, file: str, pace: float, shared: Definitions
) -> CauseFile | None:
    """The cause of a file, or None when the document is no mapping.

    `pace` multiplies its durations; the definitions its queries name are put in front of them.
    """
    block = document.block(CAUSE_KEYS)
    if block is None:
        return None
    title, because = block.text("title"), block.text("because")
    explains, covers = block.texts("explains"), block.texts("covers", required=False)
    facts = block.text("facts", required=False)
    clauses = {key: _clauses(block, key, file, shared) for key in ("requires", "excludes", "supports")}
    remedies = _remedies(block, file, pace)
    read = CauseFile(
        cause=None,
        document=document,
        explains=explains,
        queries=tuple((key, text) for key, listed in clauses.items() for _, text in listed),
        facts=facts,
        has_facts="facts" in block,
        because=because if because is not None and _is_sentence(block, because) else None,
        formulas=tuple(text for _, text in remedies if text is not None),
    )
    if title is None or because is None or document.problems:
        return read
    cause = Cause(
        id=rule_id,
        title=title.value,
        explains=tuple(text.value for text in explains),
        requires=tuple(clause for clause, _ in clauses["requires"] if clause is not None),
        excludes=tuple(clause for clause, _ in clauses["excludes"] if clause is not None),
        supports=tuple(clause for clause, _ in clauses["supports"] if clause is not None),
        facts=shared.compose(facts.value).text if facts else "",
        because=because.value.strip(),
        remedies=tuple(remedy for remedy, _ in remedies if remedy is not None),
        place=Place(file, block.line),
        covers=tuple(text.value for text in covers),
    )
    return replace(read, cause=cause)


def _is_sentence(block: Block, because: Text) -> bool:
    try:
        fields_of(because.value)
    except ValueError as error:
        block.problem("because", str(error))
        return False
    return True


def _clauses(
    block: Block, key: str, file: str, shared: Definitions
) -> tuple[tuple[Clause | None, Text], ...]:
    """The clauses that have a query; one that does not say what it is about is None."""
    decoded: list[tuple[Clause | None, Text]] = []
    for clause in block.blocks(key, CLAUSE_KEYS, required=key == "requires"):
        says, query = clause.text("says"), clause.text("query")
        if query is None:
            continue
        if says is None:
            decoded.append((None, query))
        else:
            composed = shared.compose(query.value).text
            decoded.append((Clause(says.value, composed, Place(file, clause.line)), query))
    return tuple(decoded)


def _remedies(block: Block, file: str, pace: float) -> tuple[tuple[Remedy | None, Text | None], ...]:
    """The ladder and its formulas; its last rung, and only that, hands over to a person."""
    decoded = []
    rungs = block.blocks("remedies", REMEDY_KEYS)
    for rung in rungs:
        kinds = [kind for kind in RemedyKind if kind in rung]
        if len(kinds) != 1:
            rung.document.problem_at(rung.node, "remedies", "name exactly one of raise, lower and escalate")
            continue
        last = rung is rungs[-1]
        if (kinds[0] is RemedyKind.ESCALATE) is not last:
            message = "the last remedy must be an escalate" if last else "only the last remedy may escalate"
            rung.document.problem_at(rung.node, "remedies", message)
            continue
        decoded.append(_remedy(rung, kinds[0], file, pace))
    return tuple(decoded)


def _remedy(rung: Block, kind: RemedyKind, file: str, pace: float) -> tuple[Remedy | None, Text | None]:
    place = Place(file, rung.line)
    if kind is RemedyKind.ESCALATE:
        advice = rung.text("escalate")
        for key in ("to", "verify"):
            if key in rung:
                rung.problem(key, "an escalate changes nothing, so there is nothing to compute or to verify")
        return None if advice is None else Remedy(kind, place, advice=advice.value.strip()), None
    knob, to = rung.choice(kind.value, Knob), rung.text("to")
    verify = _verify(rung, pace)
    if knob is None or to is None or verify is None:
        return None, to
    return Remedy(kind, place, knob=knob, to=to.value.strip(), verify=verify), to


def _verify(rung: Block, pace: float) -> VerifyWindow | None:
    node = rung.value("verify")
    window = None if node is None else rung.document.block_of(node, "verify", ("after", "within"))
    if window is None:
        return None
    after, within = window.span("after"), window.span("within")
    if after is None or within is None:
        return None
    if after >= within:
        window.problem(
            "within", "a remedy is judged first `after`, at the latest `within`, which must be later"
        )
        return None
    return VerifyWindow(after * pace, within * pace)
