from __future__ import annotations

from collections.abc import Iterator

import pytest

from sentinel.report.explain import explain
from sentinel.report.incidents import incident_detail
from sentinel.store.incidents import Incidents
from sentinel.store.state import State
from tests.report.incident_samples import a_resolved_incident, a_waiting_incident, an_incident, the_rules

WHOLE = """\
chat/blue: Requests are refused · resolved
incident i1, opened 2026-01-05 10:00:00Z, closed 2026-01-05 10:02:05Z

VERDICT
  Every replica is busy and the deployment is at its maximum (confidence 100%)
  chat/blue received 18.2 requests/s of 0.52 s each and had 4 of 4 replicas.
  rule: causes/capacity/saturated-at-maximum.yaml:1 (capacity/saturated-at-maximum)
  symptom: symptoms/requests-refused.yaml:1 (requests-refused), 31% of 412 observed
           DeploymentName=blue  EndpointName=chat  Refused=129  Requests=412

EVIDENCE
  + the replica count equals the maximum  (capacity/saturated-at-maximum.yaml:4)
      MaxReplicas=4  Replicas=4
  − a container restarted in the window  [would exclude it; does not hold]
    (capacity/saturated-at-maximum.yaml:9)

RULED OUT
  Containers crash and come back  (containers/crashing)
    + every replica is ready  [excludes it]  (containers/crashing.yaml:7)
        ReadyReplicas=4  Replicas=4

FORMULA
  replicas_for(peak_rps, seconds, target_utilization, concurrency) = 14
  with concurrency = 1, peak_rps = 18.2, seconds = 0.52, target_utilization = 0.7
  ceil(18.2 × 0.52 / 0.7 / 1) = 14
  source: azureml-fe's autoscaler

ACTION
  max_replicas 4 → 14  applied +40s, revision 7 → 8

EFFECT
  It worked: 31% → 0% (412 observed before, 1,030 after)
  difference −31.3 points, 95% interval −36.0 points to −27.0 points, measured 2026-01-05 10:02:00Z
  the interval lies below zero

TIME LINE
       +0s  open       31% of 412 requests were refused for 30 s.
      +31s  diagnosed  Saturated at its maximum.
      +32s  waiting    max_replicas 4 → 14 waits for a person.
      +40s  settling   Applied.
     +2m5s  resolved   No request was refused since.
"""


@pytest.fixture
def state() -> Iterator[State]:
    state = State.open(None)
    yield state
    state.close()


def test_a_resolved_incident_is_told_from_the_verdict_to_the_measured_effect(state: State) -> None:
    a_resolved_incident(state)
    detail = incident_detail(state, "i1")
    assert detail is not None

    text = explain(detail, the_rules())

    assert text == WHOLE


def test_what_holds_an_incident_back_now_is_told_although_it_is_no_step(state: State) -> None:
    a_waiting_incident(state)
    stored = Incidents(state).get("i1")
    assert stored is not None
    Incidents(state).touch(stored, why="stopped by a person: freeze")
    detail = incident_detail(state, "i1")
    assert detail is not None

    heading = explain(detail).split("\n\n")[0].splitlines()

    assert heading[2:] == ["now: stopped by a person: freeze"]


def test_the_text_does_not_need_the_rules(state: State) -> None:
    a_resolved_incident(state)
    detail = incident_detail(state, "i1")
    assert detail is not None

    text = explain(detail)

    assert "rule: capacity/saturated-at-maximum" in text
    assert "requests-refused, 31% of 412 observed" in text


def test_rules_that_changed_since_the_verdict_are_pointed_out(state: State) -> None:
    a_waiting_incident(state)
    detail = incident_detail(state, "i1")
    assert detail is not None

    text = explain(detail, the_rules(digest="rules-2"))

    assert "The verdict was made with other rules or at another pace" in text


def test_a_plan_that_was_not_applied_says_that_nothing_was_changed(state: State) -> None:
    a_waiting_incident(state)
    detail = incident_detail(state, "i1")
    assert detail is not None

    text = explain(detail)

    assert "max_replicas 4 → 14: planned, nothing was changed (expires 2026-01-05 10:15:32Z)" in text
    assert "EFFECT" not in text


def test_an_incident_just_opened_says_that_it_is_not_diagnosed(state: State) -> None:
    Incidents(state).create(an_incident())
    detail = incident_detail(state, "i1")
    assert detail is not None

    text = explain(detail)

    assert "Not diagnosed yet." in text
    assert "EVIDENCE" not in text


def test_no_line_is_longer_than_the_width_asked_for(state: State) -> None:
    a_resolved_incident(state)
    detail = incident_detail(state, "i1")
    assert detail is not None

    lines = explain(detail, the_rules(), width=60).splitlines()

    assert max(map(len, lines)) <= 60
