from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest

from sentinel.clock import SystemClock
from sentinel.deploy.kubernetes import VERSIONS, KubernetesAdapter
from sentinel.deploy.kubernetes_access import access_of
from sentinel.deploy.kubernetes_workload import Options
from tests.parts.kubernetes_adapters import OPTIONS, InterruptedApi, MakeAdapter
from tests.parts.kubernetes_objects import Place, a_deployment, an_autoscaler


@pytest.fixture
def make(place: Place) -> Iterator[MakeAdapter]:
    """Adapters to the namespace of the test."""
    with ExitStack() as opened:

        def made(
            options: Options = OPTIONS,
            versions: tuple[str, ...] = VERSIONS,
            **meddling: Callable[..., Any],
        ) -> KubernetesAdapter:
            api = InterruptedApi(access_of(place.cluster.kubeconfig, ""))
            for name, meddle in meddling.items():
                setattr(api, name, meddle)
            adapter = KubernetesAdapter(api, [place.namespace], options, SystemClock(), versions=versions)
            opened.callback(adapter.close)
            return adapter

        yield made


@pytest.fixture
def scaled(place: Place) -> Place:
    """A Deployment with an autoscaler from 1 to 4 replicas."""
    place.deploy(a_deployment())
    place.scale(an_autoscaler())
    return place
