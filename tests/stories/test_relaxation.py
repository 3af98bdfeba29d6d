"""A setting that was raised is put back when the traffic no longer needs it, and raised again when that was wrong.

Shipped rules, real store and engine, a simulated deployment, a virtual clock at four times the pace.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from sentinel.deploy.adapters import Adapters
from sentinel.detect.evaluate import WindowEvaluator
from sentinel.model.incident import Incident, IncidentState as At
from sentinel.model.observer import Nobody
from sentinel.model.plan import RunMode
from sentinel.model.settings import Settings
from sentinel.remediate.policy import Relaxing
from sentinel.remediate.relax import Relaxer
from sentinel.simulate.workload import Workload
from sentinel.store.audit import Audit
from sentinel.store.ledger import Ledger
from tests.builders import CHAT_BLUE, NOON
from tests.pipeline.rehearsal import Rehearsal

MINUTE = timedelta(minutes=1)
RELAXING = Relaxing(look_back=4 * MINUTE, gap=MINUTE / 4, watch=MINUTE, rest=20 * MINUTE)
RUSH = Workload(rate=30, service_seconds=0.2)
"""About nine replicas' work at 70 %."""
EVENING = Workload(rate=5, service_seconds=0.2)
"""About two replicas' work."""
FOUR_AT_MOST = Settings(max_replicas=4, request_timeout_ms=5_000)


class Evening(Rehearsal):
    """A deployment whose maximum was raised in a rush that is over."""

    def __init__(self, home: Path, mode: RunMode = RunMode.AUTONOMOUS) -> None:
        super().__init__(home, RunMode.AUTONOMOUS, FOUR_AT_MOST, RUSH)
        self.policy = replace(self.policy, relax=RELAXING)
        self.until("resolved")
        self.raised = self.settings.max_replicas
        self.adapter.put_through(CHAT_BLUE, EVENING)
        self.policy = replace(self.policy, mode=mode)
        self.pipeline = self.start()

    def look(self) -> str:
        """Look for what can be put back; what came of the deployment."""
        relaxer = Relaxer(
            state=self.state,
            rules=lambda: self.rules,
            engine=self.engine,
            adapters=Adapters([self.adapter]),
            policy=self.policy,
            measure=WindowEvaluator(self.engine, self.store).measure,
            ledger=Ledger(self.state, ("pager",), Nobody(), self.rules.symptom),
        )
        return relaxer.look(self.clock.now())[CHAT_BLUE]

    def newest(self) -> Incident:
        """The incident that was opened last."""
        return self.incidents()[0]

    def settle(self, state: At) -> Incident:
        """Live until the newest incident is in a state."""
        assert self.live(5 * MINUTE, until=lambda: self.newest().state is state), self.newest()
        return self.newest()


@pytest.fixture
def evening(tmp_path: Path) -> Iterator[Evening]:
    with Evening(tmp_path) as one:
        yield one


def test_what_a_rush_raised_is_put_back_on_a_quiet_evening_and_stays(evening: Evening) -> None:
    evening.live(RELAXING.look_back + MINUTE)

    looked = evening.look()
    incident = evening.settle(At.RESOLVED)

    assert looked.startswith("planned: recent traffic no longer needs what was raised: max_replicas ")
    assert evening.path() == ["planned", "applying", "settling", "confirmed", "resolved"]
    assert evening.settings.max_replicas == 4
    assert evening.actions() == [("apply", "applied"), ("apply", "applied")]
    assert incident.why.startswith("resolved: the symptom stayed away for 1m: 0.0% of ")
    assert Audit(evening.state).check().broken is None


def test_while_the_rush_is_within_the_look_back_the_setting_stays(evening: Evening) -> None:
    evening.live(NOON + RELAXING.look_back + RELAXING.gap - evening.clock.now())

    assert evening.look().startswith("it is needed: with ")
    assert evening.settings.max_replicas == evening.raised


def test_when_the_symptom_comes_back_it_is_undone_and_not_tried_again_before_the_rest_is_over(
    evening: Evening,
) -> None:
    evening.live(RELAXING.look_back + MINUTE)
    evening.look()
    evening.settle(At.SETTLING)
    evening.adapter.put_through(CHAT_BLUE, RUSH)

    evening.settle(At.UNDONE)
    evening.adapter.put_through(CHAT_BLUE, EVENING)
    evening.settle(At.RESOLVED)
    evening.live(RELAXING.look_back + MINUTE)

    assert evening.settings.max_replicas == evening.raised
    assert evening.actions() == [("undo", "applied"), ("apply", "applied"), ("apply", "applied")]
    assert evening.look().startswith("it was undone ")
    assert evening.newest().tried == ()
