"""A refused-requests incident from its first row to its end, and the rules it was judged by."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from sentinel.model.diagnosis import CauseVerdict, ClauseRole, Diagnosis, Evidence, Outcome
from sentinel.model.finding import Finding
from sentinel.model.incident import Incident, IncidentState
from sentinel.model.plan import Action, ActionKind, ActionState, Effect, Formula, Plan, RunMode, Verification
from sentinel.model.rule import Cause, Place, RuleSet, Severity, Symptom
from sentinel.model.settings import Change, Knob
from sentinel.model.target import Target, TargetKind, deployment
from sentinel.store.actions import Actions
from sentinel.store.incidents import Incidents
from sentinel.store.state import State

START = datetime(2026, 1, 5, 10, 0, tzinfo=UTC)
CHAT = deployment("chat", "blue")
REFUSED = "requests-refused"
SATURATED = "capacity/saturated-at-maximum"


def after(seconds: float) -> datetime:
    return START + timedelta(seconds=seconds)


def a_finding(target: Target = CHAT, at: datetime = START) -> Finding:
    row = {"EndpointName": "chat", "DeploymentName": "blue", "Requests": 412, "Refused": 129}
    return Finding(REFUSED, target, at, row, measure=129 / 412, sample=412)


def a_diagnosis() -> Diagnosis:
    saturated = CauseVerdict(
        SATURATED,
        "Every replica is busy and the deployment is at its maximum",
        Outcome.EXPLAINS,
        1.0,
        "chat/blue received 18.2 requests/s of 0.52 s each and had 4 of 4 replicas.",
        (
            Evidence(
                ClauseRole.REQUIRES,
                "the replica count equals the maximum",
                "capacity/saturated-at-maximum.yaml:4",
                held=True,
                rows=({"Replicas": 4, "MaxReplicas": 4},),
            ),
            Evidence(
                ClauseRole.EXCLUDES,
                "a container restarted in the window",
                "capacity/saturated-at-maximum.yaml:9",
                held=False,
            ),
        ),
        {"replicas": 4, "maximum": 4},
    )
    crashing = CauseVerdict(
        "containers/crashing",
        "Containers crash and come back",
        Outcome.RULED_OUT,
        0.0,
        "every replica is ready",
        (
            Evidence(
                ClauseRole.EXCLUDES,
                "every replica is ready",
                "containers/crashing.yaml:7",
                held=True,
                rows=({"Replicas": 4, "ReadyReplicas": 4},),
            ),
        ),
    )
    return Diagnosis(REFUSED, after(31), START, (saturated,), (crashing,), after(30), "rules-1")


def a_plan(incident: str = "i1", target: Target = CHAT) -> Plan:
    return Plan(
        id=f"{incident}-plan",
        incident=incident,
        target=target,
        cause=SATURATED,
        remedy=0,
        changes=(Change(Knob.MAX_REPLICAS, 4, 14),),
        formula=Formula(
            "replicas_for(peak_rps, seconds, target_utilization, concurrency)",
            {"peak_rps": 18.2, "seconds": 0.52, "target_utilization": 0.7, "concurrency": 1.0},
            "ceil(18.2 × 0.52 / 0.7 / 1) = 14",
            "azureml-fe's autoscaler",
            14,
        ),
        revision="7",
        created=after(32),
        expires=after(32 + 900),
        verify_after=timedelta(seconds=60),
        verify_within=timedelta(minutes=10),
    )


def an_incident(incident: str = "i1", target: Target = CHAT) -> Incident:
    return Incident(
        id=incident,
        symptom=REFUSED,
        target=target,
        state=IncidentState.OPEN,
        opened=START,
        updated=START,
        due=START,
        finding=a_finding(target),
        last_seen=START,
        why="31% of 412 requests were refused for 30 s.",
    )


def advance(store: State, incident: Incident, at: datetime, why: str, **changes: object) -> Incident:
    stored = Incidents(store).get(incident.id)
    assert stored is not None
    moved = replace(incident, updated=at, why=why, **changes)  # type: ignore[arg-type]
    Incidents(store).save(stored, moved)
    return moved


def a_waiting_incident(state: State, incident: str = "i1", target: Target = CHAT) -> Incident:
    opened = an_incident(incident, target)
    Incidents(state).create(opened)
    known = advance(
        state,
        opened,
        after(31),
        "Saturated at its maximum.",
        state=IncidentState.DIAGNOSED,
        diagnosis=a_diagnosis(),
    )
    return advance(
        state,
        known,
        after(32),
        "max_replicas 4 → 14 waits for a person.",
        state=IncidentState.WAITING,
        mode=RunMode.REVIEW,
        plan=a_plan(incident, target),
        due=after(932),
    )


def a_resolved_incident(state: State, incident: str = "i1", target: Target = CHAT) -> Incident:
    waiting = a_waiting_incident(state, incident, target)
    Actions(state).claim(an_action(incident, target))
    settling = advance(state, waiting, after(40), "Applied.", state=IncidentState.SETTLING)
    return advance(
        state,
        settling,
        after(125),
        "No request was refused since.",
        state=IncidentState.RESOLVED,
        closed=after(125),
        verification=Verification(
            Effect.WORKED, after(120), 129 / 412, 412, 0.0, 1030, -0.36, -0.27, "the interval lies below zero"
        ),
    )


def an_action(incident: str = "i1", target: Target = CHAT) -> Action:
    plan = a_plan(incident, target)
    return Action(
        id=f"{plan.id}/apply",
        plan=plan.id,
        incident=incident,
        target=target,
        kind=ActionKind.APPLY,
        state=ActionState.APPLIED,
        changes=plan.changes,
        expect="7",
        claimed=after(38),
        finished=after(40),
        revision="8",
    )


def the_rules(digest: str = "rules-1") -> RuleSet:
    symptom = Symptom(
        id=REFUSED,
        title="Requests are refused",
        severity=Severity.ERROR,
        target=TargetKind.DEPLOYMENT,
        every=timedelta(seconds=10),
        window=timedelta(minutes=2),
        hold=timedelta(seconds=30),
        keep_firing=timedelta(minutes=2),
        query="AmlOnlineEndpointTrafficLog",
        threshold="Refused > 0",
        measure="todouble(Refused) / Requests",
        sample="Requests",
        place=Place("symptoms/requests-refused.yaml", 1),
    )
    cause = Cause(
        id=SATURATED,
        title="Every replica is busy and the deployment is at its maximum",
        explains=(REFUSED,),
        requires=(),
        excludes=(),
        supports=(),
        facts="",
        because="",
        remedies=(),
        place=Place("causes/capacity/saturated-at-maximum.yaml", 1),
    )
    return RuleSet((symptom,), (cause,), digest)
