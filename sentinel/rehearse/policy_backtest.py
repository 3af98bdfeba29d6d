"""What each policy would have done on a recorded history, with its effect by the model calibrated on that history."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from sentinel.model.settings import Settings
from sentinel.model.target import Target, deployment
from sentinel.query.engine import Engine
from sentinel.rehearse.contest import Score, differing, played
from sentinel.remediate.policy import Policy
from sentinel.simulate.calibrate import NoModel, calibrate
from sentinel.simulate.history import history

MOST: Final = 100_000
"""So many of the newest requests of a deployment are replayed."""
_TARGETS: Final = """
AmlOnlineEndpointTrafficLog
| where TimeGenerated between (since .. now()) and isnotempty(DeploymentName)
| distinct EndpointName, DeploymentName
| sort by EndpointName asc, DeploymentName asc
"""


@dataclass(frozen=True, slots=True)
class Contested:
    """What the policies would have done to one deployment.

    Without a calibrated model there are no scores, and `note` says why: what cannot reproduce what happened cannot
    tell what would have.
    """

    target: Target
    begin: datetime
    """Where what was replayed begins."""
    note: str
    settings: Settings | None = None
    """Those in force at the begin."""
    scores: tuple[Score, ...] = ()


def contests(engine: Engine, policy: Policy, begin: datetime, end: datetime) -> tuple[Contested, ...]:
    """Every deployment that had requests from `begin` to `end`, by name; the same rows give the same result.

    Raises:
        QueryError: The telemetry could not be read.
    """
    rows = engine.query(_TARGETS, now=end, parameters={"since": begin}).rows
    targets = [deployment(endpoint, name) for endpoint, name in rows]
    return tuple(_contested(engine, target, policy, begin, end) for target in targets)


def _contested(engine: Engine, target: Target, policy: Policy, begin: datetime, end: datetime) -> Contested:
    past = history(engine, target, end, max(end - begin, timedelta(seconds=1)), most=MOST)
    model = calibrate(past)
    if isinstance(model, NoModel):
        return Contested(target, past.begin, f"not calibrated: {model.why}")
    if not model.calibrated:
        return Contested(target, past.begin, f"not calibrated: {model.note}")
    first = model.steps[0]
    scores = played(model.demand, model.timing, policy, first.settings, ready=max(first.ready, 0))
    return Contested(target, past.begin, f"calibrated: {model.note}", first.settings, tuple(scores))


def contest_values(found: Sequence[Contested]) -> list[dict[str, Any]]:
    """The policies as JSON has them."""
    return [
        {
            "target": str(one.target),
            "calibrated": bool(one.scores),
            "note": one.note,
            "policies": [_score_values(score, one) for score in one.scores],
        }
        for one in found
    ]


def _score_values(score: Score, one: Contested) -> dict[str, Any]:
    return {
        "policy": score.policy,
        "did": [{"at": f"{at:%Y-%m-%dT%H:%M:%SZ}", "changes": changes} for at, changes in _did(score, one)],
        "refused_share": round(score.refused_share, 6),
        "timed_out_share": round(score.timed_out_share, 6),
        "replica_hours": round(score.replica_hours, 4),
        "refused_share_before": round(score.refused_share_before, 6),
    }


def _did(score: Score, one: Contested) -> Iterator[tuple[datetime, str]]:
    before = one.settings
    for reaction in score.did:
        if before is not None:
            yield (
                one.begin + timedelta(seconds=reaction.at),
                differing(before, reaction.settings) or "no change",
            )
        before = reaction.settings


def contest_lines(found: Sequence[Contested]) -> Iterator[str]:
    """The policies as people read them."""
    count = f"{len(found)} deployment{'s' * (len(found) != 1)}"
    yield f"Policies, simulated on what came: {count} with requests"
    for one in found:
        yield f"  {one.target}  {one.note}"
        if one.scores:
            yield f"      {'policy':<15} {'refused':>8} {'timed out':>9} {'replica-h':>9}  would have done"
        for score in one.scores:
            did = "; ".join(f"{at:%m-%d %H:%M:%S} {changes}" for at, changes in _did(score, one))
            yield (
                f"      {score.policy:<15} {score.refused_share:>8.2%} {score.timed_out_share:>9.2%}"
                f" {score.replica_hours:>9.2f}  {did or 'nothing'}"
            )
