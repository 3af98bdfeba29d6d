"""Values for tests, with good defaults."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from sentinel.model.diagnosis import CauseVerdict, Diagnosis, Outcome
from sentinel.model.finding import Finding
from sentinel.model.incident import Incident, IncidentState
from sentinel.model.outlook import Outcome as Simulated
from sentinel.model.plan import Formula, Plan
from sentinel.model.rule import Cause, Place, Remedy, RemedyKind, VerifyWindow
from sentinel.model.settings import Change, Deployment, Knob, Settings
from sentinel.model.target import Target, deployment
from sentinel.simulate.calibrate import Model
from sentinel.simulate.history import State
from sentinel.simulate.replay import Demand, Timing

NOON = datetime(2026, 3, 4, 12, 0, tzinfo=UTC)
CHAT_BLUE: Target = deployment("chat", "blue")
PLACE = Place("rules/causes/test.yaml", 1)


def a_finding(**changes: Any) -> Finding:
    values = {
        "symptom": "requests-refused",
        "target": CHAT_BLUE,
        "at": NOON,
        "row": {"EndpointName": "chat", "DeploymentName": "blue", "Requests": 1000, "Refused": 400},
        "measure": 0.4,
        "sample": 1000,
    }
    return Finding(**{**values, **changes})


def a_deployment(**changes: Any) -> Deployment:
    values = {
        "target": CHAT_BLUE,
        "settings": Settings(max_replicas=4),
        "replicas": 4,
        "ready_replicas": 4,
        "revision": "r1",
        "ceilings": ((Knob.REQUEST_TIMEOUT_MS, 300_000),),
    }
    return Deployment(**{**values, **changes})


def a_model(demand: Demand, settings: Settings, **changes: Any) -> Model:
    values = {
        "demand": demand,
        "timing": Timing(),
        "settings": settings,
        "steps": (State(0.0, 1, 1, settings),),
        "replayed": Simulated(0, 0, 0, 0, 0, 0, 0, 0),
        "refused_share": 0.5,
        "timed_out_share": 0.0,
        "note": "refused 50 % simulated, 50 % observed",
        "calibrated": True,
    }
    return Model(**{**values, **changes})


def a_plan(**changes: Any) -> Plan:
    values = {
        "id": "plan-1",
        "incident": "inc-1",
        "target": CHAT_BLUE,
        "cause": "capacity/saturated-at-maximum",
        "remedy": 0,
        "changes": (Change(Knob.MAX_REPLICAS, 4, 9),),
        "formula": Formula("replicas_for(rps, seconds, 70, 1)", {"rps": 30.0}, "ceil(…) = 9", "docs", 9),
        "revision": "r1",
        "created": NOON,
        "expires": NOON + timedelta(minutes=5),
        "verify_after": timedelta(seconds=60),
        "verify_within": timedelta(minutes=10),
    }
    return Plan(**{**values, **changes})


def a_cause(**changes: Any) -> Cause:
    values = {
        "id": "capacity/saturated-at-maximum",
        "title": "Every replica is busy and the deployment is at its maximum",
        "explains": ("requests-refused",),
        "requires": (),
        "excludes": (),
        "supports": (),
        "facts": "",
        "because": "",
        "remedies": (
            Remedy(
                RemedyKind.RAISE,
                PLACE,
                knob=Knob.MAX_REPLICAS,
                to="replicas_for(rps, seconds, target_utilization, max_concurrency)",
                verify=VerifyWindow(timedelta(seconds=60), timedelta(minutes=10)),
            ),
            Remedy(RemedyKind.ESCALATE, PLACE, advice="ask for quota"),
        ),
        "place": PLACE,
    }
    return Cause(**{**values, **changes})


def a_verdict(**changes: Any) -> CauseVerdict:
    values = {
        "cause": "capacity/saturated-at-maximum",
        "title": "Every replica is busy and the deployment is at its maximum",
        "outcome": Outcome.EXPLAINS,
        "confidence": 1.0,
        "reason": "30 requests/s of 0.2 s each met 4 of 4 replicas",
        "evidence": (),
        "facts": {"rps": 30.0, "seconds": 0.2},
    }
    return CauseVerdict(**{**values, **changes})


def a_diagnosis(**changes: Any) -> Diagnosis:
    values = {
        "symptom": "requests-refused",
        "at": NOON,
        "window_start": NOON - timedelta(minutes=2),
        "ranked": (a_verdict(),),
        "others": (),
        "newest": NOON,
        "rules": "digest",
    }
    return Diagnosis(**{**values, **changes})


def an_incident(**changes: Any) -> Incident:
    values = {
        "id": "inc-1",
        "symptom": "requests-refused",
        "target": CHAT_BLUE,
        "state": IncidentState.OPEN,
        "opened": NOON,
        "updated": NOON,
        "due": NOON,
        "finding": a_finding(),
        "last_seen": NOON,
        "why": "Requests are refused",
    }
    return Incident(**{**values, **changes})
