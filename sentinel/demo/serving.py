"""A deployment behind the router: its queue, its replicas, and how it scales them."""

from __future__ import annotations

import asyncio
import json
import os
import time
import uuid
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from sentinel.demo.delivery import Stamps
from sentinel.demo.pod import Pod, PodSpec, PodState
from sentinel.demo.settings import DeploymentPlan, RouterPlan, ServiceTime
from sentinel.demo.wire import Reply, Request, WireError
from sentinel.simulate.autoscale import Autoscaler
from sentinel.simulate.records import Record, RecordMaker, Request as AnsweredRequest

_DRAIN_SECONDS: Final = 10.0
_ROLL_DRAIN_SECONDS: Final = 1.0


class Serving:
    """One deployment: hands requests to free replicas and keeps the right number of them."""

    def __init__(self, plan: DeploymentPlan, router: RouterPlan, take: Callable[[Record], None]) -> None:
        self.name = plan.name
        self.settings = plan.settings
        self.score_file = plan.score_file
        self.updating = False
        self._router = router
        self._load_seconds = plan.load_seconds
        self._take = take
        self._maker = RecordMaker(router.endpoint, plan.name)
        self._stamps = Stamps()
        self._pods: list[Pod] = []
        self._waiting: deque[asyncio.Future[Pod]] = deque()
        self._autoscaler = Autoscaler(router.scale_in_seconds)
        self._changed = asyncio.Event()
        self._tasks: set[asyncio.Task[Any]] = set()
        self._control = Path(router.work_dir) / f"{router.endpoint}-{plan.name}.service-time.json"
        self.set_service_time(plan.service_time)

    @property
    def replicas(self) -> int:
        """The replicas there are, ready or not, without those on their way out."""
        return len(self._staying())

    @property
    def ready_replicas(self) -> int:
        """The replicas that take requests."""
        return sum(pod.ready for pod in self._pods)

    @property
    def busy(self) -> int:
        """The requests that replicas work on, those whose callers were answered 504 included."""
        return sum(pod.busy for pod in self._pods)

    @property
    def queued(self) -> int:
        """The requests that wait for a replica."""
        return len(self._waiting)

    @property
    def states(self) -> dict[str, str]:
        """The state of each replica by its instance id."""
        return {pod.instance: pod.state.value for pod in self._pods}

    def set_service_time(self, service_time: ServiceTime) -> None:
        """Change how long the model takes, from the next request on."""
        draft = self._control.with_suffix(".draft")
        draft.write_text(
            json.dumps({"base_ms": service_time.base_ms, "per_token_ms": service_time.per_token_ms}), "utf-8"
        )
        draft.replace(self._control)

    async def run(self) -> None:
        """Scale until cancelled."""
        loop = asyncio.get_running_loop()
        while True:
            self.scale(loop.time())
            await asyncio.sleep(self._router.refresh_seconds)

    def scale(self, now: float) -> None:
        """Bring the number of replicas to what the load needs."""
        staying = self._staying()
        decided = self._autoscaler.decide(now, len(staying), self.busy + self.queued, self.settings)
        for _ in range(decided - len(staying)):
            self._start_pod()
        spare = sorted(staying, key=lambda pod: (pod.state is PodState.READY, pod.busy))
        for pod in spare[: max(0, len(staying) - decided)]:
            self._begin(pod.stop(_DRAIN_SECONDS))

    async def roll(self, score_file: str) -> None:
        """Replace every replica by one that runs another script, all at once.

        The update is in flight until all are ready or one of them has crashed.
        """
        self.updating, self.score_file = True, score_file
        old = self._staying()
        for pod in old:
            self._begin(pod.stop(_ROLL_DRAIN_SECONDS))
        new = [self._start_pod() for _ in range(max(len(old), self.settings.min_replicas))]
        while not (all(pod.ready or pod.stopping for pod in new) or any(pod.crashes for pod in new)):
            self._changed.clear()
            await self._changed.wait()
        self.updating = False

    async def close(self) -> None:
        """Stop every replica."""
        await asyncio.gather(*(pod.stop(0) for pod in self._pods))

    async def score(self, request: Request) -> Reply:
        """Answer one request, and write its row of the traffic log."""
        at, began = self._stamps.next(), time.perf_counter()
        request_id = str(uuid.uuid4())
        status, reason, answer, replied = await self._answer(request, request_id)
        body = answer.body if answer is not None and status == answer.status else reason.encode()
        self._take(
            self._maker.traffic(
                AnsweredRequest(
                    at=at,
                    id=request_id,
                    status=status,
                    reason=reason,
                    total_ms=(time.perf_counter() - began + request.read_seconds) * 1000,
                    model_status=answer.status if answer is not None else None,
                    model_reason=answer.body.decode("utf-8", "replace") if status == 502 and answer else "",  # noqa: PLR2004
                    request_ms=request.read_seconds * 1000,
                    response_ms=(replied - began) * 1000 if answer is not None else None,
                    received_bytes=len(request.body),
                    sent_bytes=len(body),
                    path=request.path,
                    user_agent=request.headers.get("user-agent", ""),
                    client_id=request.headers.get("x-ms-client-request-id", ""),
                )
            )
        )
        return Reply(status, body, {"x-request-id": request_id, "azureml-model-deployment": self.name})

    async def _answer(self, request: Request, request_id: str) -> tuple[int, str, Reply | None, float]:
        """The status, its reason, the model's own answer if it gave one, and when."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + self.settings.request_timeout_ms / 1000
        pod = await self._free_pod()
        endpoint = self._router.endpoint
        if pod is None:
            if not self.ready_replicas:
                return 503, f"No ready replicas for service {endpoint}", None, 0
            return 503, f"Too many requests for service {endpoint} (overloaded)", None, 0
        headers = {"x-request-id": request_id, "content-type": "application/json"}
        forwarding = self._begin(self._forward(pod, Request("POST", "/score", headers, request.body)))
        done, _ = await asyncio.wait({forwarding}, timeout=max(0, deadline - loop.time()))
        if not done:
            return 504, f"Replica did not reply within {self.settings.request_timeout_ms} ms", None, 0
        answer = forwarding.result()
        if answer is None:
            return 502, "Replica closed connection before replying", None, 0
        if answer.status == 500:  # noqa: PLR2004 - run() raised
            return 502, "Replica failed to run the request", answer, time.perf_counter()
        return answer.status, "", answer, time.perf_counter()

    async def _free_pod(self) -> Pod | None:
        """A ready replica with a free place, which is then taken; None after the queue wait."""
        pod = self._idle()
        if pod is not None and not self._waiting:
            pod.occupy()
            return pod
        place: asyncio.Future[Pod] = asyncio.get_running_loop().create_future()
        self._waiting.append(place)
        await asyncio.wait({place}, timeout=self.settings.queue_wait_ms / 1000)
        if place.done():
            return place.result()
        place.cancel()
        self._waiting.remove(place)
        return None

    async def _forward(self, pod: Pod, request: Request) -> Reply | None:
        """Have a replica work on a request to its end, whether or not somebody still waits for it."""
        try:
            return await pod.forward(request)
        except (OSError, WireError):
            return None
        finally:
            pod.release()
            self._serve_waiting()

    def _note_change(self) -> None:
        self._changed.set()
        self._serve_waiting()

    def _serve_waiting(self) -> None:
        """Give the free places to those who wait, the longest wait first."""
        while self._waiting and (pod := self._idle()) is not None:
            pod.occupy()
            self._waiting.popleft().set_result(pod)

    def _idle(self) -> Pod | None:
        free = (pod for pod in self._pods if pod.ready and pod.busy < self.settings.max_concurrency)
        return min(free, key=lambda pod: pod.busy, default=None)

    def _staying(self) -> list[Pod]:
        return [pod for pod in self._pods if not pod.stopping]

    def _start_pod(self) -> Pod:
        environment = {
            **os.environ,
            "AZUREML_ENTRY_SCRIPT": self.score_file,
            "AZUREML_MODEL_DIR": self._router.work_dir,
            "SERVICE_TIME_FILE": str(self._control),
            "MODEL_LOAD_SECONDS": str(self._load_seconds),
        }
        router = self._router
        spec = PodSpec(
            self.score_file,
            environment,
            router.backoff_seconds,
            router.backoff_limit_seconds,
            router.probe_seconds,
        )
        pod = Pod(spec, self._maker, self._stamps, self._take, self._note_change)
        self._pods.append(pod)
        self._begin(pod.run()).add_done_callback(lambda _: self._pods.remove(pod))
        return pod

    def _begin(self, work: Any) -> asyncio.Task[Any]:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task
