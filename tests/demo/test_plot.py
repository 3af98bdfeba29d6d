"""How an act has to end."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from sentinel.demo.plot import ACTS, Seen, cured, escalated
from sentinel.deploy.limits import refusal
from sentinel.model.diagnosis import ClauseRole, Evidence
from sentinel.model.incident import Approval, IncidentState
from sentinel.model.plan import Action, ActionKind, ActionState, Effect, RunMode, Verification
from sentinel.model.settings import Change, Knob
from sentinel.report.incidents import IncidentDetail
from tests.builders import NOON, a_diagnosis, a_plan, a_verdict, an_incident

WELL = Counter({200: 100})
WORKED = Verification(Effect.WORKED, NOON + timedelta(seconds=30), 0.4, 400, 0.0, 400, -0.5, -0.3, "fewer")
RAISED = replace(a_plan().action(ActionKind.APPLY, "r1", NOON), state=ActionState.APPLIED, revision="r2")
CONSOLE_SHOWS = Evidence(
    ClauseRole.SUPPORTS, "the console shows it", "", held=True, rows=({"Error": "ModuleNotFoundError: no"},)
)


def a_detail(*actions: Action, **changes: Any) -> IncidentDetail:
    """A diagnosed incident and what was done about it."""
    return IncidentDetail(an_incident(**{"diagnosis": a_diagnosis(), **changes}), (), actions)


def seen(*incidents: IncidentDetail, mode: RunMode = RunMode.AUTONOMOUS, recent: Counter[int] = WELL) -> Seen:
    """What there is to see."""
    return Seen(mode, incidents, recent)


class TestCured:
    def test_a_raise_that_worked_and_no_failing_request_is_all_that_is_wanted(self) -> None:
        detail = a_detail(RAISED, state=IncidentState.CONFIRMED, plan=a_plan(), verification=WORKED)

        assert cured(seen(detail), Knob.MAX_REPLICAS, 503) == []

    def test_without_an_incident_it_says_so(self) -> None:
        missing = cured(seen(), Knob.MAX_REPLICAS, 503)

        assert missing == ["no incident was opened", "max_replicas was not raised"]

    def test_a_raise_that_is_not_confirmed_yet_is_not_enough(self) -> None:
        detail = a_detail(RAISED, state=IncidentState.SETTLING, plan=a_plan())

        missing = cured(seen(detail), Knob.MAX_REPLICAS, 503)

        assert missing == ["raising max_replicas was not confirmed to have worked"]

    def test_requests_that_still_fail_are_not_the_end(self) -> None:
        detail = a_detail(RAISED, state=IncidentState.RESOLVED, plan=a_plan(), verification=WORKED)

        missing = cured(seen(detail, recent=Counter({200: 90, 503: 10})), Knob.MAX_REPLICAS, 503)

        assert missing == ["requests are still answered 503"]

    def test_another_remedy_on_the_way_is_a_fault(self) -> None:
        other = replace(RAISED, changes=(Change(Knob.REQUEST_TIMEOUT_MS, 1000, 2000),))
        detail = a_detail(other, RAISED, state=IncidentState.RESOLVED, plan=a_plan(), verification=WORKED)

        missing = cured(seen(detail), Knob.MAX_REPLICAS, 503)

        assert missing == ["request_timeout_ms was changed, which does not help here"]

    def test_a_person_who_says_no_ends_it_too(self) -> None:
        detail = a_detail(state=IncidentState.ESCALATED, plan=a_plan(), approval=Approval.DENIED)

        assert cured(seen(detail, mode=RunMode.REVIEW), Knob.MAX_REPLICAS, 503) == []

    def test_in_readonly_mode_advice_is_all_that_is_wanted(self) -> None:
        detail = a_detail(state=IncidentState.WAITING, plan=a_plan())

        assert cured(seen(detail, mode=RunMode.READONLY), Knob.MAX_REPLICAS, 503) == []


class TestEscalated:
    def test_a_person_asked_with_the_words_of_the_console_is_all_that_is_wanted(self) -> None:
        diagnosis = a_diagnosis(ranked=(a_verdict(evidence=(CONSOLE_SHOWS,)),))
        detail = a_detail(state=IncidentState.ESCALATED, diagnosis=diagnosis)

        assert escalated(seen(detail)) == []

    def test_without_the_words_of_the_console_it_says_so(self) -> None:
        missing = escalated(seen(a_detail(state=IncidentState.ESCALATED)))

        assert missing == ["the console line that tells the cause is not among the evidence"]

    def test_scaling_is_a_fault(self) -> None:
        missing = escalated(seen(a_detail(RAISED, state=IncidentState.SETTLING)))

        assert missing == ["nobody was asked for help", "a setting was changed, which does not help here"]


@pytest.mark.parametrize("act", ACTS, ids=lambda act: act.title)
def test_an_act_begins_with_settings_the_platform_accepts(act: Any) -> None:
    assert refusal(act.deployment.settings) is None
