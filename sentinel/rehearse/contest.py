"""Policies compared on the same demand: fixed advice, a HorizontalPodAutoscaler, and Sentinel, which reacts.

`defaults` leaves the settings as they are, `utilization-30` and `max-40` change one of them from the begin, `hpa` is a
HorizontalPodAutoscaler with up to 40 replicas, and `sentinel` begins with the settings as they are and reacts. It sees
what a router logs and no more: it looks every 10 s at the last two minutes, needs at least 5 and 1 % of the requests
refused for 30 s (the rule `requests-refused`), knows the duration only of requests that have ended, and keeps to the
cooldown and the hourly limit of its policy. Every policy is scored on the same part of the demand, from Sentinel's
first action to the end; what was refused before is told apart.
"""

from __future__ import annotations

import random
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import accumulate
from typing import Final

from sentinel.model.settings import Knob, Settings
from sentinel.remediate.policy import Policy
from sentinel.remediate.sizing import cheapest
from sentinel.simulate.kubernetes_autoscale import HorizontalPodAutoscaler
from sentinel.simulate.replay import REFUSED, SERVED, TIMED_OUT, Demand, Replay, Timing

EVERY: Final = 10.0
WINDOW: Final = 120.0
HOLD: Final = 30.0
KEEP_FIRING: Final = 120.0
"""How often Sentinel looks, how far back, for how long it must hurt, and how long it must be quiet to count as gone:
those of the rule, in seconds."""
REFUSALS: Final = 5
SHARE: Final = 0.01
LOOK_BACK: Final = 3600.0
QUIET: Final = 60.0
"""It has recovered when refusals stay below the symptom's share for so long."""
_KNOBS: Final = (Knob.MIN_REPLICAS, Knob.MAX_REPLICAS, Knob.TARGET_UTILIZATION)


@dataclass(frozen=True, slots=True)
class Reaction:
    """A change of settings by a policy, in seconds from the begin of the demand."""

    at: float
    settings: Settings
    workings: str


@dataclass(frozen=True, slots=True)
class Score:
    """What a policy would have done, and how it did from Sentinel's first action on."""

    policy: str
    did: tuple[Reaction, ...]
    refused_share: float
    timed_out_share: float
    recovery_seconds: float | None
    """From Sentinel's first action to the begin of the first quiet minute; none if there was none."""
    replica_hours: float
    p95_ms: float
    refused_share_before: float


class Reacting:
    """Watches a replay as the daemon watches a router, and changes its settings."""

    def __init__(self, replay: Replay, demand: Demand, timing: Timing, policy: Policy) -> None:
        self.reactions: list[Reaction] = []
        self._replay = replay
        self._demand = demand
        self._timing = timing
        self._policy = policy
        self._since: float | None = None
        self._fired: float | None = None
        self._chance = random.Random(1)  # noqa: S311 - the same demand is to give the same reactions

    def watch(self) -> None:
        """Live through the demand."""
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
        """Whether the symptom fires: it held for long enough, and was not quiet for long enough since."""
        begin, end = bisect_left(self._demand.arrivals, now - WINDOW), self._replay.arrived
        refused = self._replay.status.count(REFUSED, begin, end)
        if refused >= REFUSALS and refused >= SHARE * (end - begin):
            self._since = now if self._since is None else self._since
            if now - self._since >= HOLD:
                self._fired = now
        else:
            self._since = None
        return self._fired is not None and now - self._fired < KEEP_FIRING

    def _may_act(self, now: float) -> bool:
        window = self._policy.limit_window.total_seconds()
        within = [one.at for one in self.reactions if now - one.at < window]
        cooled = not within or now - within[-1] >= self._policy.cooldown.total_seconds()
        return cooled and len(within) < self._policy.per_target_per_hour

    def _act(self, now: float) -> None:
        seen = self._seen(now)
        if not len(seen):
            return
        sized = cheapest(seen, self._replay.settings, self._timing, self._policy.bounds)
        if sized.settings != self._replay.settings:
            self._replay.change(sized.settings)
            self.reactions.append(Reaction(now, sized.settings, sized.workings))

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


def played(
    demand: Demand, timing: Timing, policy: Policy, settings: Settings, *, ready: int | None = None
) -> list[Score]:
    """The score of every policy, each beginning with `ready` replicas, the minimum unless told."""
    lower = replace(settings, target_utilization=30)
    wider = replace(settings, max_replicas=max(40, settings.max_replicas))

    def begun(chosen: Settings, scaler: HorizontalPodAutoscaler | None = None) -> Replay:
        return Replay(demand, chosen, timing, scaler, ready=ready)

    own = begun(settings)
    sentinel = Reacting(own, demand, timing, policy)
    sentinel.watch()
    since = sentinel.reactions[0].at if sentinel.reactions else 0.0
    rivals = {
        "defaults": (begun(settings), settings, ""),
        "utilization-30": (begun(lower), lower, "from the begin on"),
        "max-40": (begun(wider), wider, "from the begin on"),
        "hpa": (begun(wider, HorizontalPodAutoscaler()), wider, "from the begin on, scaled by an HPA"),
    }
    scores = []
    for name, (replay, chosen, workings) in rivals.items():
        replay.finish()
        did = (Reaction(0.0, chosen, workings),) if workings else ()
        scores.append(_scored(name, did, replay, demand.arrivals, since))
    return [*scores, _scored("sentinel", tuple(sentinel.reactions), own, demand.arrivals, since)]


def differing(before: Settings, after: Settings) -> str:
    """The scaling settings that differ, in one line: `max_replicas 10 → 40`; empty if none does."""
    pairs = ((knob, before.value(knob), after.value(knob)) for knob in _KNOBS)
    return ", ".join(f"{knob} {old} → {new}" for knob, old, new in pairs if old != new)


def _scored(
    policy: str, did: tuple[Reaction, ...], replay: Replay, arrivals: Sequence[float], since: float
) -> Score:
    """What became of the requests from then on."""
    after, before = replay.outcome(since), replay.outcome(until=since)
    return Score(
        policy,
        did,
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
