"""The router's control plane."""

from __future__ import annotations

import json

from sentinel.demo.wire import call
from sentinel.model.settings import Settings
from tests.demo.conftest import MakeStack

RAISE_MAXIMUM = {"changes": [{"knob": "max_replicas", "before": 1, "after": 2}]}


async def test_a_change_of_the_revision_that_was_read_is_made(make_stack: MakeStack) -> None:
    stack = make_stack(Settings(max_replicas=1))

    reply = await stack.admin("PATCH", "", RAISE_MAXIMUM, if_match="1", idempotency_key="a")

    described = json.loads(reply.body)
    assert (reply.status, described["settings"]["max_replicas"], described["revision"]) == (200, 2, "2")


async def test_a_change_of_another_revision_fails_its_precondition(make_stack: MakeStack) -> None:
    stack = make_stack(Settings(max_replicas=1))

    reply = await stack.admin("PATCH", "", RAISE_MAXIMUM, if_match="7", idempotency_key="a")

    assert reply.status == 412


async def test_a_change_without_a_precondition_is_refused(make_stack: MakeStack) -> None:
    stack = make_stack(Settings(max_replicas=1))

    reply = await stack.admin("PATCH", "", RAISE_MAXIMUM)

    assert reply.status == 428


async def test_a_change_from_another_value_is_a_conflict(make_stack: MakeStack) -> None:
    stack = make_stack(Settings(max_replicas=5))

    reply = await stack.admin("PATCH", "", RAISE_MAXIMUM, if_match="1", idempotency_key="a")

    assert reply.status == 409


async def test_more_replicas_than_the_machine_bears_are_refused(make_stack: MakeStack) -> None:
    stack = make_stack(Settings(max_replicas=1), replica_quota=1)

    reply = await stack.admin("PATCH", "", RAISE_MAXIMUM, if_match="1", idempotency_key="a")

    assert (reply.status, b"at most 1" in reply.body) == (422, True)


async def test_a_change_that_a_web_page_could_send_is_refused(make_stack: MakeStack) -> None:
    stack = make_stack(Settings(max_replicas=1))

    reply = await call(stack.deployment_url, "PATCH", b"{}", {"content-type": "text/plain"})

    assert reply.status == 415


async def test_a_call_that_cannot_be_understood_is_a_bad_request(make_stack: MakeStack) -> None:
    stack = make_stack(Settings(max_replicas=1))

    reply = await stack.admin("PATCH", "", {"changes": [{}]}, if_match="1", idempotency_key="a")

    assert reply.status == 400
