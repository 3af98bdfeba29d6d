"""Real arrivals, replayed."""

from __future__ import annotations

import json
import sys

import pytest

from sentinel.demo.load import read_arrivals
from sentinel.demo.processes import Process
from sentinel.demo.stage import Crowd
from sentinel.demo.wire import Reply, Request, port_of, serve
from tests.demo.serving_stack import eventually


def test_the_arrivals_come_with_the_package_and_have_a_mean_pause_of_one() -> None:
    arrivals = read_arrivals()

    assert len(arrivals) == 1500
    assert sum(arrival.pause for arrival in arrivals) / len(arrivals) == pytest.approx(1)


class Service:
    """Answers in turn 200 and 503, and remembers what it was asked."""

    def __init__(self) -> None:
        self.asked: list[Request] = []

    async def handle(self, request: Request) -> Reply:
        """Answer one request."""
        self.asked.append(request)
        return Reply(503 if len(self.asked) % 2 else 200)

    async def asked_enough(self) -> bool:
        """It was asked ten times."""
        return len(self.asked) >= 10


async def test_load_goes_to_the_deployment_at_the_rate_it_is_told() -> None:
    service = Service()
    server = await serve(service.handle, "127.0.0.1", 0)
    url = f"http://127.0.0.1:{port_of(server)}/score"
    with Process([sys.executable, "-m", "sentinel.demo.load", url, "blue"]) as load:
        load.tell("100")

        await eventually(service.asked_enough)
        counts = json.loads(load.stdout.readline())

    assert set(counts) == {"200", "503"}
    assert service.asked[0].headers["azureml-model-deployment"] == "blue"
    assert json.loads(service.asked[0].body)["generated_tokens"] > 0
    server.close()


async def test_a_crowd_knows_what_it_was_answered_lately() -> None:
    service = Service()
    server = await serve(service.handle, "127.0.0.1", 0)
    with Crowd(f"http://127.0.0.1:{port_of(server)}/score", "blue") as crowd:
        crowd.come(50)

        async def answered() -> bool:
            return crowd.recent(60)[200] > 0 and crowd.recent(60)[503] > 0

        assert await eventually(answered)
    server.close()
