"""Real traces replayed with fixed advice and with Sentinel: what is refused, and what it costs.

Run as `python benchmarks/remedies.py --trace FILE [--json]`. FILE has the columns TIMESTAMP, ContextTokens and
GeneratedTokens (Azure's LLM inference traces; a request takes 0.1 s and 10 ms a generated token unless told), or
gmt_create and exec_time_seconds (Alibaba's GenAI requests), and may be gzipped. Without a trace, the sample of the
demo is replayed.

The policies: `defaults` (1 to 10 replicas at 70 %), `utilization-30` and `max-40` change one of these, `hpa` is a
HorizontalPodAutoscaler at 70 % with up to 40 replicas, and `sentinel` begins with the defaults and reacts. Sentinel
sees what a router logs and no more: it looks every 10 s at the last two minutes, needs at least 5 and 1 % of the
requests refused for 30 s (the rule `requests-refused`), knows the duration only of requests that have ended, and
keeps to the cooldown and the hourly limit of its policy. Every policy is scored from Sentinel's first action to the
end of the trace; what was refused before is reported apart.
"""

from __future__ import annotations

import argparse
import csv
import gzip
import json
import random
import sys
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from itertools import accumulate
from pathlib import Path
from typing import Any

from sentinel.model.settings import Knob, Settings
from sentinel.remediate.policy import Bounds, Policy
from sentinel.remediate.sizing import cheapest
from sentinel.simulate.kubernetes_autoscale import HorizontalPodAutoscaler
from sentinel.simulate.replay import REFUSED, SERVED, TIMED_OUT, Demand, Replay, Timing

SAMPLE = Path(__file__).parent.parent / "sentinel" / "demo" / "arrivals.csv"
EVERY, WINDOW, HOLD = 10.0, 120.0, 30.0
REFUSALS, SHARE = 5, 0.01
LOOK_BACK = 3600.0
BOUNDS = {
    Knob.TARGET_UTILIZATION: Bounds(20, 90),
    Knob.MIN_REPLICAS: Bounds(1, 1000),
    Knob.MAX_REPLICAS: Bounds(1, 1000),
}
QUIET = 60.0
"""It has recovered when refusals stay below the symptom's share for so long."""


@dataclass(frozen=True, slots=True)
class Score:
    """How a policy did from Sentinel's first action on."""

    policy: str
    refused_share: float
    timed_out_share: float
    recovery_seconds: float | None
    """From Sentinel's first action to the begin of the first quiet minute; none if there was none."""
    replica_hours: float
    p95_ms: float
    refused_share_before: float


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


class Sentinel:
    """Watches a replay as the daemon watches a router, and changes its settings."""

    def __init__(self, replay: Replay, demand: Demand, timing: Timing, policy: Policy) -> None:
        self.actions: list[tuple[float, Settings, str]] = []
        self._replay = replay
        self._demand = demand
        self._timing = timing
        self._policy = policy
        self._since: float | None = None
        self._chance = random.Random(1)

    def watch(self) -> None:
        """Live through the trace."""
        now, last = 0.0, self._demand.arrivals[-1]
        while now < last:
            now = self._next(now)
            self._replay.advance(now)
            if self._hurts(now) and self._may_act(now):
                self._act(now)
        self._replay.finish()

    def _next(self, now: float) -> float:
        """When it looks again; where nothing comes for long there is nothing to see."""
        arrived, arrivals = self._replay.arrived, self._demand.arrivals
        coming = arrivals[arrived] if arrived < len(arrivals) else arrivals[-1]
        skipped = max(0.0, coming - now - 2 * WINDOW) // EVERY * EVERY
        return now + EVERY + skipped

    def _hurts(self, now: float) -> bool:
        begin, end = bisect_left(self._demand.arrivals, now - WINDOW), self._replay.arrived
        refused = self._replay.status.count(REFUSED, begin, end)
        if refused < REFUSALS or refused < SHARE * (end - begin):
            self._since = None
            return False
        self._since = now if self._since is None else self._since
        return now - self._since >= HOLD

    def _may_act(self, now: float) -> bool:
        within = [at for at, _, _ in self.actions if now - at < self._policy.limit_window.total_seconds()]
        cooled = not within or now - within[-1] >= self._policy.cooldown.total_seconds()
        return cooled and len(within) < self._policy.per_target_per_hour

    def _act(self, now: float) -> None:
        seen = self._seen(now)
        if not len(seen):
            return
        sized = cheapest(seen, self._replay.settings, self._timing, self._policy.bounds)
        if sized.settings != self._replay.settings:
            self._replay.change(sized.settings)
            self.actions.append((now, sized.settings, sized.workings))

    def _seen(self, now: float) -> Demand:
        """The arrivals of the last hour; how long a refused or unfinished one would take is drawn from the others."""
        arrivals, replay = self._demand.arrivals, self._replay
        numbers = range(bisect_left(arrivals, now - LOOK_BACK), replay.arrived)
        ended = {
            number: self._demand.services[number]
            for number in numbers
            if replay.status[number] in {SERVED, TIMED_OUT} and replay.ended(number) <= now
        }
        known = list(ended.values())
        if not known:
            return Demand([], [])
        took = [ended[number] if number in ended else self._chance.choice(known) for number in numbers]
        return Demand([arrivals[number] for number in numbers], took)


def played(demand: Demand, timing: Timing) -> tuple[list[Score], list[tuple[float, Settings, str]]]:
    """The score of every policy, and what Sentinel did when."""
    defaults = Settings()
    replay = Replay(demand, defaults, timing)
    sentinel = Sentinel(replay, demand, timing, replace(Policy(), bounds=BOUNDS))
    sentinel.watch()
    since = sentinel.actions[0][0] if sentinel.actions else 0.0
    replays = {
        "defaults": Replay(demand, defaults, timing),
        "utilization-30": Replay(demand, replace(defaults, target_utilization=30), timing),
        "max-40": Replay(demand, replace(defaults, max_replicas=40), timing),
        "hpa": Replay(demand, replace(defaults, max_replicas=40), timing, HorizontalPodAutoscaler()),
    }
    for each in replays.values():
        each.finish()
    replays["sentinel"] = replay
    return [score(name, each, demand.arrivals, since) for name, each in replays.items()], sentinel.actions


def score(policy: str, replay: Replay, arrivals: Sequence[float], since: float) -> Score:
    """What became of the requests from then on."""
    after, before = replay.outcome(since), replay.outcome(until=since)
    return Score(
        policy,
        after.refused_share,
        after.timed_out_share,
        recovery(replay, arrivals, since),
        after.replica_hours,
        after.p95_ms,
        before.refused_share,
    )


def recovery(replay: Replay, arrivals: Sequence[float], since: float) -> float | None:
    """Seconds until less than the symptom's share of a whole minute is refused."""
    refused = [0, *accumulate(status == REFUSED for status in replay.status)]
    at = since
    while at + QUIET <= arrivals[-1]:
        begin, end = bisect_left(arrivals, at), bisect_left(arrivals, at + QUIET)
        count = refused[end] - refused[begin]
        if count < max(1, SHARE * (end - begin)):
            return at - since
        at += 1
    return None


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
    scores, actions = played(demand, timing)
    if given.json:
        json.dump({"policies": [_row(each) for each in scores], **_told(actions)}, sys.stdout, indent=2)
        print()
        return
    print(
        f"{len(demand):,} requests over {demand.arrivals[-1] / 3600:.2f} h; one replica starts in {timing.start:g} s"
    )
    for at, settings, workings in actions:
        sizes = f"{settings.min_replicas}..{settings.max_replicas} at {settings.target_utilization} %"
        print(f"{at:7.0f} s  {sizes}: {workings}")
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


def _told(actions: Sequence[tuple[float, Settings, str]]) -> dict[str, Any]:
    return {
        "first_action_seconds": actions[0][0] if actions else None,
        "actions": [
            {
                "seconds": at,
                "min_replicas": settings.min_replicas,
                "max_replicas": settings.max_replicas,
                "target_utilization": settings.target_utilization,
                "workings": workings,
            }
            for at, settings, workings in actions
        ],
    }


if __name__ == "__main__":
    main()
