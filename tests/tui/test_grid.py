from __future__ import annotations

from textual.app import App, ComposeResult

from sentinel.clock import monotonic
from sentinel.tui.grid import Cell, Column, Grid, Row
from tests.tui.screens import screen_text

COLUMNS = (
    Column("NAME", least=6, most=12),
    Column("COUNT", right=True),
    Column("WIDE", from_width=60),
    Column("TEXT", grows=True),
)


def rows(count: int, text: str = "fine") -> list[Row]:
    return [Row(f"k{n}", (Cell(f"name-{n}"), Cell(str(n)), Cell("w"), Cell(text))) for n in range(count)]


class OneGrid(App[None]):
    def __init__(self) -> None:
        super().__init__()
        self.grid = Grid(COLUMNS, empty="nothing here")
        self.moved: list[str | None] = []

    def compose(self) -> ComposeResult:
        yield self.grid

    def on_grid_moved(self, event: Grid.Moved) -> None:
        self.moved.append(event.key)


async def test_ten_thousand_rows_are_filled_and_walked_without_a_pause() -> None:
    app = OneGrid()
    many = rows(10_000)

    async with app.run_test(size=(80, 24)) as pilot:
        begin = monotonic()
        app.grid.fill(many)
        await pilot.pause()
        await pilot.press("end", "pageup", "home", "down")
        spent = monotonic() - begin

    assert app.grid.selected == "k1"
    assert spent < 2


async def test_a_hundred_thousand_rows_of_long_errors_are_shown_and_walked() -> None:
    app = OneGrid()

    async with app.run_test(size=(80, 24)) as pilot:
        app.grid.fill(rows(100_000, "error " * 400))
        await pilot.press("end")
        await pilot.pause()
        lines = screen_text(pilot).splitlines()

    assert app.grid.selected == "k99999"
    assert max(len(line) for line in lines) <= 80


async def test_long_cells_are_cut_and_numbers_stand_right() -> None:
    app = OneGrid()

    async with app.run_test(size=(40, 6)) as pilot:
        app.grid.fill([Row("a", (Cell("a-name-that-is-too-long"), Cell("7"), Cell("w"), Cell("t" * 50)))])
        await pilot.pause()
        lines = screen_text(pilot).splitlines()

    assert lines[0].rstrip() == " NAME          COUNT  TEXT"
    assert lines[1] == " a-name-that…      7  ttttttttttttttttt…"


async def test_a_column_is_left_out_where_there_is_no_room_for_it() -> None:
    app = OneGrid()

    async with app.run_test(size=(80, 6)) as pilot:
        app.grid.fill(rows(1))
        await pilot.pause()
        wide = screen_text(pilot)
        await pilot.resize_terminal(50, 6)
        await pilot.pause()
        narrow = screen_text(pilot)

    assert "WIDE" in wide
    assert "WIDE" not in narrow


async def test_the_selected_row_stays_selected_when_rows_come_before_it() -> None:
    app = OneGrid()

    async with app.run_test(size=(80, 6)) as pilot:
        app.grid.fill(rows(3))
        await pilot.press("down")
        app.grid.fill([Row("new", (Cell("n"), Cell("0"), Cell(""), Cell(""))), *rows(3)])
        await pilot.pause()

    assert app.grid.selected == "k1"
    assert app.moved == ["k0", "k1"]


async def test_a_click_selects_the_row_under_it() -> None:
    app = OneGrid()

    async with app.run_test(size=(80, 6)) as pilot:
        app.grid.fill(rows(3))
        await pilot.pause()
        await pilot.click(Grid, offset=(3, 3))

    assert app.grid.selected == "k2"


async def test_the_cursor_is_kept_in_sight() -> None:
    app = OneGrid()

    async with app.run_test(size=(80, 6)) as pilot:
        app.grid.fill(rows(50))
        await pilot.pause()
        await pilot.press("end")
        await pilot.pause()
        shown = screen_text(pilot)

    assert "name-49" in shown
    assert "NAME" in shown


async def test_wide_characters_keep_their_columns() -> None:
    app = OneGrid()

    async with app.run_test(size=(40, 6)) as pilot:
        app.grid.fill([Row("a", (Cell("模型"), Cell("7"), Cell("w"), Cell("x")))])
        await pilot.pause()
        lines = screen_text(pilot).splitlines()

    assert lines[1].startswith(" 模型        7  x")


async def test_no_rows_say_so() -> None:
    app = OneGrid()

    async with app.run_test(size=(40, 6)) as pilot:
        before = screen_text(pilot)
        app.grid.fill([])
        await pilot.pause()
        shown = screen_text(pilot)

    assert "reading …" in before
    assert "nothing here" in shown
    assert app.grid.selected is None
