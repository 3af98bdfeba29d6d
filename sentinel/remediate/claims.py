"""Everything a plan is judged by, read inside the transaction that claims its action."""

from __future__ import annotations

from datetime import datetime

from sentinel.model.plan import Plan
from sentinel.model.settings import Deployment
from sentinel.model.target import TargetKind
from sentinel.remediate.guardrails import Judgement, Surroundings, judge
from sentinel.remediate.policy import Policy
from sentinel.remediate.stop import StopSwitch
from sentinel.store.actions import Actions
from sentinel.store.clock_watch import ClockWatch
from sentinel.store.incidents import Incidents
from sentinel.store.state import State


class Claims:
    """Weighs plans against what is stored; the counters are the stored actions themselves."""

    def __init__(self, state: State, policy: Policy, stop: StopSwitch, clock: ClockWatch) -> None:
        self._actions = Actions(state)
        self._incidents = Incidents(state)
        self._policy = policy
        self._stop = stop
        self._clock = clock

    def weigh(
        self, plan: Plan, deployment: Deployment, now: datetime, *, newest: datetime | None, fleet: int
    ) -> Judgement:
        """Whether the plan may be applied now; `newest` and `fleet` as in `Surroundings`."""
        policy = self._policy
        around = Surroundings(
            newest=newest,
            stopped=self._stop.reason(),
            untrusted_until=self._clock.frozen_until(now),
            fleet=fleet,
            sick=self._incidents.sick(TargetKind.DEPLOYMENT),
        )
        knobs = frozenset(change.knob.value for change in plan.changes)
        history = self._actions.history(
            plan.target, knobs, now, per=policy.limit_window, blast=policy.blast_window, lately=policy.lately
        )
        return judge(plan, deployment, history, policy, now, around)
