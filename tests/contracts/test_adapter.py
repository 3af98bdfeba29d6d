"""What every deployment adapter promises."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

import pytest

from sentinel.clock import SystemClock
from sentinel.demo.processes import Router
from sentinel.demo.settings import DeploymentPlan, RouterPlan
from sentinel.deploy.adapter import Adapter
from sentinel.deploy.kubernetes import KubernetesAdapter
from sentinel.deploy.kubernetes_access import access_of
from sentinel.deploy.kubernetes_api import Api
from sentinel.deploy.kubernetes_workload import Options
from sentinel.deploy.local import LocalAdapter
from sentinel.deploy.simulated import SimulatedAdapter
from sentinel.errors import AdapterError, Conflict, TargetNotFound
from sentinel.model.settings import Change, Deployment, Knob, Settings
from sentinel.model.target import Target, TargetKind, deployment
from tests.parts.kubernetes_objects import Place, a_deployment, an_autoscaler

BLUE = deployment("chat", "blue")
SETTINGS = Settings(min_replicas=1, max_replicas=4)
SCALED = {Knob.TARGET_UTILIZATION, Knob.MIN_REPLICAS, Knob.MAX_REPLICAS}
RAISE_MAXIMUM = Change(Knob.MAX_REPLICAS, 4, 9)

MakeAdapter = Callable[[pytest.FixtureRequest, ExitStack], Adapter]


def simulated(_request: pytest.FixtureRequest, _started: ExitStack) -> Adapter:
    """Deployments in memory."""
    adapter = SimulatedAdapter(SystemClock())
    adapter.add(BLUE, SETTINGS)
    return adapter


def local(request: pytest.FixtureRequest, started: ExitStack) -> Adapter:
    """A real router with real replicas."""
    work_dir: Path = request.getfixturevalue("tmp_path")
    plan = RouterPlan(str(work_dir), deployments=(DeploymentPlan("blue", SETTINGS),))
    router = started.enter_context(Router(plan))
    adapter = LocalAdapter(router.admin_url)
    started.callback(adapter.close)
    return adapter


def kubernetes(request: pytest.FixtureRequest, started: ExitStack) -> Adapter:
    """A real API server, with a Deployment that the real controller scales."""
    place: Place = request.getfixturevalue("place")
    place.deploy(a_deployment())
    place.scale(an_autoscaler(low=SETTINGS.min_replicas, high=SETTINGS.max_replicas))
    api = Api(access_of(place.cluster.kubeconfig, ""))
    adapter = KubernetesAdapter(api, [place.namespace], Options(), SystemClock())
    started.callback(adapter.close)
    return adapter


@pytest.fixture(params=[simulated, local, kubernetes], ids=["simulated", "local", "kubernetes"])
def adapter(request: pytest.FixtureRequest) -> Iterator[Adapter]:
    """Each adapter, with the one deployment chat/blue."""
    make: MakeAdapter = request.param
    with ExitStack() as started:
        yield make(request, started)


def outcome_of(adapter: Adapter, change: Change, *, expect: str, key: str) -> type[AdapterError] | None:
    """Which error applying a change raised, if any."""
    try:
        adapter.apply(BLUE, [change], expect=expect, key=key)
    except AdapterError as error:
        return type(error)
    return None


def unchanged(adapter: Adapter, read: Deployment) -> bool:
    """The settings and revision are still as they were read."""
    now = adapter.describe(BLUE)
    return (now.settings, now.revision) == (read.settings, read.revision)


def test_the_deployments_it_knows_are_listed(adapter: Adapter) -> None:
    assert list(adapter.targets()) == [BLUE]


def test_a_deployment_is_described(adapter: Adapter) -> None:
    described = adapter.describe(BLUE)

    assert (described.target, described.settings) == (BLUE, SETTINGS)
    assert 0 <= described.ready_replicas <= described.replicas <= SETTINGS.max_replicas
    assert not described.updating


def test_the_timeout_has_the_ceiling_of_the_platform(adapter: Adapter) -> None:
    assert adapter.describe(BLUE).ceiling(Knob.REQUEST_TIMEOUT_MS) == 300_000


def test_it_says_which_knobs_it_turns(adapter: Adapter) -> None:
    assert adapter.knobs >= {Knob.TARGET_UTILIZATION, Knob.MIN_REPLICAS, Knob.MAX_REPLICAS}


def test_a_knob_it_does_not_turn_is_one_it_says_cannot_be_changed(adapter: Adapter) -> None:
    described = adapter.describe(BLUE)

    others = [knob for knob in Knob if knob not in adapter.knobs]
    assert all(described.why_not(knob) for knob in others)
    assert all(described.why_not(knob) is None for knob in adapter.knobs & SCALED)


def test_a_change_of_what_was_read_is_made(adapter: Adapter) -> None:
    read = adapter.describe(BLUE)

    applied = adapter.apply(BLUE, [RAISE_MAXIMUM], expect=read.revision, key="act-1")

    assert applied.settings == SETTINGS.with_value(Knob.MAX_REPLICAS, 9)
    assert applied.revision != read.revision


def test_a_change_is_seen_by_the_next_reader(adapter: Adapter) -> None:
    read = adapter.describe(BLUE)

    applied = adapter.apply(BLUE, [RAISE_MAXIMUM], expect=read.revision, key="act-1")

    described = adapter.describe(BLUE)
    assert (described.settings, described.revision) == (applied.settings, applied.revision)


def test_several_changes_are_made_together(adapter: Adapter) -> None:
    read = adapter.describe(BLUE)
    changes = [RAISE_MAXIMUM, Change(Knob.MIN_REPLICAS, 1, 5), Change(Knob.TARGET_UTILIZATION, 70, 50)]

    applied = adapter.apply(BLUE, changes, expect=read.revision, key="act-1")

    assert applied.settings == Settings(min_replicas=5, max_replicas=9, target_utilization=50)


def test_the_inverse_brings_the_old_settings_back(adapter: Adapter) -> None:
    read = adapter.describe(BLUE)
    applied = adapter.apply(BLUE, [RAISE_MAXIMUM], expect=read.revision, key="act-1")

    undone = adapter.apply(BLUE, [RAISE_MAXIMUM.inverse], expect=applied.revision, key="act-2")

    assert undone.settings == read.settings
    assert undone.revision not in {read.revision, applied.revision}


def test_a_stale_revision_is_a_conflict_and_changes_nothing(adapter: Adapter) -> None:
    stale = adapter.describe(BLUE).revision
    read = adapter.apply(BLUE, [Change(Knob.MIN_REPLICAS, 1, 2)], expect=stale, key="act-1")

    with pytest.raises(Conflict):
        adapter.apply(BLUE, [RAISE_MAXIMUM], expect=stale, key="act-2")

    assert unchanged(adapter, read)


def test_a_setting_that_is_not_as_before_is_a_conflict_and_changes_nothing(adapter: Adapter) -> None:
    read = adapter.describe(BLUE)
    changes = [Change(Knob.TARGET_UTILIZATION, 70, 60), Change(Knob.MAX_REPLICAS, 5, 9)]

    with pytest.raises(Conflict):
        adapter.apply(BLUE, changes, expect=read.revision, key="act-1")

    assert unchanged(adapter, read)


def test_the_same_key_twice_changes_once(adapter: Adapter) -> None:
    read = adapter.describe(BLUE)
    first = adapter.apply(BLUE, [RAISE_MAXIMUM], expect=read.revision, key="act-1")

    second = adapter.apply(BLUE, [RAISE_MAXIMUM], expect=read.revision, key="act-1")

    assert (second.settings, second.revision) == (first.settings, first.revision)


def test_a_key_that_met_a_conflict_may_be_used_again(adapter: Adapter) -> None:
    read = adapter.describe(BLUE)
    with pytest.raises(Conflict):
        adapter.apply(BLUE, [RAISE_MAXIMUM], expect=f"not-{read.revision}", key="act-1")

    applied = adapter.apply(BLUE, [RAISE_MAXIMUM], expect=read.revision, key="act-1")

    assert applied.settings.max_replicas == 9


@pytest.mark.parametrize(
    "change",
    [
        Change(Knob.REQUEST_TIMEOUT_MS, 60_000, 300_001),
        Change(Knob.TARGET_UTILIZATION, 70, 101),
        Change(Knob.TARGET_UTILIZATION, 70, 0),
        Change(Knob.MIN_REPLICAS, 1, 0),
        Change(Knob.MIN_REPLICAS, 1, 5),
        Change(Knob.MAX_REPLICAS, 4, 0),
        Change(Knob.MAX_CONCURRENCY, 1, 0),
        Change(Knob.QUEUE_WAIT_MS, 500, -1),
        Change(Knob.REPLICAS, 1, 2),
    ],
    ids=str,
)
def test_what_the_platform_does_not_accept_is_refused_for_good(adapter: Adapter, change: Change) -> None:
    read = adapter.describe(BLUE)

    with pytest.raises(AdapterError) as refused:
        adapter.apply(BLUE, [change], expect=read.revision, key="act-1")

    assert refused.value.permanent
    assert unchanged(adapter, read)


@pytest.mark.parametrize(
    "target",
    [deployment("chat", "green"), deployment("other", "blue"), Target(TargetKind.JOB, ("train",))],
    ids=str,
)
def test_an_unknown_target_is_not_found(adapter: Adapter, target: Target) -> None:
    with pytest.raises(TargetNotFound):
        adapter.describe(target)

    with pytest.raises(TargetNotFound):
        adapter.apply(target, [RAISE_MAXIMUM], expect="1", key="act-1")


def test_of_two_racing_changes_exactly_one_is_made(adapter: Adapter) -> None:
    read = adapter.describe(BLUE)
    rivals = [Change(Knob.MAX_REPLICAS, 4, 5), Change(Knob.TARGET_UTILIZATION, 70, 50)]

    with ThreadPoolExecutor(2) as threads:
        racing = [
            threads.submit(outcome_of, adapter, rival, expect=read.revision, key=str(rival))
            for rival in rivals
        ]
        outcomes = [race.result() for race in racing]

    assert sorted(outcomes, key=str) == sorted([None, Conflict], key=str)
