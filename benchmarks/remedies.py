"""Real traces replayed with fixed advice and with Sentinel: what is refused, and what it costs.

Run as `python benchmarks/remedies.py --trace FILE [--json]`. FILE has the columns TIMESTAMP, ContextTokens and
GeneratedTokens (Azure's LLM inference traces; a request takes 0.1 s and 10 ms a generated token unless told), or
gmt_create and exec_time_seconds (Alibaba's GenAI requests), and may be gzipped. Without a trace, the sample of the
demo is replayed.

The policies are those of `sentinel/rehearse/contest.py`, which `sentinel rules backtest` plays on recorded history too,
on 1 to 10 replicas at 70 %. Every policy is scored from Sentinel's first action to the end of the trace; what was
refused before is reported apart. The CPU that replaying an hour of the trace with one candidate takes is measured.
"""

from __future__ import annotations

import argparse
import csv
import gzip
import json
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sentinel.model.settings import Knob, Settings
from sentinel.rehearse.contest import Reaction, Score, played
from sentinel.remediate.policy import Bounds, Policy
from sentinel.simulate.replay import Demand, Replay, Timing

SAMPLE = Path(__file__).parent.parent / "sentinel" / "demo" / "arrivals.csv"
CPU_BOUND = 0.1
"""Seconds of CPU that replaying an hour with one candidate may take."""
BOUNDS = {
    Knob.TARGET_UTILIZATION: Bounds(20, 90),
    Knob.MIN_REPLICAS: Bounds(1, 1000),
    Knob.MAX_REPLICAS: Bounds(1, 1000),
}


def read(trace: Path, base_seconds: float, token_seconds: float) -> Demand:
    """The requests of a trace in the order of their arrival, from 0 on."""
    text = gzip.decompress(trace.read_bytes()) if trace.suffix == ".gz" else trace.read_bytes()
    lines = (line for line in text.decode().splitlines() if not line.startswith("#"))
    requests = sorted(_requests(csv.DictReader(lines), base_seconds, token_seconds))
    if not requests:
        raise SystemExit(f"{trace} has no requests")
    first = requests[0][0]
    return Demand([at - first for at, _ in requests], [took for _, took in requests])


def _requests(
    rows: csv.DictReader[str], base_seconds: float, token_seconds: float
) -> Iterator[tuple[float, float]]:
    for row in rows:
        if "exec_time_seconds" in row:
            if row["exec_time_seconds"]:
                yield _seconds(row["gmt_create"]), max(0.1, float(row["exec_time_seconds"]))
        elif "seconds" in row:
            yield float(row["seconds"]), base_seconds + token_seconds * float(row["generated_tokens"])
        else:
            yield (
                _seconds(row["TIMESTAMP"]),
                base_seconds + token_seconds * float(row["GeneratedTokens"] or 0),
            )


def _seconds(text: str) -> float:
    """The instant as seconds; fractions beyond microseconds are cut."""
    whole, _, fraction = text.strip().replace("T", " ").removesuffix("Z").partition(".")
    digits = "".join(each for each in fraction.partition("+")[0] if each.isdigit())[:6]
    whole = whole.partition("+")[0]
    at = datetime.fromisoformat(whole).replace(tzinfo=UTC)
    return at.timestamp() + (int(digits) / 10 ** len(digits) if digits else 0.0)


def candidate_hour(demand: Demand, timing: Timing) -> float:
    """The most CPU, in seconds, that an hour of the demand takes with one of some candidates."""
    hours = max(1e-9, (demand.arrivals[-1] - demand.arrivals[0]) / 3600)
    taken = []
    for settings in (Settings(), Settings(max_replicas=40), Settings(min_replicas=20, max_replicas=60)):
        begun = time.process_time()
        replay = Replay(demand, settings, timing)
        replay.finish()
        replay.outcome()
        taken.append(time.process_time() - begun)
    return max(taken) / hours


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--trace", type=Path, default=SAMPLE)
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--base-seconds", type=float, default=0.1, help="of every request")
    parser.add_argument("--token-seconds", type=float, default=0.01, help="of each generated token")
    parser.add_argument("--start-seconds", type=float, default=30.0, help="until a new replica is ready")
    parser.add_argument("--scale-in-seconds", type=float, default=60.0, help="of lower load")
    given = parser.parse_args()
    demand = read(given.trace, given.base_seconds, given.token_seconds)
    timing = Timing(given.start_seconds, given.scale_in_seconds)
    scores = played(demand, timing, replace(Policy(), bounds=BOUNDS), Settings())
    actions = scores[-1].did
    cpu = candidate_hour(demand, timing)
    if given.json:
        told = {"policies": [_row(each) for each in scores], **_told(actions)}
        json.dump({**told, "cpu_seconds_per_candidate_hour": round(cpu, 4)}, sys.stdout, indent=2)
        print()
        return
    print(
        f"{len(demand):,} requests over {demand.arrivals[-1] / 3600:.2f} h; one replica starts in {timing.start:g} s"
    )
    print(f"{cpu:.3f} s of CPU to replay an hour of it with one candidate (the bound is {CPU_BOUND:g} s)")
    for one in actions:
        chosen = one.settings
        sizes = f"{chosen.min_replicas}..{chosen.max_replicas} at {chosen.target_utilization} %"
        print(f"{one.at:7.0f} s  {sizes}: {one.workings}")
    print(
        f"{'policy':<15} {'refused':>8} {'timed out':>9} {'recovery':>9} {'replica-h':>9} {'p95':>8} {'before':>8}"
    )
    for one in scores:
        recovered = "never" if one.recovery_seconds is None else f"{one.recovery_seconds:.0f} s"
        print(
            f"{one.policy:<15} {one.refused_share:>8.2%} {one.timed_out_share:>9.2%} {recovered:>9}"
            f" {one.replica_hours:>9.2f} {one.p95_ms:>5.0f} ms {one.refused_share_before:>8.2%}"
        )


def _row(one: Score) -> dict[str, Any]:
    return {
        "policy": one.policy,
        "refused_share": round(one.refused_share, 6),
        "timed_out_share": round(one.timed_out_share, 6),
        "recovery_seconds": one.recovery_seconds,
        "replica_hours": round(one.replica_hours, 4),
        "p95_ms": round(one.p95_ms, 1),
        "refused_share_before": round(one.refused_share_before, 6),
    }


def _told(actions: Sequence[Reaction]) -> dict[str, Any]:
    return {
        "first_action_seconds": actions[0].at if actions else None,
        "actions": [
            {
                "seconds": one.at,
                "min_replicas": one.settings.min_replicas,
                "max_replicas": one.settings.max_replicas,
                "target_utilization": one.settings.target_utilization,
                "workings": one.workings,
            }
            for one in actions
        ],
    }


if __name__ == "__main__":
    main()
