"""No order of events, crashes, clock jumps, faults and decisions breaks a promise.

`make interleavings` runs 100,000 of them; `SENTINEL_INTERLEAVINGS` says how many, in the suite too, and
`SENTINEL_INTERLEAVINGS_SEED` where to begin. Each is one life of the world in `tests/stories/world.py`, drawn by
hypothesis, which reports the shortest life it finds that breaks a promise.
"""

from __future__ import annotations

import os
import sqlite3
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from itertools import product
from pathlib import Path
from typing import Any, Final

import pytest
from hypothesis import HealthCheck, given, seed, settings, strategies as some

from sentinel.model.plan import RunMode
from sentinel.model.rule import RuleSet
from sentinel.model.settings import Knob
from sentinel.model.target import Target
from sentinel.store.state import State
from tests.stories.states import FASTEST, a_connection, in_file, in_memory
from tests.stories.world import EVERY, FULL, POLICY, RULES, SECOND, SYMPTOM, TARGETS, World, in_mode

INTERLEAVINGS: Final = int(os.environ.get("SENTINEL_INTERLEAVINGS", "2500"))
SEED: Final = int(os.environ.get("SENTINEL_INTERLEAVINGS_SEED", "0"))
A_TIME: Final = 500
"""How many lives are drawn with one seed: what hypothesis remembers of them grows."""
SPANS: Final = tuple(seconds * SECOND for seconds in (1, 30, 60, 120))
FAULTS: Final = (
    "before",
    "after",
    "killed before",
    "killed after",
    "silent",
    "updating",
    "updating at once",
    "refusing",
    "gone",
)
CURES: Final = (Knob.MAX_REPLICAS, Knob.MIN_REPLICAS, Knob.TARGET_UTILIZATION, None)
JUMPS: Final = tuple(by * SECOND for by in (-7200, -600, -60, -20, -5, 5, 20, 60, 600, 7200))
EDITS: Final = tuple(product(TARGETS, (Knob.MAX_REPLICAS, Knob.MIN_REPLICAS, Knob.QUEUE_WAIT_MS), (1, 3, 9)))
TWO: Final = tuple(replace(SYMPTOM, id=f"refused-{n}") for n in range(2))
TWO_FOR_ONE: Final = RuleSet(TWO, (replace(FULL, explains=tuple(one.id for one in TWO)),), "digest")
ALL_DECISIONS: Final = ("approve", "deny", "undo")


class Life:
    """What may happen in a world; each thing takes one value."""

    def __init__(self, world: World) -> None:
        self.world = world

    def live(self, span: timedelta) -> None:
        self.world.live(span)

    def sicken(self, ill: tuple[Target, Knob | None, bool]) -> None:
        target, cure, worse = ill
        self.world.sicken(target, cure, worse=worse)
        self.world.live(2 * EVERY)

    def heal(self, target: Target) -> None:
        self.world.heal(target)

    def fail(self, fault: str) -> None:
        self.world.fault = fault
        self.world.live(EVERY)

    def mend(self, span: timedelta) -> None:
        self.world.fault = ""
        self.world.live(span)

    def edit(self, edit: tuple[Target, Knob, int]) -> None:
        self.world.edit(*edit)

    def edit_meanwhile(self, edit: tuple[Target, Knob, int]) -> None:
        self.world.meanwhile = lambda: self.world.edit(*edit)
        self.world.live(EVERY)

    def restart(self, mode: RunMode | None) -> None:
        if mode is not None:
            self.world.policy = in_mode(self.world.policy, mode)
        self.world.restart()

    def be_dead(self, span: timedelta) -> None:
        self.world.pass_by(span)
        self.world.restart()
        self.world.be_patient()

    def jump(self, by: timedelta | None) -> None:
        """The clock is set by so much, or right."""
        self.world.jump(timedelta(0) if by is None else self.world.skew + by)

    def be_deaf(self, span: timedelta) -> None:
        self.world.deaf = True
        self.world.live(span)

    def hear_again(self, span: timedelta) -> None:
        self.world.deaf = False
        self.world.live(span)

    def skew_telemetry(self, ahead: timedelta) -> None:
        """A sender's clock is wrong: records from the future, and then silence until that time has come."""
        self.world.newest += ahead
        self.world.live(EVERY)
        self.world.newest = min(self.world.newest, self.world.true)

    def decide(self, decision: tuple[str, int]) -> None:
        self._decided(*decision)
        self.world.live(EVERY)

    def decide_at_once(self, both: tuple[str, str]) -> None:
        """Two people decide before the daemon looks, or one does it twice."""
        for what in both:
            self._decided(what, 0)
        self.world.tick()

    def decide_meanwhile(self, what: str) -> None:
        self.world.meanwhile = lambda: self._decided(what, 0)
        self.world.live(EVERY)

    def stop(self, span: timedelta) -> None:
        self.world.stop.stop("freeze")
        self.world.live(span)

    def resume(self, span: timedelta) -> None:
        self.world.stop.resume()
        self.world.live(span)

    def look_again(self, times: int) -> None:
        for _ in range(times):
            self.world.tick()

    def relax(self, span: timedelta) -> None:
        self.world.relax()
        self.world.live(span)

    def end(self) -> None:
        """All works again and time passes, so that nothing may be left open."""
        self.mend(SECOND)
        self.resume(SECOND)
        self.world.pass_by(400 * SECOND)
        self.world.live(6 * EVERY)
        self.world.check_audit()

    def _decided(self, what: str, which: int) -> None:
        incidents = self.world.incidents()
        if which < len(incidents):
            self.world.decide(what, incidents[which].id)


HAPPENINGS: Final[Mapping[str, Sequence[Any]]] = {
    Life.live.__name__: SPANS,
    Life.sicken.__name__: (*product(TARGETS, CURES, (False,)), (TARGETS[0], None, True)),
    Life.heal.__name__: TARGETS,
    Life.fail.__name__: FAULTS,
    Life.mend.__name__: SPANS[:2],
    Life.edit.__name__: EDITS,
    Life.edit_meanwhile.__name__: EDITS,
    Life.restart.__name__: (None, *RunMode),
    Life.be_dead.__name__: (60 * SECOND, 300 * SECOND, 1200 * SECOND),
    Life.jump.__name__: (None, None, *JUMPS),
    Life.be_deaf.__name__: SPANS,
    Life.hear_again.__name__: SPANS[:2],
    Life.skew_telemetry.__name__: (20 * SECOND, 120 * SECOND, 600 * SECOND),
    Life.decide.__name__: tuple(product(ALL_DECISIONS, range(2))),
    Life.decide_at_once.__name__: tuple(product(ALL_DECISIONS, repeat=2)),
    Life.decide_meanwhile.__name__: ALL_DECISIONS,
    Life.stop.__name__: SPANS[:2],
    Life.resume.__name__: SPANS[:2],
    Life.look_again.__name__: (1, 2),
    Life.relax.__name__: (SECOND, 120 * SECOND, 600 * SECOND),
}
"""What may happen, with the values it may take."""
_EACH: Final = 8


@dataclass(frozen=True, slots=True)
class Step:
    """One thing that happens."""

    what: str
    value: Any

    def __repr__(self) -> str:
        return f"{self.what}({self.value})"


def _steps(kinds: Sequence[str]) -> some.SearchStrategy[list[Step]]:
    """Lives in which only some kinds of things happen, each about as often: these go deeper than a bit of all."""
    steps = [Step("live", span) for span in SPANS] * 4
    for kind in kinds:
        values = HAPPENINGS[kind]
        steps += [Step(kind, value) for value in values] * max(1, _EACH // len(values))
    return some.lists(some.sampled_from(steps), min_size=4, max_size=12)


lives: Final = some.lists(some.sampled_from(sorted(HAPPENINGS)), min_size=2, max_size=6, unique=True).flatmap(
    _steps
)
beginnings: Final = some.sampled_from(tuple(product(RunMode, TARGETS, CURES)))


FOUND: Final = (
    (
        (RunMode.AUTONOMOUS, TARGETS[0], Knob.MIN_REPLICAS),
        (
            Step("live", 120 * SECOND),
            Step("jump", -7200 * SECOND),
            Step("live", 30 * SECOND),
            Step("live", 60 * SECOND),
            Step("live", 120 * SECOND),
            Step("jump", None),
        ),
    ),
)
"""Lives that once broke a promise, as they were reported."""


def live_through(world: World, begun: tuple[RunMode, Target, Knob | None], steps: Sequence[Step]) -> World:
    """Let all of it happen in the world, and end it well."""
    try:
        life = Life(world)
        life.sicken((*begun[1:], False))
        for step in steps:
            getattr(life, step.what)(step.value)
        life.end()
    finally:
        world.close()
    return world


@pytest.fixture
def folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(dir=FASTEST) as name:
        yield Path(name)


def lived(
    folder: Path,
    opened: Callable[[], Callable[[], State]],
    first: int,
    count: int,
    *,
    rules: RuleSet = RULES,
    before: Sequence[Step] = (),
) -> Counter[str]:
    """Draw so many lives, each after the same steps `before`, and count what happened in them."""
    seen: Counter[str] = Counter()

    @seed(first)
    @settings(max_examples=count, database=None, deadline=None, suppress_health_check=list(HealthCheck))
    @given(begun=beginnings, steps=lives)
    def a_life(begun: tuple[RunMode, Target, Knob | None], steps: list[Step]) -> None:
        world = World(folder, opened(), policy=in_mode(POLICY, begun[0]), rules=rules)
        seen.update(live_through(world, begun, [*before, *steps]).seen)
        seen["lives"] += 1

    a_life()
    return seen


def in_the_memory_of(connection: sqlite3.Connection) -> Callable[[], Callable[[], State]]:
    return lambda: in_memory(connection)


def test_no_interleaving_breaks_a_promise(folder: Path) -> None:
    opened = in_the_memory_of(a_connection())

    seen: Counter[str] = Counter()
    for first in range(SEED, SEED + INTERLEAVINGS, A_TIME):
        seen += lived(folder, opened, first, A_TIME)

    print(dict(seen))  # noqa: T201 - what a long run is worth
    assert seen["lives"] >= INTERLEAVINGS
    assert min(seen[what] for what in ("apply", "undo", "kills", "approve", "deny", "confirmed")) > 2, seen


@pytest.mark.parametrize("life", FOUND, ids=["a clock two hours behind for four minutes"])
def test_a_life_that_once_broke_a_promise_keeps_it(
    life: tuple[tuple[RunMode, Target, Knob | None], Sequence[Step]], folder: Path
) -> None:
    world = live_through(World(folder, in_memory(a_connection()), policy=in_mode(POLICY, life[0][0])), *life)

    assert world.seen["apply"] > 0


def test_no_interleaving_of_two_symptoms_of_one_deployment_breaks_a_promise(folder: Path) -> None:
    opened = in_the_memory_of(a_connection())

    seen = lived(folder, opened, SEED + 1, 400, rules=TWO_FOR_ONE)

    assert min(seen[what] for what in ("apply", "undo", "confirmed")) > 2, seen


def test_no_interleaving_around_settings_that_are_put_back_breaks_a_promise(folder: Path) -> None:
    opened = in_the_memory_of(a_connection())
    raised = [
        Step("live", 300 * SECOND),
        *(Step("heal", target) for target in TARGETS),
        Step("live", 120 * SECOND),
    ]

    seen = lived(folder, opened, SEED + 2, 400, before=[*raised, Step("relax", SECOND)])

    assert min(seen["relaxed"], seen["undo"], seen["edits"]) > 2, seen


def test_no_interleaving_with_the_state_in_a_file_breaks_a_promise(folder: Path) -> None:
    seen = lived(folder, lambda: in_file(folder / "state.db"), 7, 60)

    assert min(seen[what] for what in ("apply", "restarts")) > 2, seen
