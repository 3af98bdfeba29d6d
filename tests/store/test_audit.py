from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

import pytest

from sentinel.model.incident import IncidentState
from sentinel.model.plan import ActionKind, ActionState
from sentinel.store.actions import Actions
from sentinel.store.audit import Audit
from sentinel.store.incidents import Incidents
from sentinel.store.state import State
from tests.builders import CHAT_BLUE, NOON, a_plan, an_incident


@pytest.fixture
def state() -> Iterator[State]:
    opened = State.open(None)
    Incidents(opened).create(an_incident())
    stored = Incidents(opened).get("inc-1")
    assert stored is not None
    Incidents(opened).save(stored, replace(stored.incident, state=IncidentState.APPLYING, plan=a_plan()))
    action = a_plan().action(ActionKind.APPLY, "r1", NOON)
    Actions(opened).claim(action)
    Actions(opened).finish(replace(action, state=ActionState.APPLIED, finished=NOON))
    Actions(opened).conclude("plan-1", "worked", NOON)
    yield opened
    opened.close()


def kinds(state: State) -> list[str]:
    return [entry.kind for entry in Audit(state).entries()]


def tamper(state: State, sql: str) -> None:
    """Do what someone does who can write the file."""
    for trigger in ("audit_forbids_update", "audit_forbids_delete"):
        state.database.execute(f"DROP TRIGGER {trigger}")
    state.database.execute(sql)


def test_every_transition_claim_outcome_and_verdict_is_a_row_of_a_chain_that_holds(state: State) -> None:
    assert kinds(state) == ["transition", "transition", "claim", "outcome", "verdict"]
    assert Audit(state).check().broken is None
    assert Audit(state).has(Audit(state).check().head)


@pytest.mark.parametrize("sql", ["UPDATE audit SET body = '{}'", "DELETE FROM audit"])
def test_rows_cannot_be_changed_or_removed(state: State, sql: str) -> None:
    with pytest.raises(sqlite3.IntegrityError, match="only ever added to"):
        state.database.execute(sql)


@pytest.mark.parametrize(
    ("sql", "row", "why"),
    [
        ("UPDATE audit SET body = '{}' WHERE sequence = 3", 3, "its content is not what was written"),
        ("DELETE FROM audit WHERE sequence = 3", 4, "row 3 is missing"),
        ("UPDATE audit SET previous = hash WHERE sequence = 2", 2, "it does not follow the row before it"),
    ],
)
def test_the_first_broken_row_is_found(state: State, sql: str, row: int, why: str) -> None:
    tamper(state, sql)

    checked = Audit(state).check()

    assert (checked.broken, checked.why) == (row, why)


def test_a_transition_that_is_rolled_back_leaves_no_row(state: State) -> None:
    def crash() -> None:
        with state.transaction():
            Incidents(state).create(an_incident(id="inc-2", symptom="requests-timed-out"))
            raise RuntimeError

    with pytest.raises(RuntimeError):
        crash()

    assert len(kinds(state)) == 5


def test_a_refusal_is_kept_once_for_each_change_of_the_guard(state: State) -> None:
    audit = Audit(state)
    for second, guard in enumerate(["cooldown", "cooldown", "stale", "stale", "cooldown"]):
        audit.refused("inc-1", CHAT_BLUE, NOON + timedelta(seconds=second), guard, f"for {second} s")

    refusals = [
        json.loads(entry.line)["body"]["guard"] for entry in audit.entries() if entry.kind == "refusal"
    ]
    assert refusals == ["cooldown", "stale", "cooldown"]
