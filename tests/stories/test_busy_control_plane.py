"""A control plane that turns calls away is left alone for as long as it asks, and the change is made once."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import pytest

from sentinel.errors import AdapterError
from sentinel.model.incident import IncidentState as At
from sentinel.model.settings import Change, Deployment, Knob
from sentinel.model.target import Target
from sentinel.store.incidents import Incidents
from tests.stories.states import a_connection, in_memory
from tests.stories.world import EVERY, POLICY, SECOND, TARGETS, World

BLUE = TARGETS[0]
PATIENT = replace(POLICY, plan_expires=600 * SECOND)


class Busy(World):
    """A world whose control plane turns the first calls for a change away, and says for how long."""

    turned_away = 0
    rest = 75.0

    def __init__(self, folder: Path) -> None:
        self.asked: list[datetime] = []
        super().__init__(folder, in_memory(a_connection()), policy=PATIENT)

    def apply(self, target: Target, changes: Sequence[Change], *, expect: str, key: str) -> Deployment:
        self.asked.append(self.true)
        if len(self.asked) <= self.turned_away:
            raise AdapterError("answered 429: too many requests", retry_after=self.rest)
        return super().apply(target, changes, expect=expect, key=key)


@pytest.fixture
def world(tmp_path: Path) -> Iterator[Busy]:
    born = Busy(tmp_path)
    yield born
    born.close()


def test_it_is_asked_again_when_it_said_and_the_change_is_made_once(world: Busy) -> None:
    world.turned_away = 2
    world.sicken(BLUE, Knob.MAX_REPLICAS)

    world.live(20 * EVERY)

    first, second, third = world.asked
    assert min(second - first, third - second) >= world.rest * SECOND
    assert list(world.served[BLUE].done) == [f"{world.incidents()[0].plan.id}-apply"]  # type: ignore[union-attr]
    assert world.incidents()[0].state is At.RESOLVED


def test_while_it_is_busy_the_incident_says_so_and_nothing_else_is_tried(world: Busy) -> None:
    world.turned_away = 99
    world.sicken(BLUE, Knob.MAX_REPLICAS)

    world.live(6 * EVERY)

    incident = world.incidents()[0]
    assert (incident.state, incident.why) == (At.APPLYING, "applying: answered 429: too many requests")
    assert world.served[BLUE].done == {}


def test_a_change_that_it_never_took_is_not_begun_once_its_plan_is_too_old(world: Busy) -> None:
    world.turned_away, world.rest = 1, 700.0
    world.sicken(BLUE, Knob.MAX_REPLICAS)
    world.live(60 * SECOND)
    first = world.incidents()[0].plan

    world.live(780 * SECOND)

    told = {step.why for step in Incidents(world.people).transitions(world.incidents()[0].id)}
    assert "plan void: not started in time, nothing was changed" in told
    assert first is not None
    assert f"{first.id}-apply" not in world.served[BLUE].done
