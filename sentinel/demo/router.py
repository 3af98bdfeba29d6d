"""The demo's front end: one endpoint, its deployments, their queues and replicas, and what it reports of them.

Run as `python -m sentinel.demo.router PLAN`, the plan being a JSON file (`sentinel.demo.settings.RouterPlan`). Its
first line on stdout is `{"score": <address>, "admin": <address>}`.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import signal
import sys
from collections.abc import Sequence
from pathlib import Path

from sentinel.demo.admin import Admin
from sentinel.demo.delivery import AppendRecords, Delivery, PostRecords
from sentinel.demo.serving import Serving
from sentinel.demo.settings import RouterPlan
from sentinel.demo.wire import Reply, Request, port_of, serve

_HOST = "127.0.0.1"
_FLUSH_SECONDS = 2.0


def _delivery(plan: RouterPlan) -> Delivery:
    if plan.sentinel:
        key = Path(plan.key_file).read_text("utf-8").strip() if plan.key_file else ""
        return PostRecords(plan.sentinel, key)
    return AppendRecords(Path(plan.records_file or Path(plan.work_dir) / "records.jsonl"))


async def route(plan: RouterPlan) -> None:
    """Serve the endpoint until the process is told to end, then stop every replica."""
    delivery = _delivery(plan)
    servings = {listed.name: Serving(listed, plan, delivery.take) for listed in plan.deployments}
    default = next(iter(servings.values()))

    async def score(request: Request) -> Reply:
        if request.method != "POST" or request.path.partition("?")[0] != "/score":
            return Reply(404, b"requests are sent as POST /score")
        name = request.headers.get("azureml-model-deployment", default.name)
        if name not in servings:
            return Reply(404, f"there is no deployment {name}".encode())
        return await servings[name].score(request)

    ended = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, ended.set)
    scoring = await serve(score, _HOST, plan.score_port)
    admin = await serve(Admin(plan.endpoint, servings, plan.replica_quota).handle, _HOST, plan.admin_port)
    work = [asyncio.create_task(serving.run()) for serving in servings.values()]
    work.append(asyncio.create_task(delivery.run()))
    addresses = {
        "score": f"http://{_HOST}:{port_of(scoring)}/score",
        "admin": f"http://{_HOST}:{port_of(admin)}",
    }
    print(json.dumps(addresses), flush=True)  # noqa: T201 - whoever started it reads the addresses
    await ended.wait()
    for task in work:
        task.cancel()
    await asyncio.gather(*work, return_exceptions=True)
    await asyncio.gather(*(serving.close() for serving in servings.values()))
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(delivery.flush(), _FLUSH_SECONDS)


def main(arguments: Sequence[str]) -> int:
    """Route as the plan in the file `arguments[0]` says."""
    asyncio.run(route(RouterPlan.of_json(Path(arguments[0]).read_text("utf-8"))))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
