"""The rules in force."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import structlog

from sentinel.errors import RuleErrors
from sentinel.model.rule import RuleSet

_log: Final = structlog.stdlib.get_logger("sentinel.rules")


class RuleBook:
    """The rule set read last without an error; whoever asks gets a whole one.

    Raises:
        RuleErrors: The rules cannot be used at the start.
    """

    def __init__(self, read: Callable[[], RuleSet]) -> None:
        self._read = read
        self._rules = read()

    def current(self) -> RuleSet:
        """The rules in force."""
        return self._rules

    def reread(self) -> bool:
        """Read the files again; with an error in them the rules stay as they are. Whether they were read."""
        try:
            self._rules = self._read()
        except (RuleErrors, OSError) as error:
            _log.error("rules not read again, the old ones stay", problems=str(error))
            return False
        _log.info("rules read again", digest=self._rules.digest, symptoms=len(self._rules.symptoms))
        return True
