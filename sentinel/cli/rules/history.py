"""The history that commands replay rules on: which, from when to when, and how far the rules may go."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from sentinel.cli.arguments import INSTANT
from sentinel.cli.home import Home
from sentinel.cli.output import counted, narrate
from sentinel.clock import monotonic

if TYPE_CHECKING:
    from sentinel.config import Config
    from sentinel.model.rule import RuleSet
    from sentinel.query.engine import Engine
    from sentinel.rehearse.backtest import Backtest
    from sentinel.rehearse.policy_backtest import Contested
    from sentinel.remediate.policy import Policy
    from sentinel.store.telemetry import TelemetryStore

Command = TypeVar("Command", bound=Callable[..., object])


def history_options(command: Command) -> Command:
    """Add the options; the function's parameters are `begin`, `end`, `records` and `mode`."""
    options = (
        click.option(
            "--from",
            "begin",
            type=INSTANT,
            metavar="TIME",
            help="Where it begins (default: with the oldest record).",
        ),
        click.option(
            "--to",
            "end",
            type=INSTANT,
            metavar="TIME",
            help="Where it ends (default: with the newest record).",
        ),
        click.option(
            "--records",
            type=click.Path(path_type=Path, exists=True),
            metavar="DIR|FILE",
            help="Replay these records instead of the telemetry of the home.",
        ),
        click.option(
            "--mode",
            type=click.Choice(["readonly", "review", "autonomous", "configured"]),
            default="autonomous",
            show_default=True,
            help="How far the rules may go; configured is what the settings of the home say.",
        ),
    )
    decorated: Any = command
    for option in reversed(options):
        decorated = option(decorated)
    chosen: Command = decorated
    return chosen


@dataclass(slots=True)
class Replay:
    """One history, on which rules can be replayed."""

    home: Path
    config: Config
    store: TelemetryStore
    engine: Engine
    policy: Policy
    begin: datetime
    end: datetime
    seconds: float = 0.0
    """How long the last run took."""

    def rules(self, paths: tuple[Path, ...]) -> RuleSet:
        """The rules of some paths, or those in force.

        Raises:
            RuleErrors: A rule file cannot be used.
        """
        from sentinel.config.rules_in_force import rules_in_force
        from sentinel.detect.ruleset import load_rules
        from sentinel.remediate.formula import names_in

        if not paths:
            return rules_in_force(self.home, self.config, self.engine)
        return load_rules(paths, engine=self.engine, names_in=names_in, pace=self.config.pace)

    def run(self, rules: RuleSet) -> Backtest:
        """Replay the history."""
        from sentinel.rehearse.backtest import backtest

        begun = monotonic()
        found = backtest(self.store, self.engine, rules, self.policy, self.begin, self.end)
        self.seconds = monotonic() - begun
        return found

    def contests(self) -> tuple[Contested, ...]:
        """What each policy would have done to the deployments of the history."""
        from sentinel.rehearse.policy_backtest import contests

        return contests(self.engine, self.policy, self.begin, self.end)


@contextmanager
def replayed(
    home: Home, records: Path | None, begin: datetime | None, end: datetime | None, mode: str
) -> Iterator[Replay]:
    """The history a person chose.

    Raises:
        click.UsageError: There is none, or it ends before it begins.
    """
    from sentinel.cli.recorded import telemetry_of
    from sentinel.config import Config
    from sentinel.daemon.wiring import policy_of
    from sentinel.model.plan import RunMode
    from sentinel.query.engine import Engine

    config = Config.load(home.directory)
    policy = policy_of(config)
    if mode != "configured":
        policy = replace(policy, mode=RunMode(mode), symptom_modes={}, target_modes={})
    with telemetry_of(home, records) as store, closing(Engine(store)) as engine:
        held = store.statistics()
        first, last = begin or held.oldest, end or held.newest
        if first is None or last is None:
            raise click.UsageError("there is no telemetry to replay")
        first = first.replace(microsecond=0)
        if last < first:
            raise click.UsageError(f"the history ends at {last:%Y-%m-%dT%H:%M:%SZ}, before it begins")
        yield Replay(home.directory, config, store, engine, policy, first, last)


def narrate_speed(found: Backtest, seconds: float) -> None:
    """Say how much was replayed in which time."""
    rate = found.rows / seconds * 60 if seconds else 0
    narrate(
        f"{counted(found.rows, 'row')}, {counted(found.evaluations, 'evaluation')} in {seconds:.1f} s"
        f" ({rate / 1e6:.2f} M rows a minute)"
    )
