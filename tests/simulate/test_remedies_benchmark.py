"""Sentinel against fixed advice on real arrivals."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any, Final

import pytest

REPOSITORY: Final = Path(__file__).parents[2]
DATA: Final = Path(os.environ.get("SENTINEL_DATA", REPOSITORY.parent / "shared" / "data"))
TRACES: Final = [
    REPOSITORY / "sentinel" / "demo" / "arrivals.csv",
    *(trace for trace in [DATA / "azure-llm-inference-2023-conv.csv"] if trace.exists()),
]


def scores(trace: Path) -> dict[str, dict[str, Any]]:
    benchmark = REPOSITORY / "benchmarks" / "remedies.py"
    ended = subprocess.run(
        [sys.executable, benchmark, "--trace", trace, "--json"], capture_output=True, check=True, timeout=60
    )
    return {one["policy"]: one for one in json.loads(ended.stdout)["policies"]}


@pytest.mark.parametrize("trace", TRACES, ids=lambda trace: trace.stem)
def test_a_tenth_is_refused_and_it_costs_no_more_than_what_does_as_well(trace: Path) -> None:
    scored = scores(trace)

    ours, allowed = scored.pop("sentinel"), scored["defaults"]["refused_share"] / 10
    assert list(scored) == ["defaults", "utilization-30", "max-40", "hpa"]
    assert ours["refused_share"] <= allowed
    as_good = [one["replica_hours"] for one in scored.values() if one["refused_share"] <= allowed]
    assert all(ours["replica_hours"] <= 1.15 * hours for hours in as_good)
    assert {"timed_out_share", "recovery_seconds"} <= ours.keys()
