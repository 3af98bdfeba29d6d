from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest

from sentinel.notify.alertmanager import AlertmanagerWebhook
from sentinel.notify.delivery import Delivery, Patience, Round
from sentinel.store.outbox import Outbox
from tests.notify.conftest import NOON, MakeNotice, Receiver

SECOND = timedelta(seconds=1)


@pytest.fixture
def delivery(outbox: Outbox, receiver: Receiver) -> Iterator[Delivery]:
    channel = AlertmanagerWebhook("ops", receiver.url)
    delivery = Delivery(outbox, {"ops": channel}, jitter=lambda: 1.0)
    yield delivery
    delivery.close()


def test_a_letter_is_delivered_once(
    delivery: Delivery, outbox: Outbox, receiver: Receiver, a_notice: MakeNotice
) -> None:
    outbox.put(a_notice(), ["ops"], NOON)

    first, second = delivery.deliver(NOON), delivery.deliver(NOON + SECOND)

    assert (first, second) == (Round(delivered=1), Round())
    assert receiver.keys == ["inc1/0"]
    assert outbox.counts() == {"waiting": 0, "delivered": 1, "dead": 0}


def test_a_failed_letter_is_tried_again_after_its_pause(
    delivery: Delivery, outbox: Outbox, receiver: Receiver, a_notice: MakeNotice
) -> None:
    outbox.put(a_notice(), ["ops"], NOON)
    receiver.answers = [503]

    failed = delivery.deliver(NOON)
    too_early = delivery.deliver(NOON + SECOND / 2)
    in_time = delivery.deliver(NOON + SECOND)

    assert (failed, too_early, in_time) == (Round(failed=1), Round(), Round(delivered=1))
    assert receiver.keys == ["inc1/0", "inc1/0"]


def test_the_letters_of_an_incident_keep_their_order_over_a_failure(
    delivery: Delivery, outbox: Outbox, receiver: Receiver, a_notice: MakeNotice
) -> None:
    for sequence in (9, 10, 11):
        outbox.put(a_notice(sequence=sequence), ["ops"], NOON)
    receiver.answers = [503]

    delivery.deliver(NOON)
    delivery.deliver(NOON + SECOND / 2)
    delivery.deliver(NOON + SECOND)

    assert receiver.keys == ["inc1/9", "inc1/9", "inc1/10", "inc1/11"]


def test_the_order_survives_a_restart_between_attempts(
    outbox: Outbox, receiver: Receiver, a_notice: MakeNotice
) -> None:
    outbox.put(a_notice(sequence=0), ["ops"], NOON)
    outbox.put(a_notice(sequence=1), ["ops"], NOON)
    receiver.answers = [503]

    for at in (NOON, NOON + SECOND / 2, NOON + SECOND):
        delivery = Delivery(outbox, {"ops": AlertmanagerWebhook("ops", receiver.url)}, jitter=lambda: 1.0)
        delivery.deliver(at)
        delivery.close()

    assert receiver.keys == ["inc1/0", "inc1/0", "inc1/1"]


def test_one_incident_does_not_hold_back_another(
    delivery: Delivery, outbox: Outbox, receiver: Receiver, a_notice: MakeNotice
) -> None:
    outbox.put(a_notice("inc1"), ["ops"], NOON)
    outbox.put(a_notice("inc2"), ["ops"], NOON)
    receiver.answers = [503]

    assert delivery.deliver(NOON) == Round(delivered=1, failed=1)
    assert receiver.keys == ["inc1/0", "inc2/0"]


def test_a_permanent_refusal_makes_a_dead_letter_and_lets_the_next_pass(
    delivery: Delivery, outbox: Outbox, receiver: Receiver, a_notice: MakeNotice
) -> None:
    outbox.put(a_notice(sequence=0), ["ops"], NOON)
    outbox.put(a_notice(sequence=1), ["ops"], NOON)
    receiver.answers = [404]

    assert delivery.deliver(NOON) == Round(delivered=1, dead=1)
    (letter,) = outbox.dead_letters()
    assert letter.notice.key == "inc1/0"
    assert "404" in letter.problem


def test_a_letter_that_failed_too_often_is_given_up(
    outbox: Outbox, receiver: Receiver, a_notice: MakeNotice
) -> None:
    patience = Patience(attempts=2, failures_in_a_row=100)
    delivery = Delivery(
        outbox, {"ops": AlertmanagerWebhook("ops", receiver.url)}, jitter=lambda: 1.0, patience=patience
    )
    outbox.put(a_notice(), ["ops"], NOON)
    receiver.answers = [500, 500]

    rounds = [delivery.deliver(NOON), delivery.deliver(NOON + 10 * SECOND)]
    delivery.close()

    assert rounds == [Round(failed=1), Round(dead=1)]
    assert "given up after 2 attempts" in outbox.dead_letters()[0].problem


def test_a_letter_to_a_channel_that_is_gone_is_dead(
    delivery: Delivery, outbox: Outbox, a_notice: MakeNotice
) -> None:
    outbox.put(a_notice(), ["pager"], NOON)

    assert delivery.deliver(NOON) == Round(dead=1)
    assert "pager" in outbox.dead_letters()[0].problem


def test_a_receiver_that_keeps_failing_is_left_alone_and_then_tried_with_one_letter(
    delivery: Delivery, outbox: Outbox, receiver: Receiver, a_notice: MakeNotice
) -> None:
    for number in range(6):
        outbox.put(a_notice(f"inc{number}"), ["ops"], NOON)
    receiver.answers = [503] * 4

    first = delivery.deliver(NOON)
    resting = delivery.resting(NOON + 29 * SECOND)
    during = delivery.deliver(NOON + 29 * SECOND)
    trial = delivery.deliver(NOON + 30 * SECOND)
    after = delivery.deliver(NOON + 61 * SECOND)

    assert first == Round(failed=3)
    assert resting == ("ops",)
    assert during == Round()
    assert trial == Round(failed=1)
    assert after == Round(delivered=6)


def test_a_resting_receiver_does_not_hold_back_others(
    outbox: Outbox, receiver: Receiver, a_notice: MakeNotice
) -> None:
    channels = {
        "gone": AlertmanagerWebhook("gone", "http://127.0.0.1:1/"),
        "ops": AlertmanagerWebhook("ops", receiver.url),
    }
    delivery = Delivery(outbox, channels, jitter=lambda: 1.0)
    for number in range(60):
        outbox.put(a_notice(f"inc{number}"), ["gone"], NOON)
    outbox.put(a_notice("late"), ["ops"], NOON + SECOND)

    delivery.deliver(NOON)
    delivery.deliver(NOON + SECOND)
    delivery.close()

    assert receiver.keys == ["late/0"]


def test_nothing_more_is_sent_once_the_daemon_stops(
    outbox: Outbox, receiver: Receiver, a_notice: MakeNotice
) -> None:
    channel = AlertmanagerWebhook("ops", receiver.url)
    delivery = Delivery(outbox, {"ops": channel}, jitter=lambda: 1.0, stopping=lambda: True)
    outbox.put(a_notice(), ["ops"], NOON)

    assert delivery.deliver(NOON) == Round()
    assert receiver.got == []


@pytest.mark.parametrize(
    ("attempts", "jitter", "seconds"), [(1, 1.0, 1), (1, 0.0, 0.5), (2, 1.0, 2), (5, 1.0, 16), (40, 1.0, 600)]
)
def test_pauses_double_up_to_the_longest(attempts: int, jitter: float, seconds: float) -> None:
    assert Patience().pause(attempts, jitter) == timedelta(seconds=seconds)
