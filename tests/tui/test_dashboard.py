from __future__ import annotations

from pathlib import Path

import pytest
from textual.binding import Binding

from sentinel.remediate.stop import StopSwitch
from sentinel.tui.app import Dashboard
from sentinel.tui.approvals import ApprovalsPane
from sentinel.tui.boards import BoardsPane
from sentinel.tui.console import Console
from sentinel.tui.grid import Grid
from sentinel.tui.incidents import IncidentsPane
from sentinel.tui.jobs import JobsPane
from sentinel.tui.panel_view import PanelView
from sentinel.tui.tab_bar import TabBar
from tests.report.incident_samples import a_waiting_incident
from tests.tui.screens import a_dashboard, a_home, drawn, screen_text


@pytest.mark.parametrize(
    ("key", "says"),
    [
        ("1", "No deployment reported anything yet."),
        ("2", "No job is known."),
        ("3", "No incident. Nothing hurt for long enough"),
        ("4", "No plan was made yet"),
        ("5", "enter asks"),
        ("6", "no telemetry yet"),
    ],
)
async def test_an_empty_home_says_what_is_missing(tmp_path: Path, key: str, says: str) -> None:
    async with a_dashboard(tmp_path, key) as pilot:
        shown = screen_text(pilot)

    assert says in shown
    assert not (tmp_path / "state.db").exists()


async def test_a_home_that_appears_later_is_shown(tmp_path: Path) -> None:
    async with a_dashboard(tmp_path, "3") as pilot:
        state = a_home(tmp_path)
        a_waiting_incident(state)
        await pilot.press("c", "c")
        await drawn(pilot)
        shown = screen_text(pilot)

    assert "chat/blue" in shown
    state.close()


async def test_the_screens_say_how_much_waits(tmp_path: Path) -> None:
    state = a_home(tmp_path)
    a_waiting_incident(state)

    async with a_dashboard(tmp_path) as pilot:
        shown = screen_text(pilot)

    assert "[1 Fleet] 2 Jobs  3 Incidents (1)  4 Approvals (1)  5 Query  6 Panels" in shown
    assert "● watching (2s ago) · 1 open" in shown
    state.close()


async def test_a_screen_opens_by_click_too(tmp_path: Path) -> None:
    async with a_dashboard(tmp_path) as pilot:
        await pilot.click(TabBar, offset=(12, 0))
        await drawn(pilot)
        shown = screen_text(pilot)

    assert "[2 Jobs]" in shown


async def test_everything_can_be_stopped_and_resumed(tmp_path: Path) -> None:
    a_home(tmp_path).close()
    switch = StopSwitch(tmp_path)

    async with a_dashboard(tmp_path, "S", "enter") as pilot:
        stopped, shown = switch.reason(), screen_text(pilot)
        await pilot.press("S")
        await drawn(pilot)
        await pilot.press("enter")
        await drawn(pilot)
        resumed, then = switch.reason(), screen_text(pilot)

    assert stopped is not None
    assert "■ STOPPED: stopped by" in shown
    assert resumed is None
    assert "STOPPED" not in then


async def test_a_stop_needs_to_be_confirmed(tmp_path: Path) -> None:
    a_home(tmp_path).close()

    async with a_dashboard(tmp_path, "S", "escape"):
        pass

    assert StopSwitch(tmp_path).reason() is None


async def test_nothing_can_be_decided_where_nothing_can_be_written(tmp_path: Path) -> None:
    async with a_dashboard(tmp_path / "nowhere", "S") as pilot:
        told = [toast.message for toast in pilot.app._notifications]

    assert told == [f"{tmp_path / 'nowhere'} cannot be written"]


async def test_a_state_that_cannot_be_read_is_told_and_the_dashboard_stays(tmp_path: Path) -> None:
    (tmp_path / "state.db").write_bytes(b"this is no database at all, whatever its name says" * 40)

    async with a_dashboard(tmp_path, "3") as pilot:
        shown = screen_text(pilot)

    assert "StoreError: cannot open the state database" in shown


async def test_keys_are_listed_on_request(tmp_path: Path) -> None:
    async with a_dashboard(tmp_path, "question_mark", size=(120, 40)) as pilot:
        shown = screen_text(pilot)

    assert "Stop Stop every change" in shown


def test_every_key_has_an_id_a_label_and_a_tooltip() -> None:
    makers = (Dashboard, ApprovalsPane, BoardsPane, Console, Grid, IncidentsPane, JobsPane, PanelView)
    bindings = [binding for made in makers for binding in made.BINDINGS if isinstance(binding, Binding)]

    bare = [binding for binding in bindings if not (binding.id and binding.description and binding.tooltip)]

    assert bare == []
    assert (
        len({binding.id for binding in bindings})
        == len(bindings)
        == sum(len(made.BINDINGS) for made in makers)
    )
