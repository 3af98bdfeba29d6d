"""The adapter to deployments that exist in memory only: for tests, and to rehearse on."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sentinel.clock import Clock
from sentinel.deploy.limits import CEILINGS, changed, refusal
from sentinel.errors import AdapterError, Conflict, TargetNotFound
from sentinel.model.settings import AZUREML_KNOBS, Change, Deployment, Knob, Settings
from sentinel.model.target import Target, TargetKind
from sentinel.simulate.queueing import Delays, QueueModel
from sentinel.simulate.records import Record, RecordMaker
from sentinel.simulate.workload import Workload


@dataclass(slots=True)
class _Simulated:
    model: QueueModel
    settings: Settings
    delays: Delays
    revision: int = 1
    settled: datetime | None = None
    """When the last change takes effect, if it has not yet."""
    written: list[Record] = field(default_factory=list)


class SimulatedAdapter:
    """Deployments whose replicas and queues are simulated on a clock; threads may share it.

    Args:
        clock: Where the time comes from; it may be a virtual one.
        seed: The same seed, workloads and times give the same records.
    """

    def __init__(self, clock: Clock, *, seed: int = 0) -> None:
        self._clock = clock
        self._seed = seed
        self._deployments: dict[Target, _Simulated] = {}
        self._applied: set[str] = set()
        self._lock = threading.RLock()

    @property
    def name(self) -> str:
        """A short name for logs, metrics and rows."""
        return "simulated"

    @property
    def knobs(self) -> frozenset[Knob]:
        """All of them."""
        return AZUREML_KNOBS

    def add(
        self,
        target: Target,
        settings: Settings | None = None,
        workload: Workload | None = None,
        delays: Delays | None = None,
    ) -> None:
        """Deploy something, with its minimum of replicas ready.

        Raises:
            AdapterError: The platform would not accept the settings, or the target is not a deployment.
        """
        settings, delays = settings or Settings(), delays or Delays()
        refused = refusal(settings)
        if refused is not None or target.kind is not TargetKind.DEPLOYMENT:
            raise AdapterError(refused or f"{target} is not a deployment", permanent=True)
        with self._lock:
            model = QueueModel(
                RecordMaker(*target.names),
                settings,
                workload or Workload(),
                delays,
                start=self._clock.now(),
                seed=self._seed + len(self._deployments),
            )
            self._deployments[target] = _Simulated(model, settings, delays)

    def put_through(self, target: Target, workload: Workload) -> None:
        """From now on let this happen to a deployment."""
        with self._lock:
            self._caught_up(target).model.change_workload(workload)

    def edit(self, target: Target, knob: Knob, value: int) -> None:
        """Change a setting as somebody else would: its revision is another one then."""
        with self._lock:
            self._set(self._caught_up(target), self._deployments[target].settings.with_value(knob, value))

    def advance(self, now: datetime) -> list[Record]:
        """Live until `now` and return the records since the last call, as a flat export would deliver them."""
        with self._lock:
            for target in self._deployments:
                self._caught_up(target, now)
            delivered = [record for one in self._deployments.values() for record in one.written]
            for one in self._deployments.values():
                one.written = []
        return delivered

    def targets(self) -> Sequence[Target]:
        """The deployments there are."""
        return tuple(self._deployments)

    def describe(self, target: Target) -> Deployment:
        """The deployment as it is now; raises as the port says."""
        with self._lock:
            one = self._caught_up(target)
            return Deployment(
                target=target,
                settings=one.settings,
                replicas=one.model.replicas,
                ready_replicas=one.model.ready_replicas,
                revision=str(one.revision),
                updating=self._is_updating(one),
                ceilings=tuple(CEILINGS.items()),
            )

    def apply(self, target: Target, changes: Sequence[Change], *, expect: str, key: str) -> Deployment:
        """Make the changes if the revision is still `expect`; raises as the port says."""
        with self._lock:
            one = self._caught_up(target)
            if key not in self._applied:
                if str(one.revision) != expect:
                    raise Conflict(f"the revision of {target} is {one.revision}, not {expect}")
                if self._is_updating(one):
                    raise Conflict(f"an update of {target} is in flight")
                settings = changed(one.settings, changes)
                refused = refusal(settings)
                if refused is not None:
                    raise AdapterError(f"{target}: {refused}", permanent=True)
                self._set(one, settings)
                self._applied.add(key)
            return self.describe(target)

    def _set(self, one: _Simulated, settings: Settings) -> None:
        one.settings = settings
        one.revision += 1
        one.settled = self._clock.now() + timedelta(seconds=one.delays.settings)
        one.model.change_settings(settings)

    def _is_updating(self, one: _Simulated) -> bool:
        return one.settled is not None and self._clock.now() < one.settled

    def _caught_up(self, target: Target, now: datetime | None = None) -> _Simulated:
        if target not in self._deployments:
            raise TargetNotFound(f"there is no simulated {target}")
        one = self._deployments[target]
        one.written += one.model.advance(now or self._clock.now())
        return one
