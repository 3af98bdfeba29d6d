"""Queries asked together: the same answers as asked alone, and what they share is computed once."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest

from sentinel.query.engine import Engine
from sentinel.store.batch import Batch
from sentinel.store.reader import TelemetryReader
from sentinel.store.scan import Scan
from sentinel.store.telemetry import TelemetryStore
from tests.store.events import CONSOLE, NOON, TRAFFIC, an_event

LETS = """
let Traffic = AmlOnlineEndpointTrafficLog
    | where TimeGenerated > ago(5m) and EndpointName == endpoint;
let Codes = Traffic | summarize Times = count(), Last = max(TimeGenerated) by ResponseCode | sort by Times desc;
let busiest = toscalar(Codes | summarize max(Times));
let Failures = AmlOnlineEndpointConsoleLog | where TimeGenerated > ago(5m) and Message has "worker failed";
"""
QUERIES = (
    LETS + "Codes",
    LETS + "Codes | where Times == busiest | project ResponseCode, Share = todouble(Times) / busiest",
    LETS + "Codes | join kind=inner (Codes | project ResponseCode, Again = Times) on ResponseCode",
    LETS + "Traffic | where ResponseCode == 503 | summarize Requests = count(), Ids = make_list(XRequestId)",
    LETS + "union (Codes | project What = tostring(ResponseCode)), (Failures | project What = Message)",
    LETS + "Failures | summarize Times = count(), Parts = take_any(split(Message, ' '))",
    LETS + "Failures | where Message has 'boot'",
    "print Now = now(), Endpoint = endpoint",
)
REFUSED = "AmlOnlineEndpointTrafficLog | where Nothing == 1"
BROKEN = LETS + "Codes | where tostring(ResponseCode) matches regex pattern"
GIVEN = {"endpoint": "chat", "pattern": "("}


class CountingReader(TelemetryReader):
    """Remembers the tables it was asked for."""

    scanned: list[str]

    def scan_sql(self, scan: Scan) -> str:
        """See `TelemetryReader`."""
        self.scanned.append(scan.table)
        return super().scan_sql(scan)


class CountingStore(TelemetryStore):
    """Counts the scans of all its readers."""

    def __init__(self, *args: object) -> None:
        super().__init__(*args)  # type: ignore[arg-type]
        self.scanned: list[str] = []

    def reader(self) -> CountingReader:
        """See `TelemetryStore`."""
        reader = CountingReader(self._place)
        reader.scanned = self.scanned
        return reader


def traffic(*codes: int, endpoint: str = "chat", begin: int = 0) -> Batch:
    return Batch(
        {
            TRAFFIC: [
                an_event(
                    TRAFFIC,
                    NOON + timedelta(seconds=begin + number),
                    EndpointName=endpoint,
                    ResponseCode=code,
                    XRequestId=f"{begin}-{number}",
                )
                for number, code in enumerate(codes)
            ]
        }
    )


@pytest.fixture
def store() -> Iterator[CountingStore]:
    with CountingStore.in_memory() as store:
        store.append(traffic(200, 503, 503, 200, 503, 429))
        store.append(traffic(200, 200, endpoint="other"))
        lines = ["Worker failed to boot", "ready", "the worker failed", "Worker is ready"]
        store.append(Batch({CONSOLE: [an_event(CONSOLE, NOON, Message=line) for line in lines]}))
        yield store


@pytest.fixture
def engine(store: CountingStore) -> Iterator[Engine]:
    engine = Engine(store)
    yield engine
    engine.close()


NOW = NOON + timedelta(minutes=1)


@pytest.mark.parametrize("text", QUERIES)
def test_an_answer_is_that_of_the_query_asked_alone(engine: Engine, text: str) -> None:
    alone = engine.query(text, now=NOW, parameters=GIVEN)

    with engine.sitting(QUERIES, now=NOW, parameters=GIVEN) as sitting:
        first, again = sitting.query(text), sitting.query(text)

    assert (first, again) == (alone, alone)


def test_a_table_is_read_once_for_all_who_ask_the_same_of_it(engine: Engine, store: CountingStore) -> None:
    with engine.sitting(QUERIES, now=NOW, parameters=GIVEN) as sitting:
        answers = [sitting.query(text) for text in QUERIES]

    assert None not in answers
    assert store.scanned.count(TRAFFIC) == 1


def test_a_table_in_which_no_text_has_the_words_is_not_read(engine: Engine, store: CountingStore) -> None:
    query = f"{CONSOLE} | where Message has 'worker exploded'"

    with engine.sitting([query], now=NOW, parameters=GIVEN) as sitting:
        answer = sitting.query(query)

    assert (answer is not None and answer.rows, store.scanned) == ([], [])


def test_the_next_sitting_sees_its_own_instant_parameters_and_rows(
    engine: Engine, store: CountingStore
) -> None:
    later, other = NOW + timedelta(minutes=1), {**GIVEN, "endpoint": "other"}
    with engine.sitting(QUERIES, now=NOW, parameters=GIVEN) as sitting:
        sitting.query(QUERIES[0])
    store.append(traffic(504, 504, 504, endpoint="other", begin=90))

    with engine.sitting(QUERIES, now=later, parameters=other) as sitting:
        answer = sitting.query(QUERIES[0])

    assert answer == engine.query(QUERIES[0], now=later, parameters=other)
    assert answer is not None
    assert [row[:2] for row in answer.rows] == [(504, 3), (200, 2)]


@pytest.mark.parametrize("text", [REFUSED, "print 'not among them'"])
def test_what_was_refused_or_is_not_among_them_is_to_be_asked_alone(engine: Engine, text: str) -> None:
    with engine.sitting([*QUERIES, REFUSED], now=NOW, parameters=GIVEN) as sitting:
        answers = sitting.query(text), sitting.query(QUERIES[0])

    assert answers == (None, engine.query(QUERIES[0], now=NOW, parameters=GIVEN))


def test_after_an_error_all_are_to_be_asked_alone_and_the_next_sitting_begins_anew(engine: Engine) -> None:
    texts = [*QUERIES, BROKEN]
    with engine.sitting(texts, now=NOW, parameters=GIVEN) as sitting:
        broken = sitting.query(BROKEN), sitting.query(QUERIES[0])

    with engine.sitting(texts, now=NOW, parameters=GIVEN) as sitting:
        answer = sitting.query(QUERIES[0])

    assert broken == (None, None)
    assert answer == engine.query(QUERIES[0], now=NOW, parameters=GIVEN)


def test_two_may_sit_at_once(engine: Engine) -> None:
    other = {**GIVEN, "endpoint": "other"}
    with (
        engine.sitting(QUERIES, now=NOW, parameters=GIVEN) as first,
        engine.sitting(QUERIES, now=NOW, parameters=other) as second,
    ):
        answers = [first.query(QUERIES[0]), second.query(QUERIES[0]), first.query(QUERIES[1])]

    assert answers == [
        engine.query(QUERIES[0], now=NOW, parameters=GIVEN),
        engine.query(QUERIES[0], now=NOW, parameters=other),
        engine.query(QUERIES[1], now=NOW, parameters=GIVEN),
    ]
