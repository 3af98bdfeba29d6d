"""Remedies on a real Kubernetes API server, with the real controllers where something scales."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

import msgspec
import pytest

from sentinel.clock import VirtualClock
from sentinel.collect.ingest import Ingester
from sentinel.daemon.observation import Observation
from sentinel.deploy.adapters import Adapters
from sentinel.deploy.kubernetes import KubernetesAdapter
from sentinel.deploy.kubernetes_access import access_of
from sentinel.deploy.kubernetes_api import Api
from sentinel.deploy.kubernetes_owners import FIELD_MANAGER
from sentinel.deploy.kubernetes_workload import APPLIED, Options
from sentinel.detect.evaluate import WindowEvaluator
from sentinel.detect.ruleset import default_rule_paths, load_rules
from sentinel.errors import AdapterError
from sentinel.model.incident import Incident
from sentinel.model.plan import ActionKind, ActionState, Effect, RunMode
from sentinel.model.settings import Settings
from sentinel.pipeline import Pipeline
from sentinel.query.engine import Engine
from sentinel.remediate.decisions import Decisions
from sentinel.remediate.executor import carry_out
from sentinel.remediate.policy import Policy
from sentinel.remediate.stop import StopSwitch
from sentinel.simulate.queueing import Delays, QueueModel
from sentinel.simulate.records import RecordMaker
from sentinel.simulate.workload import Workload
from sentinel.store.actions import Actions
from sentinel.store.incidents import Incidents
from sentinel.store.state import State
from sentinel.store.telemetry import TelemetryStore
from tests.builders import CHAT_BLUE, NOON, a_plan
from tests.conftest import need_a_cluster
from tests.parts.kubernetes_cluster import Cluster, until
from tests.parts.kubernetes_objects import Place, a_deployment, an_autoscaler

PACE: Final = 0.25
STEP: Final = timedelta(seconds=1)
LOOKS: Final = 5
"""How many steps lie between two looks at the cluster."""
BUSY: Final = "100m"
"""What a pod uses under load: all it asked for."""
SIX_REPLICAS: Final = Workload(rate=20, service_seconds=0.2)


class Life:
    """The deployment chat/blue in a cluster: its pods are the cluster's, its requests are simulated.

    The requests meet as many replicas as the cluster has ready; so they are served again only if the cluster's own
    controllers have scaled.
    """

    def __init__(self, home: Path, place: Place, mode: RunMode, *, maximum: int, opened: ExitStack) -> None:
        self.place = place
        place.deploy(a_deployment())
        place.scale(an_autoscaler(high=maximum))
        self.wait_for_replicas(maximum)
        self.clock = VirtualClock(NOON)
        self.state = State.open(home / "state.db")
        opened.callback(self.state.close)
        self.store = opened.enter_context(TelemetryStore.in_memory())
        self.engine = Engine(self.store)
        opened.callback(self.engine.close)
        self.ingester = Ingester(self.store, self.clock)
        opened.callback(self.ingester.close)
        api = Api(access_of(place.cluster.kubeconfig, ""))
        self.adapter = KubernetesAdapter(api, [place.namespace], Options(), self.clock)
        opened.callback(self.adapter.close)
        adapters = Adapters([self.adapter])
        self.observation = Observation(adapters, self.ingester, self.clock)
        rules = load_rules(default_rule_paths(), pace=PACE)
        self.pipeline = Pipeline(
            state=self.state,
            rules=lambda: rules,
            evaluator=WindowEvaluator(self.engine, self.store),
            engine=self.engine,
            adapters=adapters,
            policy=Policy(mode=mode).paced(PACE),
            stop=StopSwitch(home),
        )
        self.decisions = Decisions(self.state, self.clock)
        self.replicas = maximum
        self.traffic = QueueModel(
            RecordMaker(*CHAT_BLUE.names),
            self._of(maximum),
            SIX_REPLICAS,
            Delays(start=0.5),
            start=NOON,
            seed=1,
        )

    @staticmethod
    def _of(replicas: int) -> Settings:
        return Settings(min_replicas=replicas, max_replicas=replicas)

    def wait_for_replicas(self, count: int) -> None:
        """Be the kubelet of busy pods until the real controllers have made so many."""

        def there() -> bool:
            self.place.run_pods(BUSY)
            found = self.place.cluster.call("GET", f"{self.place.deployments}/chat-blue")
            return bool(found["status"].get("readyReplicas", 0) == count)

        until(there, f"{count} ready replicas in {self.place.namespace}")

    def live(self, span: timedelta, *, reached: Callable[[], bool]) -> None:
        """Let time pass until something is reached, at most `span`."""
        end = self.clock.now() + span
        steps = 0
        while not reached():
            assert self.clock.now() < end, [(one.state, one.why) for one in self.incidents()]
            now = self.clock.advance(STEP)
            records = self.traffic.advance(now)
            self.ingester.submit(b"\n".join(map(msgspec.json.encode, records)), origin="traffic")
            if steps % LOOKS == 0:
                self._look()
            self.pipeline.tick(now)
            steps += 1

    def _look(self) -> None:
        """Wait for what the controllers make of the settings, and let the requests meet those replicas."""
        wanted = self.adapter.describe(CHAT_BLUE).settings.max_replicas
        if wanted != self.replicas:
            self.wait_for_replicas(wanted)
            self.replicas = wanted
            self.traffic.change_settings(self._of(wanted))
        self.observation.observe()

    def incidents(self) -> list[Incident]:
        """All incidents, the newest first."""
        return Incidents(self.state).listed()

    def in_state(self, name: str) -> bool:
        """Whether the one incident is in a state."""
        return [one.state.value for one in self.incidents()] == [name]

    def autoscaler(self) -> dict[str, Any]:
        """The HorizontalPodAutoscaler as the API server has it."""
        found: dict[str, Any] = self.place.cluster.call("GET", f"{self.place.autoscalers}/chat-blue")
        return found

    def writers(self) -> set[str]:
        """Everybody who wrote to the HorizontalPodAutoscaler."""
        return {entry["manager"] for entry in self.autoscaler()["metadata"]["managedFields"]}


@pytest.fixture
def opened() -> Iterator[ExitStack]:
    with ExitStack() as stack:
        yield stack


def test_a_full_autoscaler_is_raised_the_real_controller_scales_and_the_change_is_confirmed(
    place: Place, tmp_path: Path, opened: ExitStack
) -> None:
    life = Life(tmp_path, place, RunMode.AUTONOMOUS, maximum=3, opened=opened)

    life.live(timedelta(minutes=10), reached=lambda: life.in_state("resolved"))

    (incident,) = life.incidents()
    steps = [one.after.value for one in Incidents(life.state).transitions(incident.id)]
    assert steps == ["open", "diagnosed", "planned", "applying", "settling", "confirmed", "resolved"]
    assert incident.diagnosis is not None
    assert incident.diagnosis.top is not None
    assert incident.diagnosis.top.cause == "capacity/saturated-at-maximum"
    assert incident.verification is not None
    assert incident.verification.effect is Effect.WORKED
    maximum = life.autoscaler()["spec"]["maxReplicas"]
    assert len(life.place.pods()) == maximum >= 5
    assert FIELD_MANAGER in life.writers()


def test_a_plan_is_void_and_nothing_is_written_when_somebody_edits_in_between(
    place: Place, tmp_path: Path, opened: ExitStack
) -> None:
    life = Life(tmp_path, place, RunMode.REVIEW, maximum=3, opened=opened)
    life.live(timedelta(minutes=5), reached=lambda: life.in_state("waiting"))
    (waiting,) = life.incidents()

    place.cluster.merge(f"{place.autoscalers}/chat-blue", {"spec": {"minReplicas": 2}})
    life.decisions.approve(waiting.id, by="ada")
    life.pipeline.tick(life.clock.advance(STEP))

    (incident,) = life.incidents()
    last = Incidents(life.state).transitions(incident.id)[-1]
    assert last.why == "plan void: the deployment was changed since the plan was made"
    assert life.autoscaler()["spec"]["maxReplicas"] == 3
    assert FIELD_MANAGER not in life.writers()
    assert Actions(life.state).listed() == []


class DyingApi(Api):
    """An API server that is killed at a moment of a change."""

    def __init__(self, cluster: Cluster, moment: str) -> None:
        super().__init__(access_of(cluster.kubeconfig, ""), timeout=5)
        self._cluster = cluster
        self._moment = moment
        self.command: list[str] = []

    def apply(self, path: str, body: Mapping[str, Any], *, dry_run: bool, force: bool) -> dict[str, Any]:
        """Make the call, and kill the server before or after it if this is the moment."""
        call = "rehearsal" if dry_run else "change"
        self._die(f"before the {call}")
        answer = super().apply(path, body, dry_run=dry_run, force=force)
        self._die(f"after the {call}")
        return answer

    def _die(self, moment: str) -> None:
        if moment == self._moment and not self.command:
            self.command = self._cluster.kill()


@pytest.fixture(scope="module")
def mortal(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """An API server without controllers, to be killed and revived."""
    need_a_cluster()
    started = Cluster.start(tmp_path_factory.mktemp("mortal"), controllers=False)
    yield started
    started.stop()


@pytest.mark.parametrize("moment", ["before the change", "after the change"])
def test_an_api_server_killed_in_the_middle_of_a_change_leaves_the_right_state(
    mortal: Cluster, moment: str, opened: ExitStack
) -> None:
    place = Place.made(mortal, moment.replace(" ", "-"))
    mortal.call("POST", place.deployments, a_deployment())
    place.scale(an_autoscaler())
    place.pretend_seen()
    api = DyingApi(mortal, moment)
    adapter = KubernetesAdapter(api, [place.namespace], Options(), VirtualClock(NOON))
    opened.callback(adapter.close)
    plan = a_plan(revision=adapter.describe(CHAT_BLUE).revision)
    action = plan.action(ActionKind.APPLY, plan.revision, NOON)

    with pytest.raises(AdapterError) as lost:
        carry_out(action, Adapters([adapter]), NOON)
    mortal.revive(api.command)
    again = carry_out(action, Adapters([adapter]), NOON)

    found = mortal.call("GET", f"{place.autoscalers}/chat-blue")
    assert not lost.value.permanent
    assert again.state is ActionState.APPLIED
    assert found["spec"]["maxReplicas"] == 9
    assert found["metadata"]["annotations"][APPLIED] == action.id
