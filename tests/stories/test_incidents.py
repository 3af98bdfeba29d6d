"""Composed incidents, as somebody who has the documentation of Azure would put them together.

Each is delivered as files, read as `sentinel diagnose --from DIR` reads them, and judged at the newest record.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from sentinel.cli.recorded import recorded_store
from sentinel.config import Config
from sentinel.daemon.wiring import policy_of
from sentinel.detect import default_rule_paths, load_rules
from sentinel.model.plan import Plan
from sentinel.query.engine import Engine
from sentinel.rehearse.one_shot import Examination, examine_all, newest_of
from sentinel.store.telemetry import TelemetryStore
from tests.stories.incidents import Story, deliver, stories

RULES = load_rules(default_rule_paths())
STORIES = stories()
BACKGROUND = {"job:plucky_pear_77": "script/script-error"}
"""What is wrong beside every story."""
EVERY_STORY = pytest.mark.parametrize("story", STORIES, ids=lambda story: story.name)


@pytest.fixture(scope="module")
def engine() -> Iterator[Engine]:
    with TelemetryStore.in_memory() as store:
        engine = Engine(store)
        yield engine
        engine.close()


@pytest.fixture(scope="module")
def examined(engine: Engine, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Examination]:
    return {story.name: examine(story, engine, tmp_path_factory.mktemp("story")) for story in STORIES}


def examine(story: Story, engine: Engine, directory: Path) -> Examination:
    deliver(story, directory)
    with recorded_store(directory) as store, closing(engine.over(store)) as over:
        moment = newest_of(store)
        assert moment is not None
        return examine_all(store, over, RULES, policy_of(Config()), moment)


@EVERY_STORY
def test_the_true_cause_comes_first(story: Story, examined: dict[str, Examination]) -> None:
    tops = {
        (str(one.finding.target), one.symptom.id): one.diagnosis.top for one in examined[story.name].found
    }
    told = {
        at: (top.cause, top.reason) if top else ("unknown", "none of the known causes is shown")
        for at, top in tops.items()
    }

    for expected in story.expect:
        cause, reason = told[expected.target, expected.symptom]
        assert cause == expected.top
        assert expected.says in reason


@EVERY_STORY
def test_nothing_else_is_blamed(story: Story, examined: dict[str, Examination]) -> None:
    known = {one.top for one in story.expect} | story.also
    blamed = {
        f"{one.finding.target} {one.symptom.id}: {one.diagnosis.top.cause if one.diagnosis.top else 'unknown'}"
        for one in examined[story.name].found
        if (one.diagnosis.top.cause if one.diagnosis.top else "unknown")
        not in {*known, BACKGROUND.get(str(one.finding.target))}
    }

    assert blamed == set()


@EVERY_STORY
def test_only_a_right_remedy_is_planned(story: Story, examined: dict[str, Examination]) -> None:
    planned = {
        change.knob.value
        for one in examined[story.name].found
        if isinstance(one.planned, Plan)
        for change in one.planned.changes
    }

    assert planned <= story.remedies
    assert planned or not story.remedies


@pytest.mark.parametrize("story", STORIES[:2], ids=lambda story: story.name)
def test_the_command_tells_the_same(story: Story, tmp_path: Path) -> None:
    deliver(story, tmp_path)
    (expected,) = story.expect

    told = subprocess.run(
        [
            sys.executable,
            "-m",
            "sentinel",
            "--home",
            str(tmp_path / "home"),
            "diagnose",
            "--from",
            str(tmp_path),
            "--format",
            "json",
        ],
        capture_output=True,
        check=False,
    )

    assert told.returncode == 1
    (found,) = (
        f
        for f in json.loads(told.stdout)["findings"]
        if (f["target"], f["symptom"]) == (expected.target, expected.symptom)
    )
    assert found["causes"][0]["id"] == expected.top
    assert {change["knob"] for change in found["plan"]["changes"]} <= story.remedies


def test_every_kind_of_target_has_its_stories() -> None:
    assert {story.kind for story in STORIES} == {
        "ACI v1 web service",
        "AKS v1 web service",
        "AmlCompute job",
        "Kubernetes online endpoint",
        "ParallelRunStep",
        "attached compute",
        "batch endpoint",
        "compute instance",
        "designer pipeline endpoint",
        "local container",
        "managed online endpoint",
    }
    assert len(STORIES) >= 60
