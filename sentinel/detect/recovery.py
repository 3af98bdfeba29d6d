"""Is a symptom gone? Seen to be gone, not merely unseen: no data is not health."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from sentinel.clock import format_span
from sentinel.detect.evaluate import Evaluator
from sentinel.model.incident import Incident
from sentinel.model.rule import Symptom
from sentinel.model.target import TargetKind

SILENT_FOR: Final = timedelta(days=1)
"""A deployment without telemetry for so long has its incident closed, without a verdict."""


def recovery(incident: Incident, symptom: Symptom, evaluator: Evaluator, now: datetime) -> str | None:
    """Why the symptom of an incident counts as gone; `None` while it does not.

    It must have been quiet for `keep-firing-for`. A deployment must also be seen to serve requests without it; jobs
    and clusters have no such steady signal, for them quiet is enough.
    """
    quiet = now - incident.last_seen
    if quiet < symptom.keep_firing:
        return None
    by_itself = f"recovered by itself: quiet for {format_span(quiet)}"
    if incident.target.kind is not TargetKind.DEPLOYMENT:
        return by_itself
    seen = evaluator.measure(symptom, incident.target, now - symptom.window, now)
    if seen is None or seen.sample == 0:
        silent = f"no telemetry for {format_span(quiet)}; closed without a verdict"
        return silent if quiet >= SILENT_FOR else None
    return None if seen.holds else by_itself


def staleness(symptom: Symptom, newest: datetime | None, now: datetime, *, fresh_within: timedelta) -> str:
    """Why the telemetry a symptom reads is too old to decide on; empty if it is not.

    Endpoints are logged all the time, so theirs must be fresh; of jobs and clusters there may be nothing to tell.
    """
    if newest is None:
        return "there is no telemetry"
    if symptom.target is TargetKind.DEPLOYMENT and now - newest > fresh_within:
        return f"the newest telemetry is {format_span(now - newest)} old"
    return ""
