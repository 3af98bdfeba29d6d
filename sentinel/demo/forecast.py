"""What the simulation foretold of a change, beside what the real processes did.

The model is the one that was known when the change was planned. The requests that really came are replayed with it,
the time they take drawn from those before the change, once with the change from the moment it was seen in force and
once without. Both are compared with what the router logged from that moment on.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import pairwise
from random import Random
from typing import Final

from sentinel.model.outlook import Outcome
from sentinel.model.plan import Plan
from sentinel.query.engine import Engine
from sentinel.remediate.planner import simulated_settings
from sentinel.simulate.calibrate import Model, NoModel, calibrate, replay_of
from sentinel.simulate.history import History, State, history
from sentinel.simulate.replay import Demand

TOLERANCE: Final = 0.2
"""How far the measured may be from the foretold, as a part of it."""
SMALL: Final = 0.05
"""Where no more than this share fails, foretold and measured, the shares that were served are compared instead."""
LEAST_REQUESTS: Final = 50
_SEED: Final = 17


@dataclass(frozen=True, slots=True)
class Forecast:
    """A change as it was foretold and as it was measured, over the same requests."""

    seconds: float
    without: Outcome
    """Foretold, had nothing been changed."""
    foretold: Outcome
    refused_share: float
    timed_out_share: float
    replica_hours: float

    @property
    def failed_share(self) -> float:
        """The measured share of requests that were refused or timed out."""
        return self.refused_share + self.timed_out_share

    @property
    def agrees(self) -> bool:
        """Whether requests and replica-hours are as they were foretold, within the tolerance."""
        failed, foretold = self.failed_share, self.foretold.failed_share
        small = max(failed, foretold) <= SMALL
        shares = (1 - foretold, 1 - failed) if small else (foretold, failed)
        return _near(*shares) and _near(self.foretold.replica_hours, self.replica_hours)


def _near(foretold: float, measured: float) -> bool:
    return abs(measured - foretold) <= TOLERANCE * foretold


def forecast(engine: Engine, plan: Plan, window: timedelta, until: datetime) -> Forecast | str:
    """Compare a change with what was foretold, from when it was seen in force until then; else why it cannot be.

    `window` is how far the model of the plan looked back.

    Raises:
        QueryError: The telemetry could not be read.
    """
    model = calibrate(history(engine, plan.target, plan.created, window))
    if isinstance(model, NoModel):
        return f"not calibrated: {model.why}"
    if not model.calibrated:
        return f"not calibrated: {model.note}"
    begin = plan.created - window
    seen = history(engine, plan.target, until, until - begin)
    settings = simulated_settings(model.settings, plan.changes)
    in_force = [state.at for state in seen.states if state.settings == settings]
    if not in_force:
        return "the changed settings were not seen in force"
    moment = in_force[0]
    after = [one for one in seen.requests if one.at >= moment]
    if len(after) < LEAST_REQUESTS:
        return f"{len(after)} requests since the change are too few, it takes {LEAST_REQUESTS}"
    demand = _demand(seen, model)
    changed = State(moment, 0, 0, settings)
    with_it = replay_of(demand, model.timing, (*model.steps, changed))
    without = replay_of(demand, model.timing, model.steps)
    return Forecast(
        seconds=seen.seconds - moment,
        without=without.outcome(moment, seen.seconds),
        foretold=with_it.outcome(moment, seen.seconds),
        refused_share=sum(one.refused for one in after) / len(after),
        timed_out_share=sum(one.timed_out for one in after) / len(after),
        replica_hours=replica_seconds(seen, moment) / 3600,
    )


def _demand(seen: History, model: Model) -> Demand:
    """What came until the end; how long each takes is as in the model, and later drawn from it."""
    known, chance = list(model.demand.services), Random(_SEED)
    later = len(seen.requests) - len(known)
    return Demand(
        [one.at for one in seen.requests],
        [*known, *(chance.choice(known) for _ in range(later))][: len(seen.requests)],
    )


def replica_seconds(seen: History, since: float) -> float:
    """The replicas that were observed, those that start included, times the seconds from then to the end."""
    states = [*seen.states, replace(seen.states[-1], at=seen.seconds)] if seen.states else []
    return sum(
        before.replicas * max(0.0, min(after.at, seen.seconds) - max(before.at, since))
        for before, after in pairwise(states)
    )


def forecast_lines(found: Forecast | str) -> Iterator[str]:
    """The comparison as people read it."""
    if isinstance(found, str):
        yield found
        return
    told, measured = found.foretold, found.failed_share
    yield (
        f"{told.failed_share:.1%} refused or timed out, {told.replica_hours * 3600:.0f} replica-seconds"
        f" ({found.without.failed_share:.1%} and {found.without.replica_hours * 3600:.0f} without the change)"
    )
    yield (
        f"{measured:.1%} and {found.replica_hours * 3600:.0f} measured over {told.requests} requests"
        f" in {found.seconds:.0f} s"
    )
    word = "agree" if found.agrees else "do not agree"
    small = max(measured, told.failed_share) <= SMALL
    compared = "the shares served" if small else "the shares that failed"
    yield f"{compared} and the replicas {word} within {TOLERANCE:.0%}"
