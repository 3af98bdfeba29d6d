from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import httpx2
import pytest

from sentinel.config import Config
from sentinel.daemon.wiring import Daemon, build, policy_of
from sentinel.errors import ConfigError, RuleErrors
from sentinel.model.plan import RunMode
from sentinel.model.settings import Knob
from sentinel.model.target import deployment
from sentinel.remediate.policy import DEFAULT_BOUNDS, Bounds, Policy, Relaxing
from tests.detect.rule_texts import SYMPTOM, small_pack

BLUE, GREEN = deployment("chat", "blue"), deployment("chat", "green")


class TestPolicy:
    def test_without_settings_it_is_the_default_one(self) -> None:
        assert policy_of(Config()) == Policy()

    def test_a_target_goes_before_a_symptom_and_both_before_the_default(self) -> None:
        text = (
            'mode = "review"\n[modes.symptoms]\na = "autonomous"\n[modes.targets]\n"chat/blue" = "readonly"'
        )

        policy = policy_of(Config.parse(text))

        assert policy.mode_for("a", BLUE) is RunMode.READONLY
        assert policy.mode_for("a", GREEN) is RunMode.AUTONOMOUS
        assert policy.mode_for("b", GREEN) is RunMode.REVIEW

    def test_one_bound_of_a_knob_leaves_the_other_as_it_was(self) -> None:
        policy = policy_of(Config.parse("[limits.bounds.max_replicas]\nmax = 12"))

        assert policy.bounds[Knob.MAX_REPLICAS] == Bounds(DEFAULT_BOUNDS[Knob.MAX_REPLICAS].low, 12)
        assert policy.bounds[Knob.MIN_REPLICAS] == DEFAULT_BOUNDS[Knob.MIN_REPLICAS]

    def test_a_bound_that_contradicts_the_usual_other_one_is_refused(self) -> None:
        with pytest.raises(ConfigError, match=r"limits\.bounds\.max_replicas: min 50 is above max 40"):
            policy_of(Config.parse("[limits.bounds.max_replicas]\nmin = 50"))

    def test_durations_follow_the_pace_and_a_persons_time_does_not(self) -> None:
        policy = policy_of(Config.parse('pace = 0.1\n[limits]\ncooldown = "10m"\napproval_expires = "1h"'))

        assert policy.cooldown == timedelta(minutes=1)
        assert policy.approval_expires == timedelta(hours=1)

    def test_nothing_is_put_back_unless_it_is_switched_on(self) -> None:
        off = policy_of(Config.parse('[relax]\nlook_back = "12h"'))
        on = policy_of(Config.parse('pace = 0.5\n[relax]\nenabled = true\nlook_back = "12h"'))

        assert off.relax is None
        assert on.relax == Relaxing(look_back=timedelta(hours=12)).paced(0.5) != Relaxing()


@pytest.fixture
def daemon(tmp_path: Path) -> Iterator[Daemon]:
    daemon = build(tmp_path, Config())
    with daemon.closing:
        yield daemon
        daemon.schedule.stop(5)


async def test_it_is_ready_once_its_schedule_runs(daemon: Daemon) -> None:
    transport = httpx2.ASGITransport(daemon.app)
    async with httpx2.AsyncClient(transport=transport, base_url="http://sentinel") as client:
        before = await client.get("/readyz")
        daemon.schedule.start()
        after = await client.get("/readyz")

    assert (before.status_code, before.json()["reasons"]) == (503, ["the scheduler does not run"])
    assert after.status_code == 200


def test_raised_settings_are_looked_at_where_that_is_switched_on(tmp_path: Path) -> None:
    on = build(tmp_path, Config.parse("[relax]\nenabled = true"))
    with on.closing:
        jobs = set(on.schedule._courses)
        on.schedule.stop(5)

    assert "relax" in jobs


def test_raised_settings_are_left_alone_by_default(daemon: Daemon) -> None:
    assert "relax" not in daemon.schedule._courses


def test_rules_that_cannot_be_used_keep_it_from_starting_and_nothing_stays_open(tmp_path: Path) -> None:
    (tmp_path / "mine" / "symptoms").mkdir(parents=True)
    (tmp_path / "mine" / "symptoms" / "bad.yaml").write_text("titel: x\n")

    with pytest.raises(RuleErrors, match="titel"):
        build(tmp_path, Config.parse('[rules]\npaths = ["mine"]'))


def test_a_query_of_an_added_rule_that_names_no_table_keeps_it_from_starting(tmp_path: Path) -> None:
    small_pack(tmp_path / "mine", symptom=SYMPTOM.replace("AmlOnlineEndpointTrafficLog", "AmlOnlineTrafic"))

    with pytest.raises(RuleErrors, match=r"refused\.yaml:\d+:\d+.*AmlOnlineTrafic"):
        build(tmp_path, Config.parse('[rules]\npaths = ["mine"]'))


async def test_changed_rules_with_errors_leave_the_old_ones_in_force_and_a_metric_tells(
    tmp_path: Path,
) -> None:
    pack = small_pack(tmp_path / "mine")
    daemon = build(tmp_path, Config.parse('[rules]\npaths = ["mine"]'))
    (pack / "symptoms" / "refused.yaml").write_text(SYMPTOM.replace("TrafficLog", "TraficLog"))
    with daemon.closing:
        looks = [daemon.rules.look(), daemon.rules.look()]
        async with httpx2.AsyncClient(
            transport=httpx2.ASGITransport(daemon.app), base_url="http://sentinel"
        ) as client:
            metrics = (await client.get("/metrics")).text

    assert looks == [False, False]
    assert daemon.rules.current().symptom("refused") is not None
    assert "sentinel_rules_last_reload_successful 0.0" in metrics
    assert 'sentinel_rule_reloads_total{outcome="failed"} 1.0' in metrics


def test_a_run_mode_for_a_symptom_there_is_not_is_refused(tmp_path: Path) -> None:
    text = '[modes.symptoms]\nrequests-refusd = "readonly"'

    with pytest.raises(ConfigError, match="no symptom 'requests-refusd'; did you mean 'requests-refused'"):
        build(tmp_path, Config.parse(text))


def test_a_simulated_deployment_a_real_one_could_not_be_is_refused(tmp_path: Path) -> None:
    text = '[[adapters]]\nkind = "simulated"\ntarget = "chat/blue"\nmin_replicas = 5\nmax_replicas = 2'

    with pytest.raises(ConfigError, match="min_replicas 5 is above max_replicas 2"):
        build(tmp_path, Config.parse(text))
