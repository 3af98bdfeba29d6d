"""What a person sees of the dashboard, and a home for it to show."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from textual.pilot import Pilot

from sentinel.clock import VirtualClock
from sentinel.store.rule_state import LastEvaluation, RuleState
from sentinel.store.state import State
from sentinel.tui.app import Dashboard
from tests.report.incident_samples import after

NOW = after(200)
SMALL = (80, 24)


def a_home(folder: Path) -> State:
    """A home without rules of its own, in which some were evaluated two seconds ago."""
    (folder / "sentinel.toml").write_text("[rules]\nbuiltin = false\n")
    state = State.open(folder / "state.db")
    RuleState(state).evaluated(LastEvaluation("requests-refused", after(198), after(197), 1, ""))
    return state


@asynccontextmanager
async def a_dashboard(home: Path, *keys: str, size: tuple[int, int] = SMALL) -> AsyncIterator[Pilot[None]]:
    """The dashboard at 80x24 with some keys pressed and every picture drawn."""
    app = Dashboard(home, VirtualClock(NOW))
    async with app.run_test(size=size) as pilot:
        await drawn(pilot)
        for key in keys:
            await pilot.press(key)
            await drawn(pilot)
        yield pilot


async def drawn(pilot: Pilot[None]) -> None:
    """Wait until nothing is being read and everything is on the screen."""
    await pilot.pause()
    await pilot.app.workers.wait_for_complete()
    await pilot.pause()


def screen_text(pilot: Pilot[None]) -> str:
    """The characters on the screen."""
    return "\n".join(strip.text for strip in pilot.app.screen._compositor.render_strips())
