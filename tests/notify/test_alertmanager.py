from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from sentinel.errors import NotifyError
from sentinel.model.incident import IncidentState
from sentinel.notify.alertmanager import AlertmanagerWebhook, payload
from tests.notify.conftest import MakeNotice, Receiver

CANARY = "Bearer canary-77aa"


@pytest.fixture
def channel(receiver: Receiver) -> Iterator[AlertmanagerWebhook]:
    channel = AlertmanagerWebhook(
        "ops", receiver.url, headers={"Authorization": CANARY}, external_url="http://sentinel:8686/"
    )
    yield channel
    channel.close()


class TestPayload:
    def test_it_has_the_fields_of_version_4(self, a_notice: MakeNotice) -> None:
        sent = payload(a_notice(), receiver="ops", external_url="http://sentinel:8686")

        assert sent["version"] == "4"
        assert sent["status"] == "firing"
        assert sent["receiver"] == "ops"
        assert sent["truncatedAlerts"] == 0
        assert sent["groupKey"] == '{}:{alertname="requests-refused", target="deployment:chat/blue"}'
        assert sent["groupLabels"] == {"alertname": "requests-refused", "target": "deployment:chat/blue"}
        assert sent["commonLabels"]["severity"] == "error"
        assert sent["commonAnnotations"]["summary"] == "Requests are refused"
        assert sent["externalURL"] == "http://sentinel:8686"

    def test_its_alert_is_the_incident(self, a_notice: MakeNotice) -> None:
        (alert,) = payload(a_notice(), receiver="ops", external_url="http://sentinel:8686")["alerts"]

        assert alert["status"] == "firing"
        assert alert["labels"]["endpoint"] == "chat"
        assert alert["labels"]["deployment"] == "blue"
        assert alert["annotations"]["description"] == "25 of 100 requests were refused"
        assert alert["startsAt"] == "2026-05-01T12:00:00Z"
        assert alert["endsAt"] == "0001-01-01T00:00:00Z"
        assert alert["generatorURL"] == "http://sentinel:8686/v1/incidents/inc1"

    def test_a_closed_incident_is_resolved_and_has_an_end(self, a_notice: MakeNotice) -> None:
        closed = datetime(2026, 5, 1, 12, 30, tzinfo=UTC)

        sent = payload(a_notice(state=IncidentState.RESOLVED, closed=closed), receiver="ops", external_url="")

        assert sent["status"] == sent["alerts"][0]["status"] == "resolved"
        assert sent["alerts"][0]["endsAt"] == "2026-05-01T12:30:00Z"

    def test_the_fingerprint_stays_the_same_over_an_incident(self, a_notice: MakeNotice) -> None:
        first = payload(a_notice(sequence=0), receiver="ops", external_url="")
        last = payload(a_notice(sequence=5, state=IncidentState.RESOLVED), receiver="ops", external_url="")

        assert first["alerts"][0]["fingerprint"] == last["alerts"][0]["fingerprint"]

    def test_what_only_sentinel_knows_stands_under_its_own_key(self, a_notice: MakeNotice) -> None:
        sent = payload(a_notice(sequence=2), receiver="ops", external_url="")

        assert sent["sentinel"]["key"] == "inc1/2"
        assert sent["sentinel"]["measure"] == 0.25


class TestSending:
    def test_the_receiver_gets_the_payload_and_the_key_of_the_notice(
        self, channel: AlertmanagerWebhook, receiver: Receiver, a_notice: MakeNotice
    ) -> None:
        channel.send(a_notice(sequence=3))

        ((headers, body),) = receiver.got
        assert headers["idempotency-key"] == "inc1/3"
        assert headers["authorization"] == CANARY
        assert headers["content-type"] == "application/json"
        assert body == payload(a_notice(sequence=3), receiver="ops", external_url="http://sentinel:8686")

    @pytest.mark.parametrize("status", [408, 425, 429, 500, 502, 503])
    def test_a_refusal_that_may_pass_is_not_permanent(
        self, status: int, channel: AlertmanagerWebhook, receiver: Receiver, a_notice: MakeNotice
    ) -> None:
        receiver.answers = [status]

        with pytest.raises(NotifyError, match=f"ops: the receiver answered {status}: said") as caught:
            channel.send(a_notice())

        assert not caught.value.permanent

    @pytest.mark.parametrize("status", [302, 400, 401, 404, 410])
    def test_any_other_refusal_is_permanent(
        self, status: int, channel: AlertmanagerWebhook, receiver: Receiver, a_notice: MakeNotice
    ) -> None:
        receiver.answers = [status]

        with pytest.raises(NotifyError) as caught:
            channel.send(a_notice())

        assert caught.value.permanent

    def test_a_receiver_that_is_not_there_may_come_back(self, a_notice: MakeNotice) -> None:
        channel = AlertmanagerWebhook("ops", "http://127.0.0.1:1/", headers={"Authorization": CANARY})

        with pytest.raises(NotifyError, match="did not answer") as caught:
            channel.send(a_notice())
        channel.close()

        assert not caught.value.permanent
        assert CANARY not in str(caught.value)

    def test_closing_twice_is_harmless(self, channel: AlertmanagerWebhook, a_notice: MakeNotice) -> None:
        channel.send(a_notice())

        channel.close()
        channel.close()
