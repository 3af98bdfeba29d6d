from __future__ import annotations

import httpx2
import pytest

from tests.web.conftest import Face


async def test_health_is_well_without_a_key(face: Face) -> None:
    async with face.client(None) as client:
        answer = await client.get("/healthz")

    assert (answer.status_code, answer.json()) == (200, {"status": "ok", "reasons": []})


async def test_health_fails_with_its_reasons_and_readiness_has_its_own(
    face: Face, client: httpx2.AsyncClient
) -> None:
    face.reasons.append("AmlComputeJobEvent is silent")

    health, ready = await client.get("/healthz"), await client.get("/readyz")

    assert health.status_code == 503
    assert health.json() == {"status": "failing", "reasons": ["AmlComputeJobEvent is silent"]}
    assert ready.status_code == 200


async def test_metrics_count_requests_by_route_and_not_by_address(face: Face) -> None:
    async with face.client(None) as client:
        await client.get("/v1/incidents/some-id")
        await client.get("/no/such/page")
        text = (await client.get("/metrics")).text

    assert 'sentinel_http_requests_total{route="/v1/incidents/{id}",status="401"} 1.0' in text
    assert 'sentinel_http_requests_total{route="other",status="404"} 1.0' in text
    assert "some-id" not in text


@pytest.mark.parametrize(("method", "path", "status"), [("GET", "/nope", 404), ("GET", "/v1/records", 405)])
async def test_what_is_not_served_is_an_error_in_the_usual_form(
    method: str, path: str, status: int, client: httpx2.AsyncClient
) -> None:
    answer = await client.request(method, path)

    assert answer.status_code == status
    assert set(answer.json()["error"]) == {"code", "message"}


async def test_a_defect_tells_nothing_of_the_inside(face: Face, client: httpx2.AsyncClient) -> None:
    face.state.close()

    answer = await client.get("/v1/incidents")

    assert answer.status_code == 500
    assert answer.json()["error"]["code"] == "InternalError"
    assert "database" not in answer.text


@pytest.mark.parametrize("scheme", ["Basic admin", "admin", "Bearer", "Bearer ", ""])
async def test_a_key_is_only_taken_as_a_bearer(scheme: str, face: Face) -> None:
    async with face.client(None) as client:
        answer = await client.get("/v1/incidents", headers={"Authorization": scheme})

    assert answer.status_code == 401
    assert answer.headers["www-authenticate"].startswith("Bearer")
