"""Sentinel against fixed advice on real arrivals."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import pytest

from sentinel.simulate.replay import Demand

REPOSITORY: Final = Path(__file__).parents[2]
DATA: Final = Path(os.environ.get("SENTINEL_DATA", REPOSITORY.parent / "shared" / "data"))
TRACE: Final = DATA / "azure-llm-inference-2023-conv.csv"
BEGIN: Final = datetime(2026, 3, 4, 12, tzinfo=UTC)


@pytest.fixture
def repeated(tmp_path: Path, conversations: Demand) -> Path:
    """Half an hour of traffic: the real arrivals of the demo, eight times over."""
    span = conversations.arrivals[-1] + 1
    lines = [
        f"{BEGIN + timedelta(seconds=again * span + at):%Y-%m-%d %H:%M:%S.%f},1,{round((took - 0.1) * 100)}"
        for again in range(8)
        for at, took in zip(conversations.arrivals, conversations.services, strict=True)
    ]
    path = tmp_path / "repeated.csv"
    path.write_text("\n".join(["TIMESTAMP,ContextTokens,GeneratedTokens", *lines, ""]))
    return path


def told(trace: Path) -> dict[str, Any]:
    benchmark = REPOSITORY / "benchmarks" / "remedies.py"
    ended = subprocess.run(
        [sys.executable, benchmark, "--trace", trace, "--json"], capture_output=True, check=True, timeout=60
    )
    found: dict[str, Any] = json.loads(ended.stdout)
    return found


def scores(trace: Path) -> dict[str, dict[str, Any]]:
    return {one["policy"]: one for one in told(trace)["policies"]}


def as_good_and_cheap(trace: Path) -> bool:
    """Whether a tenth of the defaults' share is refused, for hardly more than what does as well costs."""
    scored = scores(trace)
    ours, allowed = scored.pop("sentinel"), scored["defaults"]["refused_share"] / 10
    as_good = [one["replica_hours"] for one in scored.values() if one["refused_share"] <= allowed]
    cheap = all(ours["replica_hours"] <= 1.15 * hours for hours in as_good)
    return ours["refused_share"] <= allowed and cheap


def test_repeated_arrivals_are_served_as_well_and_as_cheaply_as_by_the_best_advice(repeated: Path) -> None:
    assert as_good_and_cheap(repeated)


if TRACE.exists():

    def test_an_hour_of_real_arrivals_is_served_as_well_and_as_cheaply_as_by_the_best_advice() -> None:
        assert as_good_and_cheap(TRACE)


def test_the_cost_of_replaying_an_hour_with_one_candidate_is_told(repeated: Path) -> None:
    assert told(repeated)["cpu_seconds_per_candidate_hour"] > 0


def test_every_policy_is_scored(repeated: Path) -> None:
    scored = scores(repeated)

    assert list(scored) == ["defaults", "utilization-30", "max-40", "hpa", "sentinel"]
    asked = {"refused_share", "timed_out_share", "recovery_seconds", "replica_hours"}
    assert all(asked <= one.keys() for one in scored.values())
