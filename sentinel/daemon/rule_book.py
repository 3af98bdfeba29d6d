"""The rules in force."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

import structlog

from sentinel.errors import RuleErrors
from sentinel.model.rule import RuleSet

_log: Final = structlog.stdlib.get_logger("sentinel.rules")

Stamps = Mapping[Path, tuple[int, int]]
"""When each rule file was last changed, in nanoseconds, and its size."""


class RuleBook:
    """The rule set read last without an error; whoever asks gets a whole one.

    `read` is given the files that changed since the beginning, `stamps` tells of all files without reading any, and
    `told` learns whether the files could be read again.

    Raises:
        RuleErrors: The rules cannot be used at the start.
    """

    def __init__(
        self,
        read: Callable[[frozenset[Path]], RuleSet],
        stamps: Callable[[], Stamps] = dict,
        told: Callable[[bool], object] = bool,
    ) -> None:
        self._read, self._stamps, self._told = read, stamps, told
        self._lock = threading.Lock()
        self._first = self._known = self._seen = stamps()
        self._rules = read(frozenset())

    def current(self) -> RuleSet:
        """The rules in force."""
        return self._rules

    def look(self) -> bool:
        """Read the files again if one of them changed, came or went. Whether they were read.

        They are read once they stay the same from one look to the next, so that files that are just being copied are
        not read by halves.
        """
        stamps = self._stamps()
        is_settled, self._seen = stamps == self._seen, stamps
        return is_settled and stamps != self._known and self.reread()

    def reread(self) -> bool:
        """Read the files again; with an error in them the rules stay as they are. Whether they were read."""
        with self._lock:
            stamps = self._stamps()
            self._known = self._seen = stamps
            changed = {path for path, stamp in stamps.items() if self._first.get(path) != stamp}
            try:
                self._rules = self._read(frozenset(changed))
            except (RuleErrors, OSError) as error:
                _log.error("rules not read again, the old ones stay", problems=str(error))
                self._told(False)
                return False
        _log.info("rules read again", digest=self._rules.digest, symptoms=len(self._rules.symptoms))
        self._told(True)
        return True
