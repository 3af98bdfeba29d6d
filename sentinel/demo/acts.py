"""Plays the acts: trouble is made, Sentinel is watched, and the end is compared with the one that is due."""

from __future__ import annotations

import shutil
import signal
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, NoReturn

from rich.console import Console
from rich.live import Live
from rich.rule import Rule
from rich.text import Text

from sentinel.demo.plot import ACTS, Act, Seen
from sentinel.demo.stage import Crowd, Stage, set_stage
from sentinel.demo.story import Glance, Story, reasons
from sentinel.errors import DecisionError
from sentinel.model.incident import Approval, IncidentState
from sentinel.model.plan import RunMode
from sentinel.report.incidents import IncidentDetail

ACT_SECONDS: Final = 110.0
"""After so long an act that has not ended as it should has failed; waiting for a person does not count."""
_CALM_SECONDS: Final = 6.0
_LINGER_SECONDS: Final = 3.0
_LOOK_SECONDS: Final = 0.5
_RECENT_SECONDS: Final = 4.0

Ask = Callable[[str], bool]


def run_demo(
    home: Path | None,
    acts: Sequence[str],
    mode: RunMode,
    *,
    keep: bool,
    console: Console,
    ask: Ask | None = None,
) -> int:
    """Play acts and return 0 if each ended as it should, else 1.

    Args:
        home: An empty or new directory to play in; a temporary one if None.
        acts: The keys of the acts, `a`, `b` and `c`; all of them if empty.
        mode: The run mode of the daemon; in review mode a person is asked.
        keep: Leave the directory as it is in the end.
        console: Where the story is told.
        ask: Asks a person yes or no; in the terminal by default.

    Raises:
        ConfigError: The home directory is not empty.
        SentinelError: A process did not start, or ended in the middle of an act.
    """
    played = [act for act in ACTS if act.key in acts or not acts]
    place = home or Path(tempfile.mkdtemp(prefix="sentinel-demo-"))
    kept = keep or home is not None
    with _ending_on_signals(), _tidied(place, keep=kept):
        console.print(Text(f"Starting a daemon, a router and its replicas in {place} …", "dim"))
        with set_stage(place, mode, [act.deployment for act in played]) as stage:
            failed = [
                act
                for number, act in enumerate(played, 1)
                if not _play(stage, act, mode, console, ask, number)
            ]
    if failed:
        titles = ", ".join(act.title for act in failed)
        console.print(Text(f"\nNot every act ended as it should: {titles}.", "bold red"))
    if kept:
        console.print(Text(f"\nEverything is kept: sentinel --home {place} incidents", "dim"))
    return 1 if failed else 0


def _play(stage: Stage, act: Act, mode: RunMode, console: Console, ask: Ask | None, number: int) -> bool:
    """Play one act, tell it, and say whether it ended as it should."""
    console.print()
    console.print(Rule(Text(f"{number} · {act.title}", "bold"), align="left"))
    console.print(Text(act.scene, "italic"))
    console.print()
    story = Story(datetime.now(UTC))
    with stage.crowd(act.name) as crowd, Live(console=console, transient=True, refresh_per_second=4) as live:
        performance = _Performance(stage, act, crowd, story, mode, live, ask or _asking(console))
        seen, missing = performance.run()
    ended = datetime.now(UTC)
    console.print(story.drawn(seen.incidents))
    for detail in _told(seen.incidents):
        console.print()
        console.print(reasons(detail, stage.forecast(detail, ended)))
    console.print()
    if missing:
        console.print(Text(f"✘ Not as it should be: {'; '.join(missing)}.", "bold red"))
    else:
        console.print(Text("✔ As it should be.", "bold green"))
    return not missing


class _Performance:
    """One act while it is played."""

    def __init__(
        self, stage: Stage, act: Act, crowd: Crowd, story: Story, mode: RunMode, live: Live, ask: Ask
    ) -> None:
        self._stage = stage
        self._act = act
        self._crowd = crowd
        self._story = story
        self._mode = mode
        self._live = live
        self._ask = ask
        self._asked: set[str] = set()

    def run(self) -> tuple[Seen, list[str]]:
        """Play until nothing is missing for a while or the time is up; what was seen, and what is missing."""
        act = self._act
        self._crowd.come(act.calm_rate)
        self._story.note(datetime.now(UTC), "load", f"{act.calm_rate:g} requests/s, as recorded in 2023")
        self._watch_for(_CALM_SECONDS)
        self._story.note(datetime.now(UTC), "trouble", act.trouble(self._stage, self._crowd))
        left, complete_for = ACT_SECONDS, 0.0
        while True:
            seen = self._look()
            missing = act.missing(seen)
            complete_for = 0.0 if missing else complete_for + _LOOK_SECONDS
            if complete_for > _LINGER_SECONDS or left <= 0:
                self._crowd.come(0)
                return seen, missing
            if self._mode is RunMode.REVIEW:
                self._review(seen.incidents)
            time.sleep(_LOOK_SECONDS)
            left -= _LOOK_SECONDS

    def _watch_for(self, seconds: float) -> None:
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            self._look()
            time.sleep(_LOOK_SECONDS)

    def _look(self) -> Seen:
        self._stage.check()
        described = self._stage.describe(self._act.name)
        answers = self._crowd.recent(1)
        maximum = described["settings"]["max_replicas"]
        self._story.glance(Glance(answers, described["ready_replicas"], described["replicas"], maximum))
        incidents = self._stage.incidents(self._act.name)
        self._live.update(self._story.drawn(incidents))
        return Seen(self._mode, incidents, self._crowd.recent(_RECENT_SECONDS))

    def _review(self, incidents: Sequence[IncidentDetail]) -> None:
        """Ask about each plan that waits for a person, once."""
        for detail in incidents:
            incident, plan = detail.incident, detail.plan
            undecided = incident.state is IncidentState.WAITING and incident.approval is Approval.NONE
            if plan is None or not undecided or plan.id in self._asked:
                continue
            self._asked.add(plan.id)
            self._live.stop()
            self._live.console.print(self._story.drawn(incidents))
            approved = self._ask(f"{', '.join(map(str, plan.changes))}: {plan.formula.workings}")
            with suppress(DecisionError):  # it took too long; the plan is made again from newer evidence
                self._stage.decide(incident.id, approve=approved)
            self._live.start()


def _told(incidents: Sequence[IncidentDetail]) -> list[IncidentDetail]:
    """The incidents whose reasons are told: those with a change, or else the first that was diagnosed."""
    changed = [detail for detail in incidents if detail.actions]
    return changed or [detail for detail in incidents if detail.diagnosis is not None][:1]


def _asking(console: Console) -> Ask:
    def ask(question: str) -> bool:
        console.print(Text(f"\n{question}", "bold"))
        try:
            return console.input("Apply it? (y/n) ").strip().lower().startswith("y")
        except EOFError:
            return False

    return ask


@contextmanager
def _tidied(place: Path, *, keep: bool) -> Iterator[None]:
    try:
        yield
    finally:
        if not keep:
            shutil.rmtree(place, ignore_errors=True)


@contextmanager
def _ending_on_signals() -> Iterator[None]:
    """Make a polite request to end an orderly end, as Ctrl-C is one."""

    def end(_number: int, _frame: object) -> NoReturn:
        raise KeyboardInterrupt

    before = {number: signal.signal(number, end) for number in (signal.SIGTERM, signal.SIGHUP)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
