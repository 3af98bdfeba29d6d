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


def rules_in_force(home: Path, config: Config, engine: Engine | None = None) -> RuleSet:
    """The rules at the pace of the settings; with an engine, the queries of added rules are bound too.

    The built-in rules are bound when Sentinel is built, so a home without rules of its own starts at once.

    Raises:
        RuleErrors: A rule file cannot be used.
    """
    from sentinel.detect.ruleset import load_rules
    from sentinel.remediate.formula import names_in

    return load_rules(
        rule_paths(home, config),
        engine=engine if config.rules.paths else None,
        names_in=names_in,
        pace=config.pace,
    )
