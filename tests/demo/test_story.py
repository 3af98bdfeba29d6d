"""The time line as people see it."""

from __future__ import annotations

import io
from collections import Counter
from datetime import timedelta

from rich.console import Console, RenderableType

from sentinel.demo.forecast import Forecast
from sentinel.demo.story import Glance, Story, reasons
from sentinel.model.diagnosis import ClauseRole, Evidence, Outcome
from sentinel.model.incident import IncidentState, Transition
from sentinel.model.outlook import Outcome as Simulated
from sentinel.model.plan import ActionKind
from sentinel.report.incidents import IncidentDetail
from tests.builders import NOON, a_diagnosis, a_plan, a_verdict, an_incident


def printed(drawn: RenderableType) -> list[str]:
    """The lines on a terminal of 100 columns, without trailing blanks."""
    console = Console(width=100, file=io.StringIO(), color_system=None)
    with console.capture() as captured:
        console.print(drawn)
    return [line.rstrip() for line in captured.get().splitlines()]


def a_step(seconds: float, state: IncidentState, why: str) -> Transition:
    """A stored transition so many seconds after noon."""
    return Transition("inc-1", 1, NOON + timedelta(seconds=seconds), "", state, why)


def test_what_the_demo_did_and_what_sentinel_did_stand_in_order_of_time() -> None:
    story = Story(NOON)
    story.note(NOON + timedelta(seconds=6), "trouble", "45 requests/s")
    steps = (
        a_step(11, IncidentState.OPEN, "Requests are refused"),
        a_step(12, IncidentState.DIAGNOSED, "at its maximum [4]"),
    )

    lines = printed(story.drawn([IncidentDetail(an_incident(), steps, ())]))

    assert lines[:3] == [
        "   6s ● trouble   45 requests/s",
        "  11s ▲ open      Requests are refused",
        "  12s ◆ diagnosed at its maximum [4]",
    ]


def test_charts_show_answers_on_one_scale() -> None:
    story = Story(NOON)
    story.glance(Glance(Counter({200: 40}), 4, 4, 4))
    story.glance(Glance(Counter({200: 20, 503: 20}), 4, 4, 4))

    lines = printed(story.drawn([]))

    assert "    answered 200  █▅  20/s" in lines
    assert "    refused  503   ▅  20/s" in lines
    assert "  ready replicas  ██  4 of 4, at most 4" in lines


def test_reasons_go_from_the_verdict_to_the_change() -> None:
    evidence = Evidence(ClauseRole.REQUIRES, "it is at its maximum", "", held=True, rows=({"Replicas": 4},))
    refuted = a_verdict(
        title="Its containers crash", outcome=Outcome.RULED_OUT, reason="ruled out: every replica is ready"
    )
    unseen = a_verdict(title="No node has room", outcome=Outcome.NOT_SHOWN)
    diagnosis = a_diagnosis(ranked=(a_verdict(evidence=(evidence,)),), others=(refuted, unseen, unseen))
    action = a_plan().action(ActionKind.APPLY, "r1", NOON)

    lines = printed(reasons(IncidentDetail(an_incident(diagnosis=diagnosis, plan=a_plan()), (), (action,))))

    assert lines == [
        "    Verdict  Every replica is busy and the deployment is at its maximum",
        "             30 requests/s of 0.2 s each met 4 of 4 replicas",
        "   Evidence  + it is at its maximum",
        "                 Replicas=4",
        "  Ruled out  − Its containers crash: every replica is ready",
        "  Not shown  2 other causes, each for want of its evidence (sentinel explain lists them)",
        "       Size  ceil(…) = 9",
        "     Change  max_replicas 4 → 9 (claimed)",
    ]


def test_nothing_changed_is_said_too() -> None:
    incident = an_incident(state=IncidentState.ESCALATED, diagnosis=a_diagnosis(), why="mend score.py")

    lines = printed(reasons(IncidentDetail(incident, (), ())))

    assert lines[-1] == "     Change  none: mend score.py"


def test_what_was_foretold_of_a_change_stands_beside_what_was_measured() -> None:
    foretold = Simulated(700, 0.002, 0.0, 120, 300, 400, 0.04, 11)
    forecast = Forecast(13.0, Simulated(700, 0.45, 0.0, 600, 800, 900, 0.015, 4), foretold, 0.0, 0.0, 0.041)

    lines = printed(reasons(IncidentDetail(an_incident(plan=a_plan()), (), ()), forecast))

    assert lines[-3:] == [
        "   Foretold  0.2% refused or timed out, 144 replica-seconds (45.0% and 54 without the change)",
        "   Measured  0.0% and 148 measured over 700 requests in 13 s",
        "   Together  the shares served and the replicas agree within 20%",
    ]
