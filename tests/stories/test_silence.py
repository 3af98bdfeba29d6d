"""A control plane that does not answer: what was begun is tried on, and people hear of it, once."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from sentinel.model.incident import IncidentState as At
from sentinel.model.settings import Knob
from sentinel.store.outbox import Outbox
from tests.stories.states import a_connection, in_memory
from tests.stories.world import EVERY, SECOND, TARGETS, World

BLUE = TARGETS[0]
MINUTE = 60 * SECOND


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    """A change that does not help, and a control plane that falls silent before it is taken back."""
    born = World(tmp_path, in_memory(a_connection()))
    born.sicken(BLUE, None)
    born.live(2 * EVERY)
    born.fault = "silent"
    born.live(4 * MINUTE)
    yield born
    born.close()


def told(world: World) -> list[str]:
    """What people were told while it was to be taken back."""
    letters = Outbox(world.people).due(world.now())
    return [
        letter.notice.transition.why for letter in letters if letter.notice.transition.after is At.UNDOING
    ]


def test_people_are_told_once_that_a_change_cannot_be_taken_back(world: World) -> None:
    early = told(world)

    world.live(30 * MINUTE)

    assert early == []
    assert told(world) == ["not done for 5m, and tried on: undoing: connection refused"]


def test_it_is_taken_back_as_soon_as_the_control_plane_answers(world: World) -> None:
    world.live(30 * MINUTE)
    assert world.served[BLUE].settings.max_replicas == 8

    world.fault = ""
    world.live(2 * EVERY)

    assert world.served[BLUE].settings.value(Knob.MAX_REPLICAS) == 4
