from __future__ import annotations

import httpx2
import pytest

from sentinel.model.incident import Approval
from sentinel.store.incidents import Incidents
from tests.web.conftest import Face


async def test_incidents_are_listed_in_one_line_each(face: Face, client: httpx2.AsyncClient) -> None:
    face.waiting_incident()

    (row,) = (await client.get("/v1/incidents")).json()["incidents"]

    assert (row["id"], row["state"], row["changes"]) == ("inc1", "waiting", "max_replicas 10 → 20")


async def test_one_incident_comes_with_its_transitions_and_actions(
    face: Face, client: httpx2.AsyncClient
) -> None:
    face.waiting_incident()

    shown = (await client.get("/v1/incidents/inc1")).json()

    assert shown["incident"]["plan"]["formula"]["workings"] == "ceil(20) = 20"
    assert [step["after"] for step in shown["transitions"]] == ["waiting"]
    assert shown["actions"] == []


async def test_an_incident_that_is_not_there_is_not_found(client: httpx2.AsyncClient) -> None:
    answers = [await client.get("/v1/incidents/nope"), await client.post("/v1/incidents/nope/approve")]

    assert [answer.status_code for answer in answers] == [404, 404]


@pytest.mark.parametrize("limit", ["0", "-1", "x", "1001"])
async def test_a_limit_out_of_range_is_refused(limit: str, client: httpx2.AsyncClient) -> None:
    answer = await client.get("/v1/incidents", params={"limit": limit})

    assert answer.status_code == 400


async def test_an_approval_is_stored_with_who_gave_it_and_why(face: Face) -> None:
    face.waiting_incident()

    async with face.client("approve") as client:
        answer = await client.post("/v1/incidents/inc1/approve", json={"reason": "go ahead"})

    stored = Incidents(face.state).get("inc1")
    assert answer.status_code == 200
    assert stored is not None
    assert stored.incident.approval is Approval.APPROVED
    assert stored.incident.why == "approved by the-approve: go ahead"


async def test_a_denial_needs_no_reason(face: Face, client: httpx2.AsyncClient) -> None:
    face.waiting_incident()

    answer = await client.post("/v1/incidents/inc1/deny")

    assert answer.json()["state"] == "escalated"


async def test_a_decision_that_does_not_fit_the_state_is_a_conflict(
    face: Face, client: httpx2.AsyncClient
) -> None:
    face.waiting_incident()

    answer = await client.post("/v1/incidents/inc1/undo")

    assert answer.status_code == 409
    assert answer.json()["error"] == {
        "code": "Conflict",
        "message": "nothing of inc1 is in force, so there is nothing to undo",
    }


async def test_a_decision_with_a_body_of_another_kind_is_refused(
    face: Face, client: httpx2.AsyncClient
) -> None:
    face.waiting_incident()

    answer = await client.post("/v1/incidents/inc1/approve", json={"reasons": "typo"})

    assert answer.status_code == 400


@pytest.mark.parametrize(("key", "status"), [(None, 401), ("ingest", 403), ("read", 403)])
@pytest.mark.parametrize("verb", ["approve", "deny", "undo"])
async def test_a_decision_needs_a_key_that_may_decide(
    key: str | None, status: int, verb: str, face: Face
) -> None:
    face.waiting_incident()

    async with face.client(key) as client:
        answer = await client.post(f"/v1/incidents/inc1/{verb}")

    assert answer.status_code == status


@pytest.mark.parametrize(("key", "status"), [(None, 401), ("ingest", 403), ("read", 200), ("approve", 200)])
async def test_looking_needs_a_key_that_may_read(key: str | None, status: int, face: Face) -> None:
    async with face.client(key) as client:
        answer = await client.get("/v1/incidents")

    assert answer.status_code == status
