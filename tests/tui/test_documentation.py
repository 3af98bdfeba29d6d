from __future__ import annotations

import re
from pathlib import Path

from textual.binding import Binding

from sentinel.report.panels import load_boards
from sentinel.store.telemetry import TelemetryStore
from sentinel.tui.app import Dashboard
from sentinel.tui.approvals import ApprovalsPane
from sentinel.tui.ask import Ask
from sentinel.tui.boards import BoardsPane
from sentinel.tui.console import Console
from sentinel.tui.grid import Grid
from sentinel.tui.incidents import IncidentsPane
from sentinel.tui.jobs import JobsPane
from sentinel.tui.panel_view import PanelView
from tests.report.incident_samples import a_waiting_incident
from tests.report.telemetry_samples import fill
from tests.tui.screens import a_dashboard, a_home, screen_text

PAGE = (Path(__file__).parents[2] / "docs" / "dashboard.md").read_text("utf-8")
MAKERS = (Dashboard, Grid, JobsPane, IncidentsPane, ApprovalsPane, Console, BoardsPane, PanelView, Ask)


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", PAGE, re.DOTALL)


def test_every_key_stands_on_the_page_as_it_is() -> None:
    bindings = [binding for made in MAKERS for binding in made.BINDINGS if isinstance(binding, Binding)]

    wanted = [
        f"| {' '.join(f'`{key}`' for key in binding.key.split(','))} | {binding.tooltip} | `{binding.id}` |"
        for binding in bindings
    ]

    assert [line for line in wanted if line not in PAGE] == []
    assert PAGE.count("\n| ") == len(wanted) + 1


async def test_the_screen_on_the_page_is_the_one_that_is_shown(tmp_path: Path) -> None:
    state = a_home(tmp_path)
    a_waiting_incident(state)
    state.close()
    with TelemetryStore.open(tmp_path / "telemetry") as store:
        fill(store)

    async with a_dashboard(tmp_path) as pilot:
        shown = [line.rstrip() for line in screen_text(pilot).splitlines()]

    (block,) = blocks("text")
    assert shown[2:5] == block.splitlines()


def test_the_board_on_the_page_can_be_read(tmp_path: Path) -> None:
    (block,) = blocks("yaml")
    (tmp_path / "board.yaml").write_text(block)

    (board,) = load_boards(tmp_path)

    assert [panel.title for panel in board.panels] == ["Share refused (503)"]
