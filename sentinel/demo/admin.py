"""The router's control plane: read a deployment, change its settings if they are as read."""

from __future__ import annotations

import asyncio
import json
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final
from urllib.parse import unquote

from sentinel.demo.serving import Serving
from sentinel.demo.settings import ServiceTime
from sentinel.demo.wire import Reply, Request
from sentinel.deploy.limits import CEILINGS, changed, refusal
from sentinel.errors import AdapterError, Conflict
from sentinel.model.settings import Change, Knob

_REMEMBERED: Final = 10_000
"""The idempotency keys that are remembered."""


class Refused(Exception):
    """A call that is not carried out."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


class Admin:
    """Answers the control-plane calls of a router.

    `GET /deployments`, `GET` and `PATCH /deployments/<endpoint>/<deployment>`, and on a deployment
    `POST .../score-file` and `PUT .../service-time`.
    """

    def __init__(self, endpoint: str, servings: Mapping[str, Serving], replica_quota: int) -> None:
        self._endpoint = endpoint
        self._servings = servings
        self._ceilings = {**CEILINGS, Knob.MAX_REPLICAS: replica_quota}
        self._revisions = dict.fromkeys(servings, 1)
        self._applied: OrderedDict[str, None] = OrderedDict()
        self._rolling: set[asyncio.Task[None]] = set()

    async def handle(self, request: Request) -> Reply:
        """Answer one call."""
        try:
            answer = self._route(request)
        except Refused as refused:
            return _json(refused.status, {"error": {"message": str(refused)}})
        except (ValueError, KeyError, TypeError) as error:
            return _json(400, {"error": {"message": f"the call cannot be understood: {error!r}"}})
        return _json(200, answer)

    def _route(self, request: Request) -> dict[str, Any]:
        parts = [unquote(part) for part in request.path.partition("?")[0].strip("/").split("/")]
        if request.method != "GET" and not request.headers.get("content-type", "").startswith(
            "application/json"
        ):
            # A page in a browser cannot send this type to another origin without asking.
            raise Refused(415, "a change is sent as application/json")
        match request.method, parts:
            case "GET", ["deployments"]:
                return {"deployments": [self._describe(serving) for serving in self._servings.values()]}
            case "GET", ["deployments", endpoint, name]:
                return self._describe(self._serving(endpoint, name))
            case "PATCH", ["deployments", endpoint, name]:
                return self._patch(self._serving(endpoint, name), request)
            case "POST", ["deployments", endpoint, name, "score-file"]:
                return self._roll(self._serving(endpoint, name), json.loads(request.body))
            case "PUT", ["deployments", endpoint, name, "service-time"]:
                serving = self._serving(endpoint, name)
                serving.set_service_time(ServiceTime(**json.loads(request.body)))
                return self._describe(serving)
        raise Refused(404, f"there is no {request.method} {request.path}")

    def _serving(self, endpoint: str, name: str) -> Serving:
        if endpoint != self._endpoint or name not in self._servings:
            raise Refused(404, f"there is no deployment {endpoint}/{name}")
        return self._servings[name]

    def _describe(self, serving: Serving) -> dict[str, Any]:
        return {
            "endpoint": self._endpoint,
            "deployment": serving.name,
            "settings": asdict(serving.settings),
            "replicas": serving.replicas,
            "ready_replicas": serving.ready_replicas,
            "busy": serving.busy,
            "queued": serving.queued,
            "instances": serving.states,
            "revision": str(self._revisions[serving.name]),
            "updating": serving.updating,
            "score_file": serving.score_file,
            "ceilings": self._ceilings,
        }

    def _patch(self, serving: Serving, request: Request) -> dict[str, Any]:
        expect, key = request.headers.get("if-match"), request.headers.get("idempotency-key")
        if expect is None or not key:
            raise Refused(428, "a change names If-Match and Idempotency-Key")
        if key in self._applied:
            return self._describe(serving)
        revision = str(self._revisions[serving.name])
        if expect != revision:
            raise Refused(412, f"the revision is {revision}, not {expect}")
        if serving.updating:
            raise Refused(409, "an update is in flight")
        listed = json.loads(request.body)["changes"]
        changes = [Change(Knob(one["knob"]), int(one["before"]), int(one["after"])) for one in listed]
        try:
            settings = changed(serving.settings, changes)
        except Conflict as conflict:
            raise Refused(409, str(conflict)) from conflict
        except AdapterError as error:
            raise Refused(422, str(error)) from error
        refused = refusal(settings, self._ceilings)
        if refused is not None:
            raise Refused(422, refused)
        serving.settings = settings
        self._revise(serving)
        self._applied[key] = None
        if len(self._applied) > _REMEMBERED:
            self._applied.popitem(last=False)
        serving.scale(asyncio.get_running_loop().time())
        return self._describe(serving)

    def _roll(self, serving: Serving, asked: Mapping[str, str]) -> dict[str, Any]:
        path = asked["path"]
        if not Path(path).is_file():
            raise Refused(422, f"there is no file {path}")
        if serving.updating:
            raise Refused(409, "an update is in flight")
        self._revise(serving)
        rolling = asyncio.get_running_loop().create_task(serving.roll(path))
        self._rolling.add(rolling)
        rolling.add_done_callback(self._rolling.discard)
        serving.updating = True
        return self._describe(serving)

    def _revise(self, serving: Serving) -> None:
        self._revisions[serving.name] += 1


def _json(status: int, answer: Mapping[str, Any]) -> Reply:
    return Reply(status, json.dumps(answer).encode(), {"content-type": "application/json"})
