"""An adapter to one deployment that lives in a variable."""

from __future__ import annotations

from collections.abc import Sequence

from sentinel.errors import AdapterError
from sentinel.model.settings import Change, Deployment, Knob, Settings
from sentinel.model.target import Target


class OneDeployment:
    """Answers for one target, or fails always with `error`."""

    name = "one"
    knobs = frozenset(Knob)

    def __init__(self, target: Target, *, error: AdapterError | None = None) -> None:
        self._deployment = Deployment(target, Settings(), 1, 1, "1")
        self._error = error

    def targets(self) -> Sequence[Target]:
        return [self._deployment.target]

    def describe(self, target: Target) -> Deployment:
        if self._error is not None:
            raise self._error
        assert target == self._deployment.target
        return self._deployment

    def apply(self, target: Target, changes: Sequence[Change], *, expect: str, key: str) -> Deployment:
        _ = (target, expect, key)
        settings = self._deployment.settings.with_value(changes[0].knob, changes[0].after)
        self._deployment = Deployment(target, settings, 1, 1, "2")
        return self._deployment
