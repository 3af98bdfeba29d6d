from __future__ import annotations

from pathlib import Path

import pytest
from textual.widgets import Input

from sentinel.store.telemetry import TelemetryStore
from sentinel.tui.jobs import parse_filter
from tests.report.incident_samples import a_waiting_incident
from tests.report.telemetry_samples import fill
from tests.tui.screens import a_dashboard, a_home, drawn, screen_text


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("home")
    state = a_home(folder)
    a_waiting_incident(state)
    state.close()
    with TelemetryStore.open(folder / "telemetry") as store:
        fill(store)
    return folder


async def test_the_fleet_shows_what_is_refused_and_by_whom(home: Path) -> None:
    async with a_dashboard(home, "1") as pilot:
        shown = screen_text(pilot)

    assert "chat/blue     4/4 full    6.7" in shown
    assert "25%    2.0%  500 ms  waiting" in shown
    assert "max_replicas 4 → 14" in shown


async def test_the_selected_deployment_is_shown_in_full(home: Path) -> None:
    async with a_dashboard(home, "1", "down") as pilot:
        shown = screen_text(pilot)

    assert "chat/green: 2 of 2 replicas ready, 1 to 10" in shown


async def test_jobs_are_counted_and_listed(home: Path) -> None:
    async with a_dashboard(home, "2") as pilot:
        shown = screen_text(pilot)

    assert "[all 12]   Running 2    Failed 2    Succeeded 8" in shown
    assert "train-9       Succeeded  gpu-a100  1m41s ago" in shown


async def test_one_state_can_be_asked_for(home: Path) -> None:
    async with a_dashboard(home, "2", "s", "s") as pilot:
        shown = screen_text(pilot)

    assert "all 12    Running 2   [Failed 2]   Succeeded 8" in shown
    assert "train-5: Failed since" in shown
    assert "exit code 137" in shown
    assert "train-9" not in shown


async def test_jobs_can_be_filtered_by_cluster_and_name(home: Path) -> None:
    async with a_dashboard(home, "2", "slash") as pilot:
        pilot.app.query_one("#jobs-filter", Input).value = "train-1* cluster:gpu-*"
        await pilot.press("enter")
        await drawn(pilot)
        filtered = screen_text(pilot)
        await pilot.press("escape")
        await drawn(pilot)
        cleared = screen_text(pilot)

    assert "[all 2]" in filtered
    assert "only cluster gpu-*, name train-1*" in filtered
    assert "[all 12]" in cleared


async def test_a_filter_that_is_not_understood_is_told(home: Path) -> None:
    async with a_dashboard(home, "2", "slash") as pilot:
        pilot.app.query_one("#jobs-filter", Input).value = "colour:red"
        await pilot.press("enter")
        told = [toast.message for toast in pilot.app._notifications]

    assert told == ["'colour' is not one of name, cluster, state, since"]


def test_a_word_alone_is_part_of_a_name() -> None:
    assert parse_filter("train").name == "*train*"
    assert parse_filter("'a b' state:Failed since:2h").state == "Failed"


async def test_a_board_draws_its_panels(home: Path) -> None:
    async with a_dashboard(home, "6", size=(100, 40)) as pilot:
        shown = screen_text(pilot)

    assert "[Jobs]" in shown
    assert "Succeeded 8 ████" in shown


async def test_the_next_board_and_a_longer_span_can_be_asked_for(home: Path) -> None:
    async with a_dashboard(home, "6", "b", "right_square_bracket", size=(100, 40)) as pilot:
        shown = screen_text(pilot)

    assert "[Online endpoints]" in shown
    assert "last 1h" in shown
    assert "503 Service Unavailable 500 ████" in shown


async def test_a_panels_query_opens_in_the_query_screen(home: Path) -> None:
    async with a_dashboard(home, "6", "tab", "enter", size=(100, 40)) as pilot:
        await drawn(pilot)
        shown = screen_text(pilot)

    assert "[5 Query]" in shown
    assert "| summarize Jobs = count() by ExecutionState" in shown
    assert "3 rows in" in shown
