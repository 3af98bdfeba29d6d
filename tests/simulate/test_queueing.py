"""What a simulated deployment shows of itself."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta

from sentinel.model.settings import Settings
from sentinel.simulate.queueing import Delays, QueueModel
from sentinel.simulate.records import CONSOLE, EVENTS, TRAFFIC, Record, RecordMaker
from sentinel.simulate.workload import Failure, Workload

START = datetime(2026, 3, 4, 15, tzinfo=UTC)
AT_ONCE = Delays(start=0)


def a_model(
    workload: Workload, settings: Settings | None = None, delays: Delays = AT_ONCE, seed: int = 1
) -> QueueModel:
    """A deployment that began at START."""
    maker = RecordMaker("chat", "blue")
    return QueueModel(maker, settings or Settings(max_replicas=4), workload, delays, start=START, seed=seed)


def after(seconds: float) -> datetime:
    """An instant so many seconds after START."""
    return START + timedelta(seconds=seconds)


def statuses(records: list[Record]) -> Counter[int]:
    """How many requests were answered with which code."""
    return Counter(record["ResponseCode"] for record in records if record["Type"] == TRAFFIC)


def messages(records: list[Record]) -> list[str]:
    """The console lines."""
    return [record["Message"] for record in records if record["Type"] == CONSOLE]


def test_a_deployment_with_headroom_answers_everything() -> None:
    records = a_model(Workload(rate=10, service_seconds=0.1)).advance(after(60))

    assert set(statuses(records)) == {200}
    assert 500 < statuses(records)[200] < 700


def test_at_the_maximum_the_queue_wait_ends_in_503() -> None:
    model = a_model(Workload(rate=40, service_seconds=0.2))

    shares = statuses(model.advance(after(60)))

    assert model.replicas == 4
    assert 0.4 < shares[503] / shares.total() < 0.6


def test_a_503_has_waited_as_long_as_the_queue_allows() -> None:
    records = a_model(Workload(rate=40, service_seconds=0.2)).advance(after(20))

    refused = [record for record in records if record.get("ResponseCode") == 503]
    assert {record["TotalDurationMs"] for record in refused} == {500}
    assert {record["ResponseCodeReason"] for record in refused} == {
        "Too many requests for service chat (overloaded)"
    }


def test_a_raised_maximum_ends_the_503() -> None:
    model = a_model(Workload(rate=40, service_seconds=0.2))
    model.advance(after(60))

    model.change_settings(Settings(max_replicas=16))

    model.advance(after(70))
    assert statuses(model.advance(after(130)))[503] == 0


def test_a_change_takes_effect_after_its_delay() -> None:
    model = a_model(Workload(rate=40, service_seconds=0.2), delays=Delays(start=0, settings=30))
    model.advance(after(60))

    model.change_settings(Settings(max_replicas=16))

    model.advance(after(89))
    assert model.replicas == 4
    model.advance(after(92))
    assert model.replicas > 4


def test_a_new_replica_is_not_ready_before_it_has_started() -> None:
    model = a_model(Workload(rate=40, service_seconds=0.2), delays=Delays(start=20))

    model.advance(after(10))

    assert (model.replicas, model.ready_replicas) == (4, 1)


def test_a_model_slower_than_the_timeout_is_answered_504_while_it_works_on() -> None:
    settings = Settings(max_replicas=8, request_timeout_ms=1000)

    records = a_model(Workload(rate=2, service_seconds=1.5, variation=0.1), settings).advance(after(60))

    timed_out = [record for record in records if record.get("ResponseCode") == 504]
    assert {record["TotalDurationMs"] for record in timed_out} == {1000}
    durations = [
        float(text.split()[-2].removesuffix("ms")) for text in messages(records) if "POST /score" in text
    ]
    assert 1400 < sum(durations) / len(durations) < 1600


def test_a_hanging_model_is_answered_504_and_leaves_no_duration() -> None:
    settings = Settings(max_replicas=8, request_timeout_ms=1000)

    records = a_model(Workload(rate=2, failure=Failure.HANGING), settings).advance(after(60))

    assert set(statuses(records)) == {504}
    assert not [text for text in messages(records) if "POST /score" in text]


def test_a_crash_loop_leaves_no_replica_ready() -> None:
    model = a_model(Workload(rate=5))
    model.advance(after(30))

    model.change_workload(Workload(rate=5, failure=Failure.CRASHING))

    records = model.advance(after(60))
    assert model.ready_replicas == 0
    assert set(statuses(records)) == {503}
    assert "ModuleNotFoundError: No module named 'lightgbm'" in messages(records)
    reasons = {record["ResponseCodeReason"] for record in records if record["Type"] == TRAFFIC}
    assert reasons == {"No ready replicas for service chat"}


def test_restarts_of_a_crash_loop_wait_twice_as_long_each_time() -> None:
    model = a_model(Workload(failure=Failure.CRASHING))

    records = model.advance(after(200))

    events = [record for record in records if record["Type"] == EVENTS and record["Name"] == "Started"]
    seconds = [datetime.fromisoformat(event["TimeGenerated"]) - START for event in events]
    assert [round(span.total_seconds()) for span in seconds] == [0, 11, 31, 72, 152]


def test_a_mended_model_serves_again() -> None:
    model = a_model(Workload(rate=5, failure=Failure.CRASHING))
    model.advance(after(60))

    model.change_workload(Workload(rate=5))

    model.advance(after(61))
    assert set(statuses(model.advance(after(90)))) == {200}


def test_the_same_seed_gives_the_same_records() -> None:
    workload = Workload(rate=20, service_seconds=0.2)

    assert a_model(workload).advance(after(30)) == a_model(workload).advance(after(30))


def test_many_short_steps_give_the_same_records_as_one_long() -> None:
    workload = Workload(rate=20, service_seconds=0.2)
    model = a_model(workload)

    in_steps = [record for second in range(1, 31) for record in model.advance(after(second))]

    assert in_steps == a_model(workload).advance(after(30))
