"""Which causes explain a finding, ranked, and which are ruled out by what.

The ranking is defined, not felt: of the causes that explain, the one with more required clauses comes first (it says
something more specific), then the one with the higher confidence, then the one whose id sorts first.
"""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import ExitStack
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

from sentinel.diagnose.evidence import FAILED, Scene, examine, failure
from sentinel.errors import QueryError
from sentinel.model.diagnosis import CauseVerdict, ClauseRole, Diagnosis, Evidence, Outcome
from sentinel.model.finding import Finding
from sentinel.model.plain import plain_row
from sentinel.model.rule import Cause, RuleSet, Symptom
from sentinel.model.sentence import fill
from sentinel.model.tables import KqlType

if TYPE_CHECKING:
    from sentinel.query.engine import Engine


def diagnose(
    finding: Finding,
    symptom: Symptom,
    rules: RuleSet,
    engine: Engine,
    now: datetime,
    *,
    together: bool = True,
) -> Diagnosis:
    """The verdict on a finding by the rows of the window that ends at `now`.

    The same rows, rules and `now` give the same diagnosis, byte for byte. A clause whose query fails proves nothing:
    its cause is `not shown`, and the reason says so. Supporting clauses speak of the confidence in a cause, so they are
    asked only of one that explains.

    Asked `together`, the queries share what they have in common: the first diagnosis of a symptom compiles them all,
    the following ones cost a fraction. The verdict is the same.
    """
    causes = rules.explaining(symptom.id)
    scene = Scene.of(finding, symptom, engine, now)
    with ExitStack() as opened:
        if together:
            sitting = engine.sitting(_queries(causes), now=now, parameters=scene.parameters)
            scene = replace(scene, sitting=opened.enter_context(sitting))
        judged = [(cause, _judge(cause, scene)) for cause in causes]
        newest = _newest(symptom, scene)
    explaining = [(c, verdict) for c, verdict in judged if verdict.outcome is Outcome.EXPLAINS]
    explaining.sort(key=lambda pair: (-len(pair[0].requires), -pair[1].confidence, pair[0].id))
    others = [verdict for _, verdict in judged if verdict.outcome is not Outcome.EXPLAINS]
    others.sort(key=lambda verdict: (verdict.outcome is not Outcome.RULED_OUT, verdict.cause))
    return Diagnosis(
        symptom=symptom.id,
        at=now,
        window_start=scene.since,
        ranked=tuple(verdict for _, verdict in explaining),
        others=tuple(others),
        newest=newest,
        rules=rules.digest,
    )


def _queries(causes: Iterable[Cause]) -> tuple[str, ...]:
    """Every query a diagnosis may ask, each once."""
    return tuple(
        dict.fromkeys(
            query
            for cause in causes
            for query in (
                *(clause.query for clause in (*cause.requires, *cause.excludes, *cause.supports)),
                *([cause.facts] if cause.facts else []),
            )
        )
    )


def _judge(cause: Cause, scene: Scene) -> CauseVerdict:
    requires = examine(ClauseRole.REQUIRES, cause.requires, scene)
    excludes = examine(ClauseRole.EXCLUDES, cause.excludes, scene)
    outcome, reason = decide(requires, excludes)
    supports: tuple[Evidence, ...] = ()
    facts: dict[str, Any] = {}
    if outcome is Outcome.EXPLAINS:
        supports = examine(ClauseRole.SUPPORTS, cause.supports, scene)
        facts = _facts(cause, scene)
        reason = fill(cause.because, {**scene.names, "window": scene.window, **facts})
    confidence = (1 + sum(e.held for e in supports)) / (1 + len(supports))
    return CauseVerdict(
        cause=cause.id,
        title=cause.title,
        outcome=outcome,
        confidence=round(confidence, 4) if outcome is Outcome.EXPLAINS else 0.0,
        reason=reason,
        evidence=(*requires, *excludes, *supports),
        facts=facts,
        place=str(cause.place),
    )


def decide(requires: tuple[Evidence, ...], excludes: tuple[Evidence, ...]) -> tuple[Outcome, str]:
    """What required and excluding evidence says of a cause, and the clause that decided.

    An excluding clause decides before a required one: "ruled out" is worth more to a reader than "not shown". An
    excluding clause that could not be checked excludes nothing, yet nothing may be concluded without it.
    """
    holding = next((e for e in excludes if e.held), None)
    if holding is not None:
        return Outcome.RULED_OUT, f"ruled out: {holding.says}"
    unchecked = next((e for e in (*requires, *excludes) if failure(e)), None)
    if unchecked is not None:
        return Outcome.NOT_SHOWN, f"{FAILED}: {unchecked.says} ({failure(unchecked)})"
    missing = next((e for e in requires if not e.held), None)
    if missing is not None:
        return Outcome.NOT_SHOWN, f"not shown: {missing.says}"
    return Outcome.EXPLAINS, ""


def _facts(cause: Cause, scene: Scene) -> dict[str, Any]:
    """The first row of the facts query; none when it fails or finds nothing, and then no size can be computed."""
    if not cause.facts:
        return {}
    try:
        answer = scene.ask(cause.facts)
    except QueryError:
        return {}
    return plain_row(answer[0]) if answer else {}


def _newest(symptom: Symptom, scene: Scene) -> datetime | None:
    """The event time of the newest row in the window, over the tables the symptom reads."""
    types = {"window": KqlType.TIMESPAN, "since": KqlType.DATETIME}
    newest: list[datetime] = []
    for table in scene.engine.tables_of(symptom.query, parameters=types):
        query = (
            f"{table} | where TimeGenerated between (since .. now()) | summarize Newest = max(TimeGenerated)"
        )
        try:
            answer = scene.ask(query)
        except QueryError:
            continue
        newest += [row["Newest"] for row in answer if row["Newest"] is not None]
    return max(newest, default=None)
