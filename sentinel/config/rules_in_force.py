"""The rules a home works with, as every face and the daemon read them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from sentinel.config.settings import Config

if TYPE_CHECKING:
    from sentinel.model.rule import RuleSet
    from sentinel.query.engine import Engine


def rule_paths(home: Path, config: Config) -> tuple[Path, ...]:
    """The built-in rules, unless the settings leave them out, and those the settings name."""
    from sentinel.detect.ruleset import default_rule_paths

    builtin = default_rule_paths() if config.rules.builtin else ()
    return (*builtin, *(home / path for path in config.rules.paths))


def rules_in_force(
    home: Path, config: Config, engine: Engine | None = None, changed: frozenset[Path] = frozenset()
) -> RuleSet:
    """The rules at the pace of the settings; with an engine, the queries of added rules are bound too.

    The built-in rules are bound when Sentinel is built, so only those of them that `changed` since then are bound here,
    and all of them when what they share did.

    Raises:
        RuleErrors: A rule file cannot be used.
    """
    from sentinel.detect.definitions import SUFFIX
    from sentinel.detect.ruleset import default_rule_paths, find_rule_files, load_rules
    from sentinel.remediate.formula import names_in

    shared_changed = any(path.suffix == SUFFIX for path in changed)
    builtin = () if shared_changed else find_rule_files(default_rule_paths())[0]
    return load_rules(
        rule_paths(home, config),
        engine=engine,
        names_in=names_in,
        pace=config.pace,
        bound={file.path.resolve() for file in builtin} - changed,
    )
