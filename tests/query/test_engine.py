"""What the engine answers, from text to rows."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import apsw
import pytest

from sentinel.clock import to_ticks
from sentinel.errors import (
    QueryLimitExceeded,
    QuerySemanticError,
    QuerySyntaxError,
    QueryUnsupported,
)
from sentinel.model.tables import Column, KqlType, Table
from sentinel.query.engine import Engine, Parameter
from sentinel.query.result import Limits
from sentinel.store.scan import Compare, Scan, TermFilter, TextFilter

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
TRAFFIC = Table(
    "Traffic",
    (
        Column("TimeGenerated", KqlType.DATETIME),
        Column("Code", KqlType.INT),
        Column("Path", KqlType.STRING),
        Column("Took", KqlType.REAL),
        Column("Tags", KqlType.DYNAMIC),
    ),
)


class TrafficReader:
    """A reader of one small table that remembers what it was asked for."""

    def __init__(self) -> None:
        self.scans: list[Scan] = []
        self.connection = apsw.Connection(":memory:")
        self.connection.execute(
            'CREATE TABLE "Traffic" ("TimeGenerated" INT, "Code" INT, "Path" TEXT, "Took" REAL, "Tags" TEXT)'
        )
        rows = [
            (to_ticks(NOW - timedelta(minutes=minutes)), code, path, took)
            for minutes, code, path, took in [
                (1, 200, "/score/blue", 0.5),
                (2, 503, "/score/blue", 0.1),
                (3, None, "/score/green", None),
                (90, 200, "/old", 1.5),
            ]
        ]
        self.connection.executemany('INSERT INTO "Traffic" VALUES (?,?,?,?,NULL)', rows)

    def scan_sql(self, scan: Scan) -> str:
        """All rows, whatever the scan's span."""
        self.scans.append(scan)
        return f'SELECT {", ".join(f"{chr(34)}{c}{chr(34)}" for c in scan.columns)} FROM "{scan.table}"'

    def hold(self) -> None:
        """Nothing changes."""

    def may_hold(self, scan: Scan) -> bool:  # noqa: ARG002 - the port names it
        """It may."""
        return True

    def release(self) -> None:
        """Nothing to forget."""

    def close(self) -> None:
        """Close the connection."""
        self.connection.close()


class TrafficStore:
    """Gives out readers and keeps them for inspection."""

    def __init__(self) -> None:
        self.readers: list[TrafficReader] = []

    def reader(self) -> TrafficReader:
        """A new reader."""
        self.readers.append(TrafficReader())
        return self.readers[-1]


@pytest.fixture
def store() -> TrafficStore:
    return TrafficStore()


@pytest.fixture
def engine(store: TrafficStore) -> Iterator[Engine]:
    engine = Engine(store, {"Traffic": TRAFFIC})
    yield engine
    engine.close()


def rows(engine: Engine, text: str, **parameters: Parameter) -> list[tuple[Any, ...]]:
    return engine.query(text, now=NOW, parameters=parameters).rows


class TestAnswers:
    def test_a_table_is_filtered_counted_and_grouped(self, engine: Engine) -> None:
        query = """Traffic
        | where TimeGenerated > ago(1h)
        | summarize n = count(), bad = countif(Code == 503) by Path
        | sort by Path asc"""

        assert rows(engine, query) == [("/score/blue", 2, 1), ("/score/green", 1, 0)]

    def test_now_is_the_instant_that_was_given(self, engine: Engine) -> None:
        assert rows(engine, "print now()") == [(to_ticks(NOW),)]

    def test_parameters_are_values_of_the_query(self, engine: Engine) -> None:
        query = "Traffic | where TimeGenerated > now() - window and Path has name | count"

        assert rows(engine, query, window=timedelta(minutes=10), name="blue") == [(2,)]

    def test_text_from_a_query_or_a_parameter_never_becomes_sql(self, engine: Engine) -> None:
        hostile = '\'; DROP TABLE "Traffic"; --'

        assert rows(engine, "print a = x, b = strcat(x, '\"')", x=hostile) == [(hostile, hostile + '"')]
        assert hostile not in engine.explain(
            f'Traffic | where Path == "{hostile.replace(chr(34), chr(92) + chr(34))}"'
        )

    def test_names_that_differ_only_in_case_are_different_columns(self, engine: Engine) -> None:
        assert rows(engine, "print foo = 1 | extend Foo = 2 | project foo, Foo") == [(1, 2)]

    def test_null_is_not_equal_to_a_value_and_is_kept_by_unequal(self, engine: Engine) -> None:
        assert rows(engine, "Traffic | where Code != 200 | project Path | sort by Path asc") == [
            ("/score/blue",),
            ("/score/green",),
        ]

    def test_nan_survives(self, engine: Engine) -> None:
        found = rows(
            engine, "print a = 0.0 / 0.0 | extend b = isnan(a), c = a + 1, d = a == a, e = tostring(a)"
        )

        assert [str(found[0][0]), *found[0][1:2], str(found[0][2]), *found[0][3:]] == [
            "nan",
            True,
            "nan",
            False,
            "NaN",
        ]

    def test_records_speak_of_datetimes_and_timedeltas(self, engine: Engine) -> None:
        result = engine.query("print at = datetime(2026-01-02), took = 90s, d = dynamic({'a': [1]})", now=NOW)

        assert result.records() == [
            {"at": datetime(2026, 1, 2, tzinfo=UTC), "took": timedelta(seconds=90), "d": {"a": [1]}}
        ]

    def test_a_render_is_told_and_changes_nothing(self, engine: Engine) -> None:
        result = engine.query("print x = 1 | render timechart with (title='x')", now=NOW)

        assert (result.rows, result.visualization) == ([(1,)], "timechart")


class TestScans:
    def test_only_used_columns_are_read(self, engine: Engine, store: TrafficStore) -> None:
        rows(engine, "Traffic | where Code == 200 | summarize max(Took)")

        assert set(store.readers[0].scans[0].columns) == {"Code", "Took"}

    def test_conditions_on_time_narrow_the_scan(self, engine: Engine, store: TrafficStore) -> None:
        query = """let from_ = ago(1h);
        Traffic | where TimeGenerated >= from_ and Code > 1 | where TimeGenerated < until | count"""
        rows(engine, query, until=NOW)

        scan = store.readers[0].scans[0]
        assert (scan.start, scan.end) == (to_ticks(NOW - timedelta(hours=1)), to_ticks(NOW))

    def test_between_narrows_both_ends(self, engine: Engine, store: TrafficStore) -> None:
        rows(engine, "Traffic | where TimeGenerated between (datetime(2026-01-01) .. 1d) | count")

        scan = store.readers[0].scans[0]
        assert (scan.start, scan.end) == tuple(to_ticks(datetime(2026, 1, day, tzinfo=UTC)) for day in (1, 2))

    def test_a_condition_behind_take_does_not_narrow(self, engine: Engine, store: TrafficStore) -> None:
        rows(engine, "Traffic | take 2 | where TimeGenerated > ago(1h) | count")

        assert store.readers[0].scans[0].start is None

    def test_terms_looked_for_are_told_to_the_store(self, engine: Engine, store: TrafficStore) -> None:
        rows(engine, 'Traffic | where Path has "score/blue" | count')

        assert store.readers[0].scans[0].terms == (TermFilter("Path", ("score", "blue")),)

    def test_terms_beside_an_or_are_not(self, engine: Engine, store: TrafficStore) -> None:
        rows(engine, 'Traffic | where Path has "blue" or Code == 1 | count')

        assert store.readers[0].scans[0].terms == ()

    def test_texts_compared_are_told_to_the_store(self, engine: Engine, store: TrafficStore) -> None:
        rows(
            engine, "Traffic | where Path startswith strcat('/', name) and 'x' == Path | count", name="score"
        )

        assert store.readers[0].scans[0].texts == (
            TextFilter("Path", Compare.STARTS_WITH, "/score"),
            TextFilter("Path", Compare.EQUALS, "x"),
        )

    def test_words_in_the_text_of_a_dynamic_are_told_to_the_store(
        self, engine: Engine, store: TrafficStore
    ) -> None:
        rows(engine, "Traffic | extend Said = tostring(Tags) | where Said has 'blue green' | count")

        assert store.readers[0].scans[0].terms == (TermFilter("Tags", ("blue", "green")),)

    def test_numbers_in_the_text_of_a_dynamic_are_not(self, engine: Engine, store: TrafficStore) -> None:
        rows(engine, "Traffic | extend Said = tostring(Tags) | where Said has 'error 1e5' | count")

        assert store.readers[0].scans[0].terms == ()

    def test_the_tables_of_a_query_are_known_without_running_it(
        self, engine: Engine, store: TrafficStore
    ) -> None:
        assert engine.tables_of("Traffic | join (Traffic) on Code") == ("Traffic",)
        assert store.readers == []


class TestRefusals:
    def test_a_check_tells_the_columns(self, engine: Engine) -> None:
        found = engine.check("Traffic | where Path == p | summarize avg(Took) by Code", {"p": KqlType.STRING})

        assert found == (Column("Code", KqlType.INT), Column("avg_Took", KqlType.REAL))

    def test_an_unknown_column_is_named_with_its_place_and_the_nearest(self, engine: Engine) -> None:
        with pytest.raises(QuerySemanticError) as caught:
            engine.check("Traffic\n| where Coed == 200")

        assert caught.value.line_and_column == (2, 9)
        assert "Coed" in caught.value.message
        assert caught.value.hint == "did you mean Code?"

    @pytest.mark.parametrize(
        ("text", "error"),
        [
            ("Traffic | whre Code == 1", QuerySyntaxError),
            ("Traffic | where", QuerySyntaxError),
            ("Trafic | count", QuerySemanticError),
            ("Traffic | where Code == 'a'", QuerySemanticError),
            ("Traffic | where Took + Path > 1", QuerySemanticError),
            ("Traffic | extend x = nosuch(1)", QuerySemanticError),
            ("cluster('x').database('y').T", QueryUnsupported),
            ("externaldata (x: string) ['http://x']", QueryUnsupported),
            (".show tables", QueryUnsupported),
            ("", QuerySyntaxError),
        ],
    )
    def test_what_does_not_fit_is_refused(self, engine: Engine, text: str, error: type[Exception]) -> None:
        with pytest.raises(error):
            engine.check(text)

    def test_too_many_rows_are_refused(self, engine: Engine) -> None:
        with pytest.raises(QueryLimitExceeded):
            engine.query("range x from 1 to 1000 step 1", now=NOW, limits=Limits(rows=10))

    def test_a_query_that_takes_too_long_is_stopped(self, engine: Engine) -> None:
        query = "range x from 1 to 100000000 step 1 | where x < 0"

        with pytest.raises(QueryLimitExceeded):
            engine.query(query, now=NOW, limits=Limits(seconds=0.05))

    def test_a_query_can_be_cancelled(self, engine: Engine) -> None:
        cancel = threading.Event()
        cancel.set()

        with pytest.raises(QueryLimitExceeded, match="cancelled"):
            engine.query("range x from 1 to 100000000 step 1 | count", now=NOW, cancel=cancel)

    def test_deep_nesting_is_refused(self, engine: Engine) -> None:
        with pytest.raises((QuerySyntaxError, QueryLimitExceeded)):
            engine.check("print " + "(" * 5000 + "1" + ")" * 5000)
