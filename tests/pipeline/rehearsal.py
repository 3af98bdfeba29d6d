"""The whole flow on a virtual clock: shipped rules, real store and engine, simulated deployments."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from types import TracebackType
from typing import Self

import msgspec

from sentinel.clock import VirtualClock
from sentinel.collect.ingest import Ingester
from sentinel.deploy.adapters import Adapters
from sentinel.deploy.simulated import SimulatedAdapter
from sentinel.detect.evaluate import WindowEvaluator
from sentinel.detect.ruleset import default_rule_paths, load_rules
from sentinel.model.incident import Incident
from sentinel.model.plan import RunMode
from sentinel.model.settings import Settings
from sentinel.model.tables import DEPLOYMENT_STATE
from sentinel.pipeline import Pipeline
from sentinel.query.engine import Engine
from sentinel.remediate.decisions import Decisions
from sentinel.remediate.policy import Policy
from sentinel.remediate.stop import StopSwitch
from sentinel.simulate.queueing import Delays
from sentinel.simulate.workload import Workload
from sentinel.store.actions import Actions
from sentinel.store.incidents import Incidents
from sentinel.store.state import State
from sentinel.store.telemetry import TelemetryStore
from tests.builders import CHAT_BLUE, NOON

PACE = 0.25
STEP = timedelta(seconds=1)


class Rehearsal:
    """One deployment, chat/blue, lived through second by second."""

    def __init__(self, home: Path, mode: RunMode, settings: Settings, workload: Workload) -> None:
        self.clock = VirtualClock(NOON)
        self.state = State.open(home / "state.db")
        self.store = TelemetryStore.in_memory()
        self.engine = Engine(self.store)
        self.ingester = Ingester(self.store, self.clock)
        self.rules = load_rules(default_rule_paths(), pace=PACE)
        self.adapter = SimulatedAdapter(self.clock, seed=1)
        self.adapter.add(CHAT_BLUE, settings, workload, Delays(start=2.0, scale_in=20.0))
        self.stop = StopSwitch(home)
        self.policy = Policy(mode=mode).paced(PACE)
        self.decisions = Decisions(self.state, self.clock)
        self.deaf = False
        """Whether the telemetry of the deployment gets lost."""
        self.pipeline = self.start()

    def start(self) -> Pipeline:
        """A pipeline on the same stored state, as after a restart."""
        return Pipeline(
            state=self.state,
            rules=lambda: self.rules,
            evaluator=WindowEvaluator(self.engine, self.store),
            engine=self.engine,
            adapters=Adapters([self.adapter]),
            policy=self.policy,
            stop=self.stop,
            channels=("pager",),
        )

    def live(self, span: timedelta, *, until: Callable[[], bool] = lambda: False) -> bool:
        """Let time pass, at most `span`; whether `until` became true."""
        end = self.clock.now() + span
        while self.clock.now() < end:
            now = self.clock.advance(STEP)
            records = self.adapter.advance(now)
            if not self.deaf:
                self._deliver([*records, self._observed()])
            self.pipeline.tick(now)
            if until():
                return True
        return False

    def until(self, state: str, *, within: timedelta = timedelta(minutes=10)) -> Incident:
        """Let time pass until the one incident is in a state."""
        reached = self.live(within, until=lambda: self._states() == [state])
        assert reached, f"still {self._states()}: {[i.why for i in self.incidents()]}"
        return self.incidents()[0]

    def incidents(self) -> list[Incident]:
        """All incidents, the newest first."""
        return Incidents(self.state).listed()

    def actions(self) -> list[tuple[str, str]]:
        """Kind and outcome of every action, the newest first."""
        return [(action.kind.value, action.state.value) for action in Actions(self.state).listed()]

    def path(self) -> list[str]:
        """The states the newest incident went through."""
        return [t.after.value for t in Incidents(self.state).transitions(self.incidents()[0].id)]

    @property
    def settings(self) -> Settings:
        """The settings of the deployment now."""
        return self.adapter.describe(CHAT_BLUE).settings

    def _states(self) -> list[str]:
        return [incident.state.value for incident in self.incidents()]

    def _deliver(self, records: list[dict[str, object]]) -> None:
        body = b"\n".join(msgspec.json.encode(record) for record in records)
        self.ingester.submit(body, origin="rehearsal")

    def _observed(self) -> dict[str, object]:
        seen = self.adapter.describe(CHAT_BLUE)
        return {
            "Type": DEPLOYMENT_STATE.name,
            "TimeGenerated": self.clock.now().isoformat(),
            "EndpointName": "chat",
            "DeploymentName": "blue",
            "Replicas": seen.replicas,
            "ReadyReplicas": seen.ready_replicas,
            "MinReplicas": seen.settings.min_replicas,
            "MaxReplicas": seen.settings.max_replicas,
            "TargetUtilization": seen.settings.target_utilization,
            "RequestTimeoutMs": seen.settings.request_timeout_ms,
            "MaxConcurrency": seen.settings.max_concurrency,
            "QueueWaitMs": seen.settings.queue_wait_ms,
            "UpdateInFlight": seen.updating,
            "Revision": seen.revision,
        }

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.ingester.close()
        self.store.close()
        self.state.close()
