"""`kill -9` at every write to the state and every call of the control plane, one after the other, none left out."""

from __future__ import annotations

import sqlite3
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Any, cast

import pytest

from sentinel.model.incident import IncidentState as At
from sentinel.model.plan import ActionState
from sentinel.model.settings import Change, Deployment, Knob
from sentinel.model.target import Target
from sentinel.remediate.policy import Policy
from sentinel.store.actions import Actions
from tests.stories.states import FASTEST, in_file
from tests.stories.world import EVERY, POLICY, SECOND, Killed, World

_WRITES = ("BEGIN", "COMMIT", "INSERT", "UPDATE", "DELETE", "REPLACE")


class Mortal:
    """A connection that dies before one of its writes."""

    def __init__(self, connection: sqlite3.Connection, point: Callable[[], None]) -> None:
        self._connection = connection
        self._point = point

    def execute(self, sql: str, *arguments: Any) -> sqlite3.Cursor:
        if sql.lstrip().upper().startswith(_WRITES):
            self._point()
        return self._connection.execute(sql, *arguments)

    def __enter__(self) -> sqlite3.Connection:
        return self._connection.__enter__()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool | None:
        return self._connection.__exit__(kind, error, trace)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._connection, name)


class DoomedWorld(World):
    """A world whose daemon is killed at its n-th write or call, and is started again."""

    def __init__(self, folder: Path, *, doomed_at: int, policy: Policy = POLICY) -> None:
        self.points = 0
        self.doomed_at = doomed_at
        super().__init__(folder, in_file(folder / "state.db"), policy=policy)
        self._make_mortal()

    def restart(self) -> None:
        super().restart()
        self._make_mortal()

    def describe(self, target: Target) -> Deployment:
        self.point()
        return super().describe(target)

    def apply(self, target: Target, changes: Sequence[Change], *, expect: str, key: str) -> Deployment:
        self.point()
        done = super().apply(target, changes, expect=expect, key=key)
        self.point()
        return done

    def _note(self, target: Target, key: str) -> None:
        super()._note(target, key)
        if key.endswith("undo"):
            self.heal(target)

    def point(self) -> None:
        self.points += 1
        if self.points == self.doomed_at:
            raise Killed

    def _make_mortal(self) -> None:
        mortal = Mortal(self.state.database.conn, self.point)
        self.state.database.conn = cast("sqlite3.Connection", mortal)


@pytest.fixture
def folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(dir=FASTEST) as name:
        yield Path(name)


def lived(folder: Path, cure: Knob | None, doomed_at: int) -> int:
    """A life with one illness; what came of it is right, or this raises. How many points it had is returned."""
    with closing(DoomedWorld(folder, doomed_at=doomed_at)) as world:
        target = next(iter(world.served))
        world.sicken(target, cure)
        for _ in range(60):
            world.pass_by(EVERY)
            world.tick()
            incidents = world.incidents()
            if incidents and incidents[0].state is At.RESOLVED:
                break
        made = Counter(key for key in world.served[target].done)
        actions = Actions(world.people).listed()
        assert [one.state for one in world.incidents()] == [At.RESOLVED], (doomed_at, world.incidents())
        assert sum(key.endswith("apply") for key in made) == 1, (doomed_at, made)
        assert sum(key.endswith("undo") for key in made) == (cure is None), (doomed_at, made)
        assert [one.state for one in actions] == [ActionState.APPLIED] * len(made), (doomed_at, actions)
        assert world.served[target].settings.max_replicas == (4 if cure is None else 8)
        world.check_audit()
        assert world.seen["kills"] == (0 < doomed_at <= world.points)
        return world.points


@pytest.mark.parametrize("cure", [Knob.MAX_REPLICAS, None], ids=["a cure", "no cure, taken back"])
def test_after_a_kill_at_any_point_the_end_is_the_same(folder: Path, cure: Knob | None) -> None:
    points = lived(folder, cure, 0)

    for doomed_at in range(1, points + 1):
        lived(folder, cure, doomed_at)

    assert points > 40


def put_back(folder: Path, doomed_at: int, *, right: bool) -> int:
    """A life in which a maximum is raised, confirmed, and put back; how many points it had is returned."""
    patient = replace(POLICY, plan_expires=300 * SECOND)  # a crash costs a plan no more than one look
    with closing(DoomedWorld(folder, doomed_at=doomed_at, policy=patient)) as world:
        target = next(iter(world.served))
        world.sicken(target, Knob.MAX_REPLICAS)
        world.live(8 * EVERY)
        assert world.served[target].settings.max_replicas == 8, doomed_at
        if right:
            world.heal(target)
        for _ in range(20):
            world.relax()
            world.pass_by(EVERY)
            world.tick()
            if len(world.incidents()) > 1 and {one.state for one in world.incidents()} == {At.RESOLVED}:
                break
        made = Counter(key.rpartition("-")[2] for key in world.served[target].done)
        assert {one.state for one in world.incidents()} == {At.RESOLVED}, (doomed_at, world.incidents())
        assert made == Counter(["apply", "apply", *["undo"] * (not right)]), (doomed_at, made)
        assert world.served[target].settings.max_replicas == (4 if right else 8), doomed_at
        world.check_audit()
        assert world.seen["kills"] == (0 < doomed_at <= world.points)
        return world.points


@pytest.mark.parametrize("right", [True, False], ids=["and stays", "and is needed again"])
def test_after_a_kill_at_any_point_of_putting_back_the_end_is_the_same(folder: Path, right: bool) -> None:  # noqa: FBT001
    points = put_back(folder, 0, right=right)

    for doomed_at in range(1, points + 1):
        put_back(folder, doomed_at, right=right)

    assert points > 60


def test_a_change_left_unconfirmed_by_a_dead_daemon_is_taken_back_when_it_lives_again(folder: Path) -> None:
    with closing(World(folder, in_file(folder / "state.db"))) as world:
        target = next(iter(world.served))
        world.sicken(target, Knob.MAX_REPLICAS)
        world.live(2 * EVERY)
        assert world.served[target].settings.max_replicas == 8

        world.pass_by(1200 * SECOND)
        world.restart()
        world.tick()

        assert world.served[target].settings.max_replicas == 4
        outcome = world.people.database.execute("SELECT outcome FROM actions WHERE kind = 'apply'").fetchone()
        assert outcome == ("not confirmed in time",)
