from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

import pytest

from sentinel.clock import VirtualClock
from sentinel.deploy.adapters import Adapters
from sentinel.deploy.simulated import SimulatedAdapter
from sentinel.errors import AdapterError
from sentinel.model.plan import Action, ActionKind, ActionState
from sentinel.model.settings import Change, Deployment, Knob, Settings
from sentinel.model.target import Target, deployment
from sentinel.remediate.executor import carry_out
from sentinel.simulate.queueing import Delays
from tests.builders import CHAT_BLUE, NOON, a_plan


class Unreliable(SimulatedAdapter):
    """A simulated control plane whose connection breaks before or after it made a change."""

    breaks = ""
    applied = 0

    def apply(self, target: Target, changes: Sequence[Change], *, expect: str, key: str) -> Deployment:
        if self.breaks == "before":
            raise AdapterError("connection refused")
        done = super().apply(target, changes, expect=expect, key=key)
        self.applied += 1
        if self.breaks == "after":
            raise AdapterError("connection lost")
        return done


@pytest.fixture
def clock() -> VirtualClock:
    return VirtualClock(NOON)


@pytest.fixture
def adapter(clock: VirtualClock) -> Unreliable:
    unreliable = Unreliable(clock)
    unreliable.add(CHAT_BLUE, Settings(max_replicas=4), delays=Delays(settings=30))
    return unreliable


def claimed(adapter: SimulatedAdapter, **changes: object) -> Action:
    revision = adapter.describe(CHAT_BLUE).revision
    return replace(a_plan().action(ActionKind.APPLY, revision, NOON), **changes)  # type: ignore[arg-type]


def carried_out(action: Action, adapter: SimulatedAdapter, *, withheld: str = "") -> Action:
    return carry_out(action, Adapters([adapter]), NOON, withheld=withheld)


def test_a_claimed_change_is_made_and_read_back(adapter: Unreliable) -> None:
    done = carried_out(claimed(adapter), adapter)

    assert (done.state, done.detail) == (ActionState.APPLIED, "in force")
    assert adapter.describe(CHAT_BLUE).settings.max_replicas == 9
    assert done.revision == adapter.describe(CHAT_BLUE).revision


def test_a_deployment_changed_by_someone_else_voids_the_action(adapter: Unreliable) -> None:
    action = claimed(adapter)
    adapter.edit(CHAT_BLUE, Knob.MIN_REPLICAS, 2)

    done = carried_out(action, adapter)

    assert (done.state, done.detail) == (ActionState.VOID, "the deployment was changed by someone else")
    assert adapter.describe(CHAT_BLUE).settings.max_replicas == 4


def test_a_connection_that_breaks_before_the_change_leaves_it_open(adapter: Unreliable) -> None:
    adapter.breaks = "before"

    with pytest.raises(AdapterError, match="connection refused"):
        carried_out(claimed(adapter), adapter)

    assert adapter.describe(CHAT_BLUE).settings.max_replicas == 4


def test_a_change_whose_answer_was_lost_is_found_and_not_made_twice(adapter: Unreliable) -> None:
    action = claimed(adapter)
    adapter.breaks = "after"
    with pytest.raises(AdapterError, match="connection lost"):
        carried_out(action, adapter)
    adapter.breaks = ""

    done = carried_out(action, adapter)

    assert (done.state, done.detail) == (ActionState.APPLIED, "found in force")
    assert adapter.applied == 1


def test_a_claim_that_was_not_started_in_time_is_not_started(adapter: Unreliable) -> None:
    done = carried_out(claimed(adapter), adapter, withheld="not started in time")

    assert (done.state, done.detail) == (ActionState.VOID, "not started in time, nothing was changed")
    assert adapter.applied == 0


def test_a_late_look_finds_a_change_that_was_made(adapter: Unreliable) -> None:
    action = claimed(adapter)
    carried_out(action, adapter)

    assert carried_out(action, adapter, withheld="not started in time").state is ActionState.APPLIED


def test_a_value_the_platform_refuses_fails_the_action(adapter: Unreliable) -> None:
    refused = claimed(adapter, changes=(Change(Knob.REQUEST_TIMEOUT_MS, 60_000, 400_000),))

    assert carried_out(refused, adapter).state is ActionState.FAILED


def test_a_deployment_that_is_gone_fails_the_action(adapter: Unreliable) -> None:
    gone = claimed(adapter, target=deployment("chat", "green"))

    assert carried_out(gone, adapter).state is ActionState.FAILED


def test_an_update_in_flight_voids_the_action(adapter: Unreliable, clock: VirtualClock) -> None:
    adapter.edit(CHAT_BLUE, Knob.MIN_REPLICAS, 2)
    action = claimed(adapter)

    done = carried_out(action, adapter)

    assert done.state is ActionState.VOID
    clock.advance(timedelta(minutes=5))
    assert carried_out(action, adapter).state is ActionState.APPLIED


def test_taking_back_waits_for_an_update_in_flight(adapter: Unreliable, clock: VirtualClock) -> None:
    applied = carried_out(claimed(adapter), adapter)
    undo = a_plan().action(ActionKind.UNDO, applied.revision, NOON)

    with pytest.raises(AdapterError, match="not taken back yet: an update of"):
        carried_out(undo, adapter)

    clock.advance(timedelta(minutes=5))
    assert carried_out(undo, adapter).state is ActionState.APPLIED
    assert adapter.describe(CHAT_BLUE).settings.max_replicas == 4


class Sluggish(SimulatedAdapter):
    """A control plane that accepts a change at once and makes it later, or never."""

    updating = True

    def apply(self, target: Target, changes: Sequence[Change], *, expect: str, key: str) -> Deployment:
        before = self.describe(target).settings
        return replace(super().apply(target, changes, expect=expect, key=key), settings=before)

    def describe(self, target: Target) -> Deployment:
        return replace(super().describe(target), settings=Settings(max_replicas=4), updating=self.updating)


def test_a_change_that_is_accepted_and_not_in_force_is_its_own_outcome(clock: VirtualClock) -> None:
    adapter = Sluggish(clock)
    adapter.add(CHAT_BLUE, Settings(max_replicas=4))
    action = claimed(adapter)
    with pytest.raises(AdapterError, match="accepted and not in force yet: max_replicas 4"):
        carried_out(action, adapter)

    adapter.updating = False

    done = carried_out(action, adapter)
    assert (done.state, done.detail) == (ActionState.FAILED, "accepted but not in force: max_replicas 4")


class Answering(SimulatedAdapter):
    """A control plane that answers calls for a change with these, one after the other, before it makes one."""

    answers: list[AdapterError]

    def apply(self, target: Target, changes: Sequence[Change], *, expect: str, key: str) -> Deployment:
        if self.answers:
            raise self.answers.pop(0)
        return super().apply(target, changes, expect=expect, key=key)


@pytest.fixture
def answering(clock: VirtualClock) -> Answering:
    adapter = Answering(clock)
    adapter.add(CHAT_BLUE, Settings(max_replicas=4))
    return adapter


@pytest.mark.parametrize(
    "answer",
    [
        AdapterError("answered 429", retry_after=30.0),
        AdapterError("answered 503"),
        AdapterError("answered 500"),
    ],
    ids=str,
)
def test_a_busy_control_plane_leaves_the_claim_open_until_it_takes_the_change(
    answering: Answering, answer: AdapterError
) -> None:
    action = claimed(answering)
    answering.answers = [answer, answer]
    for _ in range(2):
        with pytest.raises(AdapterError) as raised:
            carried_out(action, answering)
        assert raised.value is answer

    done = carried_out(action, answering)

    assert (done.state, done.detail) == (ActionState.APPLIED, "in force")
    assert answering.describe(CHAT_BLUE).settings.max_replicas == 9


def test_a_change_that_is_refused_for_good_fails_with_what_was_said(answering: Answering) -> None:
    answering.answers = [AdapterError("answered 403: forbidden", permanent=True)]

    done = carried_out(claimed(answering), answering)

    assert (done.state, done.detail) == (ActionState.FAILED, "answered 403: forbidden")


class Operating(SimulatedAdapter):
    """A control plane that accepts a change, and makes it in a long-running operation that takes two looks."""

    looks = 2
    calls = 0

    def apply(self, target: Target, changes: Sequence[Change], *, expect: str, key: str) -> Deployment:
        self.calls += 1
        before = self.describe(target)
        super().apply(target, changes, expect=expect, key=key)
        self.looks = 2
        return replace(before, updating=True)

    def describe(self, target: Target) -> Deployment:
        found = super().describe(target)
        self.looks -= 1
        if self.looks > 0 and found.settings.max_replicas != 4:
            return replace(found, settings=replace(found.settings, max_replicas=4), updating=True)
        return found


def test_a_long_running_operation_is_waited_for_and_not_begun_again(clock: VirtualClock) -> None:
    adapter = Operating(clock)
    adapter.add(CHAT_BLUE, Settings(max_replicas=4))
    action = claimed(adapter)
    with pytest.raises(AdapterError, match="accepted and not in force yet: max_replicas 4"):
        carried_out(action, adapter)

    adapter.looks = 0
    done = carried_out(action, adapter)

    assert (done.state, done.detail, adapter.calls) == (ActionState.APPLIED, "found in force", 1)
