"""What stands above every screen: the status line and how much waits for a person."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass

from sentinel.errors import StoreError
from sentinel.model.incident import IncidentState
from sentinel.report.plans import pending
from sentinel.store.incidents import Incidents
from sentinel.store.rule_state import RuleState
from sentinel.tui.desk import Desk
from sentinel.tui.status_bar import Status


@dataclass(frozen=True, slots=True)
class Overview:
    """The status, and how many plans wait."""

    status: Status
    waiting: int


def read_overview(desk: Desk) -> Overview:
    """Read the status; a state database that cannot be read counts as an empty one, its screens tell why."""
    now = desk.now()
    try:
        state = desk.state()
        evaluated = max((one.at for one in RuleState(state).evaluations().values()), default=None)
        counts = Incidents(state).count_by_state()
        waiting = len(pending(state, now))
    except (StoreError, sqlite3.Error, ValueError):
        evaluated, counts, waiting = None, {}, 0
    is_open = sum(count for state_of, count in counts.items() if state_of is not IncidentState.RESOLVED)
    return Overview(Status(now, desk.stop_switch.reason(), desk.can_decide, evaluated, is_open), waiting)
