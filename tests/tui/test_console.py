from __future__ import annotations

from pathlib import Path

import pytest
from textual.pilot import Pilot

from sentinel.store.telemetry import TelemetryStore
from sentinel.tui.console import EXAMPLES
from sentinel.tui.editor import Editor
from tests.report.telemetry_samples import fill
from tests.tui.screens import a_dashboard, a_home, drawn, screen_text


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("home")
    a_home(folder).close()
    with TelemetryStore.open(folder / "telemetry") as store:
        fill(store)
    return folder


async def ask(pilot: Pilot[None], query: str) -> str:
    pilot.app.query_one(Editor).put(query)
    await pilot.press("enter")
    await drawn(pilot)
    return screen_text(pilot)


async def test_a_query_is_answered_with_its_rows(home: Path) -> None:
    async with a_dashboard(home, "5") as pilot:
        shown = await ask(
            pilot, "AmlOnlineEndpointTrafficLog | summarize n = count() by ResponseCode | order by n desc"
        )

    assert "3 rows in" in shown
    assert " ResponseCode     n" in shown
    assert "          200  1660" in shown


async def test_an_error_points_at_its_place(home: Path) -> None:
    async with a_dashboard(home, "5") as pilot:
        shown = await ask(pilot, "AmlComputeJobEvent | where ExecutonState == 'Failed'")

    lines = shown.splitlines()
    place = next(number for number, line in enumerate(lines) if "^^^^" in line)
    assert lines[place].index("^") == lines[place - 1].index("ExecutonState")
    assert lines[place].count("^") == len("ExecutonState")


async def test_an_error_takes_the_older_rows_away(home: Path) -> None:
    async with a_dashboard(home, "5") as pilot:
        await ask(pilot, "print answer = 42")
        shown = await ask(pilot, "print answer = ")

    assert "42" not in shown


async def test_a_query_can_ask_for_a_chart(home: Path) -> None:
    async with a_dashboard(home, "5") as pilot:
        shown = await ask(
            pilot,
            "AmlOnlineEndpointTrafficLog | summarize n = count() by DeploymentName | order by n desc | render barchart",
        )

    assert "blue  2,000 ████" in shown


async def test_up_and_down_leaf_through_the_history(home: Path) -> None:
    async with a_dashboard(home, "5") as pilot:
        await ask(pilot, "print 1")
        editor = pilot.app.query_one(Editor)
        editor.put("a draft")
        await pilot.press("up")
        newest = editor.text
        await pilot.press("up")
        older = editor.text
        await pilot.press("down", "down")
        draft = editor.text

    assert (newest, older, draft) == ("print 1", EXAMPLES[-1], "a draft")


async def test_keys_are_typed_until_the_query_is_left(home: Path) -> None:
    async with a_dashboard(home, "5") as pilot:
        await pilot.press("1", "S", "ctrl+j", "q")
        typed = pilot.app.query_one(Editor).text
        await pilot.press("escape", "1")
        await drawn(pilot)
        shown = screen_text(pilot)

    assert typed == "1S\nq"
    assert "[1 Fleet]" in shown


async def test_a_large_answer_is_cut_and_says_so(home: Path) -> None:
    async with a_dashboard(home, "5") as pilot:
        shown = await ask(pilot, "range n from 1 to 12000 step 1")

    assert "12,000 rows, the first 10,000 shown" in shown


async def test_without_telemetry_there_is_nothing_to_ask(tmp_path: Path) -> None:
    async with a_dashboard(tmp_path, "5") as pilot:
        shown = await ask(pilot, "print 1")

    assert "there is no telemetry in this home yet" in shown


async def complete(pilot: Pilot[None], text: str, *keys: str) -> str:
    pilot.app.query_one(Editor).put(text)
    for key in keys:
        await pilot.press(key)
        await drawn(pilot)
    return pilot.app.query_one(Editor).text


async def test_tab_completes_the_word_begun(home: Path) -> None:
    async with a_dashboard(home, "5") as pilot:
        text = await complete(pilot, "AmlComputeJobEvent\n| where jobnam", "tab")

    assert text == "AmlComputeJobEvent\n| where JobName"


async def test_tab_shows_what_fits_and_then_offers_one_after_the_other(home: Path) -> None:
    async with a_dashboard(home, "5") as pilot:
        common = await complete(pilot, "AmlComputeJobEvent | project-", "tab")
        shown = screen_text(pilot)
        await pilot.press("tab")
        first = pilot.app.query_one(Editor).text
        await pilot.press("tab")
        second = pilot.app.query_one(Editor).text

    assert common.endswith("| project-")
    assert "project-away  project-by-names  project-keep" in shown
    assert (first.split()[-1], second.split()[-1]) == ("project-away", "project-by-names")


async def test_tab_says_when_nothing_fits(home: Path) -> None:
    async with a_dashboard(home, "5") as pilot:
        text = await complete(pilot, "AmlComputeJobEvent | xyz", "tab")
        shown = screen_text(pilot)

    assert text == "AmlComputeJobEvent | xyz"
    assert "nothing completes this" in shown
