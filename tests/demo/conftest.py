"""A real router for each test."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from sentinel.demo.processes import Router
from sentinel.demo.settings import DeploymentPlan, RouterPlan, ServiceTime
from sentinel.model.settings import Settings
from tests.demo.serving_stack import Stack

MakeStack = Callable[..., Stack]


@pytest.fixture
def make_stack(tmp_path: Path) -> Iterator[MakeStack]:
    """Starts routers of one deployment whose model takes a millisecond a token."""
    with ExitStack() as routers:

        def make(settings: Settings | None = None, **told: Any) -> Stack:
            deployment = DeploymentPlan("blue", settings or Settings(), service_time=ServiceTime(0, 1))
            if "score_file" in told:
                deployment = replace(deployment, score_file=str(told.pop("score_file")))
            if not told.get("sentinel"):
                told["records_file"] = str(tmp_path / "records.jsonl")
            quick = {
                "refresh_seconds": 0.1,
                "scale_in_seconds": 0.5,
                "backoff_seconds": 0.05,
                "probe_seconds": 0.5,
            }
            plan = RouterPlan(str(tmp_path), deployments=(deployment,), **{**quick, **told})
            return Stack(routers.enter_context(Router(plan)), plan)

        yield make
