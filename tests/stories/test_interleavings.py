"""No order of events, crashes, clock jumps, faults and decisions breaks a promise.

`python tests/stories/test_interleavings.py --interleavings 100000` runs as many as wanted; `--first N` begins at
another seed. Every seed is one life of the world in `tests/stories/world.py`.
"""

from __future__ import annotations

import argparse
import random
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from typing import Final

import pytest

from sentinel.model.plan import RunMode
from sentinel.model.settings import Knob
from sentinel.model.target import Target
from sentinel.store.state import State
from tests.stories.world import EVERY, POLICY, SECOND, Broken, World, in_mode

FASTEST: Final = "/dev/shm" if Path("/dev/shm").is_dir() else None
"""Where files cost least: not the disk is tested here."""
STEPS: Final = 22
IN_THE_SUITE: Final = 80
FAULTS: Final = (
    "before",
    "after",
    "killed before",
    "killed before",
    "killed after",
    "killed after",
    "silent",
    "updating",
    "updating at once",
    "refusing",
    "gone",
)
CURES: Final = (Knob.MAX_REPLICAS, Knob.MAX_REPLICAS, Knob.MIN_REPLICAS, Knob.TARGET_UTILIZATION, None)
JUMPS: Final = (-7200, -600, -60, -20, -5, 5, 20, 60, 600, 7200)


class Life:
    """One random life of the world; the same seed gives the same life."""

    def __init__(self, world: World, chance: random.Random) -> None:
        self.world = world
        self.chance = chance
        self._doings: list[tuple[int, Callable[[], object]]] = [
            (30, self.live),
            (10, self.sicken),
            (4, self.heal),
            (8, self.break_something),
            (6, self.mend),
            (5, self.edit),
            (4, self.restart),
            (3, self.be_dead),
            (5, self.jump),
            (3, self.lose_telemetry),
            (4, self.hear_again),
            (9, self.decide),
            (7, self.decide_meanwhile),
            (3, self.edit_meanwhile),
            (2, self.skew_telemetry),
            (2, self.stop),
            (4, self.resume),
            (5, self.look_twice),
            (2, self.other_mode),
        ]

    def run(self) -> None:
        """Do what chance says, then let everything work again and time pass, so that nothing may be left open."""
        self.sicken()
        weights = [weight for weight, _ in self._doings]
        for _, doing in self.chance.choices(self._doings, weights, k=STEPS):
            doing()
        self.mend()
        self.resume()
        self.world.live(60 * SECOND)
        self.world.pass_by(400 * SECOND)
        self.world.live(120 * SECOND)

    def live(self) -> None:
        self.world.live(self.chance.choice([1, 10, 20, 40, 90, 150]) * SECOND)

    def sicken(self) -> None:
        self.world.sicken(self._target(), self.chance.choice(CURES), worse=self.chance.random() < 0.1)
        self.live()

    def heal(self) -> None:
        self.world.heal(self._target())

    def break_something(self) -> None:
        self.world.fault = self.chance.choice(FAULTS)
        self.live()

    def mend(self) -> None:
        self.world.fault = ""

    def edit(self) -> None:
        knob = self.chance.choice([Knob.MAX_REPLICAS, Knob.MIN_REPLICAS, Knob.QUEUE_WAIT_MS])
        self.world.edit(self._target(), knob, self.chance.randint(1, 12))

    def restart(self) -> None:
        mode = self.chance.choice(list(RunMode)) if self.chance.random() < 0.2 else self.world.policy.mode
        self.world.policy = in_mode(self.world.policy, mode)
        self.world.restart()

    def be_dead(self) -> None:
        self.world.pass_by(self.chance.choice([60, 300, 1200]) * SECOND)
        self.world.restart()

    def jump(self) -> None:
        by = timedelta(seconds=self.chance.choice(JUMPS))
        self.world.skew = timedelta(0) if self.chance.random() < 0.4 else self.world.skew + by
        self.world.jumped = True
        self.world.seen["jumps"] += 1

    def lose_telemetry(self) -> None:
        self.world.deaf = True

    def skew_telemetry(self) -> None:
        """A sender's clock is wrong: records from the future, and then silence until that time has come."""
        self.world.newest += self.chance.choice([20, 120, 600]) * SECOND
        self.live()
        self.world.newest = min(self.world.newest, self.world.true)

    def hear_again(self) -> None:
        self.world.deaf = False

    def decide(self) -> None:
        incidents = self.world.incidents()
        if incidents:
            what = self.chance.choice(["approve", "approve", "approve", "deny", "undo"])
            self.world.decide(what, self.chance.choice(incidents[:3]).id)
        self.world.live(EVERY)

    def decide_meanwhile(self) -> None:
        self.world.meanwhile = self.decide_now
        self.live()

    def decide_now(self) -> None:
        incidents = self.world.incidents()
        if incidents:
            what = self.chance.choice(["approve", "deny", "undo"])
            self.world.decide(what, self.chance.choice(incidents[:3]).id)

    def edit_meanwhile(self) -> None:
        self.world.meanwhile = self.edit
        self.live()

    def stop(self) -> None:
        self.world.stop.stop("freeze")

    def resume(self) -> None:
        self.world.stop.resume()

    def look_twice(self) -> None:
        self.world.tick()
        self.world.tick()

    def other_mode(self) -> None:
        self.world.policy = in_mode(self.world.policy, self.chance.choice(list(RunMode)))
        self.world.restart()

    def _target(self) -> Target:
        return self.chance.choice(list(self.world.served))


def lived(seed: int, folder: Path, template: Path) -> Counter[str]:
    """Live one life and count what happened in it.

    Raises:
        Broken: A promise was broken; the message names the seed.
    """
    chance = random.Random(seed)
    mode = chance.choice(
        [RunMode.AUTONOMOUS, RunMode.AUTONOMOUS, RunMode.REVIEW, RunMode.REVIEW, RunMode.READONLY]
    )
    with closing(World(folder, template, policy=in_mode(POLICY, mode))) as world:
        try:
            Life(world, chance).run()
            world.check_audit()
        except Exception as error:
            raise Broken(f"seed {seed}: {error}") from error
        return world.seen


def a_template(folder: Path) -> Path:
    """An empty state database that lives begin with."""
    path = folder / "template.db"
    state = State.open(path)
    state.database.execute("PRAGMA journal_mode=DELETE")
    state.close()
    return path


@pytest.fixture
def folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(dir=FASTEST) as name:
        yield Path(name)


def test_no_interleaving_breaks_a_promise(folder: Path) -> None:
    template = a_template(folder)

    seen: Counter[str] = Counter()
    for seed in range(IN_THE_SUITE):
        seen += lived(seed, folder, template)

    assert min(seen[what] for what in ("apply", "undo", "kills", "approve", "deny", "confirmed")) > 2, seen


def main() -> int:
    """Run as many lives as asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--interleavings", type=int, default=1000)
    parser.add_argument("--first", type=int, default=0)
    options = parser.parse_args()
    seen: Counter[str] = Counter()
    broken: list[str] = []
    begun = time.monotonic()
    with tempfile.TemporaryDirectory(dir=FASTEST) as name:
        template = a_template(Path(name))
        for seed in range(options.first, options.first + options.interleavings):
            try:
                seen += lived(seed, Path(name), template)
            except Broken as error:
                broken.append(str(error))
    took = time.monotonic() - begun
    print(f"{options.interleavings} lives in {took:.0f} s, {len(broken)} broken; {dict(seen)}")  # noqa: T201
    print("\n".join(broken[:10]))  # noqa: T201
    return bool(broken)


if __name__ == "__main__":
    sys.exit(main())
