"""What two sets of rules make of the same history."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from sentinel.model.plain import plain
from sentinel.rehearse.backtest import Backtest, Happened


@dataclass(frozen=True, slots=True)
class Told:
    """What one set of rules said of an incident."""

    cause: str
    """The best cause of the last diagnosis; empty if unknown."""
    done: tuple[str, ...]
    """The changes that would have been made."""
    blocked: tuple[str, ...]
    """The changes that would have been held back, with the first reason of each."""
    state: str


@dataclass(frozen=True, slots=True)
class Difference:
    """An incident of which the two say different things; None where one has no such incident."""

    symptom: str
    target: str
    opened: str
    before: Told | None
    after: Told | None


def differences(before: Backtest, after: Backtest) -> tuple[Difference, ...]:
    """The incidents that differ: by being there, by their cause, by what would have been done, by how they ended.

    Two are the same incident if their symptom, target and beginning are.
    """
    first, second = _told(before), _told(after)
    keys = sorted(first.keys() | second.keys(), key=lambda key: (key[2], key[1], key[0]))
    return tuple(
        Difference(*key, first.get(key), second.get(key)) for key in keys if first.get(key) != second.get(key)
    )


def _told(found: Backtest) -> dict[tuple[str, str, str], Told]:
    return {
        (one.incident.symptom, str(one.incident.target), plain(one.incident.opened)): _of(one, found)
        for one in found.happened
    }


def _of(happened: Happened, found: Backtest) -> Told:
    incident = happened.incident
    top = incident.diagnosis.top if incident.diagnosis else None
    return Told(
        cause=top.cause if top else "",
        done=tuple(one.plan.summary for one in found.done if one.incident.id == incident.id),
        blocked=tuple(
            dict.fromkeys(
                f"{one.plan.summary}: {one.why}" for one in found.blocked if one.incident.id == incident.id
            )
        ),
        state=incident.state.value,
    )


def difference_values(one: Difference) -> dict[str, Any]:
    """A difference as JSON has it."""
    return {
        "symptom": one.symptom,
        "target": one.target,
        "opened": one.opened,
        **{
            side: None if told is None else _values(told)
            for side, told in (("a", one.before), ("b", one.after))
        },
    }


def _values(told: Told) -> dict[str, Any]:
    return {"cause": told.cause, "done": list(told.done), "blocked": list(told.blocked), "state": told.state}


def difference_lines(found: tuple[Difference, ...]) -> Iterator[str]:
    """The differences as people read them."""
    for one in found:
        yield f"{one.opened}  {one.target}  {one.symptom}"
        for side, told in (("A", one.before), ("B", one.after)):
            yield f"  {side}: {'no incident' if told is None else _line(told)}"
    yield f"{len(found)} incidents differ" if found else "no incident differs"


def _line(told: Told) -> str:
    done = "; ".join(told.done) or "nothing done"
    held = f"; held back {'; '.join(told.blocked)}" if told.blocked else ""
    return f"{told.cause or 'cause unknown'}; {done}{held}; {told.state}"
