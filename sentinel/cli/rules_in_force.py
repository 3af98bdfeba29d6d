"""The rules a home works with."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from sentinel.cli.home import Home

if TYPE_CHECKING:
    from sentinel.model.rule import RuleSet


def rule_paths(home: Home) -> tuple[Path, ...]:
    """The built-in rules, unless the settings leave them out, and those the settings name.

    Raises:
        ConfigError: The settings cannot be used.
    """
    from sentinel.config import Config
    from sentinel.detect.ruleset import default_rule_paths

    settings = Config.load(home.directory).rules
    builtin = default_rule_paths() if settings.builtin else ()
    return (*builtin, *(home.directory / path for path in settings.paths))


def rules_in_force(home: Home) -> RuleSet:
    """The rules as the daemon of this home reads them.

    Raises:
        ConfigError: The settings cannot be used.
        RuleErrors: A rule file cannot be used.
    """
    from sentinel.config import Config
    from sentinel.detect.ruleset import load_rules

    return load_rules(rule_paths(home), pace=Config.load(home.directory).pace)
