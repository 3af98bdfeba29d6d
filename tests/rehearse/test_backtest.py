from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from sentinel.clock import VirtualClock
from sentinel.collect.ingest import Ingester
from sentinel.detect.evaluate import WindowEvaluator
from sentinel.detect.ruleset import load_rules
from sentinel.errors import AdapterError, Conflict, TargetNotFound
from sentinel.model.plan import RunMode
from sentinel.model.rule import RuleSet
from sentinel.model.settings import Change, Knob
from sentinel.model.target import deployment
from sentinel.query.engine import Engine
from sentinel.rehearse.backtest import Backtest, backtest
from sentinel.rehearse.recorded_adapter import RecordedAdapter
from sentinel.rehearse.written_backtest import backtest_lines, backtest_values
from sentinel.remediate.policy import Policy
from sentinel.store.as_of import AsOf
from sentinel.store.telemetry import TelemetryStore
from tests.detect.rule_texts import CAUSE, SYMPTOM, small_pack

NOON = datetime(2026, 3, 4, 12, tzinfo=UTC)
BLUE = deployment("chat", "blue")
NAMES = {"EndpointName": "chat", "DeploymentName": "blue"}
SETTINGS = {
    "Replicas": 4,
    "ReadyReplicas": 4,
    "MinReplicas": 1,
    "MaxReplicas": 4,
    "MaxConcurrency": 1,
    "Revision": "r1",
}
BOLD = replace(Policy(), mode=RunMode.AUTONOMOUS)


def refused(first: int, last: int, every: int = 1) -> list[dict[str, object]]:
    return [
        {
            "Type": "AmlOnlineEndpointTrafficLog",
            "second": second,
            **NAMES,
            "ResponseCode": code,
            "XRequestId": f"{second}/{code}",
        }
        for second in range(first, last, every)
        for code in (200, 503)
    ]


def served(first: int, last: int) -> list[dict[str, object]]:
    return [record for record in refused(first, last) if record["ResponseCode"] == 200]


def settings(first: int, last: int, **changes: object) -> list[dict[str, object]]:
    return [
        {"Type": "SentinelDeploymentState_CL", "second": second, **NAMES, **SETTINGS, **changes}
        for second in range(first, last, 10)
    ]


@contextmanager
def stored(records: list[dict[str, object]]) -> Iterator[TelemetryStore]:
    lines = []
    for record in records:
        at = NOON + timedelta(seconds=int(str(record["second"])))
        rest = {key: value for key, value in record.items() if key != "second"}
        lines.append(json.dumps({"TimeGenerated": at.isoformat(), **rest}))
    with TelemetryStore.in_memory() as store, Ingester(store, VirtualClock(NOON)) as ingester:
        ingester.submit("\n".join(lines).encode(), origin="test")
        yield store


def replay(
    records: list[dict[str, object]], rules: RuleSet, policy: Policy = BOLD, *, minutes: int = 10
) -> Backtest:
    with stored(records) as store, closing(Engine(store)) as engine:
        return backtest(store, engine, rules, policy, NOON, NOON + timedelta(minutes=minutes))


@pytest.fixture
def rules(tmp_path: Path) -> RuleSet:
    symptom = SYMPTOM.replace("keep-firing-for: 1h30m", "keep-firing-for: 1m")
    return load_rules([small_pack(tmp_path / "pack", symptom=symptom, cause=CAUSE)])


def states(found: Backtest) -> list[list[str]]:
    return [[step.state.value for step in one.steps] for one in found.happened]


def test_a_change_that_would_have_been_made_is_told_and_history_goes_on(rules: RuleSet) -> None:
    found = replay([*settings(0, 600), *refused(0, 240), *served(240, 600)], rules)

    (done,) = found.done
    assert (str(done.incident.target), done.plan.summary) == ("deployment:chat/blue", "max_replicas 4 → 40")
    assert done.at == NOON + timedelta(seconds=40)
    assert states(found) == [["open", "diagnosed", "planned", "applying", "escalated", "resolved"]]
    assert "history cannot tell" in found.happened[0].steps[-2].why


def test_guardrails_hold_a_second_change_back_and_say_why(rules: RuleSet) -> None:
    history = [*settings(0, 900), *refused(0, 60), *served(60, 300), *refused(300, 420), *served(420, 900)]

    found = replay(history, rules, replace(BOLD, cooldown=timedelta(hours=1)), minutes=15)

    assert [one.at for one in found.done] == [NOON + timedelta(seconds=40)]
    (held,) = found.blocked
    assert held.at == NOON + timedelta(seconds=340)
    assert "cooling down" in held.why


@pytest.mark.parametrize(
    ("mode", "why"), [(RunMode.READONLY, "readonly: max_replicas"), (RunMode.REVIEW, "waiting for approval")]
)
def test_a_cautious_run_mode_holds_every_plan_back(rules: RuleSet, mode: RunMode, why: str) -> None:
    found = replay([*settings(0, 600), *refused(0, 300)], rules, replace(BOLD, mode=mode))

    assert found.done == ()
    assert [why in one.why for one in found.blocked] == [True]


def test_settings_nobody_recorded_leave_it_to_people(rules: RuleSet) -> None:
    settings_of_another = settings(0, 600, EndpointName="chat", DeploymentName="green")
    found = replay([*settings_of_another, *refused(0, 300)], rules)

    assert (found.done, found.blocked) == ((), ())
    assert states(found)[0][-1] == "escalated"


def test_the_same_history_gives_the_same_bytes(rules: RuleSet) -> None:
    history = [*settings(0, 600), *refused(0, 240), *served(240, 600)]

    written = [
        json.dumps(backtest_values(found)) + "\n".join(backtest_lines(found))
        for found in (replay(history, rules), replay(list(reversed(history)), rules))
    ]

    assert written[0] == written[1]


def test_hours_without_rows_are_passed_over(rules: RuleSet) -> None:
    history = [
        *settings(0, 60),
        *refused(0, 60),
        *served(60, 400),
        *settings(36_000, 36_200),
        *refused(36_000, 36_200),
    ]

    found = replay(history, rules, minutes=700)

    assert len(found.happened) == 2
    assert found.evaluations < 120


def test_passing_over_quiet_spans_finds_what_asking_always_finds(rules: RuleSet) -> None:
    history = [*settings(0, 60), *refused(0, 45, 7), *refused(700, 760), *served(900, 1000)]
    (symptom,) = rules.symptoms
    with stored(history) as store, closing(AsOf(store, NOON)) as view, closing(Engine(view)) as engine:
        held = []
        for second in range(0, 1200, 10):
            now = NOON + timedelta(seconds=second)
            view.move(now)
            held += [now] if WindowEvaluator(engine, view).evaluate(symptom, now).findings else []

    found = replay(history, rules, minutes=20)

    assert [one.incident.opened for one in found.happened] == [
        at + symptom.hold for at in held if at - symptom.every not in held
    ]


class TestRecordedAdapter:
    @pytest.fixture
    def clock(self) -> VirtualClock:
        return VirtualClock(NOON + timedelta(seconds=5))

    @pytest.fixture
    def adapter(self, clock: VirtualClock) -> Iterator[RecordedAdapter]:
        history = [
            *settings(0, 10),
            *settings(60, 70, MaxReplicas=8, Revision="r2"),
            *settings(120, 130, MaxReplicas=None),
        ]
        with stored(history) as store, closing(Engine(store)) as engine:
            yield RecordedAdapter(engine, clock)

    def test_tells_the_settings_of_then(self, adapter: RecordedAdapter, clock: VirtualClock) -> None:
        before = adapter.describe(BLUE)
        clock.advance(timedelta(minutes=1))
        after = adapter.describe(BLUE)

        assert (before.settings.max_replicas, before.revision) == (4, "r1")
        assert (after.settings.max_replicas, after.revision) == (8, "r2")
        assert adapter.targets() == [BLUE]

    def test_writes_a_change_down_and_pretends_it_until_it_is_forgotten(
        self, adapter: RecordedAdapter
    ) -> None:
        change = Change(Knob.MAX_REPLICAS, 4, 6)

        done = adapter.apply(BLUE, [change], expect="r1", key="a")
        again = adapter.apply(BLUE, [change], expect="r1", key="a")
        adapter.forget(BLUE)

        assert (done.settings.max_replicas, again) == (6, done)
        assert adapter.describe(BLUE).settings.max_replicas == 4
        assert [wish.changes for wish in adapter.wishes] == [(change,)]

    @pytest.mark.parametrize(
        ("change", "expect", "error"),
        [
            (Change(Knob.MAX_REPLICAS, 4, 6), "r0", Conflict),
            (Change(Knob.MAX_REPLICAS, 5, 6), "r1", Conflict),
            (Change(Knob.TARGET_UTILIZATION, 70, 170), "r1", AdapterError),
        ],
    )
    def test_refuses_what_the_platform_would(
        self, adapter: RecordedAdapter, change: Change, expect: str, error: type[AdapterError]
    ) -> None:
        with pytest.raises(error):
            adapter.apply(BLUE, [change], expect=expect, key="a")

        assert adapter.wishes == []

    def test_does_not_know_what_was_not_recorded(self, adapter: RecordedAdapter, clock: VirtualClock) -> None:
        with pytest.raises(TargetNotFound):
            adapter.describe(deployment("chat", "green"))
        clock.advance(timedelta(minutes=2))
        with pytest.raises(TargetNotFound, match="does not tell the MaxReplicas"):
            adapter.describe(BLUE)
