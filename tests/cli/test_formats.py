from __future__ import annotations

import csv
import json
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from sentinel.cli.formats import Format, harmless, instant, shown_width, written
from sentinel.clock import to_ticks
from sentinel.model.tables import Column, KqlType

AT = to_ticks(datetime(2026, 3, 4, 15, 7, 42, 118000, tzinfo=UTC))
COLUMNS = (
    Column("At", KqlType.DATETIME),
    Column("Job", KqlType.STRING),
    Column("N", KqlType.LONG),
    Column("Bag", KqlType.DYNAMIC),
)
ROWS = [(AT, "brave_engine", 7, {"exitCode": 137}), (None, 'a "b", c', 1234, None)]


def lines(form: Format, **options: object) -> list[str]:
    return list(written(form, COLUMNS, ROWS, **options))  # type: ignore[arg-type]


class TestJson:
    def test_is_one_array_of_objects(self) -> None:
        answer = json.loads("\n".join(lines(Format.JSON)))

        assert answer == [
            {"At": "2026-03-04T15:07:42.118Z", "Job": "brave_engine", "N": 7, "Bag": {"exitCode": 137}},
            {"At": None, "Job": 'a "b", c', "N": 1234, "Bag": None},
        ]

    def test_names_the_numbers_json_has_no_sign_for(self) -> None:
        columns = (Column("X", KqlType.REAL),)

        answer = list(written(Format.JSONL, columns, [(float("nan"),), (float("inf"),), (-float("inf"),)]))

        assert answer == ['{"X": "NaN"}', '{"X": "Infinity"}', '{"X": "-Infinity"}']

    def test_of_no_rows_is_an_empty_array(self) -> None:
        assert list(written(Format.JSON, COLUMNS, [])) == ["[]"]

    def test_lines_are_one_object_a_line(self) -> None:
        answer = [json.loads(line) for line in lines(Format.JSONL)]

        assert [record["Job"] for record in answer] == ["brave_engine", 'a "b", c']


class TestCsv:
    def test_is_read_back_by_a_csv_reader(self) -> None:
        answer = list(csv.reader(lines(Format.CSV)))

        assert answer == [
            ["At", "Job", "N", "Bag"],
            ["2026-03-04T15:07:42.118Z", "brave_engine", "7", '{"exitCode": 137}'],
            ["", 'a "b", c', "1234", ""],
        ]

    def test_can_do_without_its_header(self) -> None:
        assert len(lines(Format.CSV, header=False)) == len(ROWS)


class TestTable:
    def test_aligns_numbers_to_the_right_and_the_rest_to_the_left(self) -> None:
        assert lines(Format.TABLE) == [
            "At                        Job              N  Bag",
            "────────────────────────  ────────────  ────  ─────────────────",
            '2026-03-04 15:07:42.118Z  brave_engine     7  {"exitCode": 137}',
            '                          a "b", c      1234',
        ]

    def test_is_cut_to_the_width_at_its_widest_columns(self) -> None:
        cut = lines(Format.TABLE, width=50)

        assert max(map(len, cut)) <= 50
        assert "…" in cut[2]
        assert cut[3].endswith("1234")

    def test_never_lets_stored_text_drive_the_terminal(self) -> None:
        columns = (Column("Message", KqlType.STRING),)

        shown = list(written(Format.TABLE, columns, [("\x1b[2J\x07gone",)]))

        assert shown[-1] == "\\x1b[2J\\x07gone"

    def test_counts_wide_characters_twice(self) -> None:
        assert shown_width("日本") == 4


@pytest.mark.parametrize(
    ("zone", "shown"),
    [
        (UTC, "2026-03-04T15:07:42.118Z"),
        (ZoneInfo("Europe/Berlin"), "2026-03-04T16:07:42.118+01:00"),
        (ZoneInfo("Asia/Kolkata"), "2026-03-04T20:37:42.118+05:30"),
    ],
)
def test_an_instant_is_written_in_the_zone_asked_for(zone: ZoneInfo, shown: str) -> None:
    assert instant(AT, zone) == shown


def test_an_instant_keeps_every_tick() -> None:
    assert instant(AT + 1) == "2026-03-04T15:07:42.1180001Z"


def test_printable_text_stays_as_it_is() -> None:
    assert harmless("größer → 日本") == "größer → 日本"
