"""Everything a plan is judged by, read inside the transaction that claims its action."""

from __future__ import annotations

from datetime import datetime

from sentinel.model.incident import Incident
from sentinel.model.plan import Plan
from sentinel.model.settings import Deployment
from sentinel.model.target import TargetKind
from sentinel.remediate.guardrails import Judgement, Surroundings, judge
from sentinel.remediate.policy import Policy
from sentinel.remediate.stop import StopSwitch
from sentinel.store.actions import Actions
from sentinel.store.clock_watch import ClockWatch
from sentinel.store.incidents import Incidents
from sentinel.store.rule_state import LastEvaluation
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
        self,
        plan: Plan,
        incident: Incident,
        deployment: Deployment,
        now: datetime,
        *,
        last: LastEvaluation | None,
        fleet: int,
    ) -> Judgement:
        """Whether the plan of an incident may be applied now.

        `last` is the last evaluation of its symptom, `fleet` how many deployments there are.
        """
        policy = self._policy
        around = Surroundings(
            newest=last.newest if last else None,
            quiet=last is not None and incident.last_seen < last.at,
            stopped=self._stop.reason(),
            untrusted_until=self._clock.frozen_until(now),
            fleet=fleet,
            sick=self._incidents.sick(TargetKind.DEPLOYMENT),
            beside=self._incidents.beside(plan.target, incident.id),
        )
        knobs = frozenset(change.knob.value for change in plan.changes)
        history = self._actions.history(
            plan.target, knobs, now, per=policy.limit_window, blast=policy.blast_window, lately=policy.lately
        )
        return judge(plan, deployment, history, policy, now, around)
