"""The router, its queue and its replicas, as real processes."""

from __future__ import annotations

import time
from itertools import pairwise
from pathlib import Path
from typing import Any

from sentinel.demo.settings import BROKEN_SCORE
from sentinel.model.settings import Settings
from sentinel.simulate.records import CONSOLE, EVENTS, TRAFFIC
from tests.demo.conftest import MakeStack
from tests.demo.serving_stack import Stack, eventually

ONE_REPLICA = Settings(min_replicas=1, max_replicas=1, queue_wait_ms=300)


class TestServing:
    async def test_a_request_is_answered_by_a_replica(self, make_stack: MakeStack) -> None:
        stack = make_stack(ONE_REPLICA)
        await stack.ready()

        reply = await stack.score(tokens=3)

        assert (reply.status, reply.body) == (200, b'{"generated_tokens": 3}')

    async def test_the_traffic_log_tells_of_an_answered_request(self, make_stack: MakeStack) -> None:
        stack = make_stack(ONE_REPLICA)
        await stack.ready()

        reply = await stack.score(tokens=40)

        row = await stack.recorded(TRAFFIC, XRequestId=reply.headers["x-request-id"])
        assert (row["ResponseCode"], row["ModelStatusCode"]) == (200, 200)
        assert (row["EndpointName"], row["DeploymentName"]) == ("chat", "blue")
        assert 40 <= row["ResponseDurationMs"] <= row["TotalDurationMs"] < 2000
        assert row["_ResourceId"].endswith("/onlineendpoints/chat")

    async def test_an_unknown_deployment_is_not_served(self, make_stack: MakeStack) -> None:
        stack = make_stack(ONE_REPLICA)

        reply = await stack.admin("GET", "-not-there", None)

        assert reply.status == 404

    async def test_an_exception_in_run_is_answered_502(self, make_stack: MakeStack, tmp_path: Path) -> None:
        script = tmp_path / "raises.py"
        script.write_text("def init(): pass\ndef run(data): raise ValueError('bad input shape')\n")
        stack = make_stack(ONE_REPLICA, score_file=script)
        await stack.ready()

        reply = await stack.score()

        assert reply.status == 502
        assert (await stack.recorded(TRAFFIC, ResponseCode=502))["ModelStatusCode"] == 500
        assert await stack.console_line("ValueError: bad input shape")

    async def test_a_replica_that_dies_in_a_request_is_answered_502_and_started_again(
        self, make_stack: MakeStack, tmp_path: Path
    ) -> None:
        script = tmp_path / "dies.py"
        script.write_text("import os\ndef init(): pass\ndef run(data): os._exit(9)\n")
        stack = make_stack(ONE_REPLICA, score_file=script)
        await stack.ready()

        reply = await stack.score()

        assert (reply.status, reply.body) == (502, b"Replica closed connection before replying")
        await stack.ready()


class TestSaturation:
    async def test_at_the_maximum_the_queue_wait_ends_in_503(self, make_stack: MakeStack) -> None:
        stack = make_stack(ONE_REPLICA)
        await stack.ready()

        statuses = await stack.score_many(6, tokens=250)

        assert statuses == [200, 200, 503, 503, 503, 503]
        row = await stack.recorded(TRAFFIC, ResponseCode=503)
        assert row["ResponseCodeReason"] == "Too many requests for service chat (overloaded)"
        assert 290 <= row["TotalDurationMs"] < 1000
        assert "ModelStatusCode" not in row

    async def test_below_the_maximum_replicas_are_added(self, make_stack: MakeStack) -> None:
        stack = make_stack(Settings(min_replicas=1, max_replicas=3, queue_wait_ms=4000))
        await stack.ready()

        statuses = await stack.score_many(9, tokens=200)

        assert statuses == [200] * 9
        assert (await stack.describe())["replicas"] == 3

    async def test_replicas_are_added_to_those_that_are_there(self, make_stack: MakeStack) -> None:
        stack = make_stack(Settings(min_replicas=3, max_replicas=4, queue_wait_ms=4000), scale_in_seconds=60)
        await stack.ready(3)

        await stack.score_many(12, tokens=100)

        await stack.ready(4)
        assert not [row for row in stack.records(EVENTS) if row["Name"] == "Killing"]

    async def test_replicas_that_are_not_needed_any_more_are_removed(self, make_stack: MakeStack) -> None:
        stack = make_stack(Settings(min_replicas=1, max_replicas=3, queue_wait_ms=4000), scale_in_seconds=0.2)
        await stack.ready()
        await stack.score_many(9, tokens=100)

        async def shrunk() -> bool:
            described = await stack.describe()
            return bool(described["replicas"] == 1)

        assert await eventually(shrunk)
        assert await stack.recorded(EVENTS, Name="Killing")


class TestTimeouts:
    async def test_a_slow_request_is_answered_504_and_its_true_duration_is_on_the_console(
        self, make_stack: MakeStack
    ) -> None:
        stack = make_stack(Settings(min_replicas=1, max_replicas=1, request_timeout_ms=150))
        await stack.ready()

        reply = await stack.score(tokens=400)

        assert reply.status == 504
        row = await stack.recorded(TRAFFIC, ResponseCode=504)
        assert 140 <= row["TotalDurationMs"] < 390
        line = await stack.console_line("POST /score 200 ")
        assert float(line.split(" ")[-2].removesuffix("ms")) >= 400

    async def test_the_replica_stays_busy_with_a_request_that_timed_out(self, make_stack: MakeStack) -> None:
        stack = make_stack(
            Settings(min_replicas=1, max_replicas=1, request_timeout_ms=100, queue_wait_ms=100)
        )
        await stack.ready()
        await stack.score(tokens=900)

        reply = await stack.score(tokens=0)

        assert reply.status == 503


class TestCrashLoop:
    async def test_a_broken_script_leaves_no_replica_ready(self, make_stack: MakeStack) -> None:
        stack = make_stack(ONE_REPLICA, score_file=BROKEN_SCORE)
        await stack.console_line("ModuleNotFoundError: No module named 'lightgbm'")

        reply = await stack.score()

        assert (reply.status, reply.body) == (503, b"No ready replicas for service chat")
        assert await stack.console_line("exited with code 3.")
        assert await stack.recorded(EVENTS, Name="BackOff", Message="Back-off restarting failed container")

    async def test_a_traceback_names_the_files_of_the_real_server_and_the_script(
        self, make_stack: MakeStack
    ) -> None:
        stack = make_stack(ONE_REPLICA, score_file=BROKEN_SCORE)
        await stack.console_line("Reason: Worker failed to boot.")

        messages = [row["Message"] for row in stack.records(CONSOLE)]

        files = {text.split('"')[1] for text in messages if text.startswith('  File "/')}
        server = "/azureml-envs/env/lib/python3.11/site-packages/azureml_inference_server_http/server/user_script.py"
        assert files == {server, str(BROKEN_SCORE)}

    async def test_the_wait_before_a_restart_doubles(self, make_stack: MakeStack) -> None:
        stack = make_stack(ONE_REPLICA, score_file=BROKEN_SCORE, backoff_seconds=0.1)

        starts = await started(stack, 4)

        first, second, third = (b - a for a, b in pairwise(starts))
        assert 0.1 <= first < second < third
        assert third >= 0.4

    async def test_a_replica_that_does_not_answer_its_probe_in_time_is_reported(
        self, make_stack: MakeStack, tmp_path: Path
    ) -> None:
        script = tmp_path / "slow_to_load.py"
        script.write_text("import time\ndef init(): time.sleep(30)\ndef run(data): pass\n")
        stack = make_stack(ONE_REPLICA, score_file=script, probe_seconds=0.1)

        row = await stack.recorded(EVENTS, Name="ReadinessProbeFailed")

        assert row["Message"].startswith("Readiness probe failed: ")
        assert row["Message"].endswith("connection refused")

    async def test_rolling_to_a_broken_script_takes_every_replica_down(self, make_stack: MakeStack) -> None:
        stack = make_stack(Settings(min_replicas=2, max_replicas=2, queue_wait_ms=100))
        before = await stack.ready(2)

        reply = await stack.admin("POST", "/score-file", {"path": str(BROKEN_SCORE)})

        assert reply.status == 200
        await stack.console_line("exited with code 3.")

        async def looping() -> dict[str, Any] | None:
            described = await stack.describe()
            return described if "CrashLoopBackOff" in described["instances"].values() else None

        described = await eventually(looping)
        assert described["ready_replicas"] == 0
        assert described["revision"] != before["revision"]
        assert (await stack.score()).status == 503


class TestServiceTime:
    async def test_the_model_can_be_made_slower_while_it_runs(self, make_stack: MakeStack) -> None:
        stack = make_stack(ONE_REPLICA)
        await stack.ready()

        await stack.admin("PUT", "/service-time", {"base_ms": 200, "per_token_ms": 0})

        began = time.perf_counter()
        assert (await stack.score()).status == 200
        assert time.perf_counter() - began >= 0.2


async def started(stack: Stack, count: int) -> list[float]:
    """When the replica was started, as seconds, the first `count` times."""

    async def times() -> list[float] | None:
        rows = [row["TimeGenerated"] for row in stack.records(EVENTS) if row["Name"] == "Started"]
        return [seconds_of(at) for at in rows[:count]] if len(rows) >= count else None

    return await eventually(times)


def seconds_of(at: str) -> float:
    """The seconds of the day of an instant."""
    hours, minutes, seconds = at.removesuffix("Z").partition("T")[2].split(":")
    return int(hours) * 3600 + int(minutes) * 60 + float(seconds)
