"""What a query may cost, and that one which costs too much harms nobody else."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from sentinel.clock import to_ticks
from sentinel.errors import QueryCancelled, QueryError, QueryLimitExceeded, QueryTimedOut, QueryUnsupported
from sentinel.query.engine import Engine
from sentinel.query.result import Limits
from sentinel.store.telemetry import TelemetryStore
from tests.query.fuzz import by_grammar, by_mutation, fuzzer
from tests.query.telemetry import job_events

NOW = datetime(2026, 1, 2, tzinfo=UTC)
ENDLESS = "range x from 1 to 1000000000 step 1 | summarize sum(x)"


@pytest.fixture
def store() -> Iterator[TelemetryStore]:
    with TelemetryStore.in_memory() as store:
        store.append(job_events(100, to_ticks(NOW)))
        yield store


@pytest.fixture
def engine(store: TelemetryStore) -> Iterator[Engine]:
    engine = Engine(store)
    yield engine
    engine.close()


@pytest.mark.parametrize(
    ("text", "limits", "says"),
    [
        ("range x from 1 to 1000 step 1", Limits(rows=10), "more than 10 rows"),
        ("AmlComputeJobEvent", Limits(cell_bytes=100), "larger than 100 bytes"),
        (ENDLESS, Limits(seconds=0.05), "more than 0.05 s"),
        ("range x from 1 to 3000000 step 1 | summarize dcount(strcat('a text as long as any other', x))",
         Limits(memory_bytes=40_000_000), "of memory"),
        ("range x from 1 to 100000 step 1 | summarize s = strcat_array(make_list('12345678'), '')",
         Limits(value_bytes=100_000), "larger than 100000 bytes"),
        ("print parse_xml(strcat(strrep('<a>', 1000), strrep('</a>', 1000)))", Limits(), "levels"),
        ("print strcat(strrep('a', 60), '!') matches regex '^(a|aa)+$'", Limits(), "regular expression"),
    ],
)  # fmt: skip
def test_a_limit_that_runs_out_is_named(engine: Engine, text: str, limits: Limits, says: str) -> None:
    with pytest.raises(QueryLimitExceeded, match=says):
        engine.query(text, now=NOW, limits=limits)


def test_a_filter_nobody_could_wait_for_is_refused(engine: Engine) -> None:
    with pytest.raises(QueryUnsupported, match="100000 values by 2000 coefficients"):
        engine.query("print series_iir(range(1, 100000, 1), range(1, 1000, 1), range(1, 1000, 1))", now=NOW)


@pytest.mark.parametrize(
    "text",
    [
        "print " + "(" * 2000 + "1" + ")" * 2000,
        "print " + "-" * 2000 + "1",
        "print " + "abs(" * 2000 + "1" + ")" * 2000,
        "print 1" + " + 1" * 20_000,
        "T" + " | take 1" * 20_000,
        "print dynamic(" + "[" * 5000 + "]" * 5000 + ")",
        "let a0 = 1; " + "".join(f"let a{n} = a{n - 1} + a{n - 1}; " for n in range(1, 60)) + "print a59",
        "let T0 = AmlComputeJobEvent; "
        + "".join(f"let T{n} = union T{n - 1}, T{n - 1}; " for n in range(1, 40))
        + "T39 | count",
    ],
    ids=["brackets", "signs", "calls", "sums", "pipes", "dynamic", "doubled values", "doubled tables"],
)
def test_a_text_that_is_too_deep_is_refused_soon(engine: Engine, text: str) -> None:
    begun = time.process_time()

    with pytest.raises(QueryError):
        engine.query(text, now=NOW, limits=Limits(seconds=2))

    assert time.process_time() - begun < 5


def test_a_query_ends_when_it_is_cancelled(engine: Engine) -> None:
    cancel = threading.Event()
    threading.Timer(0.1, cancel.set).start()

    with pytest.raises(QueryCancelled):
        engine.query(ENDLESS, now=NOW, cancel=cancel)


def test_a_runaway_query_holds_up_neither_writing_nor_other_queries(
    store: TelemetryStore, engine: Engine
) -> None:
    cancel, ended = threading.Event(), []

    def run_away() -> None:
        with pytest.raises(QueryCancelled):
            engine.query(
                "AmlComputeJobEvent | join kind=inner (range x from 1 to 100000000 step 1 | extend k = 'x') on "
                "$left.JobName == $right.k | count",
                now=NOW,
                cancel=cancel,
            )
        ended.append(True)

    thread = threading.Thread(target=run_away)
    thread.start()
    store.append(job_events(150, to_ticks(NOW) + 1))
    counted = engine.query("AmlComputeJobEvent | count", now=NOW, limits=Limits(seconds=5)).rows
    still_running = thread.is_alive()
    cancel.set()
    thread.join(10)

    assert (counted, still_running, ended) == ([(250,)], True, [True])


def test_a_query_after_one_that_was_stopped_is_answered(engine: Engine) -> None:
    with pytest.raises(QueryTimedOut):
        engine.query(ENDLESS, now=NOW, limits=Limits(seconds=0.02))

    assert engine.query("print 1", now=NOW).rows == [(1,)]


def test_odd_texts_are_answered_or_refused_in_time_and_write_nothing() -> None:
    with fuzzer() as one:
        by_mutation(one.attempt, 42, 600)
        by_grammar(one.attempt, 42, 100)

    assert one.found.texts == {}
    assert one.found.counts["answered"] > 20
