"""What keeps a raised setting from being put back, in the scripted world."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from sentinel.model.incident import Incident, IncidentState as At
from sentinel.model.notice import Notice
from sentinel.model.plan import RunMode
from sentinel.model.settings import Knob
from sentinel.notify.alertmanager import payload
from sentinel.simulate.calibrate import NoModel
from sentinel.store.incidents import Incidents
from sentinel.store.outbox import Outbox
from tests.builders import a_model
from tests.stories.states import a_connection, in_memory
from tests.stories.world import EVERY, LITTLE, POLICY, SECOND, TARGETS, World, in_mode

BLUE = TARGETS[0]
MINUTE = 60 * SECOND


@pytest.fixture
def healed(tmp_path: Path) -> Iterator[World]:
    """A world in which the maximum of d0 was raised from 4 to 8, and nothing needs it any more."""
    world = World(tmp_path, in_memory(a_connection()))
    world.sicken(BLUE, Knob.MAX_REPLICAS)
    world.live(10 * MINUTE)
    world.heal(BLUE)
    yield world
    world.close()


def newest(world: World) -> Incident:
    return world.incidents()[0]


def told_of(outbox: Outbox, world: World) -> Iterator[Notice]:
    """Every notice, delivered as it comes."""
    while letters := outbox.due(world.true):
        for letter in letters:
            outbox.delivered(letter, world.true)
            yield letter.notice


def maximum(world: World) -> int:
    return world.served[BLUE].settings.max_replicas


def test_what_is_not_needed_is_put_back_once(healed: World) -> None:
    healed.relax()
    healed.live(10 * MINUTE)

    again = healed.relax()

    assert maximum(healed) == 4
    assert again[BLUE] == "every setting is as it was"
    assert len(healed.incidents()) == 2


def test_beside_an_open_incident_of_the_target_nothing_is_planned(healed: World) -> None:
    healed.sicken(BLUE, None)
    healed.live(2 * EVERY)

    assert healed.relax()[BLUE] == f"{newest(healed).id} is open"


def test_without_a_calibrated_model_nothing_is_planned(healed: World) -> None:
    healed.model = NoModel("7 requests are too few, it takes 50")
    without = healed.relax()
    healed.model = a_model(LITTLE, healed.served[BLUE].settings, calibrated=False)

    assert without[BLUE] == "not calibrated: 7 requests are too few, it takes 50"
    assert healed.relax()[BLUE].startswith("not calibrated: ")


def test_without_recent_telemetry_nothing_is_planned(healed: World) -> None:
    healed.deaf = True
    healed.live(5 * MINUTE)

    assert healed.relax()[BLUE] == "there is no recent telemetry"


def test_a_control_plane_that_does_not_answer_is_asked_later(healed: World) -> None:
    healed.fault = "silent"

    assert healed.relax()[BLUE] == "connection refused"


def test_the_global_stop_holds_it_back_until_the_plan_is_too_old(healed: World) -> None:
    healed.stop.stop("freeze")
    healed.relax()
    healed.live(5 * MINUTE)

    assert newest(healed).state is At.RESOLVED
    assert newest(healed).why == "not begun in time: stopped by a person: freeze"
    assert maximum(healed) == 8


def test_the_symptom_that_comes_back_before_it_is_begun_ends_it_and_is_an_incident_of_its_own(
    healed: World,
) -> None:
    healed.stop.stop("freeze")
    healed.relax()
    healed.sicken(BLUE, None)
    healed.live(3 * EVERY)

    told = [(one.state, one.why) for one in healed.incidents()]

    assert (At.RESOLVED, "the symptom is back") in told
    assert newest(healed).state is At.WAITING
    assert maximum(healed) == 8


def test_a_denied_plan_is_not_made_again_before_the_rest_is_over(healed: World) -> None:
    healed.policy = in_mode(POLICY, RunMode.REVIEW)
    healed.restart()
    healed.relax()
    healed.tick()
    healed.decide("deny", newest(healed).id)
    healed.live(2 * EVERY)

    assert newest(healed).state is At.RESOLVED
    assert healed.relax()[BLUE].startswith("it was not done ")
    assert maximum(healed) == 8


def test_a_person_lets_it_be_done(healed: World) -> None:
    healed.policy = in_mode(POLICY, RunMode.REVIEW)
    healed.restart()
    healed.relax()
    healed.tick()

    healed.decide("approve", newest(healed).id)
    healed.live(10 * MINUTE)

    assert maximum(healed) == 4
    assert newest(healed).state is At.RESOLVED


def test_one_that_is_undone_is_not_held_against_the_remedy(healed: World) -> None:
    healed.sicken(BLUE, Knob.MAX_REPLICAS)
    healed.served[BLUE].healthy_from = replace(healed.served[BLUE].settings, max_replicas=4)
    healed.relax()
    healed.live(10 * MINUTE)

    steps = [one.after for one in Incidents(healed.people).transitions(newest(healed).id)]
    assert steps[2:6] == [At.SETTLING, At.UNDOING, At.UNDONE, At.OPEN]
    assert newest(healed).tried == ()
    assert maximum(healed) == 8


def test_no_alert_of_the_symptom_fires_while_it_is_put_back(healed: World) -> None:
    outbox = Outbox(healed.people)
    healed.relax()
    healed.live(10 * MINUTE)

    sent = [
        payload(notice, receiver="pager", external_url="")
        for notice in told_of(outbox, healed)
        if notice.incident.id == newest(healed).id
    ]
    assert [one["commonLabels"]["alertname"] for one in sent] == ["relaxation"] * 3
    assert [one["status"] for one in sent] == ["firing", "resolved", "resolved"]
    assert {one["commonLabels"]["severity"] for one in sent} == {"informational"}
