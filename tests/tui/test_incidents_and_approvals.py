from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from textual.widgets import Input

from sentinel.model.incident import Approval, IncidentState
from sentinel.model.outlook import Candidate, Course, Outcome, Outlook
from sentinel.model.target import deployment
from sentinel.store.incidents import Incidents
from tests.report.incident_samples import a_resolved_incident, a_waiting_incident
from tests.tui.screens import a_dashboard, a_home, drawn, screen_text

BEFORE = Outcome(360, 0.33, 0.0, 900, 4800, 5100, 0.8, 1)
AFTER = Outcome(360, 0.0, 0.0, 880, 4600, 5000, 1.25, 4)
SIMULATED = Outlook(
    calibrated=True,
    note="refused 32.0% simulated, 33.0% observed",
    now=BEFORE,
    after=AFTER,
    candidates=(Candidate("max_replicas 1 → 4", AFTER, sufficient=True),),
    courses=(
        Course("as it is", 60.0, (60, 60, 60), (0, 60, 120), (0, 0, 0), (1, 1, 1), 1),
        Course("max_replicas 1 → 4", 60.0, (60, 120, 180), (0, 0, 0), (0, 0, 0), (1, 2, 4), 4),
    ),
)


async def test_the_incident_is_explained_below_the_list(tmp_path: Path) -> None:
    state = a_home(tmp_path)
    a_waiting_incident(state)

    async with a_dashboard(tmp_path, "3") as pilot:
        shown = screen_text(pilot)

    assert "waiting    chat/blue   requests-refused" in shown
    assert "Every replica is busy and the deployment is at its maximum " in shown
    state.close()


async def test_another_incident_is_told_when_it_is_selected(tmp_path: Path) -> None:
    state = a_home(tmp_path)
    a_waiting_incident(state, "i1")
    a_waiting_incident(state, "i2", deployment("embed", "blue"))

    async with a_dashboard(tmp_path, "3", "down") as pilot:
        shown = screen_text(pilot)

    assert "embed/blue: requests-refused · waiting" in shown
    state.close()


async def test_the_time_line_alone_can_be_asked_for(tmp_path: Path) -> None:
    state = a_home(tmp_path)
    a_resolved_incident(state)

    async with a_dashboard(tmp_path, "3", "t") as pilot:
        shown = screen_text(pilot)

    assert "+2m5s  resolved   No request was refused since." in shown
    assert "VERDICT" not in shown
    state.close()


async def test_closed_incidents_stand_last_and_can_be_left_out(tmp_path: Path) -> None:
    state = a_home(tmp_path)
    a_resolved_incident(state, "i1")
    a_waiting_incident(state, "i2", deployment("embed", "blue"))

    async with a_dashboard(tmp_path, "3") as pilot:
        with_closed = screen_text(pilot)
        await pilot.press("c")
        await drawn(pilot)
        without = screen_text(pilot)

    assert with_closed.index("embed/blue") < with_closed.index("chat/blue")
    assert "resolved" not in without
    state.close()


async def test_approving_is_stored_after_it_was_confirmed(tmp_path: Path) -> None:
    state = a_home(tmp_path)
    a_waiting_incident(state)

    async with a_dashboard(tmp_path, "4", "a") as pilot:
        asked = screen_text(pilot)
        pilot.app.screen.query_one(Input).value = "checked with the team"
        await pilot.press("enter")
        await drawn(pilot)

    stored = Incidents(state).get("i1")
    assert "Approve max_replicas 4 → 14 for chat/blue?" in asked
    assert stored is not None
    assert stored.incident.approval is Approval.APPROVED
    assert "checked with the team" in stored.incident.why
    state.close()


async def test_denying_hands_the_incident_to_people(tmp_path: Path) -> None:
    state = a_home(tmp_path)
    a_waiting_incident(state)

    async with a_dashboard(tmp_path, "4", "d", "enter") as pilot:
        shown = screen_text(pilot)

    stored = Incidents(state).get("i1")
    assert stored is not None
    assert stored.incident.state is IncidentState.ESCALATED
    assert "denied     chat/blue" in shown
    state.close()


async def test_leaving_the_question_changes_nothing(tmp_path: Path) -> None:
    state = a_home(tmp_path)
    a_waiting_incident(state)

    async with a_dashboard(tmp_path, "4", "a", "escape"):
        pass

    stored = Incidents(state).get("i1")
    assert stored is not None
    assert stored.incident.approval is Approval.NONE
    state.close()


async def test_a_plan_shows_its_change_its_formula_and_its_expiry(tmp_path: Path) -> None:
    state = a_home(tmp_path)
    a_waiting_incident(state)

    async with a_dashboard(tmp_path, "4") as pilot:
        shown = screen_text(pilot)

    assert "waiting    chat/blue   max_replicas 4 → 14  in 12m12s" in shown
    assert "ceil(18.2 × 0.52 / 0.7 / 1) = 14" in shown
    state.close()


async def test_a_plan_that_was_applied_cannot_be_approved(tmp_path: Path) -> None:
    state = a_home(tmp_path)
    a_resolved_incident(state)

    async with a_dashboard(tmp_path, "4", "a") as pilot:
        shown = screen_text(pilot)

    assert "applied" in shown
    assert "a Approve" not in shown
    assert "Approve max_replicas" not in shown
    state.close()


async def test_an_undo_that_is_not_possible_is_refused_with_the_reason(tmp_path: Path) -> None:
    state = a_home(tmp_path)
    a_waiting_incident(state)

    async with a_dashboard(tmp_path, "3", "u", "enter") as pilot:
        told = [toast.message for toast in pilot.app._notifications]

    assert told == ["nothing of i1 is in force, so there is nothing to undo"]
    state.close()


async def test_the_change_of_an_incident_can_be_taken_back(tmp_path: Path) -> None:
    state = a_home(tmp_path)
    a_resolved_incident(state)

    async with a_dashboard(tmp_path, "3", "u", "enter"):
        pass

    stored = Incidents(state).get("i1")
    assert stored is not None
    assert stored.incident.state is IncidentState.UNDOING
    state.close()


async def test_the_simulation_of_a_plan_is_a_table_and_a_figure_beside_the_decision(tmp_path: Path) -> None:
    state = a_home(tmp_path)
    a_waiting_incident(state)
    stored = Incidents(state).unclosed()[0]
    assert stored.incident.plan is not None
    Incidents(state).touch(stored, plan=replace(stored.incident.plan, outlook=SIMULATED))

    state.close()
    async with a_dashboard(tmp_path, "4", size=(100, 60)) as pilot:
        shown = screen_text(pilot)

    assert "as it is              33.0%       0.0%  4800 ms           0.80" in shown
    assert "refused or timed out ┤                    █████" in shown


async def test_the_text_of_a_plan_takes_the_focus_and_gives_it_back(tmp_path: Path) -> None:
    state = a_home(tmp_path)
    a_waiting_incident(state)
    state.close()

    async with a_dashboard(tmp_path, "4", "tab") as pilot:
        there = pilot.app.focused
        await pilot.press("tab")
        back = pilot.app.focused

    assert there is not None
    assert back is not None
    assert (there.id, back.id) == ("approvals-detail", "approvals-grid")
