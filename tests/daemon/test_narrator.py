from __future__ import annotations

from datetime import UTC, datetime

from structlog.testing import capture_logs

from sentinel.daemon.narrator import Narrator
from sentinel.model.finding import Finding
from sentinel.model.incident import Incident, IncidentState, Transition
from sentinel.model.plan import Action, ActionKind, ActionState
from sentinel.model.settings import Change, Knob
from sentinel.model.target import deployment

NOON = datetime(2026, 5, 1, 12, 0, tzinfo=UTC)
BLUE = deployment("chat", "blue")


def test_a_rule_that_keeps_failing_is_told_once_and_again_when_it_works() -> None:
    narrator = Narrator()

    with capture_logs() as lines:
        for problem in ("no such table", "no such table", "", ""):
            narrator.evaluated("requests-refused", 0.1, 0, problem)

    assert [line["event"] for line in lines] == ["rule not evaluated", "rule evaluated again"]


def test_a_transition_is_told_with_its_reason() -> None:
    finding = Finding("requests-refused", BLUE, NOON, {}, 0.25, 100)
    incident = Incident(
        "inc1", "requests-refused", BLUE, IncidentState.DIAGNOSED, NOON, NOON, NOON, finding, NOON
    )

    with capture_logs() as lines:
        Narrator().moved(Transition("inc1", 1, NOON, "open", IncidentState.DIAGNOSED, "saturated"), incident)

    (line,) = lines
    assert (line["before"], line["after"], line["why"]) == ("open", "diagnosed", "saturated")


def test_a_change_that_was_not_made_is_a_warning_with_its_detail() -> None:
    changes = (Change(Knob.MAX_REPLICAS, 10, 20),)
    action = Action(
        "act1",
        "plan1",
        "inc1",
        BLUE,
        ActionKind.APPLY,
        ActionState.FAILED,
        changes,
        "1",
        NOON,
        NOON,
        detail="silent",
    )

    with capture_logs() as lines:
        Narrator().acted(action)

    (line,) = lines
    assert line["log_level"] == "warning"
    assert (line["changes"], line["detail"]) == ("max_replicas 10 → 20", "silent")
