"""Notices as Alertmanager's webhook receiver would send them, so that what understands those understands ours.

The payload is version 4 (https://prometheus.io/docs/alerting/latest/configuration/#webhook_config). What
Alertmanager has no word for stands under the one key `sentinel`.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from hashlib import blake2b
from typing import TYPE_CHECKING, Any, Final

from sentinel.errors import NotifyError
from sentinel.model.incident import Incident, IncidentState
from sentinel.model.notice import Notice

if TYPE_CHECKING:
    import httpx2

_NOT_ENDED: Final = "0001-01-01T00:00:00Z"
"""What Alertmanager writes as the end of an alert that still fires."""
_RELAXATION: Final = "relaxation"
"""The alert of a raised setting that is put back: no symptom holds, so no symptom's alert may fire."""
_RELAXED: Final = frozenset({IncidentState.CONFIRMED, IncidentState.UNDONE})
_MAY_PASS: Final = frozenset({408, 425, 429})
_UNPRINTABLE: Final = re.compile(r"[^\x20-\x7e]+")


class AlertmanagerWebhook:
    """Sends each notice as one `POST` of a version 4 payload.

    `headers` may hold a secret; they are sent and never shown. Repeats carry the same `Idempotency-Key`.
    """

    def __init__(
        self,
        name: str,
        url: str,
        *,
        headers: dict[str, str] | None = None,
        external_url: str = "",
        timeout_seconds: float = 10.0,
    ) -> None:
        self._name = name
        self._url = url
        self._headers = headers or {}
        self._external_url = external_url.rstrip("/")
        self._timeout_seconds = timeout_seconds
        self._client: httpx2.Client | None = None

    @property
    def name(self) -> str:
        """What settings, logs and metrics call it."""
        return self._name

    def send(self, notice: Notice) -> None:
        """Post a notice.

        Raises:
            NotifyError: The receiver did not answer, or did not accept; a refusal is permanent unless its status
                says that it may pass (408, 425, 429, 5xx).
        """
        import httpx2

        if self._client is None:
            self._client = httpx2.Client(headers=self._headers, timeout=self._timeout_seconds)
        body = payload(notice, receiver=self._name, external_url=self._external_url)
        try:
            answer = self._client.post(self._url, json=body, headers={"Idempotency-Key": notice.key})
        except (httpx2.InvalidURL, httpx2.UnsupportedProtocol) as error:
            raise NotifyError(f"{self._name}: the address cannot be used: {error}", permanent=True) from error
        except httpx2.HTTPError as error:
            what = str(error) or type(error).__name__
            raise NotifyError(f"{self._name}: the receiver did not answer: {what}") from error
        if not answer.is_success:
            status = answer.status_code
            said = _UNPRINTABLE.sub(" ", answer.text[:200]).strip()
            raise NotifyError(
                f"{self._name}: the receiver answered {status}" + (f": {said}" if said else ""),
                permanent=not (status in _MAY_PASS or status >= 500),  # noqa: PLR2004 - server errors
            )

    def close(self) -> None:
        """Close the connections."""
        if self._client is not None:
            self._client.close()
            self._client = None


def payload(notice: Notice, *, receiver: str, external_url: str) -> dict[str, Any]:
    """The version 4 payload of a notice: one group with one alert, that of the incident."""
    incident, transition = notice.incident, notice.transition
    ended = incident.closed or (transition.at if incident.relaxes and incident.state in _RELAXED else None)
    status = "resolved" if incident.state.is_closed or ended else "firing"
    name = _RELAXATION if incident.relaxes else incident.symptom
    labels = {
        "alertname": name,
        "severity": notice.severity.value,
        "target": str(incident.target),
        **incident.target.parameters,
    }
    annotations = {"summary": notice.title, "description": transition.why}
    alert = {
        "status": status,
        "labels": labels,
        "annotations": annotations,
        "startsAt": _instant(incident.opened),
        "endsAt": _NOT_ENDED if ended is None else _instant(ended),
        "generatorURL": f"{external_url}/v1/incidents/{incident.id}" if external_url else "",
        "fingerprint": _fingerprint(labels),
    }
    group = {"alertname": name, "target": str(incident.target)}
    quoted = ", ".join(f'{name}="{value}"' for name, value in group.items())
    return {
        "version": "4",
        "groupKey": f"{{}}:{{{quoted}}}",
        "truncatedAlerts": 0,
        "status": status,
        "receiver": receiver,
        "groupLabels": group,
        "commonLabels": labels,
        "commonAnnotations": annotations,
        "externalURL": external_url,
        "alerts": [alert],
        "sentinel": _details(notice, incident),
    }


def _details(notice: Notice, incident: Incident) -> dict[str, Any]:
    transition = notice.transition
    details: dict[str, Any] = {
        "key": notice.key,
        "incident": incident.id,
        "sequence": transition.sequence,
        "at": _instant(transition.at),
        "before": transition.before,
        "after": transition.after.value,
        "measure": incident.finding.measure,
        "sample": incident.finding.sample,
    }
    if incident.diagnosis is not None:
        details["causes"] = [
            {"cause": cause.cause, "confidence": cause.confidence, "because": cause.reason}
            for cause in incident.diagnosis.ranked
        ]
    if incident.plan is not None:
        details["changes"] = [
            {"knob": change.knob.value, "before": change.before, "after": change.after}
            for change in incident.plan.changes
        ]
        details["formula"] = incident.plan.formula.workings
    if incident.verification is not None:
        details["effect"] = incident.verification.effect.value
        details["verification"] = incident.verification.reason
    return details


def _fingerprint(labels: dict[str, str]) -> str:
    text = "\xff".join(f"{name}\xfe{value}" for name, value in sorted(labels.items()))
    return blake2b(text.encode(), digest_size=8).hexdigest()


def _instant(at: datetime) -> str:
    return at.astimezone(UTC).isoformat().replace("+00:00", "Z")
