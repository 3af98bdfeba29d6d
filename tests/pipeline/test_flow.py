from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from sentinel.errors import AdapterError
from sentinel.model.incident import IncidentState
from sentinel.model.plan import Effect, RunMode
from sentinel.model.settings import Deployment, Knob, Settings
from sentinel.remediate.policy import Bounds
from sentinel.simulate.workload import Failure, Workload
from sentinel.store.outbox import Outbox
from tests.builders import CHAT_BLUE
from tests.pipeline.rehearsal import Rehearsal

OUTGROWN = Workload(rate=30, service_seconds=0.2)
"""About nine replicas' work at 70 %."""
FOUR_AT_MOST = Settings(max_replicas=4, request_timeout_ms=5_000)
MINUTE = timedelta(minutes=1)


def out_of_reach(*_: object, **__: object) -> Deployment:
    """A control plane that does not answer a change."""
    raise AdapterError("connection refused")


@pytest.fixture
def saturated(tmp_path: Path) -> Iterator[Rehearsal]:
    with Rehearsal(tmp_path, RunMode.AUTONOMOUS, FOUR_AT_MOST, OUTGROWN) as rehearsal:
        yield rehearsal


class TestDemandOutgrowsTheMaximum:
    def test_the_maximum_is_raised_and_the_refusals_end(self, saturated: Rehearsal) -> None:
        incident = saturated.until("resolved")

        assert saturated.path() == [
            "open",
            "diagnosed",
            "planned",
            "applying",
            "settling",
            "confirmed",
            "resolved",
        ]
        assert incident.diagnosis is not None
        assert incident.diagnosis.top is not None
        assert incident.diagnosis.top.cause == "capacity/saturated-at-maximum"
        assert incident.verification is not None
        assert incident.verification.effect is Effect.WORKED
        assert 8 <= saturated.settings.max_replicas <= 14
        assert saturated.actions() == [("apply", "applied")]

    def test_it_stays_well_afterwards(self, saturated: Rehearsal) -> None:
        saturated.until("resolved")

        saturated.live(2 * MINUTE)

        assert len(saturated.incidents()) == 1

    def test_people_are_told_of_each_step_that_lasts(self, saturated: Rehearsal) -> None:
        saturated.until("resolved")

        told = [
            letter.notice.transition.after.value
            for letter in Outbox(saturated.state).due(saturated.clock.now())
        ]
        assert told[:1] == ["diagnosed"]

    def test_a_restart_at_every_second_changes_nothing(self, saturated: Rehearsal) -> None:
        def restarted() -> bool:
            saturated.pipeline = saturated.start()
            return (
                saturated.incidents()[:1] != [] and saturated.incidents()[0].state is IncidentState.RESOLVED
            )

        assert saturated.live(10 * MINUTE, until=restarted)
        assert saturated.actions() == [("apply", "applied")]


class TestNothingCouldBeChanged:
    def test_a_limit_that_is_lifted_lets_the_change_be_made(self, tmp_path: Path) -> None:
        with Rehearsal(tmp_path, RunMode.AUTONOMOUS, FOUR_AT_MOST, OUTGROWN) as rehearsal:
            open_policy = rehearsal.policy
            rehearsal.policy = replace(open_policy, bounds={Knob.MAX_REPLICAS: Bounds(1, 4)})
            rehearsal.pipeline = rehearsal.start()
            rehearsal.until("escalated")
            rehearsal.policy = open_policy
            rehearsal.pipeline = rehearsal.start()

            rehearsal.until("resolved")

            assert rehearsal.actions() == [("apply", "applied")]

    def test_an_incident_is_handed_over_once_while_nothing_changes(self, tmp_path: Path) -> None:
        with Rehearsal(tmp_path, RunMode.AUTONOMOUS, FOUR_AT_MOST, OUTGROWN) as rehearsal:
            rehearsal.policy = replace(rehearsal.policy, bounds={Knob.MAX_REPLICAS: Bounds(1, 4)})
            rehearsal.pipeline = rehearsal.start()
            rehearsal.until("escalated")

            rehearsal.live(3 * MINUTE)

            assert rehearsal.path() == ["open", "diagnosed", "escalated"]


class TestRunModes:
    def test_readonly_advises_and_changes_nothing(self, tmp_path: Path) -> None:
        with Rehearsal(tmp_path, RunMode.READONLY, FOUR_AT_MOST, OUTGROWN) as rehearsal:
            incident = rehearsal.until("waiting")
            rehearsal.live(2 * MINUTE)

            assert "max_replicas 4 → " in incident.why
            assert rehearsal.settings == FOUR_AT_MOST
            assert rehearsal.actions() == []

    def test_review_waits_for_a_person_and_then_acts(self, tmp_path: Path) -> None:
        with Rehearsal(tmp_path, RunMode.REVIEW, FOUR_AT_MOST, OUTGROWN) as rehearsal:
            waiting = rehearsal.until("waiting")
            rehearsal.live(timedelta(seconds=10))
            before = rehearsal.settings

            rehearsal.decisions.approve(waiting.id, by="ada")

            rehearsal.until("resolved")
            assert before == FOUR_AT_MOST
            assert rehearsal.settings.max_replicas > 4

    def test_a_denied_plan_is_never_applied(self, tmp_path: Path) -> None:
        with Rehearsal(tmp_path, RunMode.REVIEW, FOUR_AT_MOST, OUTGROWN) as rehearsal:
            waiting = rehearsal.until("waiting")

            rehearsal.decisions.deny(waiting.id, by="ada")

            rehearsal.live(2 * MINUTE)
            assert rehearsal.incidents()[0].state is IncidentState.ESCALATED
            assert rehearsal.actions() == []


class TestTime:
    def test_requests_that_end_shortly_after_the_limit_get_a_longer_one(self, tmp_path: Path) -> None:
        slower = Workload(rate=10, service_seconds=1.2, variation=0.1)
        settings = Settings(min_replicas=20, max_replicas=30, request_timeout_ms=1_000)
        with Rehearsal(tmp_path, RunMode.AUTONOMOUS, settings, slower) as rehearsal:
            rehearsal.until("resolved")

            assert 1_200 <= rehearsal.settings.request_timeout_ms <= 2_500
            assert rehearsal.settings.max_replicas == 30

    def test_requests_that_hang_get_a_person(self, tmp_path: Path) -> None:
        hanging = Workload(rate=2, service_seconds=0.2, failure=Failure.HANGING)
        settings = Settings(min_replicas=10, max_replicas=10, request_timeout_ms=1_000)
        with Rehearsal(tmp_path, RunMode.AUTONOMOUS, settings, hanging) as rehearsal:
            rehearsal.live(2 * MINUTE)

            assert rehearsal.actions() == []
            assert rehearsal.settings == settings


class TestCrashLoop:
    def test_a_crash_loop_is_never_scaled(self, tmp_path: Path) -> None:
        broken = Workload(rate=20, service_seconds=0.1, failure=Failure.CRASHING)
        with Rehearsal(tmp_path, RunMode.AUTONOMOUS, FOUR_AT_MOST, broken) as rehearsal:
            incident = rehearsal.until("escalated")
            rehearsal.live(2 * MINUTE)

            assert incident.diagnosis is not None
            assert incident.diagnosis.top is not None
            assert incident.diagnosis.top.cause == "script/module-missing"
            assert rehearsal.actions() == []


class TestCare:
    def test_a_change_that_makes_it_worse_is_taken_back(self, saturated: Rehearsal) -> None:
        saturated.until("settling")
        saturated.adapter.put_through(CHAT_BLUE, Workload(rate=200, service_seconds=0.2))

        saturated.until("undone")

        assert saturated.settings.max_replicas == 4
        assert saturated.actions() == [("undo", "applied"), ("apply", "applied")]

    def test_a_deployment_edited_in_between_voids_the_plan(self, tmp_path: Path) -> None:
        with Rehearsal(tmp_path, RunMode.REVIEW, FOUR_AT_MOST, OUTGROWN) as rehearsal:
            waiting = rehearsal.until("waiting")
            rehearsal.adapter.edit(CHAT_BLUE, Knob.QUEUE_WAIT_MS, 600)

            rehearsal.decisions.approve(waiting.id, by="ada")

            rehearsal.until("open")
            assert rehearsal.incidents()[0].why.startswith("plan void: the deployment was changed")
            assert rehearsal.actions() == []

    def test_nothing_is_done_while_stopped(self, saturated: Rehearsal) -> None:
        saturated.stop.stop("freeze")

        incident = saturated.until("waiting")
        saturated.live(MINUTE)

        assert incident.why == "stopped by a person: freeze"
        assert saturated.actions() == []

    def test_silence_is_not_recovery(self, tmp_path: Path) -> None:
        with Rehearsal(tmp_path, RunMode.READONLY, FOUR_AT_MOST, OUTGROWN) as rehearsal:
            rehearsal.until("waiting")
            rehearsal.deaf = True

            rehearsal.live(10 * MINUTE)

            assert rehearsal.incidents()[0].state is IncidentState.WAITING

    def test_silence_after_a_change_that_worked_resolves_nothing(self, saturated: Rehearsal) -> None:
        saturated.until("confirmed")
        saturated.deaf = True

        saturated.live(10 * MINUTE)

        assert saturated.incidents()[0].state is IncidentState.CONFIRMED
        assert saturated.path()[-1] == "confirmed"

    def test_a_stop_holds_back_a_change_that_was_claimed_but_not_begun(
        self, saturated: Rehearsal, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        with monkeypatch.context() as broken:
            broken.setattr(saturated.adapter, "apply", out_of_reach)
            saturated.until("applying")
        saturated.stop.stop("freeze")

        saturated.until("waiting")

        assert saturated.settings == FOUR_AT_MOST
        assert saturated.actions() == [("apply", "void")]

    def test_a_plan_of_another_run_mode_is_made_again_and_not_applied(self, saturated: Rehearsal) -> None:
        saturated.stop.stop("freeze")
        saturated.until("waiting")
        saturated.policy = replace(saturated.policy, mode=RunMode.READONLY)
        saturated.pipeline = saturated.start()
        saturated.stop.resume()

        saturated.live(2 * MINUTE)

        assert saturated.incidents()[0].why.startswith("readonly: max_replicas 4 → ")
        assert saturated.actions() == []

    def test_an_approval_on_stale_telemetry_changes_nothing(self, tmp_path: Path) -> None:
        with Rehearsal(tmp_path, RunMode.REVIEW, FOUR_AT_MOST, OUTGROWN) as rehearsal:
            waiting = rehearsal.until("waiting")
            rehearsal.deaf = True
            rehearsal.live(2 * MINUTE)

            rehearsal.decisions.approve(waiting.id, by="ada")
            rehearsal.live(MINUTE)

            assert rehearsal.actions() == []
            assert rehearsal.settings == FOUR_AT_MOST

    def test_less_demand_is_recovery_by_itself(self, tmp_path: Path) -> None:
        with Rehearsal(tmp_path, RunMode.READONLY, FOUR_AT_MOST, OUTGROWN) as rehearsal:
            rehearsal.until("waiting")
            rehearsal.adapter.put_through(CHAT_BLUE, Workload(rate=5, service_seconds=0.2))

            incident = rehearsal.until("resolved")

            assert incident.why.startswith("recovered by itself")
