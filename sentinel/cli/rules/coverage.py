"""`sentinel rules coverage`: what the rules know, and what their cases know of the rules."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from sentinel.cli.exits import ExitCode
from sentinel.cli.home import Home
from sentinel.cli.output import counted, narrate

if TYPE_CHECKING:
    from sentinel.model.rule import RuleSet

NOT_OBSERVABLE: Final = "not-observable.yaml"
"""Beside the folders of a pack: the failure modes telemetry cannot show, by id, with the reason."""


@dataclass(frozen=True, slots=True)
class Coverage:
    """Which documented failure modes some rules recognise."""

    covered: Mapping[str, tuple[str, ...]]
    """The causes that cover a mode, by its id."""
    not_observable: Mapping[str, str]
    """Why telemetry cannot show a mode, by its id."""
    missing: tuple[tuple[str, str], ...]
    """The id and title of each mode that is neither."""
    wrong: tuple[str, ...]
    """What the rules say that cannot be right, a sentence each."""

    @property
    def complete(self) -> bool:
        """Whether every mode has its place and the rules name no other."""
        return not self.missing and not self.wrong

    @property
    def summary(self) -> str:
        """The counts in one line."""
        covered, hidden, missing = len(self.covered), len(self.not_observable), len(self.missing)
        total = covered + hidden + missing
        return f"covered {covered}, not observable {hidden}, missing {missing} of {total}"


def coverage_of(modes: Mapping[str, str], rules: RuleSet, not_observable: Mapping[str, str]) -> Coverage:
    """Compare the failure modes, given as id and title, with what causes cover and what cannot be observed."""
    by: dict[str, list[str]] = {}
    for cause in rules.causes:
        for mode in cause.covers:
            by.setdefault(mode, []).append(cause.id)
    wrong = [f"{', '.join(by[m])} covers {m!r}, which is no failure mode" for m in sorted(by.keys() - modes)]
    for mode in sorted(not_observable):
        if mode not in modes:
            wrong.append(f"{NOT_OBSERVABLE} names {mode!r}, which is no failure mode")
        elif mode in by:
            wrong.append(f"{NOT_OBSERVABLE} names {mode!r}, but {', '.join(by[mode])} covers it")
        elif not not_observable[mode].strip():
            wrong.append(f"{NOT_OBSERVABLE} gives no reason for {mode!r}")
    covered = {mode: tuple(by[mode]) for mode in modes if mode in by}
    hidden = {mode: not_observable[mode] for mode in modes if mode in not_observable and mode not in by}
    missing = tuple((m, title) for m, title in modes.items() if m not in covered and m not in hidden)
    return Coverage(covered, hidden, missing, tuple(wrong))


def read_modes(path: Path) -> dict[str, str]:
    """The id and title of each failure mode of a JSON file, whose `failures` list has them.

    Raises:
        ValueError: The file has no such list.
    """
    try:
        return {
            str(mode["id"]): str(mode.get("title", ""))
            for mode in json.loads(path.read_text("utf-8"))["failures"]
        }
    except (KeyError, TypeError, AttributeError, json.JSONDecodeError) as error:
        raise ValueError(f'{path} is not {{"failures": [{{"id": …, "title": …}}, …]}}: {error!r}') from None


def read_not_observable(packs: Iterable[Path]) -> dict[str, str]:
    """The modes of the `not-observable.yaml` of some packs, with the reason each.

    Raises:
        ValueError: A file is not a mapping of ids to reasons.
    """
    import yaml

    found: dict[str, str] = {}
    for file in (pack / NOT_OBSERVABLE for pack in packs):
        if not file.is_file():
            continue
        listed = yaml.safe_load(file.read_text("utf-8")) or {}
        if not isinstance(listed, dict):
            raise ValueError(f"{file} is not a mapping of failure modes to reasons")  # noqa: TRY004
        found |= {str(mode): str(reason or "") for mode, reason in listed.items()}
    return found


@click.command("coverage")
@click.argument("paths", nargs=-1, type=click.Path(path_type=Path, exists=True), metavar="[PATH]...")
@click.option(
    "--modes",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    metavar="FILE",
    help='The failure modes: JSON with a list "failures" of objects with "id" and "title".',
)
@click.option("--mutants", is_flag=True, help="Change one thing at a time and see which case notices.")
@click.option("--sample", type=click.IntRange(1), metavar="N", help="Try only N mutants.")
@click.option("--seed", type=int, default=0, show_default=True, help="What picks the mutants of a sample.")
@click.option(
    "--at-least",
    type=click.IntRange(0, 100),
    default=0,
    metavar="PERCENT",
    help="End with code 1 if the cases catch less of the mutants.",
)
@click.option(
    "--verbose", "-v", is_flag=True, help="Name the causes of the covered modes and the reasons, too."
)
@click.pass_context
def command(
    context: click.Context,
    paths: tuple[Path, ...],
    *,
    modes: Path | None,
    mutants: bool,
    sample: int | None,
    seed: int,
    at_least: int,
    verbose: bool,
) -> None:
    """Say which documented failure modes the rules recognise, or which mistakes in a rule its cases would notice.

    With --modes: a cause names the modes it recognises under covers; not-observable.yaml in the pack names those
    that telemetry cannot show, with the reason. Modes that are neither, and names that are no mode, go to standard
    output, the counts last, and the command ends with code 1 if there are any such.

    With --mutants: one thing of a rule or a shared definition is changed at a time (a condition, a clause, a source
    or an alternative is left out, a threshold shifted, a column swapped), and the cases of the rules it touches are
    run. The changes that no case notices go to standard output as FILE:LINE: CHANGE, the share that was caught last.
    Paths narrow down which files are changed.
    """
    from sentinel.errors import RuleErrors

    if (modes is None) == (not mutants):
        raise click.UsageError("say what to compare the rules with: --modes FILE, or --mutants")
    home: Home = context.obj
    try:
        if modes is None:
            told, passed = _mutants(home, paths, sample, seed, at_least)
        else:
            told, passed = _modes(home, paths, modes, verbose=verbose)
    except RuleErrors as error:
        click.echo(str(error))
        narrate(f"{counted(len(error.problems), 'problem')}; nothing was compared")
        context.exit(ExitCode.FINDING)
    except ValueError as error:
        raise click.UsageError(str(error)) from None
    for line in told:
        click.echo(line)
    if not passed:
        context.exit(ExitCode.FINDING)


def _modes(home: Home, paths: tuple[Path, ...], modes: Path, *, verbose: bool) -> tuple[list[str], bool]:
    """What to tell about failure modes, and whether all have their place."""
    from sentinel.config import Config
    from sentinel.config.rules_in_force import rule_paths
    from sentinel.detect.ruleset import find_rule_files, load_rules

    wanted = paths or rule_paths(home.directory, Config.load(home.directory))
    known = read_modes(modes)
    packs = dict.fromkeys(file.pack for file in find_rule_files(wanted)[0])
    found = coverage_of(known, load_rules(wanted), read_not_observable(packs))
    return _lines(found, verbose=verbose), found.complete


def _mutants(
    home: Home, paths: tuple[Path, ...], sample: int | None, seed: int, at_least: int
) -> tuple[list[str], bool]:
    """What to tell about mutants, and whether enough were caught."""
    from sentinel.config import Config
    from sentinel.config.rules_in_force import rule_paths
    from sentinel.rehearse.mutants import Pack
    from sentinel.rehearse.mutation_score import score

    in_force = rule_paths(home.directory, Config.load(home.directory))
    pack = Pack.load((*in_force, *paths))
    found = score(pack, paths or in_force, sample=sample, seed=seed)
    summary = f"caught {found.caught} of {counted(found.tried, 'mutant')} ({found.share:.1%})"
    return [*map(str, found.missed), summary], 100 * found.share >= at_least


def _lines(found: Coverage, *, verbose: bool) -> list[str]:
    told = [f"covered  {mode}: {', '.join(causes)}" for mode, causes in found.covered.items() if verbose]
    told += [f"not observable  {mode}: {why}" for mode, why in found.not_observable.items() if verbose]
    told += [f"missing  {mode}: {title}" for mode, title in found.missing]
    told += [f"wrong  {sentence}" for sentence in found.wrong]
    return [*told, found.summary]
