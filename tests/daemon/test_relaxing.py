"""What the log says of raised settings that stay as they are."""

from __future__ import annotations

from typing import cast

from structlog.testing import capture_logs

from sentinel.clock import VirtualClock
from sentinel.daemon.relaxing import LooksBack
from sentinel.model.target import Target
from sentinel.remediate.relax import Relaxer
from tests.builders import CHAT_BLUE, NOON


class Looks:
    """A relaxer that finds one thing after the other."""

    def __init__(self, *found: str) -> None:
        self._found = iter(found)

    def look(self, _now: object) -> dict[Target, str]:
        return {CHAT_BLUE: next(self._found)}


def test_why_a_setting_stays_is_told_when_it_changes_and_not_for_its_numbers() -> None:
    told = ("it was undone 1d ago", "it was undone 2d ago", "inc-1 is open")
    looks = LooksBack(cast("Relaxer", Looks(*told)), VirtualClock(NOON))

    with capture_logs() as logged:
        for _ in told:
            looks.look()

    assert [one["outcome"] for one in logged] == ["it was undone 1d ago", "inc-1 is open"]
