from __future__ import annotations

import json
import os
import re
import signal
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx2

from tests.daemon.conftest import Receiver, Start, asked

METRICS_PAGE = (Path(__file__).parents[2] / "docs" / "metrics.md").read_text("utf-8")
NOW = datetime.now(UTC)


def job_events(count: int, *, at: datetime = NOW, state: str = "Failed") -> bytes:
    events = (
        {
            "TimeGenerated": (at - timedelta(seconds=number)).isoformat(),
            "Type": "AmlComputeJobEvent",
            "JobName": f"job-{number}",
            "JobId": f"job-{number}",
            "ExecutionState": state,
        }
        for number in range(count)
    )
    return b"\n".join(json.dumps(event).encode() for event in events)


def test_records_that_were_delivered_can_be_queried_and_a_repeat_is_stored_once(
    client: httpx2.Client,
) -> None:
    answers = [client.post("/v1/records", content=job_events(3)).json() for _ in range(2)]

    assert [(answer["accepted"], answer["duplicates"]) for answer in answers] == [(3, 0), (0, 3)]
    assert asked(client, "AmlComputeJobEvent | count") == [[3]]


def test_what_was_acknowledged_survives_a_kill(start: Start) -> None:
    first = start()
    with first.client() as client:
        client.post("/v1/records", content=job_events(5))
    first.end(signal.SIGKILL)

    with start().client() as client:
        assert asked(client, "AmlComputeJobEvent | count") == [[5]]


def test_it_ends_cleanly_within_five_seconds_of_sigterm(start: Start) -> None:
    daemon = start()
    with daemon.client() as client:
        client.get("/healthz")
    begun = time.monotonic()

    code = daemon.end(signal.SIGTERM)

    assert code == 0, daemon.log
    assert time.monotonic() - begun < 5
    assert not (daemon.home / "http.json").exists()
    assert '"event": "ended"' in daemon.log


def test_it_ends_cleanly_on_ctrl_c(start: Start) -> None:
    daemon = start()
    daemon.client().close()

    assert daemon.end(signal.SIGINT) == 0


def test_what_is_appended_to_a_source_can_be_asked_for(start: Start) -> None:
    daemon = start('[[sources]]\npath = "in"\n')
    client = daemon.client()
    (daemon.home / "in").mkdir()

    with (daemon.home / "in" / "records.jsonl").open("a") as appended:
        appended.write(
            '{"Type": "AmlComputeJobEvent", "TimeGenerated": "2026-03-04T12:00:00Z", "JobName": "j"}\n'
        )

    rows: list[list[Any]] = []
    deadline = time.monotonic() + 10
    while not rows and time.monotonic() < deadline:
        rows = asked(client, "AmlComputeJobEvent | project JobName")
    client.close()
    assert rows == [["j"]]


def test_a_second_daemon_on_the_same_home_is_refused_with_a_reason(start: Start) -> None:
    daemon = start()
    daemon.client().close()

    second = start()
    code = second.process.wait(20)

    assert code == 1
    assert second.hears(f"a Sentinel daemon (process {daemon.process.pid}) already runs on")
    assert (daemon.home / "http.json").exists()


def test_settings_that_cannot_be_used_are_told_before_anything_starts(start: Start) -> None:
    daemon = start('[htttp]\nport = "x"\n')

    assert daemon.process.wait(20) == 1
    assert daemon.hears("htttp: unknown key; did you mean 'http'?")


def test_health_fails_when_the_data_stops_and_readiness_does_not(start: Start) -> None:
    first = start('[health]\nstale_after = "1m"\n')
    with first.client() as client:
        client.post("/v1/records", content=job_events(1, at=datetime.now(UTC) - timedelta(minutes=5)))
        history = client.get("/healthz")
    first.end()
    with start().client() as client:
        silent, ready = client.get("/healthz"), client.get("/readyz")

    assert (history.status_code, history.json()["reasons"]) == (200, [])
    assert silent.status_code == 503
    assert "AmlComputeJobEvent is silent" in silent.json()["reasons"][0]
    assert ready.status_code == 200


def test_every_metric_is_documented_and_every_documented_one_is_there(client: httpx2.Client) -> None:
    client.post("/v1/records", content=job_events(1))

    text = client.get("/metrics").text

    served = set(re.findall(r"^# TYPE (sentinel_\w+)", text, re.MULTILINE))
    documented = set(re.findall(r"^\| `(sentinel_\w+)` \|", METRICS_PAGE, re.MULTILINE))
    assert served == documented


def test_a_daemon_at_rest_is_small(client: httpx2.Client) -> None:
    text = client.get("/metrics").text

    (resident,) = re.findall(r"^process_resident_memory_bytes (\S+)$", text, re.MULTILINE)
    assert float(resident) < 120e6


def test_no_secret_reaches_the_log(start: Start) -> None:
    canary = "canary-3f61c2"
    settings = (
        f'[[http.keys]]\nname = "all"\nrole = "admin"\nvalue = "{canary}"\n'
        f'[[channels]]\nname = "ops"\nurl = "http://127.0.0.1:1/"\nvalue = "{canary}"\n'
        '[[adapters]]\nkind = "local"\nurl = "http://127.0.0.1:1"\n'
    )
    daemon = start(settings)
    with daemon.client(canary) as client:
        client.post("/v1/records", content=b"not a record")
        client.post("/v1/query", json={"query": "Nope | where"})
        client.get("/v1/incidents", headers={"Authorization": f"Basic {canary}"})
    daemon.end()

    assert daemon.log
    assert canary not in daemon.log


def test_settings_of_deployments_become_telemetry(start: Start) -> None:
    with start(
        '[[adapters]]\nkind = "simulated"\ntarget = "chat/blue"\nmax_replicas = 7\n'
    ).client() as client:
        rows: list[list[Any]] = []
        deadline = time.monotonic() + 10
        while not rows and time.monotonic() < deadline:
            rows = asked(
                client,
                "SentinelDeploymentState_CL | project EndpointName, DeploymentName, MaxReplicas | take 1",
            )

        assert rows == [["chat", "blue", 7]]


def test_sighup_reads_the_rules_again(start: Start) -> None:
    daemon = start()
    daemon.client().close()

    os.kill(daemon.process.pid, signal.SIGHUP)

    assert daemon.hears('"event": "rules read again"')
    assert daemon.end() == 0


def test_a_symptom_in_the_records_becomes_an_incident_that_is_told(start: Start, receiver: Receiver) -> None:
    settings = f'[[channels]]\nname = "ops"\nurl = "{receiver.url}"\n'
    with start(settings, first="pace = 0.05\n").client() as client:
        client.post("/v1/records", content=job_events(1, at=datetime.now(UTC)))

        told = receiver.notices.get(timeout=20)
        (incident,) = client.get("/v1/incidents").json()["incidents"]

    assert told["commonLabels"]["alertname"] == "job-failed"
    assert told["sentinel"]["incident"] == incident["id"]
    assert incident["target"] == {"kind": "job", "names": ["job-0"]}


def test_a_receiver_that_hangs_does_not_hold_up_the_end(start: Start, receiver: Receiver) -> None:
    receiver.answers.clear()
    settings = f'[[channels]]\nname = "ops"\nurl = "{receiver.url}"\n'
    daemon = start(settings, first="pace = 0.05\n")
    with daemon.client() as client:
        client.post("/v1/records", content=job_events(1, at=datetime.now(UTC)))
        receiver.notices.get(timeout=20)
    begun = time.monotonic()

    code = daemon.end()

    assert code == 0, daemon.log
    assert time.monotonic() - begun < 5
    assert '"jobs": ["outbox"]' in daemon.log
