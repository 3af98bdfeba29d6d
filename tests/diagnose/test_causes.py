from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest

from sentinel.clock import VirtualClock
from sentinel.collect.ingest import Ingester
from sentinel.diagnose import diagnose
from sentinel.diagnose.causes import decide
from sentinel.diagnose.evidence import FAILED, MOST_ROWS
from sentinel.model.diagnosis import ClauseRole, Diagnosis, Evidence, Outcome
from sentinel.model.finding import Finding
from sentinel.model.plain import LONGEST_TEXT
from sentinel.model.rule import Cause, Clause, Place, RuleSet, Severity, Symptom
from sentinel.model.target import TargetKind, deployment
from sentinel.query.engine import Engine
from sentinel.store.telemetry import TelemetryStore

NOW = datetime(2026, 3, 4, 12, tzinfo=UTC)
WINDOW = timedelta(minutes=2)
TRUE, FALSE, BROKEN = "print X = 1", "print X = 1 | where X > 1", "print X = nonsense"
SYMPTOM = Symptom(
    id="refused",
    title="Requests are refused",
    severity=Severity.ERROR,
    target=TargetKind.DEPLOYMENT,
    every=timedelta(seconds=10),
    window=WINDOW,
    hold=timedelta(),
    keep_firing=timedelta(),
    query="AmlOnlineEndpointTrafficLog | summarize N = count() by EndpointName, DeploymentName",
    threshold="N > 0",
    measure="N",
    sample="N",
    place=Place("symptoms/refused.yaml", 1),
)
FINDING = Finding("refused", deployment("chat", "blue"), NOW, {}, 0.5, 10)


def clause(query: str, says: str = "so it is", line: int = 3) -> Clause:
    return Clause(says, query, Place("causes/c.yaml", line))


def a_cause(
    name: str = "c",
    *,
    requires: tuple[str, ...] = (TRUE,),
    excludes: tuple[str, ...] = (),
    supports: tuple[str, ...] = (),
    facts: str = "",
    because: str = "because",
) -> Cause:
    return Cause(
        id=name,
        title=name,
        explains=("refused",),
        requires=tuple(clause(q, f"requires {n}") for n, q in enumerate(requires)),
        excludes=tuple(clause(q, f"excludes {n}") for n, q in enumerate(excludes)),
        supports=tuple(clause(q, f"supports {n}") for n, q in enumerate(supports)),
        facts=facts,
        because=because,
        remedies=(),
        place=Place("causes/c.yaml", 1),
    )


@pytest.fixture
def store() -> Iterator[TelemetryStore]:
    with TelemetryStore.in_memory() as store:
        yield store


@pytest.fixture
def engine(store: TelemetryStore) -> Iterator[Engine]:
    engine = Engine(store)
    yield engine
    engine.close()


def verdict_on(engine: Engine, *causes: Cause) -> Diagnosis:
    return diagnose(FINDING, SYMPTOM, RuleSet((SYMPTOM,), causes, "d1"), engine, NOW)


def put(store: TelemetryStore, *records: dict[str, Any]) -> None:
    with Ingester(store, VirtualClock(NOW)) as ingester:
        ingester.submit(msgspec.json.encode(records), origin="test")


def line(message: str, ago: float, number: int = 0) -> dict[str, Any]:
    at = (NOW - timedelta(seconds=ago, milliseconds=number)).isoformat()
    return {"Type": "AmlOnlineEndpointConsoleLog", "TimeGenerated": at, "Message": message}


class TestOutcome:
    def test_a_cause_explains_when_all_it_requires_holds_and_nothing_excludes_it(
        self, engine: Engine
    ) -> None:
        diagnosis = verdict_on(engine, a_cause(requires=(TRUE, TRUE), excludes=(FALSE,)))

        assert diagnosis.top is not None
        assert diagnosis.top.outcome is Outcome.EXPLAINS
        assert diagnosis.others == ()

    def test_a_cause_without_what_it_requires_is_not_shown(self, engine: Engine) -> None:
        (verdict,) = verdict_on(engine, a_cause(requires=(TRUE, FALSE))).others

        assert (verdict.outcome, verdict.confidence) == (Outcome.NOT_SHOWN, 0)
        assert verdict.reason == "not shown: requires 1"

    def test_a_cause_with_an_excluding_row_is_ruled_out_whatever_it_requires(self, engine: Engine) -> None:
        (verdict,) = verdict_on(engine, a_cause(requires=(FALSE,), excludes=(FALSE, TRUE))).others

        assert verdict.outcome is Outcome.RULED_OUT
        assert verdict.reason == "ruled out: excludes 1"

    def test_what_refutes_is_gathered_also_after_one_clause_has_decided(self, engine: Engine) -> None:
        cause = a_cause(requires=(FALSE, TRUE), excludes=(TRUE, FALSE))

        (verdict,) = verdict_on(engine, cause).others

        assert [evidence.held for evidence in verdict.evidence] == [False, True, True, False]

    def test_support_is_asked_for_a_cause_that_explains_only(self, engine: Engine) -> None:
        asked = verdict_on(
            engine, a_cause("a", supports=(TRUE,)), a_cause("b", requires=(FALSE,), supports=(TRUE,))
        )

        assert [evidence.role for evidence in asked.ranked[0].evidence][-1] is ClauseRole.SUPPORTS
        assert {evidence.role for evidence in asked.others[0].evidence} == {ClauseRole.REQUIRES}

    @pytest.mark.parametrize("role", ["requires", "excludes"])
    def test_a_clause_that_cannot_be_checked_proves_nothing(self, engine: Engine, role: str) -> None:
        cause = a_cause(requires=(TRUE, BROKEN)) if role == "requires" else a_cause(excludes=(BROKEN,))

        (verdict,) = verdict_on(engine, cause).others

        assert verdict.outcome is Outcome.NOT_SHOWN
        assert verdict.reason.startswith(FAILED)
        assert "nonsense" in verdict.reason

    def test_no_cause_is_an_honest_answer(self, engine: Engine) -> None:
        diagnosis = verdict_on(engine, a_cause(requires=(FALSE,)))

        assert diagnosis.top is None
        assert diagnosis.ranked == ()

    def test_a_row_that_excludes_decides_before_one_that_is_missing(self) -> None:
        missing = Evidence(ClauseRole.REQUIRES, "a", "c.yaml:1", held=False)
        excluding = Evidence(ClauseRole.EXCLUDES, "b", "c.yaml:2", held=True)

        assert decide((missing,), (excluding,)) == (Outcome.RULED_OUT, "ruled out: b")


class TestConfidence:
    @pytest.mark.parametrize(
        ("supports", "confidence"),
        [((), 1.0), ((TRUE,), 1.0), ((FALSE,), 0.5), ((TRUE, FALSE, FALSE), 0.5), ((TRUE, FALSE), 0.6667)],
    )
    def test_it_is_the_share_of_support_found(
        self, engine: Engine, supports: tuple[str, ...], confidence: float
    ) -> None:
        top = verdict_on(engine, a_cause(supports=supports)).top

        assert top is not None
        assert top.confidence == confidence


class TestRanking:
    def test_the_more_specific_cause_comes_first_then_the_better_supported_then_by_name(
        self, engine: Engine
    ) -> None:
        causes = (
            a_cause("d-vague"),
            a_cause("b-vague"),
            a_cause("a-doubtful", supports=(FALSE,)),
            a_cause("z-specific", requires=(TRUE, TRUE), supports=(FALSE,)),
        )

        ranked = verdict_on(engine, *causes).ranked

        assert [verdict.cause for verdict in ranked] == ["z-specific", "b-vague", "d-vague", "a-doubtful"]

    def test_what_is_ruled_out_comes_before_what_is_not_shown(self, engine: Engine) -> None:
        causes = (
            a_cause("a", requires=(FALSE,)),
            a_cause("b", excludes=(TRUE,)),
            a_cause("c", excludes=(TRUE,)),
        )

        assert [verdict.cause for verdict in verdict_on(engine, *causes).others] == ["b", "c", "a"]

    def test_causes_of_other_symptoms_are_not_looked_at(self, engine: Engine) -> None:
        diagnosis = verdict_on(engine, replace(a_cause(), explains=("timed-out",)))

        assert (diagnosis.ranked, diagnosis.others) == ((), ())


class TestFacts:
    def test_the_reason_is_the_sentence_filled_from_target_window_and_facts(self, engine: Engine) -> None:
        cause = a_cause(
            facts="print rps = 20.0, name = endpoint",
            because="{endpoint}/{deployment} got {rps:.1f}/s within {window}",
        )

        top = verdict_on(engine, cause).top

        assert top is not None
        assert top.reason == "chat/blue got 20.0/s within 2m"
        assert top.facts == {"rps": 20.0, "name": "chat"}

    @pytest.mark.parametrize("facts", [BROKEN, "print rps = 1.0 | where rps > 2"])
    def test_facts_that_are_not_there_are_said_to_be_unknown(self, engine: Engine, facts: str) -> None:
        top = verdict_on(engine, a_cause(facts=facts, because="{rps} requests/s")).top

        assert top is not None
        assert (top.reason, dict(top.facts)) == ("unknown requests/s", {})


class TestEvidence:
    def test_rows_are_capped_and_long_texts_cut(self, store: TelemetryStore, engine: Engine) -> None:
        put(store, *(line("x" * 5000, 10, n) for n in range(9)))
        query = "AmlOnlineEndpointConsoleLog | project Message | take 9"

        top = verdict_on(engine, a_cause(requires=(query,))).top

        assert top is not None
        rows = top.evidence[0].rows
        assert len(rows) == MOST_ROWS
        assert {len(row["Message"]) for row in rows} == {LONGEST_TEXT}

    def test_clauses_see_the_window_and_nothing_after_now(
        self, store: TelemetryStore, engine: Engine
    ) -> None:
        put(store, line("old", 121), line("new", 119), line("next", -1))
        query = "AmlOnlineEndpointConsoleLog | where TimeGenerated between (since .. now()) | project Message"

        top = verdict_on(engine, a_cause(requires=(query,))).top

        assert top is not None
        assert [dict(row) for row in top.evidence[0].rows] == [{"Message": "new"}]

    def test_the_newest_row_of_the_window_is_told(self, store: TelemetryStore, engine: Engine) -> None:
        at = NOW - timedelta(seconds=5)
        put(
            store,
            {"Type": "AmlOnlineEndpointTrafficLog", "TimeGenerated": at.isoformat(), "ResponseCode": 503},
        )

        assert verdict_on(engine).newest == at

    def test_the_same_rows_rules_and_time_give_the_same_bytes(
        self, store: TelemetryStore, engine: Engine
    ) -> None:
        put(store, *(line(f"line {n}", 10, n) for n in range(4)))
        query = "AmlOnlineEndpointConsoleLog | summarize N = count(), At = max(TimeGenerated) by Message | top 3 by At"
        causes = (a_cause("a", requires=(query,), supports=(FALSE, TRUE)), a_cause("b", excludes=(query,)))

        first, second = (msgspec.json.encode(verdict_on(engine, *causes)) for _ in range(2))
        stored = msgspec.json.encode(msgspec.json.decode(first, type=Diagnosis))

        assert first == second == stored
