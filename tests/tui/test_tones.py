from __future__ import annotations

from sentinel.model.incident import IncidentState
from sentinel.report.plans import Standing
from sentinel.tui.grid import Tone
from sentinel.tui.tones import INCIDENT, STANDING, of_job


def test_every_state_and_every_standing_has_a_tone() -> None:
    assert set(INCIDENT) == set(IncidentState)
    assert set(STANDING) == set(Standing)


def test_the_state_of_a_job_is_compared_without_case() -> None:
    assert (of_job("FAILED"), of_job("Failed"), of_job("unheard of")) == (Tone.BAD, Tone.BAD, Tone.PLAIN)
