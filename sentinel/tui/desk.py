"""What the dashboard reads from and decides through, opened when it is first there."""

from __future__ import annotations

import asyncio
import getpass
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING, TypeVar

from sentinel.clock import Clock, SystemClock
from sentinel.config.rules_in_force import rules_in_force
from sentinel.config.settings import Config
from sentinel.errors import ConfigError, DecisionError, RuleErrors
from sentinel.model.incident import Incident
from sentinel.model.rule import RuleSet
from sentinel.remediate.decisions import Decisions
from sentinel.remediate.stop import StopSwitch
from sentinel.store.state import State
from sentinel.store.telemetry import TelemetryStore

if TYPE_CHECKING:
    from sentinel.query.engine import Engine

T = TypeVar("T")


class Desk:
    """The home directory as the dashboard sees it.

    Nothing is created in it: a state database or telemetry that is not there yet is looked for again at each
    reading. Pictures are read by one thread and people's own queries by another, so that a slow query does not
    hold the screen up.
    """

    def __init__(self, home: Path, clock: Clock | None = None) -> None:
        self.home = home
        self.clock: Clock = clock or SystemClock()
        self.stop_switch = StopSwitch(home)
        self.closing = Event()
        """Set when the dashboard is left, so that nobody waits for an answer nobody will see."""
        self._state: State | None = None
        self._empty: State | None = None
        self._store: TelemetryStore | None = None
        self._engine: Engine | None = None
        self._rules: RuleSet | None = None
        self._rules_read = False
        self._pictures = ThreadPoolExecutor(1, thread_name_prefix="pictures")
        self._queries = ThreadPoolExecutor(1, thread_name_prefix="queries")

    @property
    def can_decide(self) -> bool:
        """Whether decisions can be stored and everything can be stopped."""
        return os.access(self.home, os.W_OK) and (
            not self._state_file.exists() or os.access(self._state_file, os.W_OK)
        )

    async def picture(self, read: Callable[[Desk], T]) -> T:
        """What `read` returns, called in the thread that reads pictures and stores decisions."""
        return await asyncio.get_running_loop().run_in_executor(self._pictures, read, self)

    async def query(self, read: Callable[[Desk], T]) -> T:
        """What `read` returns, called in the thread that answers people's own queries."""
        return await asyncio.get_running_loop().run_in_executor(self._queries, read, self)

    def state(self) -> State:
        """The state database; an empty one while there is none. Only for the thread of pictures."""
        if self._state is None and self._state_file.exists():
            writable = os.access(self._state_file, os.W_OK) and os.access(self.home, os.W_OK)
            self._state = (State.open if writable else State.open_read_only)(self._state_file)
        if self._state is not None:
            return self._state
        if self._empty is None:
            self._empty = State.open(None)
        return self._empty

    def engine(self) -> Engine | None:
        """The KQL engine over the telemetry; `None` while there is none."""
        if self._engine is None and (self.home / "telemetry").is_dir():
            from sentinel.query.engine import Engine

            self._store = TelemetryStore.open(self.home / "telemetry")
            self._engine = Engine(self._store)
        return self._engine

    def rules(self) -> RuleSet | None:
        """The rules in force, read once; `None` if they cannot be read."""
        if not self._rules_read:
            self._rules_read = True
            try:
                self._rules = rules_in_force(self.home, Config.load(self.home))
            except (RuleErrors, ConfigError):
                self._rules = None
        return self._rules

    def now(self) -> datetime:
        """The current instant."""
        return self.clock.now()

    def approve(self, incident: str, reason: str) -> Incident:
        """Approve the plan of an incident in the name of who runs the dashboard."""
        return self._decisions().approve(incident, by=getpass.getuser(), reason=reason)

    def deny(self, incident: str, reason: str) -> Incident:
        """Deny the plan of an incident in the name of who runs the dashboard."""
        return self._decisions().deny(incident, by=getpass.getuser(), reason=reason)

    def undo(self, incident: str, reason: str) -> Incident:
        """Ask for an applied change to be taken back, in the name of who runs the dashboard."""
        return self._decisions().undo(incident, by=getpass.getuser(), reason=reason)

    def stop(self, reason: str) -> None:
        """Stop every change from the next step on."""
        self.stop_switch.stop(
            f"{reason} ({getpass.getuser()})" if reason else f"stopped by {getpass.getuser()}"
        )

    def resume(self) -> None:
        """Let changes be made again."""
        self.stop_switch.resume()

    def close(self) -> None:
        """Give up or wait for what is being read, and close what was opened."""
        self.closing.set()
        for pool in (self._pictures, self._queries):
            pool.shutdown(wait=True, cancel_futures=True)
        for opened in (self._engine, self._store, self._state, self._empty):
            if opened is not None:
                opened.close()

    def _decisions(self) -> Decisions:
        if not self.can_decide:
            raise DecisionError(f"{self.home} cannot be written, so nothing can be decided here")
        return Decisions(self.state(), self.clock)

    @property
    def _state_file(self) -> Path:
        return self.home / "state.db"
