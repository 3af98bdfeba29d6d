"""What `sentinel query` draws and tells besides rows."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from sentinel.cli.charts import drawn
from sentinel.model.tables import Column, KqlType
from tests.cli.command_line import sentinel

SHARE = 'datatable(State: string, Jobs: long)["Failed", 1, "Running", 3] | render '
TIMES = "range t from datetime(2026-01-01) to datetime(2026-01-02) step 6h | extend n = hourofday(t) | render timechart"


@pytest.fixture
def home(tmp_path: Path) -> Path:
    (tmp_path / "telemetry").mkdir()
    return tmp_path


def test_bars_are_as_long_as_their_values(capsys: pytest.CaptureFixture[str], home: Path) -> None:
    ended = sentinel(capsys, home, "query", "--chart", SHARE + "barchart")

    first, second = ended.out.splitlines()
    assert second.startswith("Running ")
    assert second.endswith(" 3")
    assert second.count("█") == pytest.approx(3 * first.count("█"), abs=3)


def test_a_pie_is_bars_with_shares(capsys: pytest.CaptureFixture[str], home: Path) -> None:
    ended = sentinel(capsys, home, "query", "--chart", SHARE + "piechart")

    assert [line.split()[-1] for line in ended.out.splitlines()] == ["25.0%", "75.0%"]


def test_a_timechart_has_times_below(capsys: pytest.CaptureFixture[str], home: Path) -> None:
    ended = sentinel(capsys, home, "query", "--chart", TIMES)

    assert "01-01 06:00" in ended.out.splitlines()[-1]


def test_what_cannot_be_drawn_is_a_table(capsys: pytest.CaptureFixture[str], home: Path) -> None:
    ended = sentinel(capsys, home, "query", "--chart", "print a = 'x' | render barchart")

    assert ended.out.splitlines()[0].strip() == "a"


def test_away_from_a_terminal_a_chart_is_its_rows(capsys: pytest.CaptureFixture[str], home: Path) -> None:
    ended = sentinel(capsys, home, "query", SHARE + "barchart", "--format", "jsonl")

    assert [json.loads(line)["Jobs"] for line in ended.out.splitlines()] == [1, 3]


def test_bars_take_nulls_and_numbers_that_are_none() -> None:
    columns = [Column("s", KqlType.STRING), Column("n", KqlType.REAL)]

    lines = drawn("columnchart", columns, [("a", None), ("b", float("nan")), ("c", -2.0)], width=60)

    assert lines is not None
    assert [line.count("█") > 0 for line in lines] == [False, False, True]


def test_tables_and_columns_are_listed(capsys: pytest.CaptureFixture[str], home: Path) -> None:
    tables = sentinel(capsys, home, "query", "--tables", "--format", "jsonl")
    columns = sentinel(capsys, home, "query", "--schema", "amlcomputejobevent", "--format", "csv")

    assert '"AmlComputeJobEvent"' in tables.out
    assert "JobName,string" in columns.out.splitlines()


def test_the_nearest_table_is_named(capsys: pytest.CaptureFixture[str], home: Path) -> None:
    ended = sentinel(capsys, home, "query", "--schema", "AmlComputeJobEvnt")

    assert (ended.code, "did you mean AmlComputeJobEvent?" in ended.err) == (2, True)


def test_an_explanation_shows_plan_and_sql(capsys: pytest.CaptureFixture[str], home: Path) -> None:
    ended = sentinel(capsys, home, "query", "--explain", "AmlComputeJobEvent | where JobName == 'x' | count")

    assert "Filter condition=Call(==" in ended.out
    assert 'FROM "scan_0"' in ended.out
